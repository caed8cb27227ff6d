"""The reader of Redis channels on a real cluster: nodes die, hang and are replaced, slots move."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import chain
from pathlib import Path

import pytest
from redis.crc import key_slot

from signalman.backends.redis_subscriber import RedisSubscriber
from tests.contract.channel_listening import Heard, nothing, subscribe, subscribing, until
from tests.contract.listening import PATIENCE
from tests.servers import MissingServerError, RedisCluster, RedisNode, wait_for_async

CHANNELS = sorted(b"channel:{s%02d}:%d" % (shard, number) for shard in range(16) for number in range(3))


@pytest.fixture
def cluster(redis_cluster: RedisCluster) -> Iterator[RedisCluster]:
    """The cluster of the whole run, whole again after the test."""
    before = {slot: redis_cluster.owner(slot) for slot in {key_slot(channel) for channel in CHANNELS}}
    yield redis_cluster
    redis_cluster.start()
    for slot, node in before.items():
        redis_cluster.move([slot], node)


@pytest.fixture
def heard() -> Heard:
    """What the subscriber told."""
    return Heard()


@pytest.fixture
def silence_limit() -> float:
    """Seconds without an answer that the subscriber endures, and how often it looks at the cluster: so seldom that no
    test is saved by a look.
    """
    return 3 * PATIENCE


@pytest.fixture
async def sharded(cluster: RedisCluster, heard: Heard, silence_limit: float) -> AsyncIterator[RedisSubscriber]:
    """A subscriber to sharded channels."""
    async with subscribing(cluster.url, heard, cluster=True, sharded=True, silence_limit=silence_limit) as subscriber:
        yield subscriber


@pytest.fixture
async def classic(cluster: RedisCluster, heard: Heard, silence_limit: float) -> AsyncIterator[RedisSubscriber]:
    """A subscriber to classic channels."""
    async with subscribing(cluster.url, heard, cluster=True, silence_limit=silence_limit) as subscriber:
        yield subscriber


def on(cluster: RedisCluster, node: RedisNode) -> list[bytes]:
    """Those of CHANNELS whose slot is on *node*."""
    return [channel for channel in CHANNELS if cluster.owner(key_slot(channel)) is node]


def publish(cluster: RedisCluster, channel: bytes, data: bytes) -> None:
    """Publish on a sharded channel."""
    cluster.owner(key_slot(channel)).command("SPUBLISH", channel, data)


async def publish_when_served(cluster: RedisCluster, heard: Heard, channel: bytes, data: bytes) -> None:
    """Publish until it is heard: a node that has just begun or taken over may refuse at first."""

    async def arrives() -> bool:
        publish(cluster, channel, data)
        await asyncio.sleep(0.05)
        return data in heard.data(channel)

    await wait_for_async(arrives, within=PATIENCE)


def connections(node: RedisNode) -> int:
    """How many connections to *node* have subscribed to something."""
    return str(node.command("CLIENT", "LIST", "TYPE", "PUBSUB")).count("id=")


async def test_sharded_channels_are_heard_wherever_they_are(
    cluster: RedisCluster, sharded: RedisSubscriber, heard: Heard
) -> None:
    """Channels of all slots are acknowledged by their own masters, over one connection to each, and heard; a master
    that no wanted channel belongs to has no connection.
    """
    for node in cluster.nodes:
        assert on(cluster, node)
    alone = on(cluster, cluster.nodes[1])
    await subscribe(sharded, alone)
    assert [connections(node) for node in cluster.nodes] == [0, 1, 0]
    await subscribe(sharded, CHANNELS)
    assert [connections(node) for node in cluster.nodes] == [1, 1, 1]
    for channel in CHANNELS:
        publish(cluster, channel, b"x")
    await until(lambda: len(heard.messages) >= len(CHANNELS))
    assert sorted(heard.messages) == [(channel, b"x") for channel in CHANNELS]
    assert sharded.up
    assert not heard.losses


async def test_a_withdrawn_sharded_channel_is_not_heard(
    cluster: RedisCluster, sharded: RedisSubscriber, heard: Heard
) -> None:
    """The server is told, and forgets it."""
    await subscribe(sharded, CHANNELS)
    gone, other = on(cluster, cluster.nodes[0])[:2]
    sharded.withdraw(gone)

    def forgotten() -> bool:
        _, subscribers = cluster.nodes[0].command("PUBSUB", "SHARDNUMSUB", gone)
        return bool(subscribers == 0)

    await until(forgotten)
    publish(cluster, gone, b"x")
    publish(cluster, other, b"y")
    await until(lambda: heard.messages)
    assert heard.messages == [(other, b"y")]


async def test_a_dead_master_is_a_loss_and_the_others_go_on(
    cluster: RedisCluster, sharded: RedisSubscriber, heard: Heard
) -> None:
    """When a master with wanted channels dies that is told once; what the others have is heard meanwhile; when it is
    back its channels, and no others, are told as interrupted.
    """
    dead, alive = cluster.nodes[2], cluster.nodes[0]
    interrupted, channel = on(cluster, dead), on(cluster, alive)[0]
    await subscribe(sharded, CHANNELS)
    dead.kill()
    await until(lambda: heard.losses)
    alive.command("SPUBLISH", channel, b"meanwhile")
    await until(lambda: heard.data(channel))
    assert not sharded.up
    assert not heard.restorations

    dead.start()
    await until(lambda: heard.restorations)
    assert heard.restorations == [interrupted]
    assert heard.losses == 1
    cluster.wait_whole()
    await publish_when_served(cluster, heard, interrupted[0], b"after")


async def test_a_loss_during_restoration_is_restored_with_it(
    cluster: RedisCluster, sharded: RedisSubscriber, heard: Heard
) -> None:
    """When another node is lost before the listener is through with the first, both nodes' channels are told, once."""
    begun = asyncio.Event()

    async def hang_once() -> None:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()

    heard.while_restoring = hang_once
    await subscribe(sharded, CHANNELS)
    for node in cluster.nodes[:2]:
        node.command("CLIENT", "KILL", "TYPE", "PUBSUB")
        async with asyncio.timeout(PATIENCE):
            await begun.wait()
    await until(lambda: heard.restorations)
    assert heard.restorations == [sorted(on(cluster, cluster.nodes[0]) + on(cluster, cluster.nodes[1]))]
    assert heard.losses == 1


