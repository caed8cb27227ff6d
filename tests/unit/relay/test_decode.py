import string
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalman.channel import ScopeLevel
from signalman.errors import DecodeError
from signalman.event import PLATFORM, Decoded
from signalman.relay.decode import _MOST_SCOPES, _MOST_SECONDS, MAX_BYTES, Decoder
from tests.unit.relay.make import CATALOG, NAMES, OTHER, TENANT, TIME, body, catalog, record

DECODER = Decoder(CATALOG, NAMES)
REASONS = {
    "unknown_topic",
    "empty",
    "too_large",
    "not_json",
    "not_object",
    "too_deep",
    "missing",
    "wrong_type",
    "too_long",
    "bad_time",
    "bad_scope",
}


def refusal(value: dict[str, Any] | bytes | None, **others: Any) -> tuple[str, str]:
    """Reason and place of the DecodeError that *value* raises."""
    with pytest.raises(DecodeError) as caught:
        DECODER.decode(record(value, **others))
    return caught.value.reason, caught.value.where


def test_envelope_is_read() -> None:
    """Every part of the envelope arrives as the source wrote it, under the pack's name of the topic."""
    value = body()
    expected = Decoded(
        "analytics",
        value["event_id"],
        "stream_lifecycle_update",
        TIME,
        "foghorn",
        (TENANT,),
        orjson.loads(orjson.dumps(value)),
    )
    assert DECODER.decode(record(value)) == expected
    assert DECODER.decode(record(value, topic="us-east.analytics_events")) == expected


def test_headers_fill_in_what_the_body_lacks() -> None:
    """Absent, null and empty members are taken from the headers of the same names."""
    headers = [("event_id", b"h-1"), ("event_type", b"h-type"), ("source", b"h-source"), ("tenant_id", OTHER.encode())]
    decoded = DECODER.decode(
        record({"timestamp": TIME, "event_id": None, "source": ""}, topic="service_events", headers=headers)
    )
    assert (decoded.id, decoded.type, decoded.source, decoded.scope) == ("h-1", "h-type", "h-source", (OTHER,))


def test_body_is_the_authority() -> None:
    """A header never overrides what the body says, the tenant least of all."""
    headers = [("event_id", b"h"), ("event_type", b"h"), ("source", b"h"), ("tenant_id", OTHER.encode())]
    assert DECODER.decode(record(body(), headers=headers)) == DECODER.decode(record(body()))


def test_unreadable_headers_are_as_good_as_none() -> None:
    """A header that is no UTF-8 fills nothing in."""
    assert refusal(body(event_id=None), headers=[("event_id", b"\xff")]) == ("missing", "event_id")


@pytest.mark.parametrize("tenant", [None, ""])
def test_missing_tenant_is_understood_and_belongs_to_nobody(tenant: str | None) -> None:
    """Without a tenant the scope is empty, which routing treats as nobody unless the pack says otherwise."""
    assert DECODER.decode(record(body() | {"tenant_id": tenant})).scope == ()


def test_uuid_scope_is_lower_case() -> None:
    """The same tenant has one spelling, whatever the producer's."""
    assert DECODER.decode(record(body(tenant_id=TENANT.upper()))).scope == (TENANT,)


@pytest.mark.parametrize("tenant", ["x", "*", TENANT[:-1], TENANT + "\n", "{" + TENANT + "}", TENANT.replace("-", "")])
def test_malformed_tenant_is_refused(tenant: str) -> None:
    """What is no UUID is no tenant: nothing is guessed."""
    assert refusal(body(tenant_id=tenant)) == ("bad_scope", "tenant_id")


def test_scope_of_several_levels() -> None:
    """Levels are read widest first, each from its first candidate that says something; one missing level is nobody."""
    levels = [ScopeLevel("organization", "string", "org"), ScopeLevel("tenant", "uuid", "tenant_id")]
    pack = catalog(levels=levels, scope=["org.id|organization", "tenant_id"])
    decoder = Decoder(pack, NAMES)
    assert decoder.decode(record(body(org={"id": ""}, organization="acme"))).scope == ("acme", TENANT)
    assert decoder.decode(record(body(org={"id": "inner"}, organization="acme"))).scope == ("inner", TENANT)
    assert decoder.decode(record(body(org="no object"))).scope is None
    assert decoder.decode(record(body(organization="acme", tenant_id=None))).scope is None
    assert decoder.decode(record(body() | {"": "acme", "org.id": "acme", "org.id|organization": "acme"})).scope is None


@pytest.mark.parametrize("name", ["event_id", "event_type", "timestamp", "source", "tenant_id"])
@pytest.mark.parametrize("value", [1, 0, True, False, 1.5, [], {}, ["x"], {"a": "x"}])
def test_wrong_types_are_refused(name: str, value: object) -> None:
    """Each part of the envelope is text; nothing else is turned into text."""
    assert refusal(body() | {name: value}) == ("wrong_type", name)


@pytest.mark.parametrize("name", ["event_id", "event_type", "timestamp", "source"])
@pytest.mark.parametrize("value", [None, ""])
def test_missing_parts_are_refused(name: str, value: str | None) -> None:
    """An event without id, type, time or source is none."""
    assert refusal(body() | {name: value}) == ("missing", name)


@pytest.mark.parametrize("name", ["event_id", "event_type", "source", "tenant_id"])
def test_overlong_names_are_refused(name: str) -> None:
    """A megabyte of id would go to every subscriber."""
    assert refusal(body() | {name: "x" * 257}) == ("too_long", name)


