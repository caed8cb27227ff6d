// What the server's clock shows, by what it tells of it.

import { milliseconds } from "./clock.js";

export class ServerClock {
  #offset = null; // the server's clock minus this one's, in milliseconds

  /** The server's time, Unix milliseconds; null until it has told it. */
  now() {
    return this.#offset === null ? null : Date.now() + this.#offset;
  }

  /** It shows this, in RFC 3339. */
  shows(text) {
    const time = milliseconds(text);
    if (time !== null) this.#offset = time - Date.now();
  }

  /** It shows this or later: until the server's heart has beaten, the latest such time is the best that is known. */
  showsAtLeast(text) {
    const time = milliseconds(text);
    if (time !== null) this.#offset = Math.max(this.#offset ?? -Infinity, time - Date.now());
  }
}
