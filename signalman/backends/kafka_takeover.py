"""Taking over partitions: each is held until it is known where to begin on it, and what that passes over.

aiokafka by itself begins at the group's commit, whatever its age; where that offset is gone it jumps to the end in
silence, and where nothing was ever committed it begins at the end each time anew. Nothing of a paused partition is
fetched or handed out, so nothing is read before it is placed.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from signalman.backends.kafka_backlog import Backlog, Extent

log = structlog.get_logger(__name__)

# One partition without a leader answers nothing for as long as it takes; the others do not wait for it.
_ASK_LIMIT = 5.0
_ASK_AGAIN = 0.5
_STOP_LIMIT = 1.0


class Takeover(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no type information
    """Hears what becomes ours, on behalf of *consumer*, and places it in the background.

    Args:
        consumer: Subscribed with this as its listener.
        backlog: Outlives the consumer.
        max_age: Seconds; older records are passed over. None: none are, but for those that are gone.
        clock: Unix seconds.
    """

    def __init__(
        self, consumer: AIOKafkaConsumer, backlog: Backlog, *, max_age: float | None, clock: Callable[[], float]
    ) -> None:
        self._consumer = consumer
        self._backlog = backlog
        self._max_age = max_age
        self._clock = clock
        self._placing: asyncio.Task[None] | None = None

    @property
    def settled(self) -> bool:
        """Whether everything that is ours is placed."""
        return self._placing is not None and self._placing.done() and not self._placing.cancelled()

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002  # always all of them
        """Called by aiokafka before it joins the group again, which takes everything from it."""
        self._stop()
        self._backlog.lose()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Called by aiokafka before it has fetched anything of *assigned*; what takes time is done elsewhere, since the
        group hears nothing of us until this returns.
        """
        self._stop()
        self._consumer.pause(*assigned)
        self._placing = asyncio.create_task(self._place_all(assigned), name="kafka-takeover")

    def check(self) -> None:
        """Raise what ended the placing, if something did."""
        if self._placing is not None and self.settled:
            self._placing.result()

    def tell(self) -> int:
        """How many records were passed over and not told yet. Their partitions are read from now on."""
        told = self._backlog.tell()
        for place, skip in told.items():
            log.warning(
                "kafka_records_passed_over",
                topic=place.topic,
                partition=place.partition,
                offset=skip.start,
                next_offset=skip.next,
            )
            self._release(place)
        return sum(skip.count for skip in told.values())

    async def close(self) -> None:
        """Place nothing any more."""
        self._stop()
        self._backlog.lose()
        if self._placing is not None:
            await asyncio.wait([self._placing], timeout=_STOP_LIMIT)

    def _stop(self) -> None:
        if self._placing is not None:
            self._placing.cancel()

    async def _place_all(self, places: Collection[TopicPartition]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for place in places:
                tasks.create_task(self._place(place))

    async def _place(self, place: TopicPartition) -> None:
        while True:
            try:
                async with asyncio.timeout(_ASK_LIMIT):
                    committed, extent = await self._ask(place)
            except (KafkaError, OSError, TimeoutError) as error:
                log.debug("kafka_takeover_waits", partition=place.partition, reason=type(error).__name__)
                await asyncio.sleep(_ASK_AGAIN)
            else:
                break
        if place not in self._consumer.assignment():
            return
        if committed is None:
            self._consumer.seek(place, extent.end)
            self._release(place)
            await self._commit(place, extent.end)
            return
        self._consumer.seek(place, self._backlog.begin(place, committed, extent).next)
        if place not in self._backlog.untold:
            self._release(place)

    async def _ask(self, place: TopicPartition) -> tuple[int | None, Extent]:
        consumer = self._consumer
        committed = await consumer.committed(place)
        # In this order: what is written between the two questions is found by the second one.
        end = (await consumer.end_offsets([place]))[place]
        first = (await consumer.beginning_offsets([place]))[place]
        if self._max_age is None:
            return committed, Extent(first, end, first)
        oldest = max(0, int((self._clock() - self._max_age) * 1000))
        found = (await consumer.offsets_for_times({place: oldest}))[place]
        return committed, Extent(first, end, None if found is None else found.offset)

    async def _commit(self, place: TopicPartition, offset: int) -> None:
        """So that who takes over next begins here as well, even where nothing was read in between."""
        with contextlib.suppress(KafkaError, OSError):
            await self._consumer.commit({place: offset})

    def _release(self, place: TopicPartition) -> None:
        if place in self._consumer.assignment():
            self._consumer.resume(place)
