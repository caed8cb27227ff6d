"""What only the Redis bus can go through: its server restarts, hangs, forgets, and is shared with others."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis as Client
from structlog.testing import capture_logs

from signalman.backends.redis_bus import RedisBus
from signalman.backends.redis_wire import FeedNames
from signalman.errors import BackendUnavailable
from signalman.event import Feed
from tests.contract.listening import PATIENCE, Listener, out
from tests.servers import MissingServerError, Redis, free_port

FEED = Feed("streams", ("tenant-1",))
OTHER = Feed("analytics", ("tenant-2",))
CHANNEL = FeedNames("signalman", 16).key(FEED)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    """A Redis of the test's own, which keeps its data over a restart."""
    try:
        server = Redis(tmp_path / "redis", appendonly=True)
    except MissingServerError as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture
async def client(server: Redis) -> AsyncIterator[Client]:
    """An operator's connection to `server`."""
    async with Client.from_url(server.url, protocol=2) as client:
        yield client


@pytest.fixture
def silence_limit() -> float:
    """Seconds without an answer that `bus` endures: long, since on a busy machine a loss of its own making is easily
    taken for the one that a test made.
    """
    return PATIENCE


@pytest.fixture
async def bus(server: Redis, silence_limit: float) -> AsyncIterator[RedisBus]:
    """A bus that asks often whether the server is still there."""
    async with RedisBus(
        server.url, timeout=5, subscribe_timeout=PATIENCE, ping_interval=0.1, silence_limit=silence_limit
    ) as bus:
        yield bus


@pytest.fixture
async def listener(bus: RedisBus) -> Listener:
    """Listens to `bus`, which is connected."""
    listener = Listener()
    bus.listen(listener)
    await bus.subscribe(Feed("warm-up", ()))
    await bus.unsubscribe(Feed("warm-up", ()))
    return listener


async def publish_when_back(bus: RedisBus, feed: Feed, event: bytes) -> None:
    """Publish as a relay does: the same batch again and again until the bus has taken it."""
    batch = out(feed, event)
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await bus.publish([batch])
                return
            except BackendUnavailable:
                await asyncio.sleep(0.02)


async def test_a_restart_is_told_and_survived(server: Redis, bus: RedisBus, listener: Listener) -> None:
    """While the server is away `lost` is told once and commands fail; when it is back `recovered` gives the positions
    of all feeds, known data included, and what is published then is heard.
    """
    await bus.subscribe(FEED)
    await bus.subscribe(OTHER)
    await bus.publish([out(FEED, b"1", b"2")])
    await listener.until_events(FEED, 2)
    before = listener.publications[0].position

    server.stop()
    await listener.until(lambda: listener.losses)
    up_while_away = bus.up
    for command in (bus.ping(), bus.publish([out(FEED, b"x")])):
        with pytest.raises(BackendUnavailable) as caught:
            await command
        assert caught.value.backend == "redis"
        assert caught.value.__cause__ is not None
    server.start()

    await listener.until(lambda: listener.recoveries)
    assert listener.recoveries == [{FEED: before, OTHER: None}]
    assert listener.losses == 1
    assert (up_while_away, bus.up) == (False, True)
    await bus.publish([out(FEED, b"3")])
    assert await listener.until_events(FEED, 3) == [b"1", b"2", b"3"]
    assert await bus.missed(FEED, before) == tuple(listener.publications[1:])


async def test_a_flushed_script_is_loaded_again(bus: RedisBus, listener: Listener, client: Client) -> None:
    """SCRIPT FLUSH, like a restart, empties the script cache; the next batch is published all the same, and once."""
    feeds = [Feed("streams", (str(number),)) for number in range(40)]
    for feed in feeds:
        await bus.subscribe(feed)
    for _ in range(2):
        await client.script_flush()
        await bus.publish([out(feed, b"x") for feed in feeds])

    await listener.until(lambda: len(listener.publications) >= 80)
    await bus.publish([out(feeds[0], b"last")])
    await listener.until_events(feeds[0], 3)
    assert [len(listener.events(feed)) for feed in feeds] == [3] + [2] * 39


async def test_a_killed_connection_is_a_gap(bus: RedisBus, listener: Listener, client: Client) -> None:
    """When the server drops the subscribing connection (a slow reader's fate), what was published meanwhile shows in
    the positions of `recovered`; nothing is silently skipped.
    """
    await bus.subscribe(FEED)
    await bus.publish([out(FEED, b"1")])
    await listener.until_events(FEED, 1)

    await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]  # unannotated
    await bus.publish([out(FEED, b"2")])
    await listener.until(lambda: listener.recoveries)

    position = listener.recoveries[-1][FEED]
    assert position is not None
    assert position.seq == 2
    await bus.publish([out(FEED, b"3")])
    await listener.until(lambda: b"3" in listener.events(FEED))
    assert listener.publications[-1].prev == 2


@pytest.mark.parametrize("silence_limit", [0.5])
async def test_a_hanging_server_is_noticed(server: Redis, bus: RedisBus, listener: Listener) -> None:
    """A server that keeps the connection open and says nothing is lost as surely as one that closes it."""
    await bus.subscribe(FEED)
    server.pause()
    try:
        await listener.until(lambda: listener.losses)
        with pytest.raises(BackendUnavailable):
            await bus.ping()
    finally:
        server.resume()

    await listener.until(lambda: listener.recoveries)
    await publish_when_back(bus, FEED, b"1")
    await listener.until(lambda: listener.events(FEED))


