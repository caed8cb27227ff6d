import orjson
import pytest

from signalman.errors import DecodeError
from signalman.event import Event, Feed, Outgoing, OutgoingEvent
from signalman.relay.encode import encode
from signalman.relay.identity import identity
from signalman.relay.publish import address, outgoing
from tests.unit.relay.make import OTHER, STREAM, TENANT, TIME, record


def event(number: int, tenant: str = TENANT, channel: str = "streams", subject: str | None = None) -> Event:
    """A redacted event."""
    return Event(f"e-{number}", "k", TIME, "foghorn", (tenant,), channel, {"n": number}, subject)


def test_event_has_the_names_of_cloudevents() -> None:
    """Subscribers receive exactly these members; neither scope nor channel, which the feed already says."""
    expected = {"id": "e-1", "type": "k", "time": TIME, "source": "foghorn", "subject": STREAM, "data": {"n": 1}}
    assert orjson.loads(encode(event(1, subject=STREAM))) == expected


def test_event_without_subject_has_no_such_member() -> None:
    """Absent, not null."""
    assert list(orjson.loads(encode(event(1)))) == ["id", "type", "time", "source", "data"]


def test_an_event_goes_out_with_its_record_identity_and_rows() -> None:
    """The bus needs the first two to let it in once; the rows travel within its JSON."""
    came = record(b"{}", offset=7)
    change = {"table": "streams", "op": "upsert", "row": {"stream_id": STREAM}}
    feed, going = address(came, event(1), [change])
    assert feed == Feed("streams", (TENANT,))
    assert going.record is came
    assert going.identity == identity(event(1))
    assert orjson.loads(going.data)["rows"] == [change]


def test_an_event_that_is_too_large_is_refused() -> None:
    """With its rows, to the byte; the place is the event type's name, which is the pack's own."""
    size = len(address(record(b"{}"), event(1), [{"a": 1}])[1].data)
    assert address(record(b"{}"), event(1), [{"a": 1}], largest=size)
    with pytest.raises(DecodeError) as caught:
        address(record(b"{}"), event(1), [{"a": 1}], largest=size - 1)
    assert (caught.value.reason, caught.value.where) == ("too_large", "k")


def test_events_are_grouped_by_feed_in_order() -> None:
    """One entry per feed, whose events keep the order in which they were read."""
    events = [event(1), event(2, OTHER), event(3), event(4, channel="system"), event(5, OTHER)]
    addressed = [address(record(b"{}", offset=offset), each) for offset, each in enumerate(events)]
    e1, e2, e3, e4, e5 = (going for _, going in addressed)
    assert isinstance(e1, OutgoingEvent)
    assert outgoing(addressed) == [
        Outgoing(Feed("streams", (TENANT,)), (e1, e3)),
        Outgoing(Feed("streams", (OTHER,)), (e2, e5)),
        Outgoing(Feed("system", (TENANT,)), (e4,)),
    ]


def test_no_events_are_nothing_to_publish() -> None:
    """An empty batch makes no empty entries."""
    assert outgoing([]) == []
