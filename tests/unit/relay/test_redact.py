import copy
import string
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.addresses import holds_address
from signalman.errors import DecodeError
from signalman.event import Event
from signalman.fields import KeepTree, Redaction
from signalman.redaction import Pseudonyms
from signalman.relay.redact import Redacted, Redactor
from tests.unit.relay.make import CATALOG, STREAM, STREAM_KEEP, TENANT, TIME, catalog, channel, event_type

REDACTOR = Redactor(CATALOG)


def event(
    data: dict[str, Any], kind: str = "stream_lifecycle_update", channel: str = "streams", **others: str
) -> Event:
    """A raw event with *data*."""
    members: dict[str, Any] = {"id": "e-1", "source": "foghorn"} | others
    return Event(type=kind, time=TIME, scope=(TENANT,), channel=channel, data=data, **members)


def redact(data: dict[str, Any]) -> dict[str, Any]:
    """What subscribers see of *data*."""
    return REDACTOR.redact(event(data)).event.data


def test_only_listed_fields_pass() -> None:
    """Fields that the platform adds tomorrow are private until the pack lists them."""
    assert redact({"status": "live", "brand_new": 1, "stream_id": STREAM}) == {"status": "live", "stream_id": STREAM}


def test_lists_reach_into_objects_and_maps() -> None:
    """Listed fields of each object of a list, listed fields under every key of a map, every key of a map."""
    data = {
        "tracks": [{"codec": "H264", "secret": 1}, {"labels": {"a": [1]}}, {}],
        "nodes": {"n1": {"load": 0.5, "secret": 1}, "n2": {}},
        "counts": {"a": 1, "b": {"c": 2}},
    }
    assert redact(data) == {
        "tracks": [{"codec": "H264"}, {"labels": {"a": [1]}}, {}],
        "nodes": {"n1": {"load": 0.5}, "n2": {}},
        "counts": {"a": 1, "b": {"c": 2}},
    }


@pytest.mark.parametrize("tracks", ["text", 5, True, None])
def test_other_shapes_than_listed_are_dropped(tracks: object) -> None:
    """Where the list expects objects, a plain value has not been judged by anyone."""
    assert redact({"tracks": tracks}) == {}


def test_plain_values_among_listed_objects_are_dropped() -> None:
    """The same inside of a list, nested lists included."""
    assert redact({"tracks": ["text", {"codec": "H264"}, [{"codec": "VP9"}], None]}) == {"tracks": [{"codec": "H264"}]}


def test_net_works_below_the_list() -> None:
    """An address in a listed field goes and is counted."""
    safe, removed, unread = REDACTOR.redact(event({"status": "live", "details": {"peer": "203.0.113.9", "n": 1}}))
    assert (safe.data, removed, unread) == ({"status": "live", "details": {"n": 1}}, 1, 0)


def test_exposed_paths_pass_the_net() -> None:
    """What the pack exposes by name stays, a host-like key beside it does not."""
    raw = event({"node_id": "n", "base_url": "http://10.0.0.1", "host": "h"}, "node_lifecycle_update", "system")
    assert REDACTOR.redact(raw).event.data == {"node_id": "n", "base_url": "http://10.0.0.1"}


@pytest.mark.parametrize("stream_id", [None, "", 5, "203.0.113.9"])
def test_subject_is_shown_text_or_nothing(stream_id: object) -> None:
    """The subject comes from the redacted data, so it cannot show more than they do."""
    assert REDACTOR.redact(event({"stream_id": STREAM})).event.subject == STREAM
    assert REDACTOR.redact(event({"stream_id": stream_id})).event.subject is None


@pytest.mark.parametrize("name", ["id", "source"])
def test_address_in_the_envelope_refuses_the_event(name: str) -> None:
    """Id and source cannot be taken out of an event, so the event is refused, without quoting them."""
    with pytest.raises(DecodeError) as caught:
        REDACTOR.redact(event({}, **{name: "edge@203.0.113.9"}))
    assert str(caught.value) == f"address at {name}"


OPERATED = catalog(
    channel(
        "streams",
        event_type(
            "stream_lifecycle_update",
            {"viewer_host": None, "session": None, "status": None, "note": None},
            redact=(
                Redaction("viewer_host", "mask"),
                Redaction("session", "hash"),
                Redaction("status", "null"),
                Redaction("note", "url"),
            ),
            subject="session",
        ),
    )
)


