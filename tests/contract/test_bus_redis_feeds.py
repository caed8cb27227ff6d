"""What only feeds in Redis can go through: a connection that is cut in the middle of a batch, keys that are evicted or
somebody else's, slots that move.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis as Client
from redis.crc import key_slot

from signalman.backends.feed_limits import FeedLimits
from signalman.backends.redis_bus import RedisBus
from signalman.backends.redis_wire import FeedNames
from signalman.errors import BackendUnavailable
from signalman.event import Feed, Published
from tests.contract.buses import SHARDS, RedisBusMedium
from tests.contract.listening import PATIENCE, Listener, out, part, record
from tests.servers import Redis, RedisCluster, wait_for_async

FEED = Feed("streams", ("tenant-1",))
FEEDS = [Feed("streams", (f"tenant-{number}",)) for number in range(20)]


@pytest.fixture
async def medium(redis_server: Redis) -> AsyncIterator[RedisBusMedium]:
    """A deployment on the server of the whole run."""
    async with RedisBusMedium(redis_server.url) as medium:
        yield medium


@pytest.fixture
async def client(redis_server: Redis) -> AsyncIterator[Client]:
    """An operator's connection."""
    async with Client.from_url(redis_server.url, protocol=2) as client:
        yield client


@pytest.fixture
async def bus(medium: RedisBusMedium) -> RedisBus:
    """A bus that publishes."""
    return await medium.bus()


async def events(bus: RedisBus, feed: Feed = FEED) -> list[bytes]:
    """Everything in a feed's history."""
    return [event for publication in (await bus.history(feed, 0)).publications for event in publication.events]


