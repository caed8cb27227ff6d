// What an event does to the tables' rows, for FrameWorks. This is the only place that knows event types: when events carry
// their row changes themselves, this file goes, and `apply` with it.

const NO_STREAM = "00000000-0000-0000-0000-000000000000";

const has = (value) => value !== undefined && value !== null && value !== "" && value !== NO_STREAM;

/** The columns of `names` that the event has a value for. */
function pick(data, names) {
  return Object.fromEntries(names.filter((name) => has(data[name])).map((name) => [name, data[name]]));
}

/** Protobuf's enum names as the tables have them: STAGE_PROGRESS → progress. */
function plain(value, prefix) {
  return has(value) ? String(value).replace(prefix, "").toLowerCase() : undefined;
}

// Stored times are the events' own, cut to seconds. An event of an earlier second is one that the row has seen already.
function isOlder(event, row, column) {
  const stored = row?.[column];
  return has(stored) && Date.parse(event.time) < Math.floor(Date.parse(stored) / 1000) * 1000;
}

/** Set the columns in `values`; those in `initial` only where there is no row yet. */
function upsert(event, values, version, initial = {}) {
  return (rows, name) => {
    const key = name(values);
    const row = rows.get(key);
    if (isOlder(event, row, version)) return;
    rows.set(key, { ...initial, ...row, ...values, [version]: event.time });
  };
}

const STREAM = [
  "stream_id",
  "node_id",
  "buffer_state",
  "total_inputs",
  "has_issues",
  "issues_description",
  "track_count",
  "quality_tier",
  "primary_width",
  "primary_height",
  "primary_fps",
  "primary_codec",
  "primary_bitrate",
];

function stream(event) {
  const data = event.data;
  const row = { has_issues: false, issues_description: null, ...pick(data, STREAM) };
  row.status = has(data.status) ? data.status : "live";
  row.current_viewers = data.total_viewers ?? 0;
  return upsert(event, row, "updated_at", { started_at: event.time });
}

function streamEnd(event) {
  const values = { stream_id: event.data.stream_id, status: "offline", buffer_state: "EMPTY", current_viewers: 0 };
  return upsert(event, values, "updated_at");
}

function viewer(event) {
  const data = event.data;
  const row = {
    ...pick(data, ["stream_id", "node_id", "session_id", "connector"]),
    country_code: has(data.client_country) ? data.client_country : "--",
    city: data.client_city ?? "",
    connected_at: event.time,
  };
  return upsert(event, row, "last_updated");
}

function viewerEnd(event) {
  return (rows, name) => rows.delete(name(event.data));
}

function node(event) {
  const data = event.data;
  const row = {
    ...pick(data, ["cluster_id", "node_id", "is_healthy", "up_speed", "down_speed", "bw_limit", "active_streams", "location"]),
    ...pick({ ram_used_bytes: data.ram_current, ram_total_bytes: data.ram_max }, ["ram_used_bytes", "ram_total_bytes"]),
    ...pick(data, ["disk_used_bytes", "disk_total_bytes"]),
    is_healthy: data.is_healthy === true,
    cpu_percent: (data.cpu_tenths ?? 0) / 10,
  };
  const mode = plain(data.operational_mode, "NODE_OPERATIONAL_MODE_");
  row.operational_mode = mode === undefined || mode === "unspecified" ? "normal" : mode;
  return upsert(event, row, "updated_at");
}

function artifact(kind) {
  return (event) => {
    const data = event.data;
    const row = {
      request_id: data[`${kind}_hash`],
      content_type: kind,
      stage: plain(data.stage ?? data.status, /^(STAGE|STATUS)_/),
      ...pick(data, ["stream_id", "filename", "size_bytes", "segment_count"]),
      ...pick({ progress_percent: data.progress_percent ?? data.progress_pct }, ["progress_percent"]),
      ...pick({ processing_node_id: data.node_id }, ["processing_node_id"]),
    };
    return upsert(event, row, "updated_at");
  };
}

// Channel → event type → table, the fields without which the event says nothing about a row, and the change.
const CHANGES = {
  streams: {
    stream_lifecycle_update: ["streams", ["stream_id"], stream],
    stream_end: ["streams", ["stream_id"], streamEnd],
  },
  analytics: {
    viewer_connect: ["viewers", ["stream_id", "node_id", "session_id"], viewer],
    viewer_disconnect: ["viewers", ["stream_id", "node_id", "session_id"], viewerEnd],
    clip_lifecycle: ["artifacts", ["clip_hash"], artifact("clip")],
    dvr_lifecycle: ["artifacts", ["dvr_hash"], artifact("dvr")],
    vod_lifecycle: ["artifacts", ["vod_hash"], artifact("vod")],
  },
  system: {
    node_lifecycle_update: ["nodes", ["cluster_id", "node_id"], node],
  },
};

/** Let an event of a channel change the tables. */
export function apply(tables, channel, event) {
  const [table, required, change] = CHANGES[channel]?.[event.type] ?? [];
  if (table === undefined || !required.every((field) => has(event.data?.[field]))) return;
  tables.apply(channel, table, change(event));
}
