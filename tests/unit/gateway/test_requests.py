"""What a client may send, and how everything else is refused."""

from contextlib import suppress
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.channel import Filter as Declared
from signalman.channel import Limits
from signalman.errors import BadMessage
from signalman.gateway.requests import (
    MOST_VALUES,
    Auth,
    Cursor,
    Filter,
    Ping,
    Subscribe,
    Unsubscribe,
    filter_excess,
    parse_filter,
    parse_request,
)
from tests.unit.gateway.make import STREAM, catalog

STREAMS = catalog().channels["streams"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_each_message_of_the_protocol_is_understood() -> None:
    """The four client messages parse into their own types."""
    assert parse_request('{"type":"auth","token":"t"}') == Auth(type="auth", token="t")
    assert parse_request('{"type":"ping","t":17}') == Ping(type="ping", t=17)
    assert parse_request('{"type":"unsubscribe","id":"s"}') == Unsubscribe(type="unsubscribe", id="s")
    assert parse_request('{"type":"subscribe","id":"s","channel":"streams"}') == Subscribe(
        type="subscribe", id="s", channel="streams", scope=None, filter={}, snapshot=True
    )


def test_a_cursor_is_an_epoch_and_a_seq() -> None:
    """What a client was told last, handed back."""
    request = parse_request('{"type":"subscribe","id":"s","channel":"streams","resume":{"epoch":"e1.abc","seq":0}}')
    assert isinstance(request, Subscribe)
    assert request.resume == Cursor(epoch="e1.abc", seq=0)


@pytest.mark.parametrize(
    ("data", "code", "request_id"),
    [
        ("{", "bad_message", None),
        ("[]", "bad_message", None),
        ('"subscribe"', "bad_message", None),
        ("{}", "bad_message", None),
        ('{"type":7}', "bad_message", None),
        ('{"type":"publish","id":"s"}', "unknown_type", "s"),
        ('{"type":"subscribe","id":"s"}', "invalid_request", "s"),
        ('{"type":"subscribe","id":"","channel":"streams"}', "invalid_request", ""),
        ('{"type":"subscribe","id":5,"channel":"streams"}', "invalid_request", None),
        ('{"type":"subscribe","id":"s","channel":"streams","tenant_id":"x"}', "invalid_request", "s"),
        ('{"type":"subscribe","id":"s","channel":"streams","filter":{"stream_id":[]}}', "invalid_request", "s"),
        ('{"type":"subscribe","id":"s","channel":"streams","snapshot":"yes"}', "invalid_request", "s"),
        ('{"type":"subscribe","id":"s","channel":"streams","resume":{"seq":5}}', "invalid_request", "s"),
        ('{"type":"subscribe","id":"s","channel":"streams","resume":{"epoch":"e"}}', "invalid_request", "s"),
        ('{"type":"subscribe","id":"s","channel":"streams","resume":{"epoch":"","seq":5}}', "invalid_request", "s"),
        ('{"type":"subscribe","id":"s","channel":"streams","resume":{"epoch":"e","seq":-1}}', "invalid_request", "s"),
        ('{"type":"subscribe","id":"s","channel":"streams","resume":{"epoch":"e","seq":"5"}}', "invalid_request", "s"),
        ('{"type":"subscribe","id":"s","channel":"streams","resume":{"epoch":null,"seq":5}}', "invalid_request", "s"),
        ('{"type":"subscribe","id":"s","channel":"streams","resume":"e.5"}', "invalid_request", "s"),
        ('{"type":"auth","token":""}', "invalid_request", None),
        ('{"type":"ping","t":{}}', "invalid_request", None),
    ],
)
def test_a_message_that_breaks_the_protocol_is_refused(data: str, code: str, request_id: str | None) -> None:
    """Each fault has its code, and the request's id comes back where there is one."""
    with pytest.raises(BadMessage) as refused:
        parse_request(data)
    assert (refused.value.code, refused.value.request_id) == (code, request_id)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"type": "publish"}, "The message type is unknown; a client sends one of auth, subscribe, unsubscribe, ping."),
        ({"type": "subscribe", "id": "s"}, "Member 'channel': Field required."),
        ({"type": "unsubscribe", "id": "s", "x-secret": 1}, "The message has a member that this type does not know."),
        (
            {"type": "subscribe", "id": "s", "channel": "c", "resume": {"epoch": "e", "seq": 1, "x-secret": 1}},
            "The message has a member that this type does not know.",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong(message: dict[str, object], says: str) -> None:
    """By the name of the member, where that is one of ours."""
    with pytest.raises(BadMessage) as refused:
        parse_request(orjson.dumps(message))
    assert str(refused.value) == says


@pytest.mark.parametrize(("length", "comes_back"), [(64, True), (65, False)])
def test_the_id_of_a_refused_request_comes_back(length: int, comes_back: bool) -> None:  # noqa: FBT001 # a parameter
    """Where it is one that a request may have."""
    with pytest.raises(BadMessage) as refused:
        parse_request(orjson.dumps({"type": "publish", "id": "x" * length}))
    assert refused.value.request_id == ("x" * length if comes_back else None)


def test_a_refused_token_is_not_repeated() -> None:
    """The sentence about a bad `auth` never holds the token."""
    secret = "s3cr3t-" * 2000
    with pytest.raises(BadMessage) as refused:
        parse_request(orjson.dumps({"type": "auth", "token": secret}))
    assert "s3cr3t" not in str(refused.value)


@given(st.binary() | json_values.map(orjson.dumps))
def test_anything_else_raises_only_bad_message(data: bytes) -> None:
    """Whatever bytes arrive, the outcome is a request or a `BadMessage`, never another exception."""
    with suppress(BadMessage):
        parse_request(data)


@given(st.dictionaries(st.text(), json_values), st.sampled_from(["auth", "subscribe", "unsubscribe", "ping"]))
def test_any_members_raise_only_bad_message(members: dict[str, object], type_: str) -> None:
    """Nor do arbitrary members of a known message."""
    with suppress(BadMessage):
        parse_request(orjson.dumps({**members, "type": type_}))


def test_a_filter_restricts_types_and_fields() -> None:
    """An event passes when each member of the filter has one of its values."""
    wanted = parse_filter({"type": "stream_end", "stream_id": [STREAM.upper()], "node_id": ["n1", "n2"]}, STREAMS)
    good = {"type": "stream_end", "data": {"stream_id": STREAM, "node_id": "n2"}}
    assert wanted.matches(good)
    assert not wanted.matches({**good, "type": "stream_buffer"})
    assert not wanted.matches({**good, "data": {"stream_id": STREAM, "node_id": "n3"}})
    assert not wanted.matches({**good, "data": {"stream_id": STREAM}})


def test_each_condition_of_a_filter_counts() -> None:
    """Alone as beside others: an event that misses one of them does not pass."""
    types, node, stream = frozenset({"a", "b"}), ("node_id", frozenset({"n"})), ("stream_id", frozenset({"s"}))
    right = {"type": "a", "data": {"node_id": "n", "stream_id": "s"}}
    for wanted in (Filter(types), Filter(fields=(node,)), Filter(fields=(stream,)), Filter(types, (node, stream))):
        assert wanted
        assert wanted.matches(right)
    assert not Filter(types).matches({**right, "type": "c"})
    assert not Filter(types, (node,)).matches({**right, "type": "c"})
    for fields in ((node,), (node, stream), (stream, node)):
        for types in (frozenset[str](), frozenset({"a"})):
            assert not Filter(types, fields).matches({"type": "a", "data": {"node_id": "m", "stream_id": "s"}})


def test_no_filter_takes_everything() -> None:
    """Also an event that tells of nothing."""
    assert not Filter()
    assert parse_filter({}, STREAMS) == Filter()
    assert Filter().matches({"type": "a"})


@pytest.mark.parametrize("value", [None, 7, True, ["n"], {"n": "n"}, [], "N", ""])
def test_only_the_very_text_passes(value: object) -> None:
    """Whatever a record has there instead, a list or an object too, is not what was asked for, and breaks nothing."""
    wanted = Filter(fields=(("node_id", frozenset({"n", "7", "True"})),))
    assert wanted.matches({"type": "a", "data": {"node_id": "n"}})
    assert not wanted.matches({"type": "a", "data": {"node_id": value}})


@pytest.mark.parametrize("event", [{"type": "a"}, {"type": "a", "data": None}, {"type": "a", "data": {}}])
def test_what_is_not_there_passes_no_filter(event: dict[str, object]) -> None:
    """An event without the field, or without any data, is not one that was asked for; by its type it may be."""
    assert not Filter(fields=(("node_id", frozenset({"n", ""})),)).matches(event)
    assert Filter(frozenset({"a"})).matches(event)


def test_a_filter_is_read_whole() -> None:
    """Each of its members, whatever stands before and behind it; one value is a list of one, a UUID is in lower case,
    and any other text is as it was sent.
    """
    channel = replace(STREAMS, filters={**STREAMS.filters, "zone": Declared("zone", "string", "Zone")})
    wanted: dict[str, str | list[str]] = {
        "zone": "Z",
        "type": "stream_end",
        "node_id": ["N", "n"],
        "stream_id": STREAM.upper(),
    }
    assert parse_filter(wanted, channel) == Filter(
        frozenset({"stream_end"}),
        (
            ("node_id", frozenset({"N", "n"})),
            ("stream_id", frozenset({STREAM})),
            ("zone", frozenset({"Z"})),
        ),
    )


@pytest.mark.parametrize(
    ("wanted", "fields", "values", "excess"),
    [
        ({}, 1, 1, None),
        ({"a": "long text"}, 1, 1, None),
        ({"a": "x", "b": "x"}, 2, 2, None),
        ({"a": "x", "b": "x"}, 1, 9, "filter_fields"),
        ({"a": ["x", "y"], "b": "x"}, 2, 3, None),
        ({"a": ["x", "y"], "b": "x"}, 2, 2, "filter_values"),
        ({"a": ["x", "y"], "b": ["x", "y"]}, 2, 3, "filter_values"),
        ({"a": ["x", "y"], "b": "x"}, 0, 3, None),
        ({"a": ["x", "y"], "b": "x"}, 2, 0, None),
    ],
)
def test_a_filter_may_be_too_much(
    wanted: dict[str, str | list[str]], fields: int, values: int, excess: str | None
) -> None:
    """So many fields, and so many values of all of them together; no limit where it is 0."""
    assert filter_excess(wanted, fields, values) == excess


def test_equal_filters_are_equal() -> None:
    """However a filter was written, equal ones share a view."""
    one = parse_filter({"node_id": ["b", "a"], "stream_id": STREAM}, STREAMS)
    two = parse_filter({"stream_id": [STREAM.upper()], "node_id": ["a", "b", "a"]}, STREAMS)
    assert (one, hash(one)) == (two, hash(two))
    assert not Filter()


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"tenant_id": "x"}, "can be filtered by type, node_id, stream_id, nothing else"),
        ({"type": ["viewer_connect"]}, "event types of channel 'streams' are stream_buffer, stream_end"),
        ({"stream_id": ["not-a-uuid"]}, "Filter field 'stream_id' takes UUIDs"),
    ],
)
def test_a_filter_that_the_channel_does_not_have_is_refused(wanted: dict[str, str | list[str]], says: str) -> None:
    """A person learns what can be filtered by."""
    with pytest.raises(BadMessage, match=says) as refused:
        parse_filter(wanted, STREAMS, "s")
    assert (refused.value.code, refused.value.request_id) == ("invalid_request", "s")


