// Which of two versions of a row is the newer one. The same as signalman/version.py; tests/vectors hold the two
// together.

import { moment } from "./clock.js";

const WHOLE = /^-?[0-9]{1,40}$/;

/**
 * Whether version `one` is newer than version `other`. Two integers, or texts of integers, are compared as such; else
 * two RFC 3339 times, to all of their digits; else their texts. No version at all is older than any.
 */
export function isNewer(one, other) {
  if ((one ?? null) === null || (other ?? null) === null) return (one ?? null) !== null;
  const numbers = [whole(one), whole(other)];
  if (!numbers.includes(null)) return numbers[0] > numbers[1];
  const moments = [moment(one), moment(other)];
  if (!moments.includes(null)) return isLater(...moments);
  return String(one) > String(other);
}

/** 64-bit integers are strings in JSON, and have no room in a Number. */
function whole(value) {
  if (typeof value === "string") return WHOLE.test(value) ? BigInt(value) : null;
  return Number.isInteger(value) ? BigInt(value) : null;
}

function isLater(one, other) {
  return one.seconds > other.seconds || (one.seconds === other.seconds && one.fraction > other.fraction);
}
