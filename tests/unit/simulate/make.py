"""Small complete values for the simulator's tests: events by hand, and readings of generated ones."""

from collections.abc import Iterator, Mapping
from typing import Any

from signalman.event import Json
from signalman.simulate.rows import changes
from signalman.simulate.wire import Emitted

TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"
STREAM = "5eedfeed-11fe-ca57-feed-11feca570001"
TIME = "2026-08-20T10:11:12.5Z"
NOW = 1_787_220_672.5
"""`TIME` as Unix seconds."""
START = 1_787_220_000.0


def body(event_type: str, payload: Mapping[str, Json], *, key: str | None = None, **data: Json) -> dict[str, Json]:
    """An analytics event whose payload lies under *key*, or else under its own name."""
    trigger = {"node_id": "edge-node-1", "cluster_id": "demo-media", "stream_id": STREAM, **data}
    return {
        "event_id": "e-1",
        "event_type": event_type,
        "timestamp": TIME,
        "source": "foghorn",
        "tenant_id": TENANT,
        "data": trigger | {key or event_type: dict(payload)},
    }


def flat(event_type: str, data: Mapping[str, Json]) -> dict[str, Json]:
    """An event whose data are the payload itself."""
    return body(event_type, {}) | {"data": dict(data)}


def rows(event: Mapping[str, Json], topic: str = "analytics") -> list[tuple[str, dict[str, Any]]]:
    """Tables and rows of *event*."""
    return [(change.table, change.row) for change in changes(event, topic, NOW + 3)]


def emitted(event: dict[str, Json], time: float = NOW, topic: str = "analytics") -> Emitted:
    """*event* as the world would emit it."""
    return Emitted(topic, time, b"", b"", (), event)


def at(value: Json, path: str) -> Iterator[Json]:
    """Values at a dotted *path*; ``[]`` stands for every item of a list, ``{}`` for every key of an object."""
    name, _, rest = path.partition(".")
    plain = name.removesuffix("[]").removesuffix("{}")
    if not isinstance(value, dict) or plain not in value:
        return
    below = value[plain]
    found = list(below) if name.endswith(("[]", "{}")) else [below]
    for item in found:
        if rest:
            yield from at(item, rest)
        else:
            yield from item if isinstance(item, list) else (item,)
