"""Subscriptions to Redis that tell of every gap: acknowledged, watched, and made anew for ever.

redis-py's own pub/sub acknowledges nothing, reconnects without a word and gives up after a while. Here a reconnect is
a gap, and a gap is told.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from signalman.backends.redis_address import RedisAddress
from signalman.backends.redis_cluster import AnyNode, Masters, OneServer, Placement
from signalman.backends.redis_link import RedisLink
from signalman.backends.redis_links import RedisLinks, backoff
from signalman.backends.redis_listener import ChannelListener, GuardedListener
from signalman.backends.redis_subscriptions import Command, Link, State, Subscription, Subscriptions
from signalman.errors import BackendUnavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")


class RedisSubscriber:
    """Keeps what is wanted subscribed, and hands what arrives to one listener.

    Args:
        address: The server, or any node of the cluster.
        listener: Who hears.
        cluster: Whether it is a Redis Cluster, whose nodes are then found and followed.
        sharded: In a cluster, whether to use sharded pub/sub, which needs Redis 7.
        ping_interval: Seconds between probes on a connection.
        silence_limit: Seconds without an answer after which a connection is dropped. In a cluster also how often its
            topology is read while all is well.
        timeout: Seconds that a server may take to accept a connection, or to tell the topology.
    """

    def __init__(
        self,
        address: RedisAddress,
        listener: ChannelListener,
        *,
        cluster: bool = False,
        sharded: bool = False,
        ping_interval: float,
        silence_limit: float,
        timeout: float,
    ) -> None:
        sharded = cluster and sharded
        self._placement: Placement = OneServer(address)
        if cluster:
            self._placement = (Masters if sharded else AnyNode)(address, timeout=timeout)
        self._listener = GuardedListener(listener)
        self._longest_ignorance = silence_limit
        self._subscriptions = Subscriptions(self._route)
        self._find = self._subscriptions.find
        self._links = RedisLinks(
            lambda node: RedisLink(
                node,
                self,
                sharded=sharded,
                ping_interval=ping_interval,
                silence_limit=silence_limit,
                timeout=timeout,
            )
        )
        self._wake = asyncio.Event()
        self._placed = False
        self._refresh_at = 0.0
        self._refreshes = 0
        self._restoring: asyncio.Task[None] | None = None
        self._lost_told = False
        self._reason = ""
        self.up = False
        """Whether everything wanted is subscribed, and every gap so far has been told."""

    async def run(self) -> None:
        """Connect, serve, and connect again, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            try:
                while True:
                    self._wake.clear()
                    await self._step(tasks)
                    # Not wait_for, which before Python 3.12 can swallow the cancellation that ends us.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout_at(self._refresh_at):
                            await self._wake.wait()
            finally:
                # What ends from here on is no loss.
                self._links.remove(self._links.nodes())

    async def acknowledged(self, channel: bytes, then: Callable[[], Awaitable[T]]) -> T:
        """Want *channel*; when the server has acknowledged it, await *then* and return its result.

        If that fails or is cancelled, the channel is as unwanted as it was before. If the channel is interrupted while
        *then* goes on, its result may be from before the gap: *then* is awaited again after the next acknowledgement.
        """
        entry = self._subscriptions.entry(channel)
        withdrawals = entry.withdrawals
        waiters: list[asyncio.Future[None]] = []
        try:
            while True:
                waiters.append(self._wait(entry))
                await waiters[-1]
                interruptions = entry.interruptions
                result = await then()
                if entry.interruptions == interruptions:
                    entry.kept = entry.kept or entry.withdrawals == withdrawals
                    return result
        finally:
            entry.waiters.difference_update(waiters)
            self._subscriptions.settle(entry)

    def withdraw(self, channel: bytes) -> None:
        """No longer want *channel*."""
        entry = self._find(channel)
        if entry is not None:
            entry.kept = False
            entry.withdrawals += 1
            self._subscriptions.settle(entry)

    def opened(self, link: RedisLink) -> None:
        """See `LinkOwner`."""
        if link in self._links:
            self._subscriptions.settle_all()
            self._wake.set()

    def ended(self, link: RedisLink, reason: str) -> None:
        """See `LinkOwner`."""
        if link in self._links:
            self._links.lost(link)
            self._subscriptions.displaced(link)
            if link.node in self._needed():
                self._lose(reason)
                self._refresh_soon()

    def answered(self, link: RedisLink, command: Command, channel: bytes) -> None:
        """See `LinkOwner`."""
        if not self._subscriptions.answered(link, command, channel):
            # It took the channel off because it has learnt who has it now.
            self.moved(link, self._subscriptions.entry(channel).slot, link.node)
        elif not self.up and not self._subscriptions.unheard:
            self._wake.set()

    def moved(self, link: RedisLink, slot: int, to: RedisAddress) -> None:
        """See `LinkOwner`."""
        if self._placement.node_of(slot) == link.node:
            self._placement.moved(slot, to)
            self.up = False
            self._subscriptions.displaced(link, slot)
            self._refresh_soon()

    def message(self, link: RedisLink, channel: bytes, data: bytes) -> None:
        """See `LinkOwner`."""
        entry = self._find(channel)
        # A node that has lost a channel to another, and does not know it yet, may go on sending.
        if entry is not None and entry.link is link and entry.state is State.ON:
            self._listener.message(channel, data)

    def _wait(self, entry: Subscription) -> asyncio.Future[None]:
        waiter = asyncio.get_running_loop().create_future()
        entry.waiters.add(waiter)
        if entry.state is State.ON:
            waiter.set_result(None)
        self._subscriptions.settle(entry)
        if entry.state is State.OFF:
            self._wake.set()
            if self._placement.node_of(entry.slot) is None:
                self._refresh_soon()
        return waiter

    async def _step(self, tasks: asyncio.TaskGroup) -> None:
        try:
            if _now() >= self._refresh_at:
                await self._refresh()
            needed = self._needed()
            self._links.add({node for node in needed if node is not None}, tasks)
            if not self.up and self._restoring is None and self._is_whole(needed):
                self._restore(tasks)
        except Exception:  # a fault of ours must not leave the process deaf for good
            log.exception("redis_subscriber_failed")
            self._lose("a fault of ours")
            self._refresh_soon()

    async def _refresh(self) -> None:
        """Ask where everything belongs, and move what is elsewhere."""
        # Set before, so that whoever wants the next one sooner while this goes on is heard.
        self._refresh_at = _now() + self._longest_ignorance
        self._refreshes = 0 if self.up else self._refreshes + 1
        try:
            changed = await self._placement.refresh(self._links.alive())
        except BackendUnavailable as error:
            self._placed = False
            # The nodes that we hear may be cut off from those that hear the publishers.
            self._subscriptions.suspect()
            self._lose(error.detail)
        else:
            self._placed = True
            if changed:
                self._move()
            if None in self._needed():
                self._lose("no node of the cluster serves a channel's slot")
        if not self.up:
            self._refresh_soon()

    def _move(self) -> None:
        self._subscriptions.replaced(self._belongs)
        for link in self._links.remove(self._links.nodes() - self._needed()):
            self._subscriptions.displaced(link)
        self.up = self.up and not self._subscriptions.interrupted

    def _refresh_soon(self) -> None:
        delay = backoff(self._refreshes - 1) if self._refreshes else 0.0
        self._refresh_at = min(self._refresh_at, _now() + delay)
        self._wake.set()

    def _needed(self) -> set[RedisAddress | None]:
        """The nodes that wanted channels belong to; None among them when that is unknown for some."""
        if self._placement.home is not None:
            return {self._placement.home}
        return {self._placement.node_of(slot) for slot in self._subscriptions.wanted_slots()}

    def _route(self, entry: Subscription) -> Link | None:
        return self._links.find_open(self._placement.node_of(entry.slot))

    def _belongs(self, entry: Subscription, link: Link) -> bool:
        return isinstance(link, RedisLink) and link.node == self._placement.node_of(entry.slot)

    def _is_whole(self, needed: set[RedisAddress | None]) -> bool:
        return self._placed and not self._subscriptions.unheard and needed <= self._links.alive()

    def _restore(self, tasks: asyncio.TaskGroup) -> None:
        """Everything wanted is subscribed: tell of what may have been missed."""
        if self._lost_told or self._subscriptions.interrupted:
            self._restoring = tasks.create_task(self._tell_restored(), name="redis-restore")
        else:
            self._come_up()

    async def _tell_restored(self) -> None:
        # Here, and not by whoever makes this a task: one that is cancelled at once never begins.
        channels = self._subscriptions.take_interrupted()
        failure = "cancelled"
        try:
            failure = await self._listener.restored(channels)
        finally:
            # When Redis was lost meanwhile, this is no longer the one: nothing has been restored.
            current = self._restoring is asyncio.current_task()
            if failure or not current:
                self._subscriptions.not_told(channels)
        if current:
            self._restoring = None
            if failure:
                self._links.drop_all(failure)
            else:
                self._restored(len(channels))

    def _restored(self, channels: int) -> None:
        log.info("redis_recovered" if self._lost_told else "redis_channels_moved", channels=channels)
        self._lost_told = False
        self._reason = ""
        if self._subscriptions.interrupted:
            self._wake.set()
        else:
            self._come_up()

    def _come_up(self) -> None:
        self.up = True
        # What was to be asked while something was missing need not be asked any more.
        self._refresh_at = _now() + self._longest_ignorance

    def _lose(self, reason: str) -> None:
        self.up = False
        if self._restoring is not None:
            self._restoring.cancel()
            self._restoring = None
        if reason != self._reason:
            self._reason = reason
            log.warning("redis_lost", reason=reason)
        if not self._lost_told:
            self._lost_told = True
            self._listener.lost()


def _now() -> float:
    return asyncio.get_running_loop().time()
