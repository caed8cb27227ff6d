"""Streams: what each one is, and its broadcast while it is live."""

from dataclasses import dataclass, field
from random import Random

from signalman.simulate.addresses import client_address
from signalman.simulate.identity import hexadecimal
from signalman.simulate.ledger import Ledger
from signalman.simulate.nodes import Node
from signalman.simulate.people import Person
from signalman.simulate.places import CITIES, Place
from signalman.simulate.tenants import Tenant
from signalman.simulate.tracks import QUALITIES, Quality
from signalman.simulate.wire import Owner

_STREAM = 0x11FECA570000


@dataclass(slots=True, eq=False)
class Visit:
    """One playback session."""

    session_id: str
    person: Person
    node: Node
    since: float
    trace_id: str

    def seconds(self, now: float) -> float:
        """How long it has lasted."""
        return max(0.0, now - self.since)


@dataclass(slots=True, eq=False)
class Broadcast:
    """One time of being live."""

    since: float
    buffer: str = "FULL"
    viewer_seconds: float = 0.0
    """Of those who have left."""
    visitors: int = 0

    @property
    def healthy(self) -> bool:
        """Whether playback is smooth."""
        return self.buffer in {"FULL", "RECOVER"}


@dataclass(slots=True, eq=False)
class Stream:
    """A tenant's stream, live or not."""

    tenant: Tenant
    number: int
    """From 1, within the tenant."""
    stream_id: str
    internal_name: str
    pulled: bool
    """Fetched from elsewhere rather than pushed to us."""
    key: str
    """With which anyone can publish to it."""
    publisher: str
    """Address of whoever publishes."""
    publisher_place: Place
    nodes: tuple[Node, ...]
    """Where it is ingested, and then where it is played as well."""
    quality: Quality
    broadcast: Broadcast | None = None
    visits: dict[str, Visit] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As the media server knows it."""
        return ("pull+" if self.pulled else "live+") + self.internal_name

    @property
    def owner(self) -> Owner:
        """Whose the stream is, as its triggers say it."""
        return Owner(self.tenant.tenant_id, self.tenant.user_id, self.stream_id, self.nodes[0].origin)

    def sent(self, now: float) -> int:
        """Bytes that viewers have received in this broadcast."""
        if self.broadcast is None:
            return 0
        return int((self.broadcast.viewer_seconds + self.present_seconds(now)) * self.quality.kbps * 125)

    def received(self, now: float) -> int:
        """Bytes that the publisher has sent in this broadcast."""
        return int((now - self.broadcast.since) * self.quality.kbps * 125) if self.broadcast else 0

    def present_seconds(self, now: float) -> float:
        """Time that those who are watching have watched, together."""
        return sum(visit.seconds(now) for visit in self.visits.values())


def planned(
    tenant: Tenant, count: int, own: tuple[Node, ...], shared: tuple[Node, ...], dice: Random, ledger: Ledger
) -> tuple[Stream, ...]:
    """A tenant's streams. Every other one of them is ingested on the *shared* nodes of another tenant."""
    streams = tuple(_stream(tenant, number, count, own, shared, dice) for number in range(1, count + 1))
    for stream in streams:
        ledger.add(stream.internal_name, stream.key, stream.publisher, tenant.user_id)
    return streams


def _stream(
    tenant: Tenant, number: int, count: int, own: tuple[Node, ...], shared: tuple[Node, ...], dice: Random
) -> Stream:
    first = tenant.number == number == 1
    homes, others = (own, shared) if number % 2 else (shared, own)
    home = homes[number // 2 % len(homes)]
    edges = [node for node in others if node is not home]
    return Stream(
        tenant=tenant,
        number=number,
        stream_id=f"5eedfeed-11fe-ca57-feed-{_STREAM + (tenant.number - 1) * 4096 + number:012x}",
        internal_name="demo_live_stream_001" if first else f"sn{hexadecimal(dice, 16)}",
        pulled=number == count > 1,
        key="sk_demo_live_stream_primary_key" if first else f"sk_{hexadecimal(dice, 24)}",
        publisher=client_address(dice),
        publisher_place=dice.choice(CITIES),
        nodes=(home, edges[number % len(edges)]),
        quality=QUALITIES[(tenant.number + number) % len(QUALITIES)],
    )
