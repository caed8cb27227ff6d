from hypothesis import given
from hypothesis import strategies as st

from signalman.event import Event, Record
from signalman.relay.decode import Decoder
from signalman.relay.identity import SIZE, identity
from signalman.relay.route import Router
from tests.unit.relay.make import CATALOG, NAMES, TENANT, TIME, body, record

EVENT = Event("e-1", "stream_buffer", TIME, "foghorn", (TENANT,), "streams", {})


def routed(came: Record) -> list[Event]:
    """What the relay makes of a record."""
    return list(Router(CATALOG).route(Decoder(CATALOG, NAMES).decode(came)).events)


def test_a_mirrored_copy_is_the_same_event() -> None:
    """The record on a region's topic, at another place, means the same events; so do the items of a batch."""
    batch = body("client_lifecycle_batch", {"samples": [{"session_id": "1"}, {"event_id": "own"}]})
    for value in (body(), batch):
        here = routed(record(value, offset=5))
        there = routed(record(value, topic="us-east.analytics_events", offset=77, partition=2))
        assert [identity(event) for event in here] == [identity(event) for event in there]
        assert len({identity(event) for event in here}) == len(here)


def test_an_event_that_is_sent_again_is_the_same_event() -> None:
    """Collectors stamp what arrives: the time of the second is another one."""
    assert identity(EVENT) == identity(EVENT._replace(time="2026-08-20T10:11:13Z"))


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_another_id_type_or_source_is_another_event(id_: str, type_: str, source: str) -> None:
    """Each of the three counts, and only they do."""
    other = EVENT._replace(id=id_, type=type_, source=source)
    is_same = (id_, type_, source) == (EVENT.id, EVENT.type, EVENT.source)
    assert (identity(other) == identity(EVENT)) is is_same
    assert len(identity(other)) == SIZE
