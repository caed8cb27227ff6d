"""A batch of events → the arguments of ``publish.lua``, one call per logical shard. Pure."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from signalman.backends.redis_wire import FeedNames, encode_lengths
from signalman.event import Feed, Outgoing, OutgoingEvent, Record

_IDENTITY_BYTES = 8

ShardCall = tuple[list[str], list[str | bytes | int]]
"""Keys, and the arguments from the number of partitions on."""


@dataclass(slots=True)
class _Partition:
    number: int
    lowest: int
    highest: int
    newest: int


@dataclass(slots=True)
class _Shard:
    """What belongs to one logical shard."""

    partitions: dict[tuple[str, int], _Partition] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    feeds: list[str | bytes | int] = field(default_factory=list)

    def add(self, keys: Sequence[str], events: Sequence[OutgoingEvent]) -> None:
        """Take the events of a feed."""
        data = [event.data for event in events]
        identities = b"".join([event.identity for event in events])
        if len(identities) != _IDENTITY_BYTES * len(events):
            raise ValueError("an event's identity is not of eight bytes")
        numbers = chain.from_iterable((self._number(r), r.offset, r.timestamp_ms) for r, _, _ in events)
        heads = struct.pack(">" + "Idd" * len(events), *numbers)
        self.keys += keys
        self.feeds += (heads, identities, encode_lengths(data), b"".join(data))

    def call(self, fence: str) -> ShardCall:
        """Everything taken."""
        arguments: list[str | bytes | int] = [len(self.partitions)]
        for (topic, number), partition in self.partitions.items():
            arguments += (f"{topic}:{number}", partition.lowest, partition.highest, partition.newest)
        return [fence, *self.keys], arguments + self.feeds

    def _number(self, record: Record) -> int:
        place = (record.topic, record.partition)
        offset, timestamp = record.offset, record.timestamp_ms
        partition = self.partitions.get(place)
        if partition is None:
            partition = self.partitions[place] = _Partition(len(self.partitions) + 1, offset, offset, timestamp)
        elif offset > partition.highest:
            partition.highest = offset
        elif offset < partition.lowest:
            partition.lowest = offset
        partition.newest = max(partition.newest, timestamp)
        return partition.number


def shard_calls(names: FeedNames, batch: Sequence[Outgoing]) -> Iterator[ShardCall]:
    """Sort *batch* by shard; what it has for one feed in several places becomes one publication.

    Raises:
        ValueError: An identity is not of eight bytes.
    """
    feeds: dict[Feed, list[OutgoingEvent]] = {}
    for outgoing in batch:
        if outgoing.events:
            feeds.setdefault(outgoing.feed, []).extend(outgoing.events)
    shards: dict[int, _Shard] = {}
    for feed, events in feeds.items():
        shards.setdefault(names.shard(feed), _Shard()).add(names.keys(feed), events)
    for number, shard in shards.items():
        yield shard.call(names.fence(number))
