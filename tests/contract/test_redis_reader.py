"""The reader of Redis channels, against a real server that restarts, hangs, and drops connections."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import uvloop
from redis import Redis as BlockingClient
from redis.asyncio import Redis as Client
from structlog.testing import capture_logs

from signalman.backends.redis_subscriber import RedisSubscriber
from signalman.errors import BackendUnavailable
from tests.contract.channel_listening import Heard, nothing, subscribe, subscribing, until
from tests.contract.listening import PATIENCE
from tests.servers import MissingServerError, Redis, wait_for_async

ONE, OTHER = b"one", b"other"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    """A Redis of the test's own."""
    try:
        server = Redis(tmp_path / "redis")
    except MissingServerError as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture
async def client(server: Redis) -> AsyncIterator[Client]:
    """Somebody who publishes."""
    async with Client.from_url(server.url, protocol=2) as client:
        yield client


@pytest.fixture
def heard() -> Heard:
    """What `subscriber` told."""
    return Heard()


@pytest.fixture
def silence_limit() -> float:
    """Seconds without an answer that `subscriber` endures."""
    return PATIENCE


@pytest.fixture
async def subscriber(server: Redis, heard: Heard, silence_limit: float) -> AsyncIterator[RedisSubscriber]:
    """A subscriber to `server`."""
    async with subscribing(server.url, heard, silence_limit=silence_limit) as subscriber:
        yield subscriber


async def kill_subscribers(client: Client) -> None:
    """Cut all subscribing connections, as the server does to a slow reader."""
    await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]  # unannotated


async def subscribers(client: Client, channel: bytes) -> int:
    """How many connections the server has subscribed to *channel*."""
    ((_, count),) = await client.pubsub_numsub(channel)
    return int(count)


async def test_messages_come_as_they_were_sent(client: Client, subscriber: RedisSubscriber, heard: Heard) -> None:
    """Any bytes, empty ones and separators among them, come out in order and on their channel."""
    await subscribe(subscriber, [ONE, b"\r\n\xff {x}"])
    sent = [b"", b"\r\n", b"\x00\xff" * 100_000, b"$5\r\n", b"last"]
    for data in sent:
        await client.publish(b"\r\n\xff {x}", data)
        await client.publish(ONE, data)
    await until(lambda: len(heard.messages) == 10)
    assert heard.data(ONE) == heard.data(b"\r\n\xff {x}") == sent
    assert subscriber.up
    assert not heard.losses


async def test_a_restart_is_told_and_survived(
    server: Redis, client: Client, subscriber: RedisSubscriber, heard: Heard
) -> None:
    """The loss is told once and at once; when the server is back all channels are told as interrupted, once, and are
    heard again.
    """
    await subscribe(subscriber, [ONE, OTHER])
    server.stop()
    await until(lambda: heard.losses)
    up_while_away = subscriber.up
    server.start()

    await until(lambda: heard.restorations)
    assert heard.restorations == [[ONE, OTHER]]
    assert heard.losses == 1
    await until(lambda: subscriber.up)
    assert not up_while_away
    await client.publish(ONE, b"1")
    await until(lambda: heard.data(ONE) == [b"1"])


async def test_a_killed_connection_is_told(client: Client, subscriber: RedisSubscriber, heard: Heard) -> None:
    """However quickly a connection is made anew: that it was gone is told, and each time."""

    async def until_restored(times: int) -> None:
        await until(lambda: len(heard.restorations) == times and subscriber.up)

    await subscribe(subscriber, [ONE])
    for times in (1, 2, 3):
        await kill_subscribers(client)
        await until_restored(times)
    assert heard.restorations == [[ONE]] * 3
    assert heard.losses == 3


@pytest.mark.parametrize("silence_limit", [0.5])
async def test_a_hanging_server_is_noticed(server: Redis, subscriber: RedisSubscriber, heard: Heard) -> None:
    """A server that keeps the connection open and says nothing is lost as surely as one that closes it."""
    await subscribe(subscriber, [ONE])
    server.pause()
    try:
        await until(lambda: heard.losses)
    finally:
        server.resume()
    await until(lambda: heard.restorations)
    assert heard.restorations[0] == [ONE]


