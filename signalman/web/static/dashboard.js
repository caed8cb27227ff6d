// The page: signs in, connects, and shows what the client says.

import { Board } from "./board.js";
import { Feed } from "./feed.js";
import { clock, compact, span } from "./format.js";
import { Sections } from "./sections.js";
import { Client } from "./signalman.js";

const STORED = "signalman.token";
const SHOW_EVERY_MS = 250; // more often nobody can read
const ALARM_AFTER_MS = 4_000; // shorter interruptions are not worth a colour
const SAID_MS = 30_000; // how long a hole that nothing will fill is told
const RATE_SECONDS = 5;
const SPARK_SECONDS = 60;

const STATES = {
  connecting: "Connecting",
  loading: "Loading",
  live: "Live",
  stale: "Stale",
  reconnecting: "Reconnecting",
  stopped: "Signed out",
  credential: "Signed out",
  ended: "Ended",
};

const part = (id) => document.getElementById(id);

const board = new Board();
const sections = new Sections();
const feed = new Feed({
  list: part("feed"),
  count: part("feed-empty"),
  search: part("feed-search"),
  type: part("feed-type"),
  pause: part("feed-pause"),
});

let client = null;
let state = { name: "stopped", detail: "", retryAt: null };
let liveUntil = 0; // when the page was last as it should be
let interrupted = false;
let dirty = true;
let troubles = new Map(); // channel → what does not work
let ended = new Set(); // channels that may not be read any more
let admitted = false; // whether this credential was ever let in
let expiresAt = null; // when access ends, where that is soon, as Date.now() has it
let notRenewed = "";
const perSecond = new Array(SPARK_SECONDS).fill(0);

// -- signing in and out -----------------------------------------------------------------------------------------------

/** The token in the address's fragment, which no server ever sees; it is removed at once, from the history too. */
function tokenFromFragment() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(null, "", location.pathname + location.search);
  return token?.trim() || null;
}

function signIn(token) {
  client?.stop();
  sessionStorage.setItem(STORED, token);
  forget();
  const url = new URL("v1/ws", document.baseURI);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  client = new Client({ url: url.href, token, on: callbacks });
  part("sign-in").hidden = true;
  part("board").hidden = false;
  part("token").value = "";
  interrupted = false;
  liveUntil = Date.now();
  client.start();
}

function signOut(error = "") {
  sessionStorage.removeItem(STORED);
  const left = client;
  client = null;
  left?.stop();
  forget();
  sections.show(board, Date.now()); // with nothing in it: no row is left on the page
  part("sign-in-error").textContent = error;
  part("board").hidden = true;
  part("sign-in").hidden = false;
  part("who").hidden = true;
  part("token").focus();
}

/** Another person must not see what the one before saw. */
function forget() {
  board.clear();
  feed.clear();
  troubles = new Map();
  ended = new Set();
  admitted = false;
  expiresAt = null;
  notRenewed = "";
  perSecond.fill(0);
  dirty = true;
}

// -- what the client says ---------------------------------------------------------------------------------------------

const callbacks = {
  state(now) {
    // Each attempt is a connection of its own; to whoever looks it is one interruption.
    state = now.name === "connecting" && interrupted ? { ...state, retryAt: null } : now;
    if (now.name === "reconnecting") {
      interrupted = true;
      board.lost();
    }
    if (now.name === "live") interrupted = false;
    if (now.name !== "live") expiresAt = ["loading", "stale"].includes(now.name) ? expiresAt : null; // of that connection
    if (now.name === "credential") signOut(admitted ? `Your access has ended. ${now.detail}` : now.detail);
    if (now.name === "live") show(); // never say so before the rows are there
    else showState();
  },
  welcome(frame, again) {
    const { kind, id } = frame.principal;
    admitted = true;
    expiresAt = null;
    notRenewed = "";
    part("principal").textContent = kind === "account" ? id : `${kind} ${id}`;
    part("who").hidden = false;
    if (!again) troubles = new Map();
    for (const channel of frame.channels) ended.delete(channel);
    for (const section of document.querySelectorAll("[data-channel]")) {
      section.hidden = !frame.channels.includes(section.dataset.channel);
    }
  },
  expiring(frame) {
    expiresAt = Date.now() + 1000 * frame.in_seconds;
    showState();
  },
  notRenewed(detail) {
    notRenewed = detail;
    showState();
  },
  subscribed({ channel }, frame) {
    troubles.delete(channel);
    if (!frame.recovered) board.of(channel).begin(frame.tables);
    dirty = true;
  },
  snapshot({ channel }, frame) {
    board.of(channel).snapshot(frame);
  },
  events({ channel }, frame, live) {
    board.of(channel).events(frame.events);
    for (const event of frame.events) feed.add(channel, event, live ? serverTime() : Date.parse(event.time) || 0);
    if (live) perSecond[perSecond.length - 1] += frame.events.length;
    dirty = true;
  },
  caughtUp({ channel }) {
    board.of(channel).caughtUp();
    board.expire(serverTime());
    dirty = true;
  },
  reset({ channel }) {
    board.of(channel).lost();
    dirty = true;
  },
  dropped({ channel }, count) {
    const words = `This page was too slow: ${count === 1 ? "1 event is" : `${count} events are`} missing from channel ${channel}.`;
    troubles.set(channel, words);
    setTimeout(() => troubles.get(channel) === words && troubles.delete(channel), SAID_MS);
  },
  trouble({ channel }, error) {
    troubles.set(channel, error.detail);
  },
  refused({ channel }, error) {
    if (error.code === "grant_ended") {
      ended.add(channel);
      troubles.delete(channel);
      board.forget(channel);
      feed.forget(channel);
      dirty = true;
    } else {
      troubles.set(channel, error.detail);
    }
  },
};

