-- The platform's current-state tables, as a single server without replication has them. The platform fills
-- viewer_sessions_current through materialized views; here the ingest writes it directly, and its
-- internal_name, which follows from the key, is an aggregate because newer servers insist. Statements end in ";".

CREATE TABLE IF NOT EXISTS stream_state_current
(
    tenant_id             UUID,
    stream_id             UUID,
    internal_name         String,
    node_id               LowCardinality(String),
    status                LowCardinality(String),
    buffer_state          LowCardinality(String),
    current_viewers       UInt32,
    total_inputs          UInt16,
    uploaded_bytes        UInt64,
    downloaded_bytes      UInt64,
    viewer_seconds        UInt64,
    has_issues            Nullable(UInt8),
    issues_description    Nullable(String),
    track_count           Nullable(UInt16),
    quality_tier          Nullable(String),
    primary_width         Nullable(UInt16),
    primary_height        Nullable(UInt16),
    primary_fps           Nullable(Float32),
    primary_codec         Nullable(String),
    primary_bitrate       Nullable(UInt32),
    packets_sent          Nullable(UInt64),
    packets_lost          Nullable(UInt64),
    packets_retransmitted Nullable(UInt64),
    started_at            Nullable(DateTime),
    updated_at            DateTime
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (tenant_id, stream_id);

CREATE TABLE IF NOT EXISTS viewer_sessions_current
(
    tenant_id         UUID,
    stream_id         UUID,
    internal_name     SimpleAggregateFunction(any, LowCardinality(String)),
    session_id        String,
    node_id           LowCardinality(String),
    connected_at      SimpleAggregateFunction(min, Nullable(DateTime)),
    disconnected_at   SimpleAggregateFunction(max, Nullable(DateTime)),
    connector         SimpleAggregateFunction(any, LowCardinality(String)),
    country_code      SimpleAggregateFunction(any, FixedString(2)),
    city              SimpleAggregateFunction(any, LowCardinality(String)),
    latitude          SimpleAggregateFunction(any, Float64),
    longitude         SimpleAggregateFunction(any, Float64),
    bytes_transferred SimpleAggregateFunction(max, UInt64),
    session_duration  SimpleAggregateFunction(max, UInt32),
    last_updated      SimpleAggregateFunction(max, DateTime)
)
ENGINE = AggregatingMergeTree
ORDER BY (tenant_id, stream_id, node_id, session_id);

CREATE TABLE IF NOT EXISTS node_state_current
(
    tenant_id        UUID,
    cluster_id       LowCardinality(String),
    node_id          String,
    cpu_percent      Float32,
    ram_used_bytes   UInt64,
    ram_total_bytes  UInt64,
    disk_used_bytes  UInt64,
    disk_total_bytes UInt64,
    up_speed         UInt64,
    down_speed       UInt64,
    bw_limit         UInt64 DEFAULT 0,
    active_streams   UInt32,
    is_healthy       UInt8,
    operational_mode LowCardinality(String) DEFAULT 'normal',
    latitude         Float64,
    longitude        Float64,
    location         String,
    metadata         JSON,
    updated_at       DateTime
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (tenant_id, cluster_id, node_id);

CREATE TABLE IF NOT EXISTS artifact_state_current
(
    tenant_id          UUID,
    stream_id          UUID,
    request_id         String,
    internal_name      String,
    filename           Nullable(String),
    content_type       LowCardinality(String),
    stage              LowCardinality(String),
    progress_percent   UInt8,
    error_message      Nullable(String),
    requested_at       DateTime,
    started_at         Nullable(DateTime),
    completed_at       Nullable(DateTime),
    clip_start_unix    Nullable(Int64),
    clip_stop_unix     Nullable(Int64),
    segment_count      Nullable(UInt32),
    manifest_path      Nullable(String),
    file_path          Nullable(String),
    s3_url             Nullable(String),
    size_bytes         Nullable(UInt64),
    processing_node_id Nullable(String),
    updated_at         DateTime64(3),
    expires_at         Nullable(DateTime),
    storage_location   Nullable(String),
    sync_status        Nullable(String),
    is_synced          Nullable(Bool),
    is_finalized       Nullable(Bool),
    has_local_copy     Nullable(Bool)
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (tenant_id, request_id);

CREATE TABLE IF NOT EXISTS artifact_node_copy_current
(
    tenant_id     UUID,
    artifact_hash String,
    node_id       LowCardinality(String),
    role          LowCardinality(String),
    present       Bool DEFAULT true,
    is_complete   Bool DEFAULT false,
    size_bytes    Nullable(UInt64),
    version       UInt64 DEFAULT 0,
    updated_at    DateTime64(3)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, artifact_hash, node_id);

CREATE TABLE IF NOT EXISTS orchestrator_state_current
(
    tenant_id  UUID,
    orch_addr  String,
    last_seen  DateTime,
    metadata   JSON,
    updated_at DateTime
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (tenant_id, orch_addr);

CREATE TABLE IF NOT EXISTS orchestrator_instance_state_current
(
    tenant_id                         UUID,
    orch_addr                         String,
    resolved_ip                       String,
    canonical_url                     String,
    advertised_node_urls              Array(String),
    capabilities                      Array(String),
    price_per_unit                    Int64,
    pixels_per_unit                   Int64,
    capability_price_capabilities     Array(String),
    capability_price_positions        Array(UInt32),
    capability_price_price_per_units  Array(Int64),
    capability_price_pixels_per_units Array(Int64),
    hardware                          String,
    source                            LowCardinality(String) DEFAULT 'gateway_pool',
    last_seen                         DateTime,
    metadata                          JSON,
    updated_at                        DateTime
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (tenant_id, orch_addr, resolved_ip);

CREATE TABLE IF NOT EXISTS orchestrator_vantage_current
(
    tenant_id         UUID,
    gateway_id        LowCardinality(String),
    gateway_region    LowCardinality(String),
    orch_addr         String,
    resolved_ip       String,
    latitude          Float64,
    longitude         Float64,
    city              String,
    country_code      LowCardinality(String),
    geo_source        LowCardinality(String) DEFAULT 'unknown',
    geo_resolved_at   DateTime,
    latest_latency_ms UInt32,
    score             Float32,
    dialed_recently   UInt8,
    last_seen         DateTime,
    updated_at        DateTime
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (tenant_id, gateway_id, orch_addr, resolved_ip);