@pytest.mark.parametrize("silence_limit", [1.0])
async def test_a_hanging_master_is_a_loss(cluster: RedisCluster, sharded: RedisSubscriber, heard: Heard) -> None:
    """A master that keeps its connections and says nothing is as good as dead."""
    hanging = cluster.nodes[1]
    await subscribe(sharded, CHANNELS)
    interrupted = on(cluster, hanging)
    hanging.pause()
    try:
        await until(lambda: heard.losses)
    finally:
        hanging.resume()
    await until(lambda: heard.restorations)
    assert set(interrupted) <= set(heard.restorations[0])


async def test_a_slot_that_moves_is_followed(cluster: RedisCluster, sharded: RedisSubscriber, heard: Heard) -> None:
    """When an operator moves a slot its channels are subscribed at the new master and told as interrupted, which is no
    loss; what is published then is heard once.
    """
    await subscribe(sharded, CHANNELS)
    await until(lambda: sharded.up)
    source, target = cluster.nodes[0], cluster.nodes[1]
    slot = key_slot(on(cluster, source)[0])
    moving = [channel for channel in CHANNELS if key_slot(channel) == slot]
    cluster.move([slot], target)
    await until(lambda: sorted(chain(*heard.restorations)) == moving)
    await until(lambda: sharded.up)
    for channel in CHANNELS:
        publish(cluster, channel, b"x")
    await until(lambda: len(heard.messages) >= len(CHANNELS))
    assert sorted(heard.messages) == [(channel, b"x") for channel in CHANNELS]
    assert not heard.losses


