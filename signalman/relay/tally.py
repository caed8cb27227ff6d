"""What a batch did, counted on plain dictionaries and told to the metrics in one go.

A labelled Prometheus counter costs about as much as redacting an event, so it is touched once per batch and label.
"""

from collections import Counter
from collections.abc import Sequence

from signalman.event import Event, Published
from signalman.metrics import Metrics
from signalman.relay.route import Routed
from signalman.relay.rows import Changed


class Tally:
    """Counts of one batch."""

    def __init__(self) -> None:
        self._records: Counter[tuple[str, str]] = Counter()
        self._events: Counter[tuple[str, str]] = Counter()
        self._removed: Counter[tuple[str, str]] = Counter()
        self._unread: Counter[tuple[str, str]] = Counter()
        self._dropped: Counter[str] = Counter()
        self._duplicates: Counter[str] = Counter()
        self._stamps: list[int] = []

    def understood(
        self,
        topic: str,
        routed: Routed,
        redacted: Sequence[tuple[Event, int]],
        changed: Sequence[Changed],
        stamp_ms: int,
    ) -> None:
        """One record of logical *topic*, stamped *stamp_ms*, became these events, each with so many values removed, and
        what they *changed* in tables.
        """
        self._records[topic, routed.outcome] += 1
        if routed.contradictions:
            self._dropped[topic] += routed.contradictions
        for (event, removed), rows in zip(redacted, changed, strict=True):
            self._events[event.channel, event.type] += 1
            if removed or rows.removed:
                self._removed[event.channel, event.type] += removed + rows.removed
            if rows.unread:
                self._unread[event.channel, event.type] += rows.unread
        # Kafka writes -1 for a record without a timestamp.
        if routed.outcome == "published" and stamp_ms > 0:
            self._stamps.append(stamp_ms)

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
        for (channel, event_type), count in self._unread.items():
            metrics.row_changes_left_out.labels(channel, event_type).inc(count)
        for kind, count in self._duplicates.items():
            metrics.duplicates.labels(kind).inc(count)
        for topic, count in self._dropped.items():
            metrics.items_dropped.labels(topic).inc(count)
        for stamp_ms in self._stamps:
            metrics.record_age_seconds.observe(max(0.0, now - stamp_ms / 1000))
