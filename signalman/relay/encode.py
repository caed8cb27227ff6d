"""An event as the JSON that subscribers receive, with the attribute names of CloudEvents 1.0."""

import orjson

from signalman.event import Event, Json


def encode(event: Event) -> bytes:
    """One redacted *event* as a JSON object: id, type, time, source, subject where it has one, data."""
    members: dict[str, Json] = {"id": event.id, "type": event.type, "time": event.time, "source": event.source}
    if event.subject is not None:
        members["subject"] = event.subject
    members["data"] = event.data
    return orjson.dumps(members)
