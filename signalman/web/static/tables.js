// The tables of one subscription, kept current: the merge rule of docs/protocol.md. The same as
// signalman/client/tables.py; tests/vectors hold the two together. Pure: no I/O and no clock.
//
// While a subscription begins, a shadow copy is filled, and events go into that alone: they are partly older than what
// is shown, and what is shown would go back in time. It stays as it was, stale, until `caughtUp` puts the copy in its
// place.

import { apply, nextDue } from "./clock.js";
import { isNewer } from "./version.js";

/** Deleted keys that each table remembers, the latest ones: minutes of them, while events are mixed up by seconds. */
export const TOMBSTONES = 50_000;

export class Tables {
  #shown = new Map(); // name → Table
  #shadow = null;
  #stale = true;

  /** Whether what is shown may be old, or is not there yet. */
  get stale() {
    return this.#stale;
  }

  /** The subscription begins, or begins anew. One that is recovered needs no call: what is held stays. */
  begin(names) {
    this.#shadow = new Map(names.map((name) => [name, new Table()]));
    this.#stale = true;
  }

  /** Take in a part of a table's rows. */
  snapshot(frame) {
    this.#shadow?.get(frame.table)?.fill(frame);
  }

  /** Take in what events say about rows. Changes of a table that has no snapshot are left out: its rows come later. */
  events(events) {
    const tables = this.#shadow ?? this.#shown;
    for (const event of events) {
      for (const change of event.rows ?? []) tables.get(change.table)?.change(change);
    }
  }

  /** Everything that there was has come: the shadow copy is what is shown, in one step. */
  caughtUp() {
    if (this.#shadow !== null) [this.#shown, this.#shadow] = [this.#shadow, null];
    this.#stale = false;
  }

  /** The connection broke, or the subscription was reset: until `caughtUp`, what is shown may be old. */
  lost() {
    this.#stale = true;
  }

  /** Let time do what it does to rows; `now` is the server's time, Unix milliseconds. */
  expire(now) {
    for (const table of this.#held()) table.expire(now);
  }

  /** When `expire` may next change something; null while it cannot. */
  nextExpiry() {
    const due = this.#held().flatMap((table) => table.due ?? []);
    return due.length > 0 ? Math.min(...due) : null;
  }

  /** The tables that are shown, be they empty. */
  get names() {
    return [...this.#shown.keys()];
  }

  /** The rows shown, in no order. They are replaced and never changed. */
  rows(table) {
    return [...(this.#shown.get(table)?.rows.values() ?? [])];
  }

  #held() {
    return [...this.#shown.values(), ...(this.#shadow?.values() ?? [])];
  }
}

/** One copy of one table. Before its first part of a snapshot it takes no changes. */
class Table {
  rows = new Map();
  due = null; // no rule of the clock changes a row before; it may be too early, and not every row has to be looked at
  #key = null;
  #rules = null;
  #tombstones = new Map(); // key → version of what was deleted, oldest deletion first; only where it can decide

  fill({ key, rules, rows }) {
    this.#key = key;
    this.#rules = { ...rules, compared: rules.compared && rules.version !== null };
    for (const row of rows) this.#put(this.#name(row), row);
  }

  /** Take in a row change of an event, unless something newer was there. */
  change({ op, row, initial = {} }) {
    if (this.#key === null) return;
    const name = this.#name(row);
    const version = this.#versionOf(row);
    if (this.#rules.compared && isNewer(this.#heldVersion(name), version)) return;
    if (op === "delete") this.#delete(name, version);
    else if (!(this.#rules.final && this.#tombstones.has(name))) this.#upsert(name, row, initial);
  }

  expire(now) {
    if (this.due === null || this.due > now) return;
    this.due = null;
    for (const [name, row] of this.rows) {
      const left = apply(row, this.#rules.clock, now);
      // Not a deletion: the row may come back, should something be heard of it.
      if (left === null) this.rows.delete(name);
      else this.#put(name, left, now);
    }
  }

  #name(row) {
    return JSON.stringify(this.#key.map((column) => row[column] ?? null));
  }

  #versionOf(row) {
    return this.#rules.version === null ? null : (row[this.#rules.version] ?? null);
  }

  #heldVersion(name) {
    const row = this.rows.get(name);
    return row === undefined ? (this.#tombstones.get(name) ?? null) : this.#versionOf(row);
  }

  #upsert(name, row, initial) {
    const before = this.rows.get(name) ?? {};
    const filled = Object.fromEntries(Object.entries(initial).filter(([column]) => (before[column] ?? null) === null));
    this.#put(name, { ...before, ...filled, ...row });
  }

  #delete(name, version) {
    this.rows.delete(name);
    if (!this.#rules.compared && !this.#rules.final) return;
    this.#tombstones.delete(name); // so that it is the latest one
    this.#tombstones.set(name, version);
    if (this.#tombstones.size > TOMBSTONES) this.#tombstones.delete(this.#tombstones.keys().next().value);
  }

  #put(name, row, after) {
    this.rows.set(name, row);
    const due = nextDue(row, this.#rules.clock, after);
    if (due !== null && (this.due === null || due < this.due)) this.due = due;
  }
}
