// Values as people read them. Pure.

const NUMBER = new Intl.NumberFormat("en");
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const REGIONS = new Intl.DisplayNames("en", { type: "region", fallback: "none" });

export const NONE = "–";

export function number(value) {
  return Number.isFinite(Number(value)) && value !== null ? NUMBER.format(Number(value)) : NONE;
}

export function compact(value) {
  return COMPACT.format(value);
}

/** 1536 → 1.5 KB. */
export function bytes(value) {
  let size = Number(value);
  if (value === null || value === undefined || !Number.isFinite(size)) return NONE;
  for (const unit of ["B", "KB", "MB", "GB", "TB"]) {
    if (size < 1000 || unit === "TB") return `${size < 10 && unit !== "B" ? size.toFixed(1) : Math.round(size)} ${unit}`;
    size /= 1024;
  }
  return NONE;
}

/** Bytes a second. */
export function speed(value) {
  const text = bytes(value);
  return text === NONE ? NONE : `${text}/s`;
}

export function percent(share) {
  return Number.isFinite(share) ? `${Math.round(share * 100)} %` : NONE;
}

/** How long ago, in one unit, "now" below a second and a half. Milliseconds in. */
export function ago(milliseconds) {
  return milliseconds < 1500 ? "now" : `${span(milliseconds)} ago`;
}

/** A length of time in one or two units. */
export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (!Number.isFinite(seconds)) return NONE;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 && days < 7 ? `${days} d ${hours % 24} h` : `${days} d`;
}

/** An id at a glance: both ends, because ids of one family differ only in one of them. */
export function shortId(id) {
  const text = String(id ?? "");
  return text.length > 16 ? `${text.slice(0, 8)}…${text.slice(-4)}` : text || NONE;
}

export function country(code) {
  if (!/^[A-Z]{2}$/.test(code ?? "")) return "Unknown";
  return REGIONS.of(code) ?? code;
}

/** stream_lifecycle_update → stream lifecycle update. */
export function words(name) {
  return String(name ?? "").replaceAll("_", " ");
}

/** The same as a label of its own: offline → Offline. */
export function label(name) {
  const text = words(name);
  return text === "" ? NONE : text[0].toUpperCase() + text.slice(1);
}

/** 10:11:12, the reader's own time. */
export function clock(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? NONE : date.toLocaleTimeString("en-GB");
}

/** An event's data in a few words: plain values first, nothing empty, nothing that is the subject again. */
export function summary(event) {
  const plain = [];
  const nested = [];
  for (const [name, value] of Object.entries(event.data ?? {})) {
    if (value === null || value === "" || value === event.subject) continue;
    if (Array.isArray(value)) {
      if (value.length > 0) nested.push(`${words(name)} [${value.length}]`);
    } else if (typeof value === "object") {
      nested.push(words(name));
    } else {
      plain.push(`${words(name)} ${typeof value === "string" && value.length > 24 ? shortId(value) : value}`);
    }
  }
  return [...plain, ...nested].join(" · ");
}
