// Where one subscription stands, across views and sockets. The same as signalman/client/cursor.py. Pure.

export class Cursor {
  id = ""; // on the wire; new for each attempt, so that what is still said of an earlier one is no answer to it
  view = null; // the server's name for it; null until `subscribed`, and while a reset is under way
  settled = false; // whether this attempt has come as far as it goes for now
  #epoch = null; // the server's token, only ever compared
  #seq = 0;
  #complete = false; // whether everything up to here has come, the tables included; without that it cannot be resumed
  #live = false; // whether this attempt has caught up
  #lacking = false; // whether tables are missing that come, if they do, in another beginning
  #mending = false;

  constructor(subscription) {
    this.subscription = subscription;
  }

  get live() {
    return this.#live;
  }

  /** What to ask for so that nothing is missed and nothing comes twice; null where it must begin anew. */
  get resume() {
    return this.#complete && this.#epoch !== null ? { epoch: this.#epoch, seq: this.#seq } : null;
  }

  /** Another attempt is made, under this id. */
  ask(id) {
    this.id = id;
    this.view = null;
    this.settled = this.#live = false;
  }

  /** The server begins, or begins anew. */
  begin({ view, epoch, seq }) {
    this.view = view;
    this.#epoch = epoch;
    this.#seq = seq;
    this.settled = this.#complete = this.#live = this.#lacking = false;
  }

  /** Tables cannot be read, and events flow without them: until it begins anew it cannot be resumed. */
  lack() {
    this.settled = this.#lacking = true;
    this.#complete = false;
  }

  /** The server goes on from where this cursor stands; false where it means another place. */
  goOn({ view, epoch, seq }) {
    if (this.resume === null || epoch !== this.#epoch || seq !== this.#seq) return false;
    this.view = view;
    return true;
  }

  /** Take a frame of events, or of what was left out, if it joins what came before; false where there is a hole. */
  advance({ prev, seq, epoch }) {
    if (prev !== this.#seq || seq <= prev || !this.#learn(epoch)) return false;
    this.#seq = seq;
    if (this.#live) this.#mending = false;
    return true;
  }

  /** Nothing is there for this subscription up to `seq`; false where the cursor is beyond that already. */
  skip({ seq, epoch }) {
    if (seq < this.#seq || !this.#learn(epoch)) return false;
    this.#seq = seq;
    return true;
  }

  /** All that there was at the beginning has come, and the chain goes on from `seq`. */
  catchUp({ seq }) {
    this.#seq = Math.max(this.#seq, seq);
    this.settled = this.#live = true;
    this.#complete = !this.#lacking;
  }

  /** Something is missing; nothing is taken until the server begins anew. */
  startOver() {
    this.view = null;
    this.settled = this.#complete = this.#live = false;
  }

  /** Whether a hole can be filled by resuming before it; false for one that comes right after a mended one. */
  mend() {
    if (this.#mending || this.resume === null) {
      this.#mending = false;
      this.startOver();
      return false;
    }
    this.#mending = true;
    return true;
  }

  /** The first frame of an epoch names it; whoever began before anything was published learns it there. */
  #learn(epoch) {
    this.#epoch ??= epoch ?? null;
    return (epoch ?? null) === null || epoch === this.#epoch;
  }
}

/** The same for two subscriptions that deliver the same. */
export function nameOf({ channel, filter, snapshot }) {
  return JSON.stringify([channel, filter ?? {}, snapshot !== false]);
}