@pytest.mark.parametrize("silence_limit", [1.5])
async def test_a_quiet_server_is_not_lost(subscriber: RedisSubscriber, heard: Heard) -> None:
    """Probes are answered, with and without subscriptions, so silence on the channels is no loss."""
    await asyncio.sleep(2.0)  # longer than the silence limit: that is the claim
    await subscribe(subscriber, [ONE])
    await asyncio.sleep(2.0)
    assert heard.losses == 0
    assert subscriber.up


@pytest.mark.parametrize("silence_limit", [1.0])
async def test_our_own_standstill_is_not_the_servers_silence(subscriber: RedisSubscriber, heard: Heard) -> None:
    """When the process stood still for longer than a server may be silent, that is not held against the server."""
    await subscribe(subscriber, [ONE])
    await asyncio.sleep(0.05)
    time.sleep(2.5)  # noqa: ASYNC251  that is the standstill
    await asyncio.sleep(0.5)
    assert heard.losses == 0


async def test_a_server_that_is_away_at_first_is_lost(server: Redis, client: Client, heard: Heard) -> None:
    """A first attempt in vain is a loss too. Whoever subscribes meanwhile is served when the server comes, and none of
    that counts as interrupted.
    """
    server.stop()
    async with subscribing(server.url, heard) as subscriber:
        await until(lambda: heard.losses)
        waiting = asyncio.create_task(subscriber.acknowledged(ONE, nothing))
        server.start()
        await asyncio.wait_for(waiting, PATIENCE)
        await until(lambda: heard.restorations)
        assert heard.restorations == [[]]
        await client.publish(ONE, b"1")
        await until(lambda: heard.data(ONE))


async def test_what_fails_leaves_nothing_behind(client: Client, subscriber: RedisSubscriber) -> None:
    """A subscribe whose second half fails, or that is cancelled, leaves the channel as unwanted, or as wanted, as it
    was.
    """

    async def fail() -> None:
        raise BackendUnavailable("redis", "no position")

    async def hang() -> None:
        await asyncio.Event().wait()

    for channel, count in ((ONE, 0), (OTHER, 1)):
        if count:
            await subscribe(subscriber, [channel])
        with pytest.raises(BackendUnavailable):
            await subscriber.acknowledged(channel, fail)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await subscriber.acknowledged(channel, hang)
        await subscribe(subscriber, [b"later"])  # the server has done all that came before
        assert await subscribers(client, channel) == count


async def test_a_result_from_before_a_gap_is_not_returned(
    client: Client, subscriber: RedisSubscriber, heard: Heard
) -> None:
    """When the connection is lost while a subscribe's second half goes on, that is done again after the next
    acknowledgement: what is returned is never older than what is heard.
    """
    results = iter(["before", "after"])

    async def position() -> str:
        result = next(results)
        if result == "before":
            await kill_subscribers(client)
            await until(lambda: heard.losses)
        return result

    assert await subscriber.acknowledged(ONE, position) == "after"
    assert await subscribers(client, ONE) == 1


async def test_the_last_word_counts(client: Client, subscriber: RedisSubscriber, heard: Heard) -> None:
    """However quickly channels are subscribed and withdrawn, losses in between: in the end exactly what was wanted last
    is subscribed, and heard once.
    """
    chance = random.Random(7)
    channels = [b"%d" % number for number in range(20)]
    wanted: set[bytes] = set()
    for turn in range(400):
        channel = chance.choice(channels)
        if chance.random() < 0.5:
            wanted.add(channel)
            await subscriber.acknowledged(channel, nothing)
        else:
            wanted.discard(channel)
            subscriber.withdraw(channel)
        if turn % 100 == 50:
            await kill_subscribers(client)
    await until(lambda: subscriber.up)

    async def settled() -> bool:
        return [await subscribers(client, channel) for channel in channels] == [
            int(channel in wanted) for channel in channels
        ]

    await wait_for_async(settled, within=PATIENCE)
    heard.messages.clear()
    for channel in channels:
        await client.publish(channel, b"x")
    await until(lambda: len(heard.messages) >= len(wanted))
    assert sorted(heard.messages) == sorted((channel, b"x") for channel in wanted)


