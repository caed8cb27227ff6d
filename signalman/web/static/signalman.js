// The browser's side of `signalman.v1` (docs/protocol.md). Knows nothing of any page: it connects, follows channels,
// calls back, and comes back by itself.

const SUBPROTOCOL = "signalman.v1";
const HEARTBEATS = 2.5; // how many may be missed before a connection counts as dead
const PATIENCE_MS = 30_000; // silence allowed until the server has said how often its heart beats
const PROBE_MS = 5_000; // how long an answer may take when we doubt that the connection is alive
const PROVEN_MS = 10_000; // a connection that lasted so long starts the back-off anew
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

const STILL_LIVE = new Set(["snapshot_unavailable", "snapshot_too_large"]);

/** Milliseconds to wait before attempt number `attempt` (from 0): anywhere below a bound that doubles. */
export function backoff(attempt, random = Math.random) {
  const bound = Math.min(LONGEST_MS, 2 * FIRST_MS * 2 ** Math.min(attempt, 10));
  return FIRST_MS + random() * (bound - FIRST_MS);
}

/**
 * A connection that follows channels.
 *
 * `on` may hold any of: state({name, detail, retryAt}), welcome(frame), subscribed(subscription, frame),
 * snapshot(subscription, frame), events(subscription, frame), caughtUp(subscription), reset(subscription, reason),
 * refused(subscription, error), trouble(subscription | null, error), clock(milliseconds).
 *
 * States: connecting, loading, live, stale, reconnecting; and for good: credential, ended, stopped.
 */
export class Client {
  #url;
  #token;
  #choose;
  #on;
  #generation = 0; // of the socket; whatever an older one still says is ignored
  #socket = null;
  #ids = 0;
  #cursors = new Map(); // wire id → cursor
  #views = new Map(); // the server's name → cursor
  #stale = new Set(); // backends that the server misses
  #attempt = 0;
  #welcomedAt = null;
  #lastWords = null;
  #retryAfter = 0;
  #heartbeat = null;
  #heardAt = 0;
  #checkedAt = 0;
  #probeAt = null;
  #retry = null;
  #watch = null;
  #state = "stopped";

  /** `choose(channels)` gives the subscriptions, [{channel, filter?, snapshot?}], for the names that may be read. */
  constructor({ url, token, choose, on = {} }) {
    this.#url = url;
    this.#token = token;
    this.#choose = choose ?? ((channels) => channels.map((channel) => ({ channel })));
    this.#on = on;
  }

  /** When anything was heard last, as Date.now() has it. */
  get heardAt() {
    return this.#heardAt;
  }

  get state() {
    return this.#state;
  }

