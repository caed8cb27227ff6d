"""What a batch did, counted on plain dictionaries and told to the metrics in one go.

A labelled Prometheus counter costs about as much as redacting an event, so it is touched once per batch and label.
"""

from collections import Counter
from collections.abc import Sequence

from signalman.event import Published
from signalman.metrics import Metrics
from signalman.relay.redact import Redacted
from signalman.relay.route import Routed
from signalman.relay.rows import Changed


class Tally:
    """Counts of one batch."""

    def __init__(self) -> None:
        self._records: Counter[tuple[str, str]] = Counter()
        self._events: Counter[tuple[str, str]] = Counter()
        self._removed: Counter[tuple[str, str]] = Counter()
        self._changes_unread: Counter[tuple[str, str]] = Counter()
        self._values_unread: Counter[tuple[str, str]] = Counter()
        self._dropped: Counter[str] = Counter()
        self._duplicates: Counter[str] = Counter()
        self._stamps: list[int] = []

    def understood(
        self,
        topic: str,
        routed: Routed,
        redacted: Sequence[Redacted],
        changed: Sequence[Changed],
        stamp_ms: int,
    ) -> None:
        """One record of logical *topic*, stamped *stamp_ms*, became these events, and they *changed* this in tables."""
        self._records[topic, routed.outcome] += 1
        if routed.contradictions:
            self._dropped[topic] += routed.contradictions
        for (event, removed, unread), (_, rows_removed, changes_unread, rows_unread) in zip(
            redacted, changed, strict=True
        ):
            label = event.channel, event.type
            self._events[label] += 1
            if removed or rows_removed:
                self._removed[label] += removed + rows_removed
            if unread or rows_unread:
                self._values_unread[label] += unread + rows_unread
            if changes_unread:
                self._changes_unread[label] += changes_unread
        # Kafka writes -1 for a record without a timestamp.
        if routed.outcome == "published" and stamp_ms > 0:
            self._stamps.append(stamp_ms)

    def signal(self, topic: str) -> None:
        """One record of logical *topic* says whose access may have changed."""
        self._records[topic, "signal"] += 1

    def published(self, published: Published) -> None:
        """The bus took some events."""
        self._duplicates["fenced"] += published.fenced
        self._duplicates["repeated"] += published.repeated

    def dead_letter(self, topic: str) -> None:
        """One record of logical *topic* could not be understood."""
        self._records[topic, "dead_letter"] += 1

    def report(self, metrics: Metrics, now: float) -> None:
        """Add the counts to *metrics*; *now* in Unix seconds is when the batch was published."""
        for (topic, outcome), count in self._records.items():
            metrics.records.labels(topic, outcome).inc(count)
        for (channel, event_type), count in self._events.items():
            metrics.events.labels(channel, event_type).inc(count)
        for (channel, event_type), count in self._removed.items():
            metrics.fields_removed.labels(channel, event_type).inc(count)
        for (channel, event_type), count in self._values_unread.items():
            metrics.values_unread.labels(channel, event_type).inc(count)
        for (channel, event_type), count in self._changes_unread.items():
            metrics.row_changes_left_out.labels(channel, event_type).inc(count)
        for kind, count in self._duplicates.items():
            metrics.duplicates.labels(kind).inc(count)
        for topic, count in self._dropped.items():
            metrics.items_dropped.labels(topic).inc(count)
        for stamp_ms in self._stamps:
            metrics.record_age_seconds.observe(max(0.0, now - stamp_ms / 1000))
