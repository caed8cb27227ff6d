"""One client whose access changes while its socket is open: what it is told, what still reaches it, and how it goes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson
import pytest

from signalman.backends.memory_bus import MemoryBus
from signalman.backends.memory_directory import MemoryDirectory
from signalman.errors import BackendUnavailable, Limited, NotAuthenticated
from signalman.event import PLATFORM, Feed, Outgoing, OutgoingEvent, Record
from signalman.notice import NOTICES, notice
from signalman.principal import Principal
from signalman.protocol import CloseCode
from tests.servers import wait_for_async
from tests.unit.gateway.make import FEED, TENANT, api_token, event, platform_catalog, principal
from tests.unit.gateway.world import Client, Message, World, types

BOTH = api_token("streams:read", "infrastructure:read")
STREAMS = api_token("streams:read")
SYSTEM = Feed("system", (TENANT,))


@asynccontextmanager
async def watched(world: World) -> AsyncIterator[None]:
    """With the gateway's own look at who may stay."""
    watching = asyncio.create_task(world.gateway.watch_access())
    await wait_for_async(lambda: world.gateway.heard)  # everybody, since it has just begun to hear
    yield
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def tell(world: World, written: bytes) -> None:
    """Publish a notice, as a relay does."""
    record = Record("signals", 0, 1, 1, None, None)
    await MemoryBus(world.bus).publish([Outgoing(NOTICES, (OutgoingEvent(record, b"identity", written),))])


async def settled() -> None:
    """Let everything that can go on do so."""
    for _ in range(30):
        await asyncio.sleep(0)


async def follows(client: Client, *channels: str) -> None:
    """Subscribe to each of *channels*, under its name, and catch up."""
    for channel in channels:
        client.say(type="subscribe", id=channel, channel=channel)
        await client.until("caught_up")


def codes(heard: list[Message]) -> list[object]:
    """Of the errors among *heard*."""
    return [message["code"] for message in heard if message["type"] == "error"]


@pytest.mark.parametrize("way", ["relay", "directory"])
async def test_a_notice_ends_the_access_of_an_open_socket(way: str) -> None:
    """From the bus or the accounts' database: the client is told, nothing reaches it any more, and 4401 is due."""
    directory = MemoryDirectory()
    world = World(directory=directory)
    client = await world.ready(STREAMS)
    await follows(client, "streams")
    async with watched(world):
        world.access.verdicts[STREAMS] = None
        told = notice("token", STREAMS.id)
        if way == "relay":
            await tell(world, told.encode())
        else:
            directory.tell(told)
        heard = await client.until("error")
    assert codes(heard) == ["access_ended"]
    assert client.connection.closing is CloseCode.NOT_AUTHENTICATED
    await world.publish(event(1))
    assert client.pull() == []


async def test_what_was_published_but_not_yet_read_is_not_handed_out() -> None:
    """Whoever was behind when its access ended gets the reason, and nothing that was waiting for it."""
    world = World()
    client = await world.ready(BOTH)
    await follows(client, "streams")
    await world.publish(event(1))
    client.connection.judged(None, 0.0)
    assert types(client.pull()) == ["error"]
    assert world.metrics.subscriptions.labels("streams")._value.get() == 0
    await settled()
    assert world.gateway.hub.feeds == 0


async def test_a_grant_that_ends_takes_its_subscription_and_no_other() -> None:
    """Events that wait for the one are not handed out; the other goes on without a break."""
    world = World()
    client = await world.ready(BOTH)
    await follows(client, "streams", "system")
    await world.publish(event(1, "node_lifecycle_update"), feed=SYSTEM)
    await world.publish(event(2))
    client.connection.judged(STREAMS, 0.0)
    heard = client.pull()
    assert [(m["type"], m.get("id"), m.get("code")) for m in heard[:2]] == [
        ("error", "system", "grant_ended"),
        ("unsubscribed", "system", None),
    ]
    assert types(heard[2:]) == ["welcome", "events"]
    await world.publish(event(3, "node_lifecycle_update"), feed=SYSTEM)
    await world.publish(event(4))
    [last] = client.pull()
    assert [each["id"] for each in last["events"]] == ["e-4"]  # type: ignore[attr-defined] # decoded JSON


