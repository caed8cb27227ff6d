"""Operators at their paths, and what holds for each of them."""

import copy
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.addresses import holds_address
from signalman.fields import Operation, Redaction
from signalman.net import Net
from signalman.redaction import Operators, Pseudonyms
from tests.oracle import addresses
from tests.unit.redaction.sample import ADDRESSES, JSON, PSEUDONYMS, REDACTIONS, SCOPE, applied
from tests.writings import CLEAN, corpus

WRITINGS = [text for _, text in corpus()]
EACH = pytest.mark.parametrize("name", REDACTIONS)


def name_of(text: str) -> str:
    """The pseudonym of *text*."""
    return PSEUDONYMS.of(text, SCOPE)


def test_without_operators_there_is_nothing_to_do() -> None:
    """An event type without any is told so, and its data are the very same."""
    operators, data = Operators((), PSEUDONYMS), {"a": 1}
    assert not operators
    assert operators.apply(data, SCOPE) == (data, 0)
    assert operators.apply(data, SCOPE)[0] is data
    assert Operators((Redaction("a", "drop"),), PSEUDONYMS)


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("a", {"a": 1, "b": 2}, {"a": None, "b": 2}),
        ("a", {"a": {"b": 1}}, {"a": None}),
        ("a", {"b": 1}, {"b": 1}),
        ("a.b", {"a": {"b": 1, "c": 2}}, {"a": {"b": None, "c": 2}}),
        ("a.b", {"a": [{"b": 1}, {"c": 2}, 3]}, {"a": [{"b": None}, {"c": 2}, 3]}),
        ("a[].b", {"a": [{"b": 1}, {"c": 2}, None]}, {"a": [{"b": None}, {"c": 2}, None]}),
        ("a[].b", {"a": {"b": 1}}, {"a": {"b": None}}),
        ("a[].b", {"a": [[{"b": 1}]]}, {"a": [[{"b": None}]]}),
        ("a.b", {"a": "text"}, {"a": "text"}),
        ("a.*", {"a": {"x": 1, "y": [2]}, "b": 3}, {"a": {"x": None, "y": None}, "b": 3}),
        ("a.*.b", {"a": {"x": {"b": 1}, "y": {"c": 2}, "z": 3}}, {"a": {"x": {"b": None}, "y": {"c": 2}, "z": 3}}),
        ("*", {"a": 1, "b": {}}, {"a": None, "b": None}),
        ("*.b", {"a": {"b": 1}, "b": 2}, {"a": {"b": None}, "b": 2}),
        ("a.b", {"a.b": 1}, {"a.b": 1}),
    ],
)
def test_paths_lead_where_keep_lists_lead(path: str, data: dict[str, Any], expected: dict[str, Any]) -> None:
    """Into objects, into each object of a list, into every key of a map; a list on the way never hides a value."""
    assert applied(data, Redaction(path, "null")) == (expected, 0)


def test_a_path_with_a_star_is_for_named_keys_too() -> None:
    """What is done below one key does not take that key out of what is done below all."""
    stars = Redaction("a.*.x", "null"), Redaction("a.b.y", "drop")
    assert applied({"a": {"b": {"x": 1, "y": 2}, "c": {"x": 3, "y": 4}}}, *stars) == (
        {"a": {"b": {"x": None}, "c": {"x": None, "y": 4}}},
        0,
    )


@pytest.mark.parametrize(("one", "other"), [("a", "a"), ("a", "a.b"), ("a.*", "a.b"), ("a[].b", "a.b")])
def test_two_operators_for_one_place_are_refused(one: str, other: str) -> None:
    """What came of both would depend on their order."""
    with pytest.raises(ValueError, match="two operators"):
        Operators((Redaction(one, "hash"), Redaction(other, "null")), PSEUDONYMS)


@pytest.mark.parametrize(
    ("operation", "items", "expected", "unread"),
    [
        ("mask", ["203.0.113.9", "text", None], ["203.0.113.0/24", None], 1),
        ("hash", ["x", 5, {}, ""], [name_of("x"), name_of("5"), ""], 1),
        ("url", ["https://h/a?b", "a b"], ["https:/a"], 1),
        ("json", ['{"a":1,"b":2}', {"a": 3, "b": 4}, "text"], ['{"a":1}', {"a": 3}], 1),
        ("scan", ["at 203.0.113.9", 5, "ok"], ["at [address]", 5, "ok"], 0),
        ("null", ["x"], None, 0),
    ],
)
def test_each_text_of_a_list_is_meant(operation: Operation, items: list[Any], expected: object, unread: int) -> None:
    """Items that are not what the operator expects go, and are counted one by one."""
    redaction = Redaction("v", operation, keep={"a": None})
    assert applied({"v": items}, redaction) == ({"v": expected}, unread)


@EACH
@pytest.mark.parametrize("value", [None, ""])
def test_what_tells_nothing_stays(name: str, value: object) -> None:
    """Null and the empty text stay what they are, uncounted; but what is dropped or nulled is so whatever it is."""
    expected = {"drop": {}, "null": {"v": None}}.get(name, {"v": value})
    data = {"v": value} if name != "centroid" else {"v": None, "w": None}
    expected = data if name == "centroid" else expected
    assert applied(data, REDACTIONS[name]) == (expected, 0)


@pytest.mark.parametrize("name", ["mask", "hash", "url", "json"])
def test_what_is_not_expected_goes_and_is_counted(name: str) -> None:
    """A value of another shape has not been understood, so it is not shown."""
    wrong: Any = {"mask": 5, "hash": {"x": 1}, "url": ["x"], "json": "text"}[name]
    left, unread = applied({"v": wrong, "other": 1}, REDACTIONS[name])
    assert left in ({"other": 1}, {"v": [], "other": 1})
    assert unread == 1


