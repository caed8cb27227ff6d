// The sections of the page: which rows each shows, in which order, and what it says when there are none.

import { NONE, ago, bytes, country, label, number, percent, shortId, span, speed } from "./format.js";
import { Grid } from "./grid.js";

const SHOWN = 50;
const RUNNING = new Set(["requested", "queued", "progress", "started", "recording", "uploading", "processing"]);
const BIGGEST = 6; // countries, sessions
const KINDS = { clip: "Clip", dvr: "Recording", vod: "Upload" };

const at = (time) => (time ? Date.parse(time) : NaN);

// Both change with time alone as well, by the clock rules of their tables.
const isLive = (row) => row.status === "live";
const isHealthy = (row) => Boolean(row.is_healthy) && !row.stale;

function shape(row) {
  if (!row.primary_height) return row.quality_tier ?? NONE;
  const rate = row.primary_fps ? `${Math.round(row.primary_fps)}` : "";
  return `${row.primary_height}p${rate}${row.primary_codec ? ` ${row.primary_codec}` : ""}`;
}

function health(row) {
  if (!isLive(row)) return ["", NONE];
  if (row.has_issues) return ["bad", row.issues_description || "Issues"];
  return row.buffer_state === "DRY" ? ["warn", "Buffer dry"] : ["good", "Good"];
}

function nodeState(row) {
  if (row.stale) return ["warn", "No news"];
  if (!row.is_healthy) return ["bad", "Unhealthy"];
  return row.operational_mode && row.operational_mode !== "normal" ? ["warn", label(row.operational_mode)] : ["good", "Healthy"];
}

const share = (used, total) => (Number(total) > 0 ? Number(used) / Number(total) : NaN);

function timed(head, time) {
  const since = (row, now) => span(now - at(time(row)));
  return { head, kind: "number", text: (row) => since(row, row.now), title: (row) => time(row) ?? "" };
}

const STREAMS = [
  { head: "Stream", kind: "id", text: (row) => shortId(row.stream_id), title: (row) => row.stream_id },
  {
    head: "Status",
    text: (row) => label(row.status),
    tone: (row) => (isLive(row) ? "good" : ""),
  },
  { head: "Viewers", kind: "number strong", text: (row) => (isLive(row) ? number(row.current_viewers ?? 0) : NONE) },
  {
    head: "Health",
    text: (row) => health(row)[1],
    tone: (row) => health(row)[0],
    title: (row) => row.issues_description ?? "",
  },
  { head: "Quality", text: shape, title: (row) => row.quality_tier ?? "" },
  { head: "Node", kind: "id", text: (row) => shortId(row.node_id), title: (row) => row.node_id ?? "" },
  timed("Since", (row) => (isLive(row) ? row.started_at : row.updated_at)),
];

const NODES = [
  { head: "Node", kind: "id", text: (row) => shortId(row.node_id), title: (row) => `${row.node_id} in ${row.cluster_id}` },
  { head: "State", text: (row) => nodeState(row)[1], tone: (row) => nodeState(row)[0] },
  {
    head: "CPU",
    kind: "number meter",
    text: (row) => percent(Number(row.cpu_percent) / 100),
    share: (row) => Number(row.cpu_percent) / 100,
  },
  {
    head: "Memory",
    kind: "number meter",
    text: (row) => percent(share(row.ram_used_bytes, row.ram_total_bytes)),
    share: (row) => share(row.ram_used_bytes, row.ram_total_bytes),
    title: (row) => `${bytes(row.ram_used_bytes)} of ${bytes(row.ram_total_bytes)}`,
  },
  { head: "Streams", kind: "number", text: (row) => number(row.active_streams ?? 0) },
  { head: "Up", kind: "number", text: (row) => speed(row.up_speed) },
  { head: "Down", kind: "number", text: (row) => speed(row.down_speed) },
  { head: "Place", text: (row) => row.location || NONE },
];

const COUNTRIES = [
  { head: "Country", text: (row) => row.name },
  { head: "Viewers", kind: "number meter", text: (row) => number(row.count), share: (row) => row.share },
];

const SESSIONS = [
  { head: "From", text: (row) => [row.city, country(row.country_code)].filter(Boolean).join(", ") },
  { head: "Stream", kind: "id", text: (row) => shortId(row.stream_id), title: (row) => row.stream_id },
  { head: "By", text: (row) => row.connector || NONE },
  timed("For", (row) => row.connected_at),
];

const ARTIFACTS = [
  { head: "Kind", text: (row) => KINDS[row.content_type] ?? label(row.content_type) },
  { head: "Name", kind: "id", text: (row) => row.filename || shortId(row.request_id), title: (row) => row.request_id },
  { head: "Stage", text: (row) => label(row.stage), tone: () => "warn" },
  {
    head: "Progress",
    kind: "number meter",
    text: (row) => (row.progress_percent ? percent(row.progress_percent / 100) : NONE),
    share: (row) => (row.progress_percent ?? 0) / 100,
  },
  { head: "Size", kind: "number", text: (row) => bytes(row.size_bytes) },
  { head: "Updated", kind: "number", text: (row) => ago(row.now - at(row.updated_at)), title: (row) => row.updated_at ?? "" },
];

const part = (id) => document.getElementById(id);

