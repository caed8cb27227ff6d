"""Small complete values for the gateway's tests: a catalog of two channels, publications, principals."""

from collections.abc import Generator
from dataclasses import replace
from typing import TypeVar

import orjson

from signalman.channel import Catalog, Channel, EventType, Filter, ScopeLevel
from signalman.event import Feed, History, Position, Publication
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.log import LogLimits
from signalman.metrics import Metrics
from signalman.principal import Principal
from signalman.table import Table

T = TypeVar("T")

TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"
OTHER = "5eed517e-ba5e-da7a-517e-ba5eda7a0002"
STREAM = "5eedfeed-11fe-ca57-feed-11feca570001"
FEED = Feed("streams", (TENANT,))
NOW_MS = 1_000
ROLES = frozenset({"member", "owner"})
LIMITS = LogLimits(seconds=120.0, events=10_000, bytes=1 << 20)


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
        about=f"Tells of {name}.",
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
        about=f"One of the {name}.",
    )


def catalog() -> Catalog:
    """Channels ``streams``, with a table, and ``system``, with two."""
    streams = Channel(
        name="streams",
        title="Streams",
        description="What streams do.",
        permissions=frozenset({"streams:read"}),
        roles=ROLES,
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
        roles=ROLES,
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


def platform_catalog() -> Catalog:
    """The same, with events in ``system`` that are the platform's own where they have no tenant."""
    pack = catalog()
    system = pack.channels["system"]
    events = {name: replace(each, platform=True) for name, each in system.events.items()}
    return replace(pack, channels={**pack.channels, "system": replace(system, events=events)})


def principal(tenant: str = TENANT, *, expires_at: float | None = None, operator: bool = False) -> Principal:
    """A user of *tenant*, who may read all of its channels."""
    roles = frozenset({"member"})
    return Principal(
        "user", "u-1", (tenant,), roles, expires_at=expires_at, user_id="u-1", key="u-1", operator=operator
    )


def api_token(*permissions: str, expires_at: float | None = None) -> Principal:
    """An API token of the tenant's with these permissions."""
    return Principal(
        "token", "t-1", (TENANT,), permissions=frozenset(permissions), expires_at=expires_at, user_id="u-1", key="k"
    )


def event(number: int, type_: str = "stream_buffer", **data: object) -> bytes:
    """One published event."""
    data.setdefault("stream_id", STREAM)
    return orjson.dumps(
        {"id": f"e-{number}", "type": type_, "time": "2026-08-20T10:11:12Z", "source": "foghorn", "data": data}
    )


def publication(prev: int, *events: bytes, epoch: str = "e1", feed: Feed = FEED, ms: int = NOW_MS) -> Publication:
    """A batch after *prev*."""
    return Publication(feed, Position(epoch, prev + len(events), ms), prev, events)


def followed(
    position: Position | None = None,
    *publications: Publication,
    since_ms: int = 0,
    max_frames: int = 100,
    max_bytes: int = 1 << 20,
    limits: LogLimits = LIMITS,
    metrics: Metrics | None = None,
) -> FollowedFeed:
    """A feed that has just been followed: it stands at *position*, the end of *publications*, if there are any."""
    feed = FollowedFeed(FEED, limits, metrics or Metrics(), version="1", max_frames=max_frames, max_bytes=max_bytes)
    at = publications[-1].position if publications else position
    feed.restarted(feed.ask(), History(at, publications, since_ms), NOW_MS)
    return feed


def table_changes(number: int, *rows: dict[str, object], **data: object) -> bytes:
    """One published event with row changes."""
    return orjson.dumps(orjson.loads(event(number, **data)) | {"rows": rows})  # type: ignore[arg-type] # any data


def upsert(table: str, **row: object) -> dict[str, object]:
    """A row change."""
    return {"table": table, "op": "upsert", "row": row}


def delete(table: str, **row: object) -> dict[str, object]:
    """A row change."""
    return {"table": table, "op": "delete", "row": row}


def finished(work: Generator[None, None, T]) -> T:
    """The result of work that is done in steps."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
