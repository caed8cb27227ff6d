"""Small complete values for the gateway's tests: a catalog of two channels, publications, principals."""

import orjson

from signalman.channel import Catalog, Channel, EventType, Filter, ScopeLevel, Table
from signalman.event import Feed, Position, Publication
from signalman.principal import Principal

TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"
OTHER = "5eed517e-ba5e-da7a-517e-ba5eda7a0002"
STREAM = "5eedfeed-11fe-ca57-feed-11feca570001"
FEED = Feed("streams", (TENANT,))


def event_type(name: str) -> EventType:
    """An event type as the gateway sees it; only its name matters here."""
    return EventType(
        name=name,
        topic="analytics",
        payload=f"data.{name}",
        lift={},
        require=(),
        keep={"stream_id": None},
        expose=frozenset(),
        subject="stream_id",
    )


def table(name: str = "streams", columns: tuple[str, ...] = ("stream_id", "status", "updated_at")) -> Table:
    """A table keyed by its first column."""
    return Table(
        name=name,
        title=name.title(),
        source=f"{name}_current",
        scope=("tenant_id",),
        scope_types=("uuid",),
        key=columns[:1],
        columns=columns,
        version="updated_at",
        where=(),
        max_rows=1000,
    )


def catalog() -> Catalog:
    """Channels ``streams``, with a table, and ``system``, with two."""
    streams = Channel(
        name="streams",
        title="Streams",
        description="What streams do.",
        permissions=frozenset({"streams:read"}),
        events={name: event_type(name) for name in ("stream_buffer", "stream_end")},
        filters={
            "stream_id": Filter("stream_id", "uuid", "Stream"),
            "node_id": Filter("node_id", "string", "Node"),
        },
        tables={"streams": table()},
    )
    system = Channel(
        name="system",
        title="System",
        description="What nodes do.",
        permissions=frozenset({"infrastructure:read"}),
        events={"node_lifecycle_update": event_type("node_lifecycle_update")},
        filters={"node_id": Filter("node_id", "string", "Node")},
        tables={
            "nodes": table("nodes", ("node_id", "updated_at")),
            "orchestrators": table("orchestrators", ("orch_addr", "updated_at")),
        },
    )
    return Catalog(
        pack="test",
        title="Test",
        levels=(ScopeLevel("tenant", "uuid", "tenant_id"),),
        topics={},
        channels={"streams": streams, "system": system},
        ignored=frozenset(),
    )


def principal(tenant: str = TENANT, *, expires_at: float | None = None) -> Principal:
    """A user of *tenant*."""
    return Principal("user", "u-1", (tenant,), expires_at=expires_at)


def event(number: int, type_: str = "stream_buffer", **data: object) -> bytes:
    """One published event."""
    data.setdefault("stream_id", STREAM)
    return orjson.dumps(
        {"id": f"e-{number}", "type": type_, "time": "2026-08-20T10:11:12Z", "source": "foghorn", "data": data}
    )


def publication(prev: int, *events: bytes, epoch: str = "e1", feed: Feed = FEED) -> Publication:
    """A batch after *prev*."""
    return Publication(feed, Position(epoch, prev + len(events)), prev, 1_000, events)