class Cutter:
    """Stands between a client and Redis, and cuts the connection after some of what the client sent has passed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.left: int | None = None
        """Bytes of the client that may still pass; None: all."""
        self.sent = 0
        """Bytes that the client sent."""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """Its own port."""
        async with asyncio.TaskGroup() as tasks:
            server = await asyncio.start_server(
                lambda reader, writer: tasks.create_task(self._serve(reader, writer)), "127.0.0.1", 0
            )
            async with server:
                yield server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_redis, to_redis = await asyncio.open_connection("127.0.0.1", self._port)
        back = asyncio.create_task(self._back(from_redis, writer))
        while data := await reader.read(2**20):
            self.sent += len(data)
            if self.left is not None:
                data, cut = data[: self.left], len(data) >= self.left
                self.left -= len(data)
                to_redis.write(data)
                if cut:
                    break
            to_redis.write(data if self.left is None else b"")
        # The end is sent behind the data: Redis runs what it has before it sees it.
        to_redis.write_eof()
        await back
        for each in (writer, to_redis):
            each.close()
            with contextlib.suppress(ConnectionError):
                await each.wait_closed()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**20):
            if self.left is None:
                writer.write(data)


@pytest.mark.parametrize("part_of_it", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0])
async def test_a_batch_that_was_cut_off_enters_once(
    redis_server: Redis, medium: RedisBusMedium, part_of_it: float
) -> None:
    """The connection breaks in the middle of a batch, or after it and before its answer: publishing fails, and however
    much had entered, the same batch once more makes it whole, with nothing twice.
    """
    cutter = Cutter(redis_server.port)
    batches = [[part(feed, [record("t", 20 * b + n)]) for n, feed in enumerate(FEEDS)] for b in range(3)]
    async with (
        cutter.open() as port,
        RedisBus(f"redis://127.0.0.1:{port}/0", prefix=medium.prefix, shards=SHARDS) as bus,
    ):
        await bus.publish(batches[0])
        cutter.sent = 0
        await bus.publish(batches[1])

        cutter.left = round(cutter.sent * part_of_it)
        with pytest.raises(BackendUnavailable, match="publish"):
            await bus.publish(batches[2])
        there = sum([len(await events(await medium.bus(), feed)) for feed in FEEDS])
        cutter.left = None
        assert await bus.publish(batches[2]) == Published(60 - there, fenced=there - 40)

        assert (there == 40, there == 60) == (part_of_it <= 0.1, part_of_it == 1.0)
        for number, feed in enumerate(FEEDS):
            assert await events(bus, feed) == [b"t:0:%d" % (20 * batch + number) for batch in range(3)]


async def test_a_batch_that_fails_on_one_feed_enters_once(
    bus: RedisBus, medium: RedisBusMedium, client: Client
) -> None:
    """A key that is not ours stops its shard's part of a batch before anything of it is written; what entered in other
    shards does not enter again.
    """
    names = FeedNames(medium.prefix, SHARDS)
    bad = names.keys(FEEDS[0])
    batch = [part(feed, [record("t", number)]) for number, feed in enumerate(FEEDS)]
    for key, value in ((bad.state, "text"), (bad.past, "text"), (bad.sizes, "text"), (bad.seen_2, "text")):
        await client.set(key, value)
        with pytest.raises(BackendUnavailable):
            await bus.publish(batch)
        await client.delete(key)
        for feed in FEEDS:
            assert len(await events(bus, feed)) == (names.shard(feed) != names.shard(FEEDS[0]))

    own = sum(names.shard(feed) == names.shard(FEEDS[0]) for feed in FEEDS)
    assert await bus.publish(batch) == Published(own, fenced=20 - own)


async def test_a_forgotten_script_runs_once(bus: RedisBus, client: Client) -> None:
    """When the server has forgotten its scripts each part of a batch is published all the same, and once; so with what
    is read.
    """
    for number in range(3):
        await client.script_flush()
        batch = [part(feed, [record("t", 20 * number + n)]) for n, feed in enumerate(FEEDS)]
        assert await bus.publish(batch) == Published(20)
    await client.script_flush()
    first = (await bus.history(FEED, 0)).publications[0].position
    await client.script_flush()
    assert len(await bus.missed(FEED, first) or ()) == 2
    await client.script_flush()
    await bus.retire("skipped")


@pytest.mark.parametrize("evicted", ["past", "sizes"])
async def test_an_evicted_history_is_known_to_be_gone(
    bus: RedisBus, medium: RedisBusMedium, client: Client, evicted: str
) -> None:
    """A server that is short of memory may throw away a single key: the feed goes on, and its history is whole from
    then on.
    """
    keys = FeedNames(medium.prefix, SHARDS).keys(FEED)
    await bus.publish([out(FEED, b"1")])
    await bus.publish([out(FEED, b"2")])
    first, second = [publication.position for publication in (await bus.history(FEED, 0)).publications]
    await client.delete(getattr(keys, evicted))

    await bus.publish([out(FEED, b"3")])

    history = await bus.history(FEED, 0)
    assert [(publication.prev, publication.events) for publication in history.publications] == [(2, (b"3",))]
    assert history.since_ms == second.ms
    assert await bus.missed(FEED, first) is None
    assert await bus.missed(FEED, second) == history.publications


async def test_an_evicted_feed_begins_anew(bus: RedisBus, medium: RedisBusMedium, client: Client) -> None:
    """When the feed's state is gone, what is left of it is nobody's: it is removed, and a new epoch begins."""
    await bus.publish([out(FEED, b"1")])
    old = (await bus.history(FEED, 0)).position
    await client.delete(FeedNames(medium.prefix, SHARDS).key(FEED))
    await bus.publish([out(FEED, b"2")])

    history = await bus.history(FEED, 0)
    assert (await events(bus), history.publications[0].prev) == ([b"2"], 0)
    assert old is not None
    assert await bus.missed(FEED, old) is None


async def test_everything_of_a_feed_expires(bus: RedisBus, medium: RedisBusMedium, client: Client) -> None:
    """No key of a feed stays for ever, so that feeds that nobody uses any more cost nothing."""
    await bus.publish([out(feed, b"1") for feed in FEEDS])
    names = FeedNames(medium.prefix, SHARDS)
    for_ever = {key for key in await medium.keys() if await client.pttl(key) < 0}
    assert for_ever == {names.fence(shard).encode() for shard in range(SHARDS)}
    assert len(await medium.keys()) == SHARDS + 4 * len(FEEDS)


@pytest.mark.parametrize("prefix", ["sig[*]?", "sig\\-^"])
async def test_only_our_feeds_are_retired(redis_server: Redis, client: Client, prefix: str) -> None:
    """More feeds than go into one command are all retired, and nothing of another deployment whose prefix looks alike,
    or that has the same one and more shards.
    """
    limits = FeedLimits(spare_seconds=0)
    feeds = [Feed("streams", (str(number),)) for number in range(1_200)]
    async with (
        RedisBus(redis_server.url, prefix=prefix, shards=1, limits=limits) as bus,
        RedisBus(redis_server.url, prefix=prefix, shards=7, limits=limits) as more,
        RedisBus(redis_server.url, prefix="sigxyz", shards=1, limits=limits) as other,
    ):
        for each in (bus, more, other):
            await each.publish([out(feed, b"1") for feed in feeds])
        await client.set(f"{prefix}:{{s00}}:feed:\\xff%ff", "not ours")
        elsewhere = [feed for feed in feeds if FeedNames(prefix, 7).shard(feed)]

        await bus.retire("skipped")

        assert {(await bus.history(feed, 0)).position.seq for feed in feeds} == {0}  # type: ignore[union-attr]  # they are there
        assert {(await more.history(feed, 0)).position.seq for feed in elsewhere} == {1}  # type: ignore[union-attr]  # see above
        assert {(await other.history(feed, 0)).position.seq for feed in feeds} == {1}  # type: ignore[union-attr]  # see above
        for name in (prefix, "sigxyz"):
            for number in (1, 7):
                names = FeedNames(name, number)
                await client.delete(*(key for feed in feeds for key in names.keys(feed)))
                await client.delete(*(names.fence(shard) for shard in range(number)))


@pytest.mark.parametrize("sharded", [True, False])
async def test_a_slot_that_moves_loses_nothing(redis_cluster: RedisCluster, sharded: bool) -> None:  # noqa: FBT001  pytest passes it by name
    """A cluster's slot moves to another node while a feed in it is published on and heard: nothing is lost or doubled,
    and what was not heard is told by the history.
    """
    async with RedisBusMedium(redis_cluster.url, cluster=True, sharded=sharded) as medium:
        bus, relay = await medium.bus(), await medium.bus()
        listener = Listener()
        bus.listen(listener)
        await bus.subscribe(FEED)
        slot = key_slot(FeedNames(medium.prefix, SHARDS).key(FEED).encode())
        home = redis_cluster.owner(slot)
        going = True

        async def publish() -> int:
            number = 0
            while going:
                batch = [part(FEED, [record("t", number)])]
                # Again and again, as a relay does.
                with contextlib.suppress(BackendUnavailable):
                    await relay.publish(batch)
                    number += 1
                await asyncio.sleep(0.001)
            return number

        task = asyncio.create_task(publish())
        try:
            for node in (*redis_cluster.nodes[:3], home):
                heard = len(await events(relay))
                await asyncio.to_thread(redis_cluster.move, [slot], node)
                await wait_for_async(lambda heard=heard: _more(relay, heard + 20), within=PATIENCE)  # type: ignore[misc]  # mypy does not infer a lambda with defaults
        finally:
            going = False
        count = await task
        assert await events(relay) == [b"t:0:%d" % number for number in range(count)]
        # What a sharded subscription did not hear while it moved shows in the positions that it is told then.
        await listener.until(lambda: count in _told(listener))
        if not sharded:
            assert [publication.prev for publication in listener.publications] == list(range(count))


async def _more(bus: RedisBus, count: int) -> bool:
    return len(await events(bus)) >= count


def _told(listener: Listener) -> set[int]:
    """Where the feed stood, as far as *listener* knows."""
    recovered = [positions[FEED] for positions in listener.recoveries]
    return {publication.position.seq for publication in listener.publications} | {
        position.seq for position in recovered if position is not None
    }