@pytest.mark.parametrize("silence_limit", [1.5])
async def test_a_quiet_server_is_not_lost(bus: RedisBus, listener: Listener) -> None:
    """Probes are answered, with and without subscriptions, so silence on the feeds is no loss."""
    await asyncio.sleep(2.0)  # longer than the silence limit: that is the claim
    await bus.subscribe(FEED)
    await asyncio.sleep(2.0)

    assert listener.losses == 0
    assert bus.up


async def test_subscribe_waits_for_the_server(server: Redis, bus: RedisBus, listener: Listener) -> None:
    """A subscribe that comes while the server is away succeeds when it is back in time."""
    server.stop()
    await listener.until(lambda: listener.losses)
    subscribing = asyncio.create_task(bus.subscribe(FEED))
    server.start()

    assert await subscribing is None
    await publish_when_back(bus, FEED, b"1")
    assert await listener.until_events(FEED, 1) == [b"1"]


async def test_subscribe_gives_up(server: Redis) -> None:
    """When the server stays away subscribe fails within its timeout, and the feed is not subscribed behind the caller's
    back when the server returns.
    """
    server.stop()
    async with RedisBus(server.url, timeout=2, subscribe_timeout=0.3) as bus:
        listener = Listener()
        bus.listen(listener)
        await listener.until(lambda: listener.losses)
        with pytest.raises(BackendUnavailable, match="acknowledged"):
            await bus.subscribe(FEED)

        server.start()
        await listener.until(lambda: listener.recoveries)
        assert listener.recoveries == [{}]
        await publish_when_back(bus, FEED, b"1")
        await bus.subscribe(OTHER)
        await bus.publish([out(OTHER, b"2")])
        await listener.until_events(OTHER, 1)
        assert listener.events(FEED) == []


async def test_many_feeds_come_back(bus: RedisBus, listener: Listener, client: Client) -> None:
    """More feeds than fit in one command are all subscribed again after a loss."""
    feeds = [Feed("streams", (str(number),)) for number in range(1_300)]
    await asyncio.gather(*(bus.subscribe(feed) for feed in feeds))

    await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]  # unannotated
    await listener.until(lambda: listener.recoveries)

    assert listener.recoveries == [dict.fromkeys(feeds)]
    await bus.publish([out(feed, b"x") for feed in feeds])
    await listener.until(lambda: len(listener.publications) >= 1_300)


async def test_foreign_messages_are_ignored(bus: RedisBus, listener: Listener, client: Client) -> None:
    """Whatever somebody else publishes on our channels is counted, logged once without its text, and passed over."""
    await bus.subscribe(FEED)
    with capture_logs() as logs:
        for message in (b"", b"hello-secret", b"1|e|0|1|2|3|", b"1|e|0|1|2|-1,1|", b"R|e|now|-", b"9|e|0|1|2|1|x"):
            await client.publish(CHANNEL, message)
        await bus.publish([out(FEED, b"ours")])
        assert await listener.until_events(FEED, 1) == [b"ours"]

    assert bus.malformed == 6
    assert len(logs) == 1
    assert "secret" not in str(logs)


async def test_a_listener_that_fails_does_not_deafen(bus: RedisBus) -> None:
    """A listener's own mistake is logged and the next publication still reaches it."""
    listener = Listener()
    mistakes = 0

    class Failing(Listener):
        def publication(self, publication: object) -> None:
            nonlocal mistakes
            mistakes += 1
            if mistakes == 1:
                raise KeyError("listener")
            listener.publication(publication)  # type: ignore[arg-type]  # handed on as it came

    bus.listen(Failing())
    await bus.subscribe(FEED)
    with capture_logs() as logs:
        await bus.publish([out(FEED, b"1")])
        await bus.publish([out(FEED, b"2")])
        await listener.until_events(FEED, 1)
    assert [entry["event"] for entry in logs] == ["bus_listener_failed"]


async def test_refusals_are_translated(bus: RedisBus, client: Client) -> None:
    """A key of the wrong type, and a subscription's position that cannot be read, are `BackendUnavailable`."""
    await client.set(CHANNEL, "not a hash")
    bus.listen(Listener())

    with pytest.raises(BackendUnavailable, match="publish"):
        await bus.publish([out(FEED, b"1")])
    with pytest.raises(BackendUnavailable, match="positions"):
        await bus.subscribe(FEED)


async def test_nothing_tells_the_password() -> None:
    """Neither errors nor logs hold the URL's password."""
    listener = Listener()
    with capture_logs() as logs:
        async with RedisBus(f"redis://user:hunter2@127.0.0.1:{free_port()}/0", subscribe_timeout=0.2) as bus:
            bus.listen(listener)
            await listener.until(lambda: listener.losses)
            with pytest.raises(BackendUnavailable) as caught:
                await bus.ping()
    assert logs
    assert "hunter2" not in f"{logs} {caught.value} {caught.value.__cause__} {bus!r}"


@pytest.mark.parametrize("url", ["redis://:pass#word@host:6379/0", "http://host", "redis://host:notaport"])
def test_an_unusable_url_is_refused(url: str) -> None:
    """A URL that cannot be understood is refused at once, without repeating any of it."""
    with pytest.raises(ValueError, match="Redis URL") as caught:
        RedisBus(url)
    assert "pass" not in str(caught.value)
    assert caught.value.__suppress_context__
