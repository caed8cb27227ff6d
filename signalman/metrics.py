"""Every metric of Signalman, on one page. `docs/operations.md` lists them, and a test holds the two together.

Labels are closed sets or names from the pack. A tenant, an address or anything a client or a payload chose is never a
label: cardinality aside, labels outlive redaction.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of one process, in a registry of its own so that several can live in one test process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry

        self.records = Counter(
            "signalman_relay_records_total", "Kafka records read", ["topic", "outcome"], registry=r
        )  # outcome: published, signal, ignored, unknown, unscoped, dead_letter
        self.events = Counter(
            "signalman_relay_events_total",
            "Events handed to the bus, duplicates included",
            ["channel", "type"],
            registry=r,
        )
        self.fields_removed = Counter(
            "signalman_relay_addresses_removed_total",
            "Values that the net below the allow-list removed because they held an address",
            ["channel", "type"],
            registry=r,
        )
        self.values_unread = Counter(
            "signalman_relay_values_unread_total",
            "Values left out because they are not what the operator that the pack names for them expects",
            ["channel", "type"],
            registry=r,
        )
        self.duplicates = Counter(
            "signalman_relay_duplicates_total",
            "Events that had entered their feed before and were not published again",
            ["kind"],
            registry=r,
        )  # kind: fenced, repeated
        self.skipped = Counter(
            "signalman_relay_skipped_records_total",
            "Records passed over because they were too old to be told as news when their partition was taken over",
            registry=r,
        )
        self.row_changes_left_out = Counter(
            "signalman_relay_row_changes_left_out_total",
            "Row changes left out because the event's values do not fit the table's columns",
            ["channel", "type"],
            registry=r,
        )
        self.items_dropped = Counter(
            "signalman_relay_items_dropped_total",
            "Items of batch events left out because they name another scope than their envelope",
            ["topic"],
            registry=r,
        )
        self.batch_seconds = Histogram(
            "signalman_relay_batch_seconds",
            "Time from reading a Kafka batch to its being published",
            buckets=_LATENCY,
            registry=r,
        )
        self.record_age_seconds = Histogram(
            "signalman_relay_record_age_seconds",
            "Age of a record, by its Kafka timestamp, when it was published",
            buckets=_LATENCY,
            registry=r,
        )

        self.lag = Gauge("signalman_relay_lag_records", "Records on the topics that are not yet read", registry=r)

        self.connections = Gauge("signalman_connections", "Open client connections", registry=r)
        self.handshakes = Counter(
            "signalman_handshakes_total", "Connections by how their authentication ended", ["outcome"], registry=r
        )
        self.subscriptions = Gauge("signalman_subscriptions", "Live subscriptions", ["channel"], registry=r)
        self.feeds = Gauge("signalman_feeds", "Feeds this gateway is subscribed to on the bus", registry=r)
        self.views = Gauge("signalman_views", "Views: feed and filter combinations with subscribers", registry=r)
        self.deliveries = Counter("signalman_deliveries_total", "Events written to clients", ["channel"], registry=r)
        self.resets = Counter("signalman_resets_total", "Subscriptions told to start over", ["reason"], registry=r)
        self.gaps = Counter(
            "signalman_gaps_total", "Holes in what the bus delivered, by how they were closed", ["outcome"], registry=r
        )  # outcome: filled, reset
        self.resumes = Counter(
            "signalman_resumes_total", "Subscriptions that came back with a cursor, by result", ["outcome"], registry=r
        )  # outcome: recovered, or a reason for reset
        self.replayed_events = Histogram(
            "signalman_replayed_events",
            "Events replayed from history at the beginning of a subscription",
            ["kind"],
            buckets=(0, 1, 10, 100, 1_000, 10_000, 100_000),
            registry=r,
        )  # kind: join, resume
        self.history_events = Gauge("signalman_history_events", "Events of all feeds held for replay", registry=r)
        self.history_bytes = Gauge("signalman_history_bytes", "Size of the events held for replay", registry=r)
        self.snapshot_lag = Gauge(
            "signalman_snapshot_lag_seconds",
            "How far a table was behind its feed when last measured",
            ["table"],
            registry=r,
        )
        self.replay_window = Gauge(
            "signalman_replay_window_seconds",
            "How much history is replayed over a snapshot of the table",
            ["table"],
            registry=r,
        )
        self.dropped_events = Counter(
            "signalman_dropped_total",
            "Times that a reader was too slow for a channel and was taken to the newest events",
            ["channel"],
            registry=r,
        )
        self.partial_joins = Counter(
            "signalman_partial_joins_total", "Subscriptions whose history did not reach back far enough", registry=r
        )
        self.delivery_seconds = Histogram(
            "signalman_delivery_seconds",
            "Time from publication on the bus to the frame's being handed to a socket",
            buckets=_LATENCY,
            registry=r,
        )
        self.closes = Counter("signalman_closes_total", "Connections closed by us", ["code"], registry=r)
        self.snapshots = Counter(
            "signalman_snapshots_total", "Snapshot reads by result", ["table", "outcome"], registry=r
        )  # outcome: read, shared, failed
        self.tables_faulty = Gauge(
            "signalman_tables_faulty",
            "1 while a table of the pack is not in ClickHouse as the pack describes it, else 0",
            ["channel", "table"],
            registry=r,
        )
        self.snapshot_seconds = Histogram(
            "signalman_snapshot_seconds", "Duration of snapshot queries", ["table"], buckets=_LATENCY, registry=r
        )
        self.limited = Counter(
            "signalman_limited_total", "Times that a limit turned somebody away", ["limit"], registry=r
        )  # limit: a key of [limits]
        self.unauthenticated = Gauge(
            "signalman_unauthenticated", "Open connections that have not yet said who they are", registry=r
        )
        self.rechecks = Counter(
            "signalman_rechecks_total",
            "Connections whose standing was looked at again, by what came of it",
            ["outcome"],
            registry=r,
        )  # outcome: same, changed, ended, unknown (the directory did not answer)
        self.notices = Counter(
            "signalman_notices_total",
            "Notices that somebody's access may have changed, by where they came from",
            ["source"],
            registry=r,
        )  # source: relay, directory, poll
        self.access_end_seconds = Histogram(
            "signalman_access_end_seconds",
            "Time from a notice to the end of the connection that lost its access",
            buckets=_LATENCY,
            registry=r,
        )
        self.credential_seconds = Histogram(
            "signalman_credential_seconds",
            "Time that the check of one credential took",
            ["kind"],
            buckets=_LATENCY,
            registry=r,
        )  # kind: jwt, hashed, split, account, ticket, unknown
        self.aborted = Counter(
            "signalman_aborted_total", "Connections cut off because the client did not go by itself", registry=r
        )
        self.backend_up = Gauge(
            "signalman_backend_up", "1 while the backend answers, 0 while it does not", ["backend"], registry=r
        )
