// The channels' tables as they are now: rows by key, replaced as a whole at `caught_up`.

/** One table. While a snapshot is loading a shadow copy is filled, and what is shown stays until the copy is complete. */
class Table {
  key = null;
  rows = new Map();
  #shadow = null;

  begin() {
    this.#shadow = new Map();
  }

  add(frame) {
    this.key = frame.key;
    for (const row of frame.rows) this.#shadow?.set(this.name(row), row);
  }

  finish() {
    if (this.#shadow === null) return;
    this.rows = this.#shadow;
    this.#shadow = null;
  }

  /** What happened after the rows were read happens to the copy too. */
  apply(change) {
    if (this.key === null) return;
    change(this.rows, (row) => this.name(row));
    if (this.#shadow !== null) change(this.#shadow, (row) => this.name(row));
  }

  name(row) {
    return JSON.stringify(this.key.map((column) => row[column]));
  }
}

export class Tables {
  #tables = new Map(); // "channel.table" → Table
  #loading = new Map(); // channel → names of the tables of its latest `subscribed`

  #table(channel, name) {
    const full = `${channel}.${name}`;
    if (!this.#tables.has(full)) this.#tables.set(full, new Table());
    return this.#tables.get(full);
  }

  subscribed(channel, names) {
    this.#loading.set(channel, names);
    for (const name of names) this.#table(channel, name).begin();
  }

  snapshot(channel, frame) {
    this.#table(channel, frame.table).add(frame);
  }

  caughtUp(channel) {
    for (const name of this.#loading.get(channel) ?? []) this.#table(channel, name).finish();
  }

  apply(channel, name, change) {
    this.#table(channel, name).apply(change);
  }

  /** Whether the rows of a table have been read at least once. */
  known(channel, name) {
    return this.#table(channel, name).key !== null;
  }

  rows(channel, name) {
    return [...this.#table(channel, name).rows.values()];
  }

  clear() {
    this.#tables.clear();
    this.#loading.clear();
  }
}