async def test_a_subscription_that_is_just_beginning_ends_as_well() -> None:
    """A grant that ends while the tables are being read: no rows come."""
    world = World()
    client = await world.ready(BOTH)
    world.store.gate.clear()
    client.say(type="subscribe", id="s", channel="streams")
    await settled()
    client.connection.judged(api_token("infrastructure:read"), 0.0)
    world.store.gate.set()
    await settled()
    assert types(client.pull()) == ["error", "unsubscribed", "welcome"]
    await world.gateway.disconnect(client.connection)
    assert world.gateway.hub.feeds == 0


async def test_a_subscription_that_is_not_yet_let_in_ends_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grant that ends while the door is still asked: its feed is never followed."""
    world, asked = World(), asyncio.Event()

    async def wait(_: Principal) -> None:
        await asked.wait()

    monkeypatch.setattr(world.gateway.admission, "snapshot", wait)
    client = await world.ready(BOTH)
    client.say(type="subscribe", id="s", channel="streams")
    await settled()
    client.connection.judged(api_token("infrastructure:read"), 0.0)
    asked.set()
    await settled()
    assert types(client.pull()) == ["error", "unsubscribed", "welcome"]
    assert (world.gateway.hub.feeds, list(client.connection.subscriptions)) == (0, [])


@pytest.mark.parametrize("handshake", [True, False], ids=["handshake", "first message"])
async def test_a_revocation_while_a_credential_is_checked_is_found(*, handshake: bool) -> None:
    """The notice comes after the credential was found good, and before anybody is connected by it."""
    checked = asyncio.Event()

    async def check(_: str) -> Principal:
        await checked.wait()
        return STREAMS

    world = World(check=check)
    async with watched(world):
        heard = world.gateway.heard
        client = None if handshake else world.client()
        if client is not None:
            client.say(type="auth", token="t")
            await settled()
        world.access.verdicts[STREAMS] = None
        await tell(world, notice("token", STREAMS.id).encode())
        await settled()
        checked.set()
        client = client or world.client(STREAMS, heard=heard)
        told = await client.until("error")
    assert codes(told) == ["access_ended"]


async def test_a_revocation_while_a_credential_is_renewed_is_found() -> None:
    """The old credential's connection stays known until the new one is taken, and what came meanwhile counts for it."""
    checked, newer = asyncio.Event(), replace(STREAMS, expires_at=9_000.0)

    async def check(_: str) -> Principal:
        await checked.wait()
        return newer

    world = World(check=check)
    client = await world.ready(STREAMS)
    async with watched(world):
        client.say(type="auth", token="t")
        await settled()
        world.access.verdicts[newer] = None
        await tell(world, notice("token", STREAMS.id).encode())
        await settled()
        checked.set()
        heard = await client.until("error")
    assert (types(heard), codes(heard)) == (["welcome", "error"], ["access_ended"])


async def test_a_credential_is_renewed_in_place() -> None:
    """The same connection, the same subscriptions, a later end; the door is asked for no second place."""
    newer = principal(expires_at=5_000.0)

    async def check(_: str) -> Principal:
        return newer

    world = World(check=check)
    client = await world.ready(principal(expires_at=1_100.0))
    await follows(client, "streams")
    client.say(type="auth", token="t")
    [welcome] = await client.until("welcome")
    assert welcome["expires_at"] == "1970-01-01T01:23:20.000Z"
    assert client.visitor.knew == []
    world.clock.now = 1_200.0
    client.connection.tick()
    client.pull()
    await world.publish(event(1))
    assert types(client.pull()) == ["events"]


@pytest.mark.parametrize(
    ("error", "failures"),
    [
        (NotAuthenticated("token_invalid", "No."), 1),
        (BackendUnavailable("postgres", "away"), 0),
        (Limited("overloaded", "Busy.", limit="argon2_waiting", retry_after=1.0), 0),
    ],
    ids=["bad", "away", "limited"],
)
async def test_a_renewal_that_fails_changes_nothing(error: Exception, failures: int) -> None:
    """The client is told, goes on, and only a wrong credential counts against its address."""

    async def check(_: str) -> Principal:
        raise error

    world = World(check=check)
    client = await world.ready()
    await follows(client, "streams")
    client.say(type="auth", token="t")
    assert codes(await client.until("error")) == ["refresh_refused"]
    assert (client.connection.closing, client.visitor.failures) == (None, failures)
    await world.publish(event(1))
    assert types(client.pull()) == ["events"]


async def full(_: Principal) -> None:
    """One too many."""
    raise Limited("too_many_connections", "Enough.", limit="connections_per_user", retry_after=5.0)