async def test_an_old_map_of_the_cluster_is_corrected(
    cluster: RedisCluster, sharded: RedisSubscriber, heard: Heard
) -> None:
    """A channel that is asked for at its former master, which names the new one, is acknowledged there."""
    before, after = cluster.nodes[0], cluster.nodes[2]
    stays, *_, moves = on(cluster, before)
    assert key_slot(stays) != key_slot(moves)
    await subscribe(sharded, [stays])
    await until(lambda: sharded.up)
    cluster.move([key_slot(moves)], after)
    await subscribe(sharded, [moves])
    assert connections(after) == 1
    await publish_when_served(cluster, heard, moves, b"x")
    assert not heard.losses
    await until(lambda: sharded.up)


@pytest.mark.parametrize("silence_limit", [1.0])
async def test_a_node_cut_off_from_the_majority_is_not_believed(
    cluster: RedisCluster, sharded: RedisSubscriber, heard: Heard
) -> None:
    """A master that answers, but is cut off from the majority of the others, may be deaf to what is published: that is
    a loss, and afterwards its channels are told as interrupted although its connection never broke.
    """
    here = cluster.nodes[0]
    channels = on(cluster, here)
    await subscribe(sharded, channels)
    others = cluster.nodes[1:]
    for node in others:
        node.pause()
    try:
        await until(lambda: heard.losses)
        assert connections(here) == 1
    finally:
        for node in others:
            node.resume()
    await until(lambda: heard.restorations)
    assert heard.restorations[0] == channels


async def test_classic_messages_are_heard_from_any_node(
    cluster: RedisCluster, classic: RedisSubscriber, heard: Heard
) -> None:
    """One connection hears what is published at whichever node."""
    await subscribe(classic, CHANNELS[:3])
    assert sum(connections(node) for node in cluster.nodes) == 1
    for node, channel in zip(cluster.nodes, CHANNELS, strict=False):
        node.command("PUBLISH", channel, b"x")
    await until(lambda: len(heard.messages) >= 3)
    assert sorted(heard.messages) == [(channel, b"x") for channel in CHANNELS[:3]]


async def test_classic_finds_another_node(cluster: RedisCluster, classic: RedisSubscriber, heard: Heard) -> None:
    """When the node dies that all was subscribed on, it is a loss, and another takes over while it is away."""
    await subscribe(classic, CHANNELS[:3])
    home = next(node for node in cluster.nodes if connections(node))
    home.kill()
    await until(lambda: heard.restorations)
    assert heard.restorations == [CHANNELS[:3]]
    assert heard.losses == 1
    other = next(node for node in cluster.nodes if node is not home)
    other.command("PUBLISH", CHANNELS[0], b"x")
    await until(lambda: heard.data(CHANNELS[0]))


async def test_a_replaced_master_is_found(tmp_path: Path, heard: Heard) -> None:
    """When a master dies and its replica takes over, the channels are subscribed there, and what was published before
    that is told as possibly missed. The node that was named at first may be the one that dies.
    """
    try:
        cluster = RedisCluster(tmp_path / "cluster")
    except MissingServerError as missing:
        pytest.skip(str(missing))
    with cluster:
        master = cluster.nodes[0]
        interrupted = on(cluster, master)
        replica = cluster.add_replica(master)
        async with subscribing(cluster.url, heard, cluster=True, sharded=True) as subscriber:
            await subscribe(subscriber, CHANNELS)
            master.kill()
            await wait_for_async(lambda: heard.restorations, within=60)
            assert heard.restorations == [interrupted]
            assert heard.losses == 1
            await publish_when_served(cluster, heard, interrupted[0], b"x")
            assert connections(replica) == 1


async def test_a_cluster_that_is_away_at_first(tmp_path: Path, heard: Heard) -> None:
    """Before any node has answered nothing is known: that is a loss, and is over when one answers."""
    try:
        cluster = RedisCluster(tmp_path / "cluster")
    except MissingServerError as missing:
        pytest.skip(str(missing))
    async with subscribing(cluster.url, heard, cluster=True, sharded=True) as subscriber:
        await until(lambda: heard.losses)
        waiting = asyncio.create_task(subscriber.acknowledged(CHANNELS[0], nothing))
        with cluster:
            async with asyncio.timeout(PATIENCE):
                await waiting
            await until(lambda: heard.restorations)
            assert heard.losses == 1
            assert subscriber.up
