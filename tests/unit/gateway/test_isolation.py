"""Promise 1 as a property: whatever is granted, asked for, published and taken back, and in whatever order, nobody is
handed anything outside of what it may read at that moment, and nobody lacks anything inside.

What may be read is decided here a second time, naively, out of the sentences in docs/access.md.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import orjson
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from signalman.channel import Catalog, Channel, Filter, ScopeLevel
from signalman.event import PLATFORM, Feed, Scope
from signalman.notice import EVERYBODY
from signalman.principal import Principal
from tests.unit.gateway.make import event_type
from tests.unit.gateway.world import Client, World

IDS = ("a", "b")
ROLES = ("owner", "viewer")
PERMISSIONS = ("red:read", "blue:read")
STREAMS = ("s1", "s2")
TYPES = {"red": ("started", "stopped"), "blue": ("started", "node")}
"""Event types by channel; ``node`` is the platform's own where it has no scope."""


def pack(depth: int) -> Catalog:
    """Two channels, and *depth* levels of a scope, of which all but the widest may be absent from a credential."""
    levels = tuple(ScopeLevel(f"level{at}", "string", f"claim{at}", optional=at > 0) for at in range(depth))
    return Catalog(
        "test", "Test", levels, {}, {"red": _channel("red", "owner"), "blue": _channel("blue", *ROLES)}, frozenset()
    )


def _channel(name: str, *roles: str) -> Channel:
    events = {each: replace(event_type(each), platform=each == "node") for each in TYPES[name]}
    filters = {"stream_id": Filter("stream_id", "string", "Stream")}
    return Channel(name, name, name, frozenset({f"{name}:read"}), events, filters, {}, roles=frozenset(roles))


def may_read(who: Principal | None, channel: str, scope: Scope) -> bool:
    """The second decision."""
    if who is None:
        return False
    permitted = who.permissions is not None and f"{channel}:read" in who.permissions
    if scope == PLATFORM:
        return who.operator and who.kind != "token" and channel == "blue" and (who.permissions is None or permitted)
    if scope[: len(who.scope)] != who.scope:
        return False
    if who.kind == "token":
        return permitted
    wanted = {"owner"} if channel == "red" else {"owner", "viewer"}
    return bool(wanted & who.roles) and (who.permissions is None or permitted)


@dataclass
class Sent:
    """An event that was published."""

    id: str
    channel: str
    scope: Scope
    type: str
    stream: str


@dataclass
class Asked:
    """A subscription that a client asked for."""

    channel: str
    scope: Scope | None
    types: frozenset[str]
    streams: frozenset[str]
    view: str = ""
    """The server's name for it; empty while there is none, or no longer."""

    def wants(self, sent: Sent) -> bool:
        """Whether *sent* is what was asked for."""
        right_type = not self.types or sent.type in self.types
        right_stream = not self.streams or sent.stream in self.streams
        return (self.channel, self.scope) == (sent.channel, sent.scope) and right_type and right_stream


@dataclass
class Seat:
    """A client, and what it may do now."""

    client: Client
    who: Principal | None
    """None where it may do nothing, any more or at all."""
    asked: dict[str, Asked] = field(default_factory=dict)
    caught_up: set[str] = field(default_factory=set)
    """Views that are live."""

    def hear(self) -> list[str]:
        """Take everything that waits; returns the ids of the events, each of which was checked."""
        got: list[str] = []
        for message in self.client.pull():
            if message["type"] == "subscribed":
                self.asked[str(message["id"])].view = str(message["view"])
            elif message["type"] == "unsubscribed":
                self.asked[str(message["id"])].view = ""
            elif message["type"] == "caught_up":
                self.caught_up.add(str(message["view"]))
            elif message["type"] == "events":
                got += self._checked(message)
        return got

    def _checked(self, message: dict[str, Any]) -> list[str]:
        [asked] = [each for each in self.asked.values() if each.view == message["view"]]
        for each in message["events"]:
            sent = SENT[each["id"]]
            assert may_read(self.who, sent.channel, sent.scope), f"{self.who} was handed {sent}"
            assert asked.wants(sent), f"{asked} was handed {sent}"
        return [each["id"] for each in message["events"]]

    def expects(self, sent: Sent) -> int:
        """How often it must get *sent*: once for each subscription that wants it."""
        return sum(bool(each.view) and each.wants(sent) for each in self.asked.values())


SENT: dict[str, Sent] = {}
"""What the running example has published, by id."""


