// What time alone does to rows: which clock rules of a table hold for a row, and when the next one will. The same as
// signalman/clock.py; tests/vectors hold the two together. Pure: moments are passed in, Unix milliseconds.

const RFC3339 = /^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})$/;

/** The time that an RFC 3339 text says, to all of its digits: {seconds, fraction}; null when it is no such text. */
export function moment(value) {
  const parts = typeof value === "string" ? RFC3339.exec(value) : null;
  if (parts === null) return null;
  const seconds = Date.parse(parts[1] + parts[3]) / 1000;
  return Number.isNaN(seconds) ? null : { seconds, fraction: (parts[2] ?? "").replace(/0+$/, "") };
}

/** Unix milliseconds, rounded down; null when it is no RFC 3339 text. */
export function milliseconds(value) {
  const found = moment(value);
  return found === null ? null : found.seconds * 1000 + Number(found.fraction.slice(0, 3).padEnd(3, "0"));
}

/**
 * The row as it is at `now`: itself where time has done nothing to it, null where it is gone. Rules take effect one
 * after the other, by the moments from which on they hold, each on the row that those before it have left.
 */
export function apply(row, rules, now) {
  const due = rules.map((rule) => [dueAt(row, rule), rule]).filter(([at]) => at !== null && at <= now);
  let left = row;
  for (const [, rule] of due.sort(([one], [other]) => one - other)) {
    if (rule.remove && !isExcepted(left, rule)) return null;
    if (changes(left, rule)) left = { ...left, ...rule.set };
  }
  return left;
}

/** When a rule changes the row next, and later than `after`; null where none will. */
export function nextDue(row, rules, after = -Infinity) {
  let next = null;
  for (const rule of rules) {
    const at = changes(row, rule) ? dueAt(row, rule) : null;
    if (at !== null && at > after && (next === null || at < next)) next = at;
  }
  return next;
}

function dueAt(row, rule) {
  const began = milliseconds(row[rule.column]);
  return began === null ? null : began + rule.after_ms;
}

/** Whether a rule, once its time has come, leaves the row other than it is. */
function changes(row, rule) {
  if (isExcepted(row, rule)) return false;
  return Boolean(rule.remove) || Object.entries(rule.set).some(([column, value]) => (row[column] ?? null) !== value);
}

function isExcepted(row, rule) {
  return Object.entries(rule.unless ?? {}).some(([column, values]) => values.includes(row[column] ?? null));
}