  start() {
    document.addEventListener("visibilitychange", this.#awake);
    window.addEventListener("online", this.#awake);
    this.#checkedAt = Date.now();
    this.#watch = setInterval(() => this.#check(), 1_000);
    this.#connect();
  }

  stop(state = "stopped", detail = "") {
    document.removeEventListener("visibilitychange", this.#awake);
    window.removeEventListener("online", this.#awake);
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    this.#abandon();
    this.#enter(state, { detail });
  }

  // -- the socket ---------------------------------------------------------------------------------------------------

  #connect() {
    clearTimeout(this.#retry);
    this.#retry = null;
    this.#abandon();
    this.#enter("connecting");
    const generation = this.#generation;
    const current = (act) => (event) => generation === this.#generation && act(event);
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
    this.#cursors.clear();
    this.#views.clear();
    this.#stale.clear();
    this.#welcomedAt = null;
    this.#lastWords = null;
    this.#retryAfter = 0;
    this.#heartbeat = null;
    this.#probeAt = null;
  }

  #closed(code, reason) {
    const words = this.#lastWords?.detail || reason || "";
    const retry = RETRY[code] ?? "later";
    if (retry === "later") this.#comeBack(words || "The connection was lost.");
    else this.stop(retry === "new_credential" ? "credential" : "ended", words || `The server closed (${code}).`);
  }

  #comeBack(detail) {
    const lasted = this.#welcomedAt !== null && Date.now() - this.#welcomedAt >= PROVEN_MS;
    if (lasted) this.#attempt = 0;
    // What the server asks for is the same for all of its clients; the jitter on top spreads them.
    const wait = this.#retryAfter + backoff(this.#attempt);
    this.#attempt += 1;
    this.#abandon();
    this.#retry = setTimeout(() => this.#connect(), wait);
    this.#enter("reconnecting", { detail, retryAt: Date.now() + wait });
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
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
    this.#send({ type: "ping", t: this.#probeAt });
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

  // -- what the server says -----------------------------------------------------------------------------------------

  #receive(text) {
    this.#heardAt = Date.now();
    this.#probeAt = null;
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      this.stop("ended", "What the server says is not signalman.v1.");
      return;
    }
    this.#handlers[frame.type]?.(frame);
  }

  #handlers = {
    hello: (frame) => {
      this.#heartbeat = frame.heartbeat_ms;
      this.#send({ type: "auth", token: this.#token });
    },
    welcome: (frame) => {
      this.#welcomedAt = Date.now();
      this.#call("welcome", frame);
      for (const subscription of this.#choose(frame.channels)) this.#subscribe(subscription);
      this.#judge();
    },
    heartbeat: (frame) => this.#call("clock", Date.parse(frame.time)),
    subscribed: (frame) => this.#subscribed(frame),
    snapshot: (frame) => {
      this.#call("clock", Date.parse(frame.as_of));
      this.#withView(frame, (cursor) => this.#call("snapshot", cursor.subscription, frame));
    },
    events: (frame) => this.#withView(frame, (cursor) => this.#events(cursor, frame)),
    caught_up: (frame) =>
      this.#withView(frame, (cursor) => {
        cursor.caughtUp = true;
        this.#call("caughtUp", cursor.subscription);
        this.#judge();
      }),
    reset: (frame) => this.#withView(frame, (cursor) => this.#reset(cursor, frame.reason)),
    stale: (frame) => {
      this.#stale.add(frame.backend);
      this.#judge();
    },
    fresh: (frame) => {
      this.#stale.delete(frame.backend);
      this.#judge();
    },
    error: (frame) => this.#error(frame),
    goodbye: (frame) => {
      this.#retryAfter = frame.retry_after_ms;
      this.#lastWords = { detail: "The gateway restarts." };
    },
  };

  #subscribe(subscription) {
    // A new id for each attempt: what the server still says about an earlier one is not taken for its answer.
    const id = String((this.#ids += 1));
    this.#cursors.set(id, { id, subscription, view: null, epoch: null, seq: 0, caughtUp: false });
    const { channel, filter, snapshot } = subscription;
    this.#send({ type: "subscribe", id, channel, ...(filter && { filter }), ...(snapshot === false && { snapshot }) });
  }

  #subscribed(frame) {
    const cursor = this.#cursors.get(frame.id);
    if (cursor === undefined) return;
    this.#views.delete(cursor.view);
    Object.assign(cursor, { view: frame.view, epoch: frame.epoch, seq: frame.seq, caughtUp: false });
    this.#views.set(frame.view, cursor);
    this.#call("subscribed", cursor.subscription, frame);
    this.#judge();
  }

  #withView(frame, act) {
    const cursor = this.#views.get(frame.view);
    if (cursor !== undefined) act(cursor);
  }

  #events(cursor, frame) {
    const otherEpoch = frame.epoch != null && cursor.epoch != null && frame.epoch !== cursor.epoch;
    if (frame.prev !== cursor.seq || otherEpoch) {
      // Something was missed: begin anew.
      this.#reset(cursor, "hole");
      this.#cursors.delete(cursor.id);
      this.#send({ type: "unsubscribe", id: cursor.id });
      this.#subscribe(cursor.subscription);
      return;
    }
    cursor.seq = frame.seq;
    cursor.epoch = frame.epoch ?? cursor.epoch;
    this.#call("events", cursor.subscription, frame);
  }

  #reset(cursor, reason) {
    this.#views.delete(cursor.view);
    cursor.view = null;
    cursor.caughtUp = false;
    this.#call("reset", cursor.subscription, reason);
    this.#judge();
  }

  #error(frame) {
    const cursor = this.#cursors.get(frame.id);
    if (frame.id === undefined) {
      this.#lastWords = frame;
      this.#retryAfter = frame.retry_after_ms ?? this.#retryAfter;
      return;
    }
    if (cursor === undefined) return;
    if (STILL_LIVE.has(frame.code)) {
      cursor.caughtUp = true; // as far as it goes: events flow, and the tables come later
      this.#call("trouble", cursor.subscription, frame);
    } else if (frame.retry_after_ms !== undefined) {
      this.#later(cursor, frame);
    } else {
      this.#cursors.delete(cursor.id);
      this.#call("refused", cursor.subscription, frame);
    }
    this.#judge();
  }

  /** A subscription that cannot begin now is asked for again, unless the connection has gone by then. */
  #later(cursor, frame) {
    const generation = this.#generation;
    setTimeout(() => {
      if (generation !== this.#generation) return;
      this.#cursors.delete(cursor.id);
      this.#subscribe(cursor.subscription);
    }, frame.retry_after_ms);
    this.#call("trouble", cursor.subscription, frame);
  }

  #judge() {
    const all = [...this.#cursors.values()];
    if (this.#stale.size > 0) this.#enter("stale", { detail: "Events may be late: the gateway waits for its event bus." });
    else this.#enter(all.every((cursor) => cursor.caughtUp) ? "live" : "loading");
  }

  #enter(name, more = {}) {
    this.#state = name;
    this.#call("state", { name, detail: "", retryAt: null, ...more });
  }

  #call(name, ...values) {
    this.#on[name]?.(...values);
  }
}
