// The browser's side of `signalman.v1` (docs/protocol.md). Knows nothing of any page: it connects, follows channels,
// calls back, and goes on by itself where it was when the connection breaks. What it is told about rows, `Tables` in
// tables.js keeps.

import { milliseconds } from "./clock.js";
import { Connection } from "./connection.js";
import { Cursor } from "./cursor.js";

const STILL_LIVE = new Set(["snapshot_unavailable", "snapshot_too_large"]);

/** What to tell a person when the gateway misses a backend. */
const STALE = {
  bus: "Events may be late: the gateway waits for its event bus, and will fetch what it misses.",
  source: "Nothing new comes in: no relay is reading the platform's events. What happens meanwhile is shown later.",
};

/**
 * A connection that follows channels.
 *
 * `on` may hold any of: state({name, detail, retryAt}), welcome(frame), subscribed(subscription, frame),
 * snapshot(subscription, frame), events(subscription, frame, live), caughtUp(subscription),
 * reset(subscription, reason), dropped(subscription, count), refused(subscription, error), trouble(subscription, error).
 *
 * A subscription whose `subscribed` frame says `recovered` goes on where it was: what was held for it stays, and what
 * was missed follows. Events that are not `live` come before the subscription has caught up; tables that begin anew need
 * the last ones again, so some of them may have come before.
 *
 * States: connecting, loading, live, stale, reconnecting; and for good: credential, ended, stopped.
 */
export class Client {
  #token;
  #choose;
  #on;
  #connection;
  #ids = 0;
  #cursors = new Map(); // wire id → cursor
  #views = new Map(); // the server's name → cursor
  #kept = new Map(); // name of a subscription → its cursor, while there is no connection
  #stale = new Set(); // backends that the server misses
  #offset = null; // the server's clock minus this one's, in milliseconds
  #state = "stopped";

