// The browser's side of `signalman.v1` (docs/protocol.md). Knows nothing of any page: it connects, follows channels,
// calls back, and goes on by itself where it was when the connection breaks. What it is told about rows, `Tables` in
// tables.js keeps.

import { Connection } from "./connection.js";
import { Cursor, nameOf } from "./cursor.js";
import { ServerClock } from "./server_clock.js";
import { staleWords } from "./stale.js";

const STILL_LIVE = new Set(["snapshot_unavailable", "snapshot_too_large"]);

/**
 * A connection that follows channels.
 *
 * `token` is the credential, or a function that gives the one of the moment, or a promise of it: it is asked for each
 * connection, and when the access of an open one is about to end.
 *
 * `on` may hold any of: state({name, detail, retryAt}), welcome(frame, again), expiring(frame), notRenewed(detail),
 * subscribed(subscription, frame), snapshot(subscription, frame), events(subscription, frame, live),
 * caughtUp(subscription), reset(subscription, reason), dropped(subscription, count), refused(subscription, error),
 * trouble(subscription, error).
 *
 * A `welcome` that comes again says that access goes on or has changed. A subscription that may not go on is `refused`
 * with the code `grant_ended`.
 *
 * A subscription whose `subscribed` frame says `recovered` goes on where it was: what was held for it stays, and what
 * was missed follows. Events that are not `live` come before the subscription has caught up; tables that begin anew need
 * the last ones again, so some of them may have come before.
 *
 * States: connecting, loading, live, stale, reconnecting; and for good: credential, ended, stopped.
 */
export class Client {
  #ask; // gives the credential
  #changes; // whether it will be another one when this one ends
  #choose;
  #on;
  #connection;
  #welcomed = false; // on this connection
  #everWelcomed = false;
  #declined = new Set(); // names of subscriptions that this connection will not get
  #ids = 0;
  #cursors = new Map(); // wire id → cursor
  #views = new Map(); // the server's name → cursor
  #kept = new Map(); // name of a subscription → its cursor, while there is no connection
  #stale = new Set(); // backends that the server misses
  #clock = new ServerClock();
  #state = "stopped";

  /** `choose(channels)` gives the subscriptions, [{channel, filter?, snapshot?}], for the names that may be read. */
  constructor({ url, token, choose, on = {} }) {
    this.#changes = typeof token === "function";
    this.#ask = this.#changes ? token : () => token;
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
      another: () => this.#changes,
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
    return this.#clock.now();
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
    this.#declined.clear();
    this.#welcomed = false;
  }

  // -- what the server says -----------------------------------------------------------------------------------------

  #handlers = {
    hello: (frame) => {
      this.#connection.beats(frame.heartbeat_ms);
      this.#authenticate();
    },
    welcome: (frame) => this.#welcome(frame),
    expiring: (frame) => {
      this.#call("expiring", frame);
      if (this.#changes) this.#authenticate();
    },
    heartbeat: (frame) => this.#clock.shows(frame.time),
    subscribed: (frame) => this.#subscribed(frame),
    snapshot: (frame) => {
      this.#clock.showsAtLeast(frame.as_of); // the rows were read a little earlier
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

  async #authenticate() {
    const generation = this.#connection.generation;
    try {
      const token = await this.#ask();
      if (generation === this.#connection.generation) this.#connection.send({ type: "auth", token });
    } catch (error) {
      if (generation === this.#connection.generation) this.#withoutCredential(error.message);
    }
  }

  /** Whoever gives credentials does not: an open connection goes on for as long as it may. */
  #withoutCredential(detail) {
    if (this.#welcomed) this.#call("notRenewed", detail);
    else if (this.#everWelcomed) this.#connection.retry(detail);
    else this.#connection.end("credential", detail);
  }

  #welcome(frame) {
    const generation = this.#connection.generation;
    const again = this.#welcomed;
    this.#connection.welcomed();
    this.#welcomed = this.#everWelcomed = true;
    this.#call("welcome", frame, again);
    if (generation !== this.#connection.generation) return; // whoever was called has stopped us
    const had = new Set([...this.#cursors.values()].map((cursor) => nameOf(cursor.subscription)).concat(...this.#declined));
    for (const subscription of this.#choose(frame.channels)) {
      const name = nameOf(subscription);
      if (again && (had.has(name) || !frame.channels.includes(subscription.channel))) continue;
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
    if (frame.code === "refresh_refused") return this.#call("notRenewed", frame.detail);
    if (frame.id === undefined) return this.#connection.heed(frame.detail, frame.retry_after_ms);
    const cursor = this.#cursors.get(frame.id);
    if (cursor === undefined) return;
    if (STILL_LIVE.has(frame.code)) {
      cursor.lack();
      this.#call("trouble", cursor.subscription, frame);
    } else if (frame.retry_after_ms !== undefined) {
      this.#later(cursor, frame);
    } else {
      this.#leaveView(cursor);
      this.#cursors.delete(cursor.id);
      if (frame.code !== "grant_ended") this.#declined.add(nameOf(cursor.subscription));
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
      this.#enter("stale", { detail: staleWords(this.#stale) });
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