def scopes(depth: int, *, complete: bool) -> st.SearchStrategy[Scope]:
    """Scopes of *depth* levels, or their upper part."""
    return st.lists(st.sampled_from(IDS), min_size=depth if complete else 1, max_size=depth).map(tuple)


def rights() -> st.SearchStrategy[dict[str, Any]]:
    """What may change of a principal while it is connected."""
    return st.fixed_dictionaries(
        {
            "roles": st.frozensets(st.sampled_from(ROLES)),
            "permissions": st.none() | st.frozensets(st.sampled_from(PERMISSIONS)),
            "operator": st.booleans(),
        }
    )


def principals(depth: int) -> st.SearchStrategy[Principal]:
    """Anybody, mostly such as may read something."""
    kinds = st.sampled_from(("user", "token", "account"))
    some = st.fixed_dictionaries(
        {
            "roles": st.frozensets(st.sampled_from(ROLES), min_size=1),
            "permissions": st.just(frozenset(PERMISSIONS)),
            "operator": st.booleans(),
        }
    )
    return st.builds(
        lambda kind, scope, more: Principal(kind, "", scope, **more),
        kinds,
        scopes(depth, complete=False),
        some | rights(),
    )


def _reads_something(who: Principal) -> bool:
    padded = who.scope + ("a",) * 3
    return any(
        may_read(who, channel, scope) for channel in TYPES for scope in (PLATFORM, *(padded[:n] for n in range(1, 4)))
    )