@pytest.mark.parametrize(
    "time",
    [
        "2026-08-20T10:11:12Z",
        "2026-08-20t10:11:12z",
        "2026-08-20T10:11:12.1+02:00",
        "2026-08-20T10:11:12.123456789-23:59",
        "2016-12-31T23:59:60Z",
        "2024-02-29T00:00:00Z",
    ],
)
def test_times_are_kept_as_written(time: str) -> None:
    """RFC 3339 in all its forms passes, unchanged to the last digit."""
    assert DECODER.decode(record(body(timestamp=time))).time == time


@pytest.mark.parametrize(
    "time",
    [
        "yesterday",
        "1787220672123",
        "2026-08-20",
        "2026-08-20 10:11:12Z",
        "2026-08-20T10:11:12",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-08-20T24:00:00Z",
        "2026-08-20T10:60:00Z",
        "2026-08-20T10:11:12.Z",
        "2026-08-20T10:11:12.1234567890Z",
        "2026-08-20T10:11:12+0200",
        "2026-08-20T10:11:12Z\n",
        "२०२६-08-20T10:11:12Z",
    ],
)
def test_other_times_are_refused(time: str) -> None:
    """What clients could not parse does not reach them."""
    assert refusal(body(timestamp=time)) == ("bad_time", "timestamp")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{", "not_json"),
        (b'{"a":NaN}', "not_json"),
        (b'{"a":"\xff"}', "not_json"),
        (b'"\\ud800"', "not_json"),
        (b"\x00\x01\x02garbage", "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        (b"{} {}", "not_json"),
        (b"[]", "not_object"),
        (b"null", "not_object"),
        (b'"text"', "not_object"),
        (b"1", "not_object"),
        (b"[" * 5000 + b"]" * 5000, "too_deep"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "too_deep"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "too_deep"),
        (b'{"a":' + b"[" * 900 + b"]" * 900 + b"}", "too_deep"),
        (b'{"a":[' * 33 + b"]}" * 33, "too_deep"),
    ],
)
def test_bytes_that_are_no_object_are_refused(value: bytes | None, reason: str) -> None:
    """Each way in which bytes fail to be a JSON object has its own word, and no place."""
    assert refusal(value) == (reason, "")


def test_nesting_up_to_the_bound_is_fine() -> None:
    """64 levels pass, and so does any number of brackets side by side."""
    deep: Any = 1
    for _ in range(62):
        deep = {"a": deep}
    value = body(data={"x": deep, "wide": [{}] * 5000})
    assert DECODER.decode(record(value)).body == value


def test_size_is_bounded() -> None:
    """Five megabytes are read, one byte above the limit is not, and the limit can be set."""
    big = orjson.dumps(body(data={"x": "y" * 5_000_000}))
    assert DECODER.decode(record(big)).type == "stream_lifecycle_update"
    assert refusal(b" " * (MAX_BYTES + 1)) == ("too_large", "")
    with pytest.raises(DecodeError, match="too_large"):
        Decoder(CATALOG, NAMES, max_bytes=100).decode(record(big))


def test_what_is_remembered_is_bounded() -> None:
    """However many tenants there are and however many seconds pass; and each record has its own all the same."""
    decoder = Decoder(CATALOG, NAMES)
    first = datetime(2026, 8, 20, tzinfo=UTC)
    for number in (*range(5000), *range(5000)):
        tenant, time = str(UUID(int=number)), f"{first + timedelta(seconds=number):%Y-%m-%dT%H:%M:%SZ}"
        decoded = decoder.decode(record(body(tenant_id=tenant.upper(), timestamp=time)))
        assert (decoded.scope, decoded.time) == ((tenant,), time)
    assert len(decoder._seconds) <= _MOST_SECONDS < 5000
    [scopes] = {len(reader._scopes) for _, reader in decoder._envelopes.values() if reader._scopes}
    assert scopes <= _MOST_SCOPES < 5000


def test_topics_nobody_named_are_refused() -> None:
    """A record of a topic that the pack does not describe cannot be understood."""
    assert refusal(body(), topic="other") == ("unknown_topic", "")


def check_outcome(value: bytes, headers: list[tuple[str, bytes]]) -> None:
    """Decode, and hold any failure to its promises."""
    failure: DecodeError | None = None
    try:
        DECODER.decode(record(value, headers=headers))
    except DecodeError as error:
        failure = error
    if failure is not None:
        assert failure.reason in REASONS
        assert failure.where in {"", "event_id", "event_type", "timestamp", "source", "tenant_id"}
        # A chained parser's error may quote the record.
        assert failure.__cause__ is None
        assert failure.__context__ is None or failure.__suppress_context__


HEADERS = st.lists(
    st.tuples(st.sampled_from(["event_id", "tenant_id", "source", "x"]), st.binary(max_size=20)), max_size=4
)


@given(st.binary(max_size=200), HEADERS)
@example(b'{"event_id": "\\u0000"}', [])
def test_any_bytes_are_understood_or_refused(value: bytes, headers: list[tuple[str, bytes]]) -> None:
    """No bytes whatever raise anything but a DecodeError, and that names only the pack's own paths."""
    check_outcome(value, headers)


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(string.printable),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(string.printable, max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(body(), _ANY)))
def test_any_values_are_understood_or_refused(members: dict[str, Any]) -> None:
    """Whatever stands in the envelope's places, the outcome is one of the two."""
    check_outcome(orjson.dumps(body() | members), [])


def test_no_record_can_name_the_platform_itself() -> None:
    """What belongs to no tenant is said by an event type, and never by a record that brings the word as an id."""
    levels = (ScopeLevel("customer", "string", "customer"),)
    decoder = Decoder(catalog(levels=levels, scope=("tenant_id",)), NAMES)
    with pytest.raises(DecodeError) as caught:
        decoder.decode(record(body(tenant_id=PLATFORM[0])))
    assert (caught.value.reason, caught.value.where) == ("bad_scope", "tenant_id")