async def test_many_channels_come_back(client: Client, subscriber: RedisSubscriber, heard: Heard) -> None:
    """More channels than fit in one command are all subscribed again, and all told."""
    channels = sorted(b"channel-%d" % number for number in range(1_300))
    await subscribe(subscriber, channels)
    await kill_subscribers(client)
    await until(lambda: heard.restorations)
    assert heard.restorations == [channels]
    for channel in channels:
        await client.publish(channel, b"x")
    await until(lambda: len(heard.messages) >= 1_300)
    assert [channel for channel, _ in heard.messages] == channels


async def test_a_restoration_that_fails_begins_anew(client: Client, subscriber: RedisSubscriber, heard: Heard) -> None:
    """When positions cannot be read, or the listener fails, the connection is made anew and the same channels are told
    again; the loss is not.
    """
    failures: list[Exception] = [BackendUnavailable("redis", "positions"), KeyError("listener")]

    async def fail() -> None:
        if failures:
            raise failures.pop(0)

    heard.while_restoring = fail
    await subscribe(subscriber, [ONE])
    with capture_logs() as logs:
        await kill_subscribers(client)
        await until(lambda: heard.restorations)
    assert heard.restorations == [[ONE]]
    assert heard.losses == 1
    reasons = [entry["reason"] for entry in logs if entry["event"] == "redis_lost"]
    assert reasons == ["the connection was closed", "positions", "the listener failed"]
    await until(lambda: subscriber.up)


async def test_a_loss_during_restoration_is_restored_later(
    client: Client, subscriber: RedisSubscriber, heard: Heard
) -> None:
    """A connection lost before the listener is through restores nothing: that call ends, and another comes, for all
    channels.
    """
    calls: list[str] = []

    async def hang_once() -> None:
        calls.append("begun")
        try:
            if len(calls) == 1:
                await asyncio.Event().wait()
        finally:
            calls.append("ended")

    heard.while_restoring = hang_once
    await subscribe(subscriber, [ONE, OTHER])
    await kill_subscribers(client)
    await until(lambda: calls)
    up_while_restoring = subscriber.up
    await kill_subscribers(client)
    await until(lambda: heard.restorations)
    assert heard.restorations == [[ONE, OTHER]]
    assert (up_while_restoring, heard.losses) == (False, 1)
    assert calls == ["begun", "ended"] * 2


async def test_a_listener_that_fails_does_not_deafen(server: Redis, client: Client) -> None:
    """A listener's own mistake is logged, not for each message anew, and the next message still reaches it."""

    class Failing(Heard):
        def message(self, channel: bytes, data: bytes) -> None:
            super().message(channel, data)
            raise KeyError("listener")

        def lost(self) -> None:
            super().lost()
            raise KeyError("listener")

    heard = Failing()
    async with subscribing(server.url, heard) as subscriber:
        await subscribe(subscriber, [ONE])
        with capture_logs() as logs:
            for number in range(100):
                await client.publish(ONE, b"%d" % number)
            await until(lambda: len(heard.messages) == 100)
            await kill_subscribers(client)
            await until(lambda: heard.restorations)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["bus_listener_failed"]


async def test_a_burst_leaves_room_for_others(
    server: Redis, client: Client, subscriber: RedisSubscriber, heard: Heard
) -> None:
    """While tens of megabytes that have piled up are read, everything else on the event loop has its turns."""
    await client.config_set("client-output-buffer-limit", "pubsub 0 0 0")
    await subscribe(subscriber, [ONE])
    with BlockingClient.from_url(server.url) as blocking, blocking.pipeline(transaction=False) as pipeline:
        for _ in range(20_000):
            pipeline.publish(ONE, bytes(1_000))
        pipeline.execute()
    assert not heard.messages
    turns = 0
    async with asyncio.timeout(PATIENCE):
        while len(heard.messages) < 20_000:
            turns += 1
            await asyncio.sleep(0)
    assert turns > 40
    assert not heard.losses


def test_it_runs_on_uvloop(server: Redis) -> None:
    """The event loop of production has transports of its own kind: there, too, a loss is told and restored."""

    async def main() -> None:
        heard = Heard()
        async with Client.from_url(server.url) as client, subscribing(server.url, heard) as subscriber:
            await subscribe(subscriber, [ONE])
            await kill_subscribers(client)
            await until(lambda: heard.restorations)
            await client.publish(ONE, b"1")
            await until(lambda: heard.data(ONE))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