/** One table of the page. */
class Section {
  #name;
  #grid;
  #empty;

  constructor(name, columns, key, empty) {
    this.#name = name;
    this.#grid = new Grid(part(name), columns, key);
    this.#empty = empty;
  }

  /** Show `rows`, of which there are `total`; `known` tells nothing yet from nothing there. */
  show(rows, { known, now, total = rows.length, note = "" }) {
    const shown = rows.slice(0, SHOWN);
    this.#grid.show(shown.map((row) => ({ ...row, now })));
    part(this.#name).hidden = rows.length === 0;
    const empty = part(`${this.#name}-empty`);
    empty.hidden = rows.length > 0;
    empty.textContent = known ? this.#empty : "Loading…";
    const count = part(`${this.#name}-count`);
    if (count) count.textContent = total > shown.length ? `${shown.length} of ${number(total)}` : note;
  }
}

export class Sections {
  #streams = new Section("streams", STREAMS, (row) => row.stream_id, "No streams yet. Start one, and it appears here within a second.");
  #nodes = new Section("nodes", NODES, (row) => `${row.cluster_id} ${row.node_id}`, "No nodes of your own. Nodes of clusters that you own appear here.");
  #countries = new Section("countries", COUNTRIES, (row) => row.code, "Nobody is watching right now.");
  #sessions = new Section("sessions", SESSIONS, (row) => `${row.stream_id} ${row.node_id} ${row.session_id}`, "Whoever starts to watch appears here.");
  #artifacts = new Section("artifacts", ARTIFACTS, (row) => row.request_id, "Nothing is being recorded, clipped or uploaded right now.");

  show(board, now) {
    this.#showStreams(board, now);
    this.#showNodes(board, now);
    this.#showViewers(board, now);
    this.#showArtifacts(board, now);
    for (const each of document.querySelectorAll("[data-channel]")) {
      each.dataset.stale = String(board.isOld(each.dataset.channel));
    }
  }

  #showStreams(board, now) {
    const rows = board.rows("streams", "streams");
    const order = (row) => [isLive(row) ? 1 : 0, Number(row.current_viewers) || 0, at(row.updated_at) || 0];
    rows.sort((one, other) => descending(order(one), order(other)) || compare(one.stream_id, other.stream_id));
    const live = rows.filter(isLive);
    const known = board.known("streams", "streams");
    this.#streams.show(rows, { known, now, note: rows.length > live.length ? `${live.length} live of ${rows.length}` : "" });
    const viewers = live.reduce((sum, row) => sum + (Number(row.current_viewers) || 0), 0);
    tile("streams", known, number(live.length), issues(live));
    tile("viewers", known, number(viewers), live.length > 0 ? `across ${number(live.length)} stream${live.length > 1 ? "s" : ""}` : "");
  }

  #showNodes(board, now) {
    const rows = board.rows("system", "nodes");
    rows.sort((one, other) => Number(isHealthy(one)) - Number(isHealthy(other)) || compare(one.node_id, other.node_id));
    const known = board.known("system", "nodes");
    this.#nodes.show(rows, { known, now });
    const healthy = rows.filter(isHealthy).length;
    tile("nodes", known, number(healthy), rows.length > healthy ? `of ${rows.length}; ${rows.length - healthy} need a look` : rows.length > 0 ? "all of them" : "");
    part("tile-nodes").dataset.tone = rows.length > healthy ? "warn" : "";
  }

  #showViewers(board, now) {
    const rows = board.rows("analytics", "viewers");
    const known = board.known("analytics", "viewers");
    const counts = new Map();
    for (const row of rows) counts.set(row.country_code, (counts.get(row.country_code) ?? 0) + 1);
    const countries = [...counts].map(([code, count]) => ({ code, name: country(code), count }));
    countries.sort((one, other) => other.count - one.count || compare(one.name, other.name));
    for (const row of countries) row.share = row.count / countries[0].count;
    this.#countries.show(countries.slice(0, BIGGEST), {
      known,
      now,
      note: countries.length > BIGGEST ? `${BIGGEST} of ${countries.length} countries` : "",
    });
    rows.sort((one, other) => at(other.connected_at) - at(one.connected_at) || compare(one.session_id, other.session_id));
    this.#sessions.show(rows.slice(0, BIGGEST), { known, now });
  }

  #showArtifacts(board, now) {
    const rows = board.rows("analytics", "artifacts").filter((row) => RUNNING.has(row.stage));
    rows.sort((one, other) => at(other.updated_at) - at(one.updated_at) || compare(one.request_id, other.request_id));
    this.#artifacts.show(rows, { known: board.known("analytics", "artifacts"), now });
  }
}

function issues(live) {
  const count = live.filter((row) => row.has_issues).length;
  if (live.length === 0) return "";
  return count > 0 ? `${count} with issues` : "no issues";
}

function tile(name, known, value, note) {
  part(`tile-${name}`).textContent = known ? value : NONE;
  part(`tile-${name}-note`).textContent = known ? note : "";
}

const compare = (one, other) => (String(one) < String(other) ? -1 : Number(String(one) > String(other)));

function descending(ones, others) {
  for (let index = 0; index < ones.length; index += 1) {
    if (ones[index] !== others[index]) return others[index] - ones[index];
  }
  return 0;
}
