"""An event as the JSON that subscribers receive, with the attribute names of CloudEvents 1.0."""

from collections.abc import Sequence

import orjson

from signalman.event import Event, Json


def encode(event: Event, rows: Sequence[dict[str, Json]] = ()) -> bytes:
    """One redacted *event* as a JSON object: id, type, time, source, subject where it has one, data, and the *rows*
    that it changes where there are any.
    """
    members: dict[str, Json] = {"id": event.id, "type": event.type, "time": event.time, "source": event.source}
    if event.subject is not None:
        members["subject"] = event.subject
    members["data"] = event.data
    if rows:
        members["rows"] = rows
    return orjson.dumps(members)