function serverTime() {
  return client?.now() ?? Date.now();
}

// -- showing it -------------------------------------------------------------------------------------------------------

/** Short interruptions keep their colour: what is shown is seconds old, and about to be right again. */
function alarming(now) {
  return state.name !== "live" && now - liveUntil > ALARM_AFTER_MS;
}

function showState() {
  const now = Date.now();
  if (state.name === "live") liveUntil = now;
  const shown = part("state");
  shown.dataset.state = state.name;
  shown.dataset.alarming = String(alarming(now));
  const name = STATES[state.name] ?? state.name;
  if (part("state-name").textContent !== name) part("state-name").textContent = name;
  part("state-age").textContent = age(now);
  showExpiry(now);
  part("board").dataset.old = String(!["live", "stale"].includes(state.name) && alarming(now));
  const notice = part("notice");
  const words = [...new Set([state.detail, ...troubles.values(), ...access()])].filter(Boolean);
  if (state.name === "ended") words.push("Reload the page to try again.");
  if (state.name === "reconnecting") words.push("What you see may be old.");
  const text = words.join(" ");
  if (notice.textContent !== text) notice.textContent = text;
  notice.hidden = text === "" || (state.name !== "ended" && troubles.size === 0 && access().length === 0 && !alarming(now));
}

/** What there is to say about access. It does not change from second to second: a screen reader says it once. */
function access() {
  const words = [...ended].sort().map((channel) => `Your access to channel ${channel} has ended.`);
  if (expiresAt !== null) words.push(`Your access ends at ${clock(expiresAt)}; then sign in again.`);
  if (notRenewed !== "") words.push(`Your access could not be renewed: ${notRenewed}`);
  return words;
}

function showExpiry(now) {
  const shown = part("expiry");
  shown.hidden = expiresAt === null;
  shown.textContent = expiresAt === null ? "" : `access ends in ${span(expiresAt - now)}`;
}

function age(now) {
  if (state.retryAt !== null) return `again in ${span(Math.max(1000, state.retryAt - now))}`;
  if (client === null || !["live", "stale", "loading"].includes(state.name)) return "";
  const silent = now - client.heardAt;
  return silent < 2000 ? "now" : `heard ${span(silent)} ago`;
}

function showRate() {
  const latest = perSecond.slice(-RATE_SECONDS - 1, -1);
  const rate = latest.reduce((sum, count) => sum + count, 0) / RATE_SECONDS;
  part("tile-events").textContent = rate > 0 && rate < 10 ? rate.toFixed(1) : compact(rate);
  const most = Math.max(1, ...perSecond);
  const points = perSecond.slice(0, -1).map((count, second) => `${(second * 60) / (SPARK_SECONDS - 2)},${19 - (count / most) * 18}`);
  part("spark").firstElementChild.setAttribute("points", points.join(" "));
}

function show() {
  if (client === null || document.visibilityState === "hidden") return;
  showState();
  if (!dirty) return;
  dirty = false;
  sections.show(board, serverTime());
  feed.show();
}

function everySecond() {
  perSecond.push(0);
  perSecond.shift();
  if (client === null) return;
  showRate();
  // Without a connection nothing is heard of any row: what is shown stays as it was when it was lost.
  if (["live", "loading", "stale"].includes(state.name)) board.expire(serverTime());
  dirty = true; // times pass
}

// -- beginning --------------------------------------------------------------------------------------------------------

part("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  part("sign-in-error").textContent = "";
  const token = part("token").value.trim();
  if (token !== "") signIn(token);
});
part("sign-out").addEventListener("click", () => signOut());
window.addEventListener("hashchange", () => {
  const token = tokenFromFragment();
  if (token !== null) signIn(token);
});
setInterval(show, SHOW_EVERY_MS);
setInterval(everySecond, 1_000);

const token = tokenFromFragment() ?? sessionStorage.getItem(STORED);
if (token === null) signOut();
else signIn(token);