async def test_the_door_has_its_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is found good but is one too many is closed on with 4429; who is not good counts as a failure."""
    world = World()
    client = world.client()
    monkeypatch.setattr(client.visitor, "known", full)
    client.say(type="auth", token="good")
    heard = await client.until("error")
    assert (codes(heard), heard[-1]["retry_after_ms"]) == (["too_many_connections"], 5_000)
    assert (client.connection.closing, client.connection.principal) == (CloseCode.LIMIT, None)
    stranger = world.client()
    stranger.say(type="auth", token="bad")
    await stranger.until("error")
    assert (client.visitor.failures, stranger.visitor.failures) == (0, 1)


async def test_the_door_is_asked_once() -> None:
    """By the first message here; by the handshake there, before there was a connection."""
    world = World()
    client = world.client()
    client.say(type="auth", token="good")
    await client.until("welcome")
    assert client.visitor.knew == [principal()]
    assert (await world.ready()).visitor.knew == []


async def test_a_busy_check_is_counted_by_its_limit() -> None:
    """The client is told to come back, and an operator sees which limit it was."""

    async def check(_: str) -> Principal:
        raise Limited("overloaded", "Busy.", limit="argon2_waiting", retry_after=1.0)

    world = World(check=check)
    client = world.client()
    client.say(type="auth", token="t")
    heard = await client.until("error")
    assert (codes(heard), client.connection.closing) == (["overloaded"], CloseCode.OVERLOADED)
    assert world.metrics.limited.labels("argon2_waiting")._value.get() == 1


async def test_tickets_that_cannot_be_taken_are_told_apart() -> None:
    """It is not the accounts that are away."""

    async def check(_: str) -> Principal:
        raise BackendUnavailable("redis", "away")

    client = World(check=check).client()
    client.say(type="auth", token="t")
    assert codes(await client.until("error")) == ["tickets_unavailable"]


async def test_snapshots_are_counted_when_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that asks for no tables, or goes on from its cursor, is not counted; one whose cursor is of no use is."""
    world, asked = World(), list[Principal]()

    async def count(who: Principal) -> None:
        asked.append(who)

    monkeypatch.setattr(world.gateway.admission, "snapshot", count)
    client = await world.ready()
    await world.publish(event(1))
    epoch = (await client.subscribed(snapshot=False))[0]["epoch"]
    assert asked == []
    client.say(type="unsubscribe", id="s")
    await client.until("unsubscribed")
    await client.subscribed(resume={"epoch": epoch, "seq": 1})
    assert asked == []
    client.say(type="unsubscribe", id="s")
    await client.until("unsubscribed")
    await client.subscribed(resume={"epoch": "e1.00000000", "seq": 1})
    assert asked == [principal()]


@pytest.mark.parametrize("resume", [None, {"epoch": "e1.00000000", "seq": 1}], ids=["anew", "cursor of no use"])
async def test_too_many_snapshots_end_the_subscription_only(
    monkeypatch: pytest.MonkeyPatch, resume: dict[str, object] | None
) -> None:
    """It does not begin, its feed is given up, and its id is free at once: without tables it may have all it wants."""
    world = World()

    async def full(_: Principal) -> None:
        raise Limited("too_many_snapshots", "Enough.", limit="snapshots_per_minute", retry_after=3.0)

    monkeypatch.setattr(world.gateway.admission, "snapshot", full)
    client = await world.ready()
    client.say(type="subscribe", id="s", channel="streams", resume=resume)
    heard = await client.until("error")
    assert (codes(heard), heard[-1]["id"], heard[-1]["retry_after_ms"]) == (["too_many_snapshots"], "s", 3_000)
    assert client.connection.closing is None
    await settled()
    assert (world.store.read_tables, world.gateway.hub.feeds) == ([], 0)
    assert types(await client.subscribed(snapshot=False)) == ["subscribed", "caught_up"]


async def test_the_platform_has_no_tables() -> None:
    """What belongs to no tenant is live events alone: no snapshot is read, and none is counted."""
    world = World(pack=platform_catalog())
    client = await world.ready(principal(operator=True))
    client.say(type="subscribe", id="p", channel="system", scope=["@platform"])
    heard = await client.until("caught_up")
    assert (types(heard), heard[0]["tables"], heard[0]["scope"]) == (["subscribed", "caught_up"], [], ["@platform"])
    assert world.store.read_tables == []
    await world.publish(event(1, "node_lifecycle_update"), feed=Feed("system", PLATFORM))
    assert types(client.pull()) == ["events"]


