"""What a dead letter carries around its value, whichever source writes it: the platform's conventions for key and
headers, as its other consumers keep them.
"""

from collections.abc import Mapping

from signalman.event import Record

# Copied from the record when it has them, so that dead letters can be sorted without opening them.
_COPIED = ("tenant_id", "event_type")


def dead_letter_key(record: Record) -> bytes:
    """The record's own key, else its place: ``topic:partition:offset``."""
    return record.key or f"{record.topic}:{record.partition}:{record.offset}".encode()


def dead_letter_headers(record: Record, consumers: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Who gave up on the record, and what it was.

    Args:
        record: As it was read.
        consumers: Name of the consumer of each topic; the name is ``signalman`` for a topic that has none.
    """
    headers = dict(record.headers)
    return [
        ("source", consumers.get(record.topic, "signalman").encode()),
        ("original_topic", record.topic.encode()),
        *((name, headers[name]) for name in _COPIED if name in headers),
    ]