@EACH
@given(data=st.dictionaries(st.sampled_from(["v", "w", "x"]), JSON, max_size=3))
def test_twice_is_once_and_the_input_stays(name: str, data: dict[str, Any]) -> None:
    """Property: of any JSON every operator makes something that it would not change again, and never raises; it does
    not change what it is given, and gives it back itself where nothing changes.
    """
    before = copy.deepcopy(data)
    once, _ = applied(data, REDACTIONS[name])
    twice, unread = applied(once, REDACTIONS[name])
    assert orjson.dumps(data) == orjson.dumps(before)
    assert twice is once
    assert unread == 0


@EACH
@given(value=JSON)
def test_values_that_go_unasked_are_counted(name: str, value: object) -> None:
    """Property: a field is only ever missing because a pack drops it, or it is counted."""
    left, unread = applied({"v": value, "w": 1.5}, REDACTIONS[name])
    missing = {"v", "w"} - set(left)
    assert name == "drop" or not missing or unread >= len(missing)
    assert unread == 0 or left != {"v": value, "w": 1.5}


@EACH
@given(value=JSON)
def test_results_pass_the_net_once(name: str, value: object) -> None:
    """Property: what an operator leaves, and the net after it, is a fixed point of both together."""
    operators = Operators((REDACTIONS[name],), PSEUDONYMS)
    clean, _ = Net().clean(operators.apply({"v": value}, SCOPE)[0], operators.exposed)
    again, _ = operators.apply(clean, SCOPE)
    assert Net().clean(again, operators.exposed) == (clean, 0)


@given(st.lists(ADDRESSES, min_size=1, max_size=3), st.sampled_from(["mask", "hash"]))
def test_results_that_look_like_addresses_are_exposed(addresses: list[str], operation: Operation) -> None:
    """Property: networks and pseudonyms pass the net, under host-like keys too, wherever the path finds them."""
    operators = Operators((Redaction("a[].ip", operation), Redaction("peers.*", operation)), PSEUDONYMS)
    for data in (
        {"a": [{"ip": text} for text in addresses], "peers": {"client_ip": addresses}},
        {"a": {"ip": addresses}, "peers": dict.fromkeys(["x", "host"], addresses[0])},
    ):
        done, unread = operators.apply(data, SCOPE)
        assert unread == 0
        assert Net().clean(done, operators.exposed) == (done, 0)
        assert not any(text in str(done) for text in addresses if text != "203.0.113.0/24")


def test_an_exposed_map_has_no_addresses_for_keys() -> None:
    """What lets the values of a map pass the net lets its keys pass as well, so those that are addresses go."""
    data = {"peers": {"203.0.113.9": "203.0.113.9", "edge": "198.51.100.7"}}
    assert applied(data, Redaction("peers.*", "mask")) == ({"peers": {"edge": "198.51.100.0/24"}}, 1)


def test_only_networks_and_pseudonyms_are_exposed() -> None:
    """All other results meet the net like anything else."""
    for name in REDACTIONS:
        assert bool(Operators((REDACTIONS[name],), PSEUDONYMS).exposed) == (name in {"mask", "hash"})


def test_hashing_needs_a_key_only_when_something_is_hashed() -> None:
    """A tool without the key can read a pack; it cannot make up pseudonyms."""
    operators = Operators((REDACTIONS["hash"],), Pseudonyms(None))
    assert operators.apply({"w": 1}, SCOPE) == ({"w": 1}, 0)
    with pytest.raises(ValueError, match="key"):
        operators.apply({"v": "x"}, SCOPE)


@pytest.mark.parametrize(("value", "text"), [(5, "5"), (5.0, "5"), (True, "true"), (1.5, "1.5"), (2**60, str(2**60))])
def test_plain_values_are_hashed_as_their_text(value: object, text: str) -> None:
    """An id is the same one as number and as text: stores and producers do not agree on how it is written."""
    assert applied({"v": value}, REDACTIONS["hash"]) == ({"v": name_of(text)}, 0)


@pytest.mark.parametrize("name", ["mask", "url", "json", "scan"])
def test_no_writing_of_an_address_gets_through(name: str) -> None:
    """Of each writing an operator makes a network, a text without it, or nothing; what only the net knows, it takes."""
    operators = Operators((REDACTIONS[name],), PSEUDONYMS)
    through = []
    for text in WRITINGS:
        value = orjson.dumps({"a": text, "b": {"x": [text], text: 1}}).decode() if name == "json" else text
        clean, _ = Net().clean(operators.apply({"v": value}, SCOPE)[0], operators.exposed)
        left = clean.get("v", "")
        networks = name == "mask" and left and all(is_network(item) for item in left.split(", "))
        if not networks and addresses(clean):
            through.append(text)
    assert through == []


def is_network(text: str) -> bool:
    """Whether *text* is a network that is wide enough to be nobody's."""
    network = ip_network(text)
    return network.prefixlen <= (24 if network.version == 4 else 48)


def test_scan_leaves_no_address_to_the_net() -> None:
    """It takes each writing out itself, so that a text is never lost for one address in it."""
    assert not [text for text in WRITINGS if holds_address(applied({"v": text}, REDACTIONS["scan"])[0]["v"])]


def test_clean_text_is_left_as_it_is() -> None:
    """Versions, hashes, times and user agents are no addresses to `scan` either, and are not written anew."""
    data = {"v": list(CLEAN)}
    assert applied(data, REDACTIONS["scan"])[0] is data