def test_a_channel_limits_the_values_of_a_filter() -> None:
    """Each is compared with each event and bound in each query; how many there may be is the channel's business."""
    channel = replace(STREAMS, limits=Limits(filter_values=3))
    assert parse_filter({"node_id": ["a", "b", "c"]}, channel)
    with pytest.raises(BadMessage) as refused:
        parse_filter({"node_id": ["a", "b", "c", "d"]}, channel, "s")
    assert (refused.value.code, refused.value.request_id) == ("invalid_request", "s")
    assert str(refused.value) == "Filter field 'node_id' of channel 'streams' takes at most 3 values."


def test_event_types_limit_themselves() -> None:
    """There are no more of them than the channel has, whatever its limit for values."""
    channel = replace(STREAMS, limits=Limits(filter_values=1))
    assert parse_filter({"type": ["stream_end", "stream_buffer"]}, channel).types == {"stream_end", "stream_buffer"}


def test_a_message_has_a_bound_of_its_own() -> None:
    """Whatever a channel allows."""
    message = {"type": "subscribe", "id": "s", "channel": "streams", "filter": {"node_id": ["n"] * MOST_VALUES}}
    assert isinstance(parse_request(orjson.dumps(message)), Subscribe)
    message["filter"] = {"node_id": ["n"] * (MOST_VALUES + 1)}
    with pytest.raises(BadMessage, match="Member 'filter'"):
        parse_request(orjson.dumps(message))
