// The list of what just happened: the latest events, filtered, pausable, each to be opened.

import { clock, shortId, summary, words } from "./format.js";

const KEPT = 200;

/** A hue for each event type, the same in every session. */
function hue(type) {
  let hash = 0;
  for (const character of type) hash = (hash * 31 + character.codePointAt(0)) % 360;
  return hash;
}

export class Feed {
  #entries = []; // newest first
  #ids = new Set();
  #types = new Set();
  #waiting = []; // came while paused
  #paused = false;
  #fresh = []; // came since the last `show`, the last one first
  #list;
  #count;
  #search;
  #type;
  #pause;

  constructor({ list, count, search, type, pause }) {
    this.#list = list;
    this.#count = count;
    this.#search = search;
    this.#type = type;
    this.#pause = pause;
    search.addEventListener("input", () => this.#showAll());
    type.addEventListener("change", () => this.#showAll());
    pause.addEventListener("click", () => this.pause(!this.#paused));
  }

  /**
   * Take an event in that came at `at`, Unix milliseconds, or happened then where it is told later; unless it is there
   * already: when a view begins anew, events are said again.
   */
  add(channel, event, at) {
    if (this.#ids.has(event.id)) return;
    this.#ids.add(event.id);
    if (!this.#types.has(event.type)) this.#addType(event.type);
    const entry = { channel, event, at, text: JSON.stringify(event).toLowerCase(), line: null };
    const coming = this.#paused ? this.#waiting : this.#fresh;
    coming.unshift(entry);
    if (coming.length > 2 * KEPT) this.#keepLatest(coming);
  }

  pause(paused) {
    this.#paused = paused;
    this.#pause.setAttribute("aria-pressed", String(paused));
    if (!paused) {
      this.#fresh.unshift(...this.#waiting.splice(0));
      this.show();
    }
    this.#tell();
  }

  /** Take the events of a channel away. */
  forget(channel) {
    for (const entries of [this.#entries, this.#fresh, this.#waiting]) {
      const gone = entries.filter((entry) => entry.channel === channel);
      entries.splice(0, entries.length, ...entries.filter((entry) => entry.channel !== channel));
      for (const entry of gone) {
        this.#ids.delete(entry.event.id);
        entry.line?.remove();
      }
    }
    this.#tell();
  }

  clear() {
    this.#entries = [];
    this.#fresh = [];
    this.#waiting = [];
    this.#ids.clear();
    this.#list.replaceChildren();
    this.#tell();
  }

  /** Put on the page what has come. */
  show() {
    if (this.#fresh.length > 0) {
      this.#entries.unshift(...this.#fresh.splice(0));
      this.#keepLatest(this.#entries);
      this.#place();
    }
    this.#tell();
  }

  /** Latest first. Of those of one moment, what came later is the later. */
  #keepLatest(entries) {
    entries.sort((one, other) => other.at - one.at);
    for (const gone of entries.splice(KEPT)) {
      this.#ids.delete(gone.event.id);
      gone.line?.remove();
    }
  }

  #showAll() {
    this.#list.replaceChildren();
    this.#place();
    this.#tell();
  }

  /** Put lines where they belong; those that are there already stay, with what is open or selected in them. */
  #place() {
    const shown = this.#entries.filter((entry) => this.#passes(entry));
    let there = this.#list.firstElementChild;
    for (const entry of shown) {
      const wanted = line(entry);
      if (wanted === there) there = there.nextElementSibling;
      else this.#list.insertBefore(wanted, there);
    }
  }

  #passes(entry) {
    const type = this.#type.value;
    const text = this.#search.value.trim().toLowerCase();
    return (type === "" || entry.event.type === type) && (text === "" || entry.text.includes(text));
  }

  #addType(type) {
    this.#types.add(type);
    const option = new Option(words(type), type);
    const after = [...this.#type.options].slice(1).find((other) => other.value > type);
    this.#type.add(option, after ?? null);
  }

  #tell() {
    this.#pause.textContent = this.#paused ? `Resume (${this.#waiting.length} new)` : "Pause";
    const shown = this.#list.childElementCount;
    const filtered = this.#type.value !== "" || this.#search.value.trim() !== "";
    this.#count.textContent =
      shown > 0 ? "" : filtered ? "No event matches; clear the filter to see all." : "Nothing has happened yet. Events appear here the moment they do.";
    this.#count.hidden = shown > 0;
  }
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

/** An event's line on the page, made once. */
function line(entry) {
  if (entry.line !== null) return entry.line;
  const { channel, event } = entry;
  const item = document.createElement("li");
  const details = document.createElement("details");
  const head = document.createElement("summary");
  const type = element("span", "type", words(event.type));
  type.title = event.type;
  type.style.setProperty("--hue", hue(event.type));
  const time = element("time", "time", clock(event.time));
  time.dateTime = event.time;
  time.title = event.time;
  const subject = element("span", "subject", event.subject ? shortId(event.subject) : channel);
  subject.title = event.subject ?? channel;
  head.append(time, type, subject, element("span", "what", summary(event)));
  details.append(head);
  // Most lines are never opened: their text is made when they are.
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) {
      details.append(element("pre", "json", JSON.stringify(event, null, 2)));
    }
  });
  item.append(details);
  entry.line = item;
  return item;
}