  /** `choose(channels)` gives the subscriptions, [{channel, filter?, snapshot?}], for the names that may be read. */
  constructor({ url, token, choose, on = {} }) {
    this.#token = token;
    this.#choose = choose ?? ((channels) => channels.map((channel) => ({ channel })));
    this.#on = on;
    this.#connection = new Connection(url, {
      opening: () => this.#enter("connecting"),
      frame: (frame) => this.#handlers[frame.type]?.(frame),
      lost: (why) => {
        this.#keep();
        this.#enter("reconnecting", why);
      },
      ended: ({ name, detail }) => this.#end(name, detail),
    });
  }

  /** When anything was heard last, as Date.now() has it. */
  get heardAt() {
    return this.#connection.heardAt;
  }

  get state() {
    return this.#state;
  }

  /** The server's time, Unix milliseconds; null until it has told it. */
  now() {
    return this.#offset === null ? null : Date.now() + this.#offset;
  }

  start() {
    this.#connection.start();
  }

  stop() {
    this.#connection.stop();
    this.#end("stopped", "");
  }

  #end(name, detail) {
    this.#keep();
    this.#kept.clear();
    this.#enter(name, { detail });
  }

  /** The socket is gone. Where the subscriptions stand is all that outlives it. */
  #keep() {
    for (const cursor of this.#cursors.values()) this.#kept.set(nameOf(cursor.subscription), cursor);
    this.#cursors.clear();
    this.#views.clear();
    this.#stale.clear();
  }

  // -- what the server says -----------------------------------------------------------------------------------------

  #handlers = {
    hello: (frame) => {
      this.#connection.beats(frame.heartbeat_ms);
      this.#connection.send({ type: "auth", token: this.#token });
    },
    welcome: (frame) => this.#welcome(frame),
    heartbeat: (frame) => {
      const time = milliseconds(frame.time);
      if (time !== null) this.#offset = time - Date.now();
    },
    subscribed: (frame) => this.#subscribed(frame),
    snapshot: (frame) => {
      // The rows were read a little earlier: until the server's heart has beaten, its clock shows at least that.
      const time = milliseconds(frame.as_of);
      if (time !== null) this.#offset = Math.max(this.#offset ?? -Infinity, time - Date.now());
      this.#withView(frame, (cursor) => this.#call("snapshot", cursor.subscription, frame));
    },
    events: (frame) => this.#withView(frame, (cursor) => this.#events(cursor, frame)),
    bookmark: (frame) =>
      this.#withView(frame, (cursor) => {
        if (!cursor.skip(frame)) this.#hole(cursor);
      }),
    caught_up: (frame) =>
      this.#withView(frame, (cursor) => {
        cursor.catchUp(frame);
        this.#call("caughtUp", cursor.subscription);
        this.#judge();
      }),
    reset: (frame) => this.#reset(frame),
    dropped: (frame) => this.#withView(frame, (cursor) => this.#dropped(cursor, frame)),
    stale: (frame) => {
      this.#stale.add(frame.backend);
      this.#judge();
    },
    fresh: (frame) => {
      this.#stale.delete(frame.backend);
      this.#judge();
    },
    error: (frame) => this.#error(frame),
    goodbye: (frame) => this.#connection.heed("The gateway restarts.", frame.retry_after_ms),
  };

  #welcome(frame) {
    const generation = this.#connection.generation;
    this.#connection.welcomed();
    this.#call("welcome", frame);
    if (generation !== this.#connection.generation) return; // whoever was called has stopped us
    for (const subscription of this.#choose(frame.channels)) {
      const name = nameOf(subscription);
      const cursor = this.#kept.get(name) ?? new Cursor(subscription);
      this.#kept.delete(name);
      this.#subscribe(cursor);
    }
    this.#judge();
  }

  #subscribe(cursor) {
    cursor.ask(String((this.#ids += 1)));
    this.#cursors.set(cursor.id, cursor);
    const { channel, filter, snapshot } = cursor.subscription;
    this.#connection.send({
      type: "subscribe",
      id: cursor.id,
      channel,
      ...(filter && { filter }),
      ...(snapshot === false && { snapshot }),
      ...(cursor.resume && { resume: cursor.resume }),
    });
  }

  #subscribed(frame) {
    const cursor = this.#cursors.get(frame.id);
    if (cursor === undefined) return; // of an attempt that was given up
    this.#leaveView(cursor);
    if (!frame.recovered) cursor.begin(frame);
    else if (!cursor.goOn(frame)) return this.#hole(cursor);
    this.#views.set(frame.view, cursor);
    this.#call("subscribed", cursor.subscription, frame);
    this.#judge();
  }

  #withView(frame, act) {
    const cursor = this.#views.get(frame.view);
    if (cursor !== undefined) act(cursor);
  }

  #events(cursor, frame) {
    if (cursor.advance(frame)) this.#call("events", cursor.subscription, frame, cursor.live);
    else this.#hole(cursor);
  }

  /** This page was too slow, and the channel goes on without what it has missed. */
  #dropped(cursor, frame) {
    const { from: prev, to: seq, epoch, count } = frame;
    if (cursor.advance({ prev, seq, epoch })) this.#call("dropped", cursor.subscription, count);
    else this.#hole(cursor);
  }

  /** Something was missed: resume before it; where that has just been tried, begin anew. */
  #hole(cursor) {
    this.#leaveView(cursor);
    this.#cursors.delete(cursor.id);
    this.#connection.send({ type: "unsubscribe", id: cursor.id });
    const mends = cursor.mend();
    this.#subscribe(cursor);
    if (!mends) this.#call("reset", cursor.subscription, "hole");
    this.#judge();
  }

  /** The server begins the subscription anew. One that could not be resumed has no view yet, but its id. */
  #reset(frame) {
    const cursor = frame.id === undefined ? this.#views.get(frame.view) : this.#cursors.get(frame.id);
    if (cursor === undefined) return;
    this.#leaveView(cursor);
    cursor.startOver();
    this.#call("reset", cursor.subscription, frame.reason);
    this.#judge();
  }

  #leaveView(cursor) {
    if (this.#views.get(cursor.view) === cursor) this.#views.delete(cursor.view);
    cursor.view = null;
  }

  #error(frame) {
    if (frame.id === undefined) return this.#connection.heed(frame.detail, frame.retry_after_ms);
    const cursor = this.#cursors.get(frame.id);
    if (cursor === undefined) return;
    if (STILL_LIVE.has(frame.code)) {
      cursor.lack();
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
    const generation = this.#connection.generation;
    setTimeout(() => {
      if (generation !== this.#connection.generation) return;
      this.#cursors.delete(cursor.id);
      this.#subscribe(cursor);
    }, frame.retry_after_ms);
    this.#call("trouble", cursor.subscription, frame);
  }

  // -- what is told -------------------------------------------------------------------------------------------------

  #judge() {
    if (this.#stale.size > 0) {
      const words = [...this.#stale].map((backend) => STALE[backend] ?? `Events may be late: ${backend} is away.`);
      this.#enter("stale", { detail: words.join(" ") });
    } else {
      this.#enter([...this.#cursors.values()].every((cursor) => cursor.settled) ? "live" : "loading");
    }
  }

  #enter(name, more = {}) {
    this.#state = name;
    this.#call("state", { name, detail: "", retryAt: null, ...more });
  }

  #call(name, ...values) {
    this.#on[name]?.(...values);
  }
}

/** The same for two subscriptions that deliver the same. */
function nameOf({ channel, filter, snapshot }) {
  return JSON.stringify([channel, filter ?? {}, snapshot !== false]);
}