@pytest.mark.parametrize("why", ["ended", "expired", "drained", "nonsense"])
async def test_a_client_that_does_not_go_is_cut_off(why: str) -> None:
    """Whatever the reason of a close: so long after it, and once, the socket is cut."""
    world, cuts = World(), list[float]()
    client = world.client(principal(expires_at=1_500.0), abort=lambda: cuts.append(world.clock.now))
    match why:
        case "ended":
            client.connection.judged(None, 0.0)
        case "expired":
            world.clock.now = 1_500.0
            client.connection.tick()
        case "drained":
            client.connection.goodbye("restart", 1)
        case _:
            client.connection.receive("nonsense")
    await settled()
    closed_at = world.clock.now
    world.clock.move(0.9)
    await settled()
    assert cuts == []
    world.clock.move(0.2)
    await settled()
    assert cuts == [closed_at + 0.9 + 0.2]
    assert world.metrics.aborted._value.get() == 1


async def test_a_client_that_goes_is_not_cut_off() -> None:
    """Nor one that was never sent away."""
    world, cuts = World(), list[bool]()
    going, staying = (world.client(principal(), abort=lambda: cuts.append(True)) for _ in range(2))
    going.connection.judged(None, 0.0)
    await settled()
    await world.gateway.disconnect(going.connection)
    world.clock.move(5)
    staying.connection.tick()
    await settled()
    assert (cuts, world.metrics.aborted._value.get()) == ([], 0)


async def test_the_end_of_access_is_measured_to_the_end_of_the_socket() -> None:
    """From the notice to when the client is gone; other ends are not measured."""
    world = World()
    ended, other = await world.ready(), await world.ready()
    ended.connection.judged(None, world.clock.now - 2)
    world.clock.move(0.5)
    await world.gateway.disconnect(ended.connection)
    await world.gateway.disconnect(other.connection)
    value = world.metrics.registry.get_sample_value
    assert value("signalman_access_end_seconds_sum") == 2.5
    assert value("signalman_access_end_seconds_count") == 1


async def test_who_is_gone_is_not_looked_at() -> None:
    """Neither after the socket, nor from the close on."""
    world = World()
    gone, closing = await world.ready(STREAMS), await world.ready(principal())
    await world.gateway.disconnect(gone.connection)
    closing.connection.goodbye("restart", 1)
    async with watched(world):
        world.clock.move(31)
        await settled()
    assert world.access.asked == []


async def test_a_limit_of_messages_is_counted() -> None:
    """An operator sees which limits turn clients away."""
    world = World()
    client = await world.ready()
    for number in range(65):
        client.say(type="subscribe", id=str(number), channel="streams", filter={"node_id": str(number)})
    assert codes(client.pull()) == ["too_many_subscriptions"]
    assert world.metrics.limited.labels("max_subscriptions")._value.get() == 1


async def pulled(client: Client, *feeds: Feed) -> Iterator[Message]:
    """What is written next, one at a time, of which the first is an event of the first of *feeds*; each had one."""
    for number, feed in enumerate(feeds):
        await client.world.publish(event(number), event(number + 10), feed=feed)
        await client.world.publish(event(number + 20), feed=feed)
    return (orjson.loads(frame) for frame in client.connection.pull())


async def test_nothing_follows_the_decision_however_much_had_been_pulled() -> None:
    """Whoever writes may wait for a slow client between two frames; what the others would have been is not made out."""
    world = World()
    client = await world.ready(BOTH)
    await follows(client, "streams", "system")
    frames = await pulled(client, FEED, SYSTEM)
    assert next(frames)["type"] == "events"
    client.connection.judged(None, 0.0)
    assert types(list(frames)) == ["error"]


async def test_nothing_follows_of_a_grant_that_ended_and_nothing_is_missing_of_the_others() -> None:
    """Of the subscription that was withdrawn between two frames no further one is written; of the other one all are."""
    world = World()
    client = await world.ready(BOTH)
    await follows(client, "streams", "system")
    views = {
        feed: view.name for feed, view in ((each.view.feed, each.view) for each in client.connection.subscriptions)
    }
    frames = await pulled(client, FEED, SYSTEM)
    assert next(frames)["view"] == views[FEED]
    client.connection.judged(replace(BOTH, permissions=frozenset({"infrastructure:read"})), 0.0)
    rest = list(frames)
    assert [message["view"] for message in rest if message["type"] == "events"] == [views[SYSTEM]] * 2
    assert [message["type"] for message in rest if message["type"] != "events"] == ["error", "unsubscribed", "welcome"]
