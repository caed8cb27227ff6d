"""Batches as the publishing script takes them."""

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.backends.redis_batch import shard_calls
from signalman.backends.redis_wire import FeedNames
from signalman.event import Feed, Outgoing, OutgoingEvent, Record

NAMES = FeedNames("signalman", 3)
EVENTS = st.builds(
    OutgoingEvent,
    st.builds(
        Record,
        st.sampled_from(["t", "u"]),
        st.integers(0, 3),
        st.integers(0, 2**53),
        st.integers(-1, 2**53),
        st.none(),
        st.none(),
        st.just(()),
    ),
    st.binary(min_size=8, max_size=8),
    st.binary(max_size=20),
)
BATCHES = st.lists(
    st.builds(
        Outgoing,
        st.builds(Feed, st.just("streams"), st.tuples(st.sampled_from("abcdef"))),
        st.lists(EVENTS, max_size=4).map(tuple),
    ),
    max_size=8,
)


@given(BATCHES)
def test_a_batch_is_sorted_by_shard_and_loses_nothing(batch: list[Outgoing]) -> None:
    """Each shard has one call, each feed one part of it with its events in order, and each partition the bounds of
    those of its records that are in this call.
    """
    found: dict[str, list[OutgoingEvent]] = {}
    for keys, arguments in shard_calls(NAMES, batch):
        head, count = arguments[1:], arguments[0]
        assert isinstance(count, int)
        partitions = [tuple(head[4 * number : 4 * number + 4]) for number in range(count)]
        feeds = head[4 * count :]
        own: list[OutgoingEvent] = []
        for number, state in enumerate(keys[1::5]):
            heads, identities, lengths, data = feeds[4 * number : 4 * number + 4]
            events = _read(partitions, heads, identities, lengths, data)
            found[state] = events
            own += events
        assert {key.partition("}")[0] for key in keys} == {keys[0].partition("}")[0]}
        for name, lowest, highest, newest in partitions:
            records = [event.record for event in own if f"{event.record.topic}:{event.record.partition}" == name]
            assert lowest == min(record.offset for record in records)
            assert highest == max(record.offset for record in records)
            assert newest == max(record.timestamp_ms for record in records)
    expected: dict[str, list[OutgoingEvent]] = {}
    for outgoing in batch:
        if outgoing.events:
            expected.setdefault(NAMES.key(outgoing.feed), []).extend(outgoing.events)
    assert found == expected


def _read(partitions: Sequence[tuple[object, ...]], *parts: str | bytes | int) -> list[OutgoingEvent]:
    heads, identities, lengths, data = parts
    assert isinstance(heads, bytes)
    assert isinstance(identities, bytes)
    assert isinstance(lengths, bytes)
    assert isinstance(data, bytes)
    events, start = [], 0
    for number, length in enumerate(map(int, lengths.split(b","))):
        partition, offset, timestamp = struct.unpack_from(">Idd", heads, 20 * number)
        topic, _, place = str(partitions[partition - 1][0]).rpartition(":")
        record = Record(topic, int(place), int(offset), int(timestamp), None, None)
        events.append(OutgoingEvent(record, identities[8 * number : 8 * number + 8], data[start : start + length]))
        start += length
    assert start == len(data)
    return events


def test_an_identity_of_another_length_is_refused() -> None:
    """It would shift all others."""
    record = Record("t", 0, 0, 0, None, None)
    events = (OutgoingEvent(record, b"1234567", b""), OutgoingEvent(record, b"12345678", b""))
    with pytest.raises(ValueError, match="eight"):
        list(shard_calls(NAMES, [Outgoing(Feed("streams", ("t",)), events)]))
