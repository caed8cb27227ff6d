// A socket that is kept open: it is opened, watched, and opened anew when it ends or falls silent. What frames say is
// for others to understand.

import { RETRY, backoff } from "./retry.js";

const SUBPROTOCOL = "signalman.v1";
const HEARTBEATS = 2.5; // how many may be missed before a connection counts as dead
const PATIENCE_MS = 30_000; // silence allowed until the server has said how often its heart beats
const PROBE_MS = 5_000; // how long an answer may take when we doubt that the connection is alive
const PROVEN_MS = 10_000; // a connection that lasted so long starts the back-off anew

/**
 * `on`: opening(), frame(frame), lost({detail, retryAt}), ended({name, detail}), where name is `credential` or `ended`;
 * another(), whether there may be another credential than the one that has ended.
 */
export class Connection {
  #url;
  #on;
  #generation = 0; // of the socket; whatever an older one still says is ignored
  #socket = null;
  #attempt = 0;
  #welcomedAt = null;
  #lastWords = { detail: "", retryAfter: 0 };
  #heartbeat = null;
  #heardAt = 0;
  #checkedAt = 0;
  #probeAt = null;
  #retry = null;
  #watch = null;

  constructor(url, on) {
    this.#url = url;
    this.#on = on;
  }

  /** A number of its own for each socket. */
  get generation() {
    return this.#generation;
  }

  /** When anything was heard last, as Date.now() has it. */
  get heardAt() {
    return this.#heardAt;
  }

  start() {
    document.addEventListener("visibilitychange", this.#awake);
    window.addEventListener("online", this.#awake);
    this.#checkedAt = Date.now();
    this.#watch = setInterval(() => this.#check(), 1_000);
    this.#connect();
  }

  stop() {
    document.removeEventListener("visibilitychange", this.#awake);
    window.removeEventListener("online", this.#awake);
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    this.#retry = null;
    this.#abandon();
  }

  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** The server's heart beats so often, in milliseconds. */
  beats(heartbeat) {
    this.#heartbeat = heartbeat;
  }

  /** The server has let us in. */
  welcomed() {
    this.#welcomedAt = Date.now();
  }

  /** What the server says before it closes, and how long it wants to be left alone. */
  heed(detail, retryAfter) {
    this.#lastWords = { detail, retryAfter: retryAfter ?? this.#lastWords.retryAfter };
  }

  /** Nothing can be said on this socket: end it, and come back. */
  retry(detail) {
    this.#comeBack(detail);
  }

  /** End for good; `name` as `ended` tells it. */
  end(name, detail) {
    this.stop();
    this.#on.ended({ name, detail });
  }

  // -- the socket ---------------------------------------------------------------------------------------------------

  #connect() {
    clearTimeout(this.#retry);
    this.#retry = null;
    this.#abandon();
    const generation = this.#generation;
    const current = (act) => (event) => generation === this.#generation && act(event);
    this.#on.opening();
    const socket = new WebSocket(this.#url, [SUBPROTOCOL]);
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.addEventListener("message", current((event) => this.#receive(event.data)));
    socket.addEventListener("close", current((event) => this.#closed(event.code, event.reason)));
  }

  /** Forget the socket; from here on nothing that it says counts. */
  #abandon() {
    this.#generation += 1;
    this.#socket?.close();
    this.#socket = null;
    this.#welcomedAt = null;
    this.#lastWords = { detail: "", retryAfter: 0 };
    this.#heartbeat = null;
    this.#probeAt = null;
  }

  #receive(text) {
    this.#heardAt = Date.now();
    this.#probeAt = null;
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      this.end("ended", "What the server says is not signalman.v1.");
      return;
    }
    this.#on.frame(frame);
  }

  #closed(code, reason) {
    const words = this.#lastWords.detail || reason;
    const retry = RETRY[code] ?? "later";
    // What was good when the socket was opened has ended. One that is refused at once is not tried again: it was asked
    // for a moment ago.
    const another = retry === "new_credential" && this.#welcomedAt !== null && this.#on.another();
    if (retry === "later" || another) this.#comeBack(words || "The connection was lost.");
    else this.end(retry === "new_credential" ? "credential" : "ended", words || `The server closed (${code}).`);
  }

  #comeBack(detail) {
    const lasted = this.#welcomedAt !== null && Date.now() - this.#welcomedAt >= PROVEN_MS;
    if (lasted) this.#attempt = 0;
    // What the server asks for is the same for all of its clients; the jitter on top spreads them.
    const wait = this.#lastWords.retryAfter + backoff(this.#attempt);
    this.#attempt += 1;
    this.#abandon();
    this.#retry = setTimeout(() => this.#connect(), wait);
    this.#on.lost({ detail, retryAt: Date.now() + wait });
  }

  // -- is it alive? -------------------------------------------------------------------------------------------------

  /** Back from another tab, from sleep, or on another network: do not wait for a timer to find out. */
  #awake = () => {
    if (document.visibilityState === "hidden") return;
    if (this.#retry !== null) this.#connect();
    else this.#probe();
  };

  #probe() {
    if (this.#probeAt !== null || this.#welcomedAt === null) return;
    this.#probeAt = Date.now();
    this.send({ type: "ping", t: this.#probeAt });
  }

  #check() {
    const now = Date.now();
    const slept = now - this.#checkedAt > PROBE_MS;
    this.#checkedAt = now;
    if (this.#socket === null) return;
    if (this.#probeAt !== null && now - this.#probeAt > PROBE_MS) {
      this.#comeBack("The server does not answer.");
    } else if (now - this.#heardAt > (this.#heartbeat === null ? PATIENCE_MS : HEARTBEATS * this.#heartbeat)) {
      // After a sleep the timer runs before what came meanwhile is read: ask before giving up.
      if (slept && this.#welcomedAt !== null) this.#probe();
      else this.#comeBack("Nothing was heard from the server.");
    }
  }
}