def test_operators_come_before_the_net() -> None:
    """Of an address its network is left, which the net lets pass under this very key; what an operator makes of another
    value still meets the net.
    """
    redactor = Redactor(OPERATED, pseudonyms=Pseudonyms(b"k" * 16))
    data = {"viewer_host": "203.0.113.9", "status": "live", "note": "https://198.51.100.1/to/203.0.113.9?x=1"}
    safe, removed, unread = redactor.redact(event(data))
    assert (safe.data, removed, unread) == ({"viewer_host": "203.0.113.0/24", "status": None}, 1, 0)
    assert redactor.redact(safe) == Redacted(safe, 0, 0)


def test_what_an_operator_cannot_read_goes_and_is_counted() -> None:
    """Apart from what the net removes: it is the pack that is wrong, or the platform that has changed."""
    redactor = Redactor(OPERATED, pseudonyms=Pseudonyms(b"k" * 16))
    assert redactor.redact(event({"viewer_host": "edge-1", "note": "no URL"})) == Redacted(event({}), 0, 2)


def test_a_hashed_subject_is_hashed() -> None:
    """It is read after the operators, and the pseudonym is the scope's own."""
    pseudonyms = Pseudonyms(b"k" * 16)
    safe = Redactor(OPERATED, pseudonyms=pseudonyms).redact(event({"session": "s-1"})).event
    assert safe.subject == safe.data["session"] == pseudonyms.of("s-1", (TENANT,))


@pytest.mark.parametrize("first", [{"status": "203.0.113.9"}, {"status": "203.0.113.8"}, {"details": ["203.0.113.9"]}])
def test_what_was_seen_before_changes_nothing(first: dict[str, Any]) -> None:
    """Clean texts are remembered, and never others: an address that comes again goes again."""
    redactor = Redactor(CATALOG)
    for data in (first, {"status": "live"}, first, {"status": "203.0.113.9"}, {"details": {"live": "203.0.113.9"}}):
        safe = redactor.redact(event(data)).event
        assert not any(holds_address(text) for text in texts(safe.data))


def test_listed_host_like_keys_go() -> None:
    """By their name alone, whatever they hold, as soon as they are there."""
    kind = event_type("stream_lifecycle_update", {"client_ip": None, "map": {"*": None}}, subject=None)
    redactor = Redactor(catalog(channel("streams", kind)))
    assert redactor.redact(event({"map": {"a": 1}})) == Redacted(event({"map": {"a": 1}}), 0, 0)
    assert redactor.redact(event({"map": {"peer_host": "a", "b": 1}})) == Redacted(event({"map": {"b": 1}}), 1, 0)
    assert redactor.redact(event({"client_ip": "a", "map": {}})) == Redacted(event({"map": {}}), 1, 0)


_KEYS = st.sampled_from(
    ["status", "stream_id", "details", "tracks", "codec", "labels", "nodes", "load", "counts", "host"]
)
_TEXT = st.text(string.printable, max_size=8) | st.ip_addresses().map(str)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS | _TEXT, inner, max_size=5),
    max_leaves=25,
)
_DATA = st.dictionaries(_KEYS | _TEXT, _JSON, max_size=6)


@given(_DATA)
def test_only_listed_paths_and_no_addresses_come_out(data: dict[str, Any]) -> None:
    """Of any data, every path that comes out is on the list and no text holds an address; the input is as it was."""
    before = copy.deepcopy(data)
    safe = REDACTOR.redact(event(data)).event
    assert data == before
    assert safe.data is not data
    assert_listed(safe.data, STREAM_KEEP)
    assert not any(holds_address(text) for text in texts(safe.data))


@given(_DATA)
def test_redacting_twice_changes_nothing(data: dict[str, Any]) -> None:
    """A safe event is a fixed point."""
    once = REDACTOR.redact(event(data)).event
    assert REDACTOR.redact(once) == Redacted(once, 0, 0)


def assert_listed(value: Any, keep: KeepTree | None) -> None:
    """Every member of *value* is named by *keep*."""
    if keep is None:
        return
    for item in value if isinstance(value, list) else [value]:
        assert isinstance(item, Mapping)
        for name, inner in item.items():
            assert name in keep or "*" in keep
            assert_listed(inner, keep[name if name in keep else "*"])


def texts(value: Any) -> list[str]:
    """Every string within *value*, keys included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in texts(item))]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else []


def test_fields_come_in_the_order_of_the_list() -> None:
    """The pack decides what a person sees first, whatever order the platform writes."""
    wanted = [name for name, below in STREAM_KEEP.items() if below is None]
    assert list(redact(dict.fromkeys(sorted(wanted, reverse=True), 1))) == wanted
