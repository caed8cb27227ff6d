// Whether and when to come back. Pure.

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** What each close code means to us; others are tried again. The same table as in signalman/protocol.py. */
export const RETRY = Object.freeze({
  1000: "never",
  1001: "later",
  1009: "never",
  1011: "later",
  1012: "later",
  1013: "later",
  4400: "never",
  4401: "new_credential",
  4403: "never",
  4406: "never",
  4408: "later",
  4409: "never",
  4429: "later",
});

/** Milliseconds to wait before attempt number `attempt` (from 0): anywhere below a bound that doubles. */
export function backoff(attempt, random = Math.random) {
  const bound = Math.min(LONGEST_MS, 2 * FIRST_MS * 2 ** Math.min(attempt, 10));
  return FIRST_MS + random() * (bound - FIRST_MS);
}
