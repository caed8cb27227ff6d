"""Records exactly as the platform's producers put them on the topics."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple

import orjson

from signalman.event import Json
from signalman.simulate.identity import uuid4, uuid5, uuid7
from signalman.simulate.ledger import Ledger
from signalman.simulate.messages import encode
from signalman.simulate.triggers import KINDS, Kind

SCHEMA_VERSION = 2
_REGIONS = ("source_region", "source_cluster_id", "stream_origin_region", "stream_origin_cluster_id")


class Origin(NamedTuple):
    """The node that something happened on."""

    node_id: str
    cluster_id: str
    region: str


class Owner(NamedTuple):
    """Whose it is, as a trigger says it: a stream's owner, or a cluster's when there is no stream."""

    tenant_id: str
    user_id: str | None = None
    stream_id: str | None = None
    home: Origin | None = None
    """Where the stream is ingested."""


@dataclass(frozen=True, slots=True)
class Emitted:
    """One record, before Kafka gives it a partition and an offset."""

    topic: str
    """``analytics`` or ``service``: which topic, not its name in Kafka."""
    time: float
    """Unix seconds, simulated."""
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    body: dict[str, Json]
    """What *value* says, decoded. To be read only."""


class Producer:
    """Writes records. The same dice give the same bytes."""

    def __init__(self, dice: Random, ledger: Ledger) -> None:
        self._dice = dice
        self._reveal = ledger.add_value

    def trigger(self, time: float, payload: str, values: Mapping[str, Any], owner: Owner, origin: Origin) -> Emitted:
        """An analytics event that holds a whole trigger, whose payload lies under the key *payload*."""
        kind = KINDS[payload]
        request_id = uuid4(self._dice)
        event_id = uuid5(f"frameworks:mist-trigger:{request_id}") if kind.durable else uuid7(self._dice, time)
        home = owner.home or Origin("", "", "")
        trigger = {
            "trigger_type": kind.trigger_type or kind.event_type,
            "node_id": origin.node_id,
            "timestamp": _unit(kind, time),
            "blocking": kind.blocking,
            "request_id": request_id,
            "tenant_id": owner.tenant_id,
            "user_id": owner.user_id,
            "stream_id": owner.stream_id,
            "cluster_id": origin.cluster_id,
            "origin_cluster_id": home.cluster_id or None,
            "source_region": origin.region,
            "stream_origin_region": home.region,
            "schema_version": SCHEMA_VERSION,
            "event_id": event_id,
            payload: values,
        }
        body = self._envelope(event_id, kind.event_type, time, "foghorn", owner.tenant_id)
        body["data"] = encode("MistTrigger", trigger, self._reveal)
        regions = (origin.region, origin.cluster_id, home.region, home.cluster_id)
        body.update((name, value) for name, value in zip(_REGIONS, regions, strict=True) if value)
        body["schema_version"] = SCHEMA_VERSION
        return _emitted("analytics", time, body)

    def orchestrator(
        self, time: float, event_type: str, message: str, values: Mapping[str, Any], gateway: Mapping[str, str]
    ) -> Emitted:
        """An analytics event of a transcoding gateway: flat, without a trigger around it."""
        owner = gateway["cluster_owner_tenant_id"]
        body = self._envelope(uuid4(self._dice), event_type, time, "livepeer-gateway", owner)
        body["data"] = encode("GatewayTelemetryEvent", gateway, self._reveal) | encode(message, values, self._reveal)
        body["schema_version"] = SCHEMA_VERSION
        return _emitted("analytics", time, body)

    def service(
        self,
        time: float,
        event_type: str,
        *,
        source: str,
        tenant_id: str,
        message: str | None = None,
        values: Mapping[str, Any] | None = None,
        user_id: str = "",
        resource: tuple[str, str] = ("", ""),
    ) -> Emitted:
        """A control-plane event, whose data are the inner *message* alone, or nothing."""
        body = self._envelope(uuid7(self._dice, time), event_type, time, source, tenant_id)
        named = (("user_id", user_id), ("resource_type", resource[0]), ("resource_id", resource[1]))
        body.update((name, value) for name, value in named if value)
        body["data"] = encode(message, values or {}, self._reveal) if message else {}
        body["schema_version"] = SCHEMA_VERSION
        return _emitted("service", time, body)

    def _envelope(self, event_id: str, event_type: str, time: float, source: str, tenant_id: str) -> dict[str, Json]:
        stamp = rfc3339(time, self._dice.randrange(1000))
        names = ("event_id", "event_type", "timestamp", "source", "tenant_id")
        return dict(zip(names, (event_id, event_type, stamp, source, tenant_id), strict=True))


def _unit(kind: Kind, time: float) -> int:
    # The media server's own triggers count in milliseconds, reports of the controllers in seconds.
    return int(time * 1000) if kind.trigger_type else int(time)


def rfc3339(time: float, nanoseconds: int = 0) -> str:
    """*time* to the microsecond and *nanoseconds* more, as Go writes it: without zeros at the end of the fraction."""
    seconds, fraction = divmod(round(time * 1_000_000) * 1000 + nanoseconds, 1_000_000_000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{fraction:09d}".rstrip("0") if fraction else "") + "Z"


def _emitted(topic: str, time: float, body: dict[str, Json]) -> Emitted:
    # Go sorts the keys of maps, which data is, and keeps the order of a struct, which the envelope is.
    data = orjson.Fragment(orjson.dumps(body["data"], option=orjson.OPT_SORT_KEYS))
    value = _escaped(orjson.dumps({**body, "data": data}))
    return Emitted(topic, time, body["event_id"].encode(), value, _headers(topic, body), body)


def _escaped(value: bytes) -> bytes:
    # Go's encoder writes these so that the text is safe inside HTML; outside of strings JSON does not have them.
    return value.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


def _headers(topic: str, body: Mapping[str, Json]) -> tuple[tuple[str, bytes], ...]:
    names = ("source", "event_type", *(("event_id",) if topic == "analytics" else ()), "tenant_id", *_REGIONS)
    return tuple((name, body[name].encode()) for name in names if body.get(name))
