// What the page holds: the tables of each channel that it follows.

import { Tables } from "./tables.js";

export class Board {
  #channels = new Map(); // name → Tables

  of(channel) {
    if (!this.#channels.has(channel)) this.#channels.set(channel, new Tables());
    return this.#channels.get(channel);
  }

  /** The connection is gone: everything may be old. */
  lost() {
    for (const tables of this.#channels.values()) tables.lost();
  }

  expire(now) {
    for (const tables of this.#channels.values()) tables.expire(now);
  }

  /** Whether the rows of a table have been read at least once. */
  known(channel, table) {
    return this.of(channel).names.includes(table);
  }

  rows(channel, table) {
    return this.of(channel).rows(table);
  }

  /** Whether rows of the channel are shown that may be old. */
  isOld(channel) {
    return this.of(channel).stale && this.of(channel).names.length > 0;
  }

  /** What is no longer allowed is no longer shown. */
  forget(channel) {
    this.#channels.delete(channel);
  }

  clear() {
    this.#channels.clear();
  }
}