def requests(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Subscriptions of every kind: to one's own, to others' scopes, to the platform's, and to what is no scope."""
    odd = st.sampled_from([[], ["a", "b", "a", "b"], [""], ["@platform", "a"]])
    scope = st.none() | scopes(depth, complete=True).map(list) | scopes(depth, complete=False).map(list)
    some_types = st.frozensets(st.sampled_from(("started", "stopped", "node")), max_size=2).map(sorted)
    some_streams = st.frozensets(st.sampled_from(STREAMS), max_size=2).map(sorted)
    return st.fixed_dictionaries(
        {
            "channel": st.sampled_from(("red", "blue", "red", "blue", "green")),
            "scope": st.just("own") | scope | st.just(list(PLATFORM)) | odd,
            "types": some_types,
            "streams": some_streams,
        }
    )


def steps(depth: int, seats: int) -> st.SearchStrategy[tuple[Any, ...]]:
    """What may happen next."""
    seat = st.integers(0, seats - 1)
    told = st.tuples(
        st.sampled_from(sorted(TYPES)),
        scopes(depth, complete=True) | st.just(PLATFORM),
        st.integers(0, 1),
        st.sampled_from(STREAMS),
        st.booleans(),
    )
    return st.one_of(
        st.tuples(st.just("subscribe"), seat, requests(depth)),
        st.tuples(st.just("subscribe"), seat, requests(depth)),
        st.tuples(st.just("publish"), told),
        st.tuples(st.just("publish_like"), st.integers(0, 9), told),
        st.tuples(st.just("publish_like"), st.integers(0, 9), told),
        st.tuples(st.just("change"), seat, st.none() | rights()),
    )


class Play:
    """One example: a gateway and its clients."""

    def __init__(self, depth: int, who: Sequence[Principal]) -> None:
        SENT.clear()
        self.depth = depth
        self.numbers = count(1)
        self.world = World(pack=pack(depth))
        named = [replace(each, id=f"p{at}", user_id=f"p{at}") for at, each in enumerate(who)]
        self.seats = [
            Seat(self.world.client(each, heard=0), each if _reads_something(each) else None) for each in named
        ]
        for seat in self.seats:
            seat.hear()
            assert (seat.client.connection.closing is None) is (seat.who is not None)

    async def run(self, todo: Sequence[tuple[Any, ...]]) -> None:
        """Do *todo*, and check after each step."""
        watching = asyncio.create_task(self.world.gateway.standing.run())
        try:
            for name, *more in todo:
                await getattr(self, name)(*more)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            for seat in self.seats:
                await self.world.gateway.disconnect(seat.client.connection)

    async def subscribe(self, at: int, request: dict[str, Any]) -> None:
        """A client asks; whether it gets a subscription is compared with what it may read."""
        seat = self.seats[at]
        name = f"s{next(self.numbers)}"
        own = seat.who.scope if seat.who else ()
        if request["scope"] == "own":
            request = {**request, "scope": [*own, *IDS[:1] * (self.depth - len(own))]}
        scope = tuple(request["scope"]) if request["scope"] is not None else own
        asked = Asked(request["channel"], scope, frozenset(request["types"]), frozenset(request["streams"]))
        is_twice = any(each.view and replace(each, view="") == asked for each in seat.asked.values())
        seat.asked[name] = asked
        filter_ = {"type": request["types"], "stream_id": request["streams"]}
        seat.client.say(
            type="subscribe",
            id=name,
            channel=request["channel"],
            filter={key: values for key, values in filter_.items() if values},
            **({} if request["scope"] is None else {"scope": request["scope"]}),
        )
        if self._is_sound(asked) and may_read(seat.who, asked.channel, scope) and not is_twice:
            await self._settled(seat, name)
            event("subscribed")
        else:
            seat.hear()
            assert not asked.view, f"{seat.who} was let into {asked}"

    def _is_sound(self, asked: Asked) -> bool:
        is_complete = asked.scope == PLATFORM or (
            asked.scope is not None and len(asked.scope) == self.depth and set(asked.scope) <= set(IDS)
        )
        return is_complete and asked.channel in TYPES and asked.types <= set(TYPES[asked.channel])

    async def _settled(self, seat: Seat, name: str) -> None:
        async with asyncio.timeout(5):
            while True:
                # What waited for other subscriptions comes as well.
                seat.hear()
                if seat.asked[name].view in seat.caught_up:
                    return
                await seat.client.news.wait()

    async def publish(self, told: tuple[str, Scope, int, str, bool]) -> None:
        """Something happens. Unless it *waits*, everybody reads at once, and gets it exactly if he should."""
        channel, scope, which, stream, waits = told
        if scope == PLATFORM:
            channel, which = "blue", 1
        sent = Sent(f"e{next(self.numbers)}", channel, scope, TYPES[channel][which], stream)
        SENT[sent.id] = sent
        data = {"id": sent.id, "type": sent.type, "time": "", "source": "t", "data": {"stream_id": stream}}
        await self.world.publish(orjson.dumps(data), feed=Feed(channel, scope))
        if waits:
            return
        for seat in self.seats:
            expected = seat.expects(sent)
            assert seat.hear().count(sent.id) == expected
            if expected:
                event("delivered")

    async def publish_like(self, at: int, told: tuple[str, Scope, int, str, bool]) -> None:
        """Something happens of which one of the subscriptions is about."""
        open_ones = [asked for seat in self.seats for asked in seat.asked.values() if asked.view]
        if open_ones:
            asked = open_ones[at % len(open_ones)]
            await self.publish((asked.channel, asked.scope or (), *told[2:]))

    async def change(self, at: int, more: dict[str, Any] | None) -> None:
        """Somebody's rights change, or end, and a notice says so. What had not been read until then may be void."""
        seat = self.seats[at]
        if seat.who is None:
            return
        before, seat.who = seat.who, None if more is None else replace(seat.who, **more)
        self.world.access.verdicts[before] = seat.who
        if seat.who is not None:
            self.world.access.verdicts.pop(seat.who, None)
        self.world.access.looked.clear()
        self.world.gateway.standing.notice(EVERYBODY, "relay")
        async with asyncio.timeout(5):
            await self.world.access.looked.wait()
        if seat.who is not None and not _reads_something(seat.who):
            seat.who = None
        for each in seat.asked.values():
            if not may_read(seat.who, each.channel, each.scope or ()):
                event("grant ended")
                self._expect_gone(each)
        seat.hear()
        if seat.who is None:
            assert seat.client.connection.closing == 4401

    def _expect_gone(self, asked: Asked) -> None:
        # Nothing more of it, not even what waited: a message of its view finds no subscription, and fails.
        asked.view = ""


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_nothing_is_delivered_outside_the_grants(data: st.DataObject) -> None:
    """Tenants, grants, subscriptions, filters, events and changes of access at random: every delivery is within the
    grants of that moment and within the filter, and none that is within is missing.
    """
    depth = data.draw(st.integers(1, 3))
    who = data.draw(st.lists(principals(depth), min_size=1, max_size=3))
    seat = st.integers(0, len(who) - 1)
    first = data.draw(st.lists(st.tuples(st.just("subscribe"), seat, requests(depth)), min_size=2, max_size=6))
    then = data.draw(st.lists(steps(depth, len(who)), min_size=6, max_size=40))
    asyncio.run(Play(depth, who).run([*first, *then]))
