"""The promise that no address gets out, on the whole way of a record: decode, route, redact, rows, encode.

`tests.fuzz.laws` says what holds for any record: no address outside of exposed paths, nothing under host-like keys,
every operator done at its place, the same when done twice, the input as it was. Here hypothesis makes the records, and
shrinks what it finds.
"""

import json
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalman.channel import Catalog
from signalman.event import Json, Record
from signalman.redaction import Keep
from signalman.relay.encode import encode
from tests.fuzz.choices import Drawn
from tests.fuzz.laws import Passed, Stages
from tests.fuzz.packs import FRAMEWORKS, GENEROUS, any_pack, event_type, pack
from tests.fuzz.records import TENANT, record
from tests.fuzz.target import SAMPLES
from tests.oracle import addresses
from tests.writings import ADDRESSES, CLEAN, written

PACKS = {"FrameWorks": FRAMEWORKS, "generous": GENEROUS}
STAGES = {name: Stages(catalog) for name, catalog in PACKS.items()}
KEEPS_ALL = Stages(pack(event_type("any", {"*": None}), event_type("whole", {"kept": None})))
CORPUS = [(address, name, text) for address in ADDRESSES for name, text in written(address)]

Place = Callable[[str], dict[str, Json]]
PLACES: dict[str, Place] = {
    "a value": lambda text: {"kept": text},
    "a key": lambda text: {"kept": {text: 1}},
    "a key of the data": lambda text: {text: 1},
    "deep inside": lambda text: {"kept": {"a": [{"b": [[text]]}]}},
    "beside clean ones": lambda text: {"kept": ["clean", text, {"x": "12:30:45"}], "other": "std::vector"},
    "JSON in a text": lambda text: {"kept": json.dumps({"a": [text]})},
    "JSON in JSON in a text": lambda text: {"kept": json.dumps([json.dumps({"a": {text: None}})])},
    "among words": lambda text: {"kept": f"seen {text} twice"},
}


def through(stages: Stages, kind: str, data: dict[str, Json], **envelope: Any) -> list[Passed]:
    """What becomes of an event of *kind* with *data*, and perhaps other parts of the envelope."""
    usual = {"id": "1", "type": kind, "time": "2026-08-20T10:11:12Z", "source": "s", "tenant": TENANT, "data": data}
    return stages.passed(Record("records", 0, 0, 0, None, orjson.dumps(usual | envelope)))


@pytest.mark.parametrize("place", PLACES)
def test_every_writing_is_taken_out_of_every_place(place: str) -> None:
    """The whole corpus, in values, keys, lists, texts of JSON and among words, where everything is kept."""
    for address, name, text in CORPUS:
        (passed,) = through(KEEPS_ALL, "any", PLACES[place](text))
        assert passed.redacted.removed > 0, f"{name} of {address}"
        assert str(address).encode() not in passed.document, f"{name} of {address}"


@pytest.mark.parametrize("part", ["id", "source"])
def test_no_writing_passes_in_the_envelope(part: str) -> None:
    """An event whose id or source holds an address is none."""
    for address, name, text in CORPUS:
        assert through(KEEPS_ALL, "any", {}, **{part: text}) == [], f"{name} of {address}"


@pytest.mark.parametrize("name", PACKS)
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_the_laws_hold(name: str, data: st.DataObject) -> None:
    """For records of any event type with anything anywhere."""
    choices = Drawn(data.draw)
    STAGES[name].passed(record(choices, PACKS[name], SAMPLES if name == "FrameWorks" else {}))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_the_laws_hold_for_any_pack(data: st.DataObject) -> None:
    """Whatever a pack keeps, and whatever operators are composed."""
    choices = Drawn(data.draw)
    catalog: Catalog = any_pack(choices)
    Stages(catalog).passed(record(choices, catalog))


CLEAN_TEXTS = st.one_of(st.sampled_from(CLEAN), st.text(st.characters(codec="utf-8", categories=["L", "Zs"])))
CLEAN_KEYS = st.sampled_from(["a", "kept", "labels", "codec", "tracks", "hosting", "shipped", "12:30:45"])
CLEAN_VALUES = st.recursive(
    st.one_of(CLEAN_TEXTS, st.none(), st.booleans(), st.integers(-(1 << 53), 1 << 53), st.floats(allow_nan=False)),
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(CLEAN_KEYS, below, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(CLEAN_KEYS, CLEAN_VALUES, max_size=5))
@settings(max_examples=200, deadline=None)
def test_clean_data_pass_untouched(data: dict[str, Json]) -> None:
    """Equal, the same bytes, and nothing counted: times, versions, hashes, MACs and words of code are no addresses."""
    for kind, keep in (("any", Keep({"*": None})), ("whole", Keep({"kept": None}))):
        (passed,) = through(KEEPS_ALL, kind, data)
        kept = keep.prune(orjson.loads(orjson.dumps(data)))
        assert (passed.redacted.event.data, passed.redacted.removed) == (kept, 0)
        assert passed.document == encode(passed.raw._replace(data=kept))


@given(st.sampled_from(CORPUS), st.dictionaries(CLEAN_KEYS, CLEAN_VALUES, max_size=5), CLEAN_KEYS)
@settings(max_examples=200, deadline=None)
def test_what_is_beside_an_address_stays(
    planted: tuple[IPv4Address | IPv6Address, str, str], data: dict[str, Json], key: str
) -> None:
    """One address goes, and nothing else does."""
    _, _, text = planted
    (passed,) = through(KEEPS_ALL, "any", {**data, key: {"planted": text, "rest": data}})
    clean = orjson.loads(orjson.dumps(data))
    assert passed.redacted.event.data == {**clean, key: {"rest": clean}}
    assert passed.redacted.removed == 1


@given(st.text(st.sampled_from('0123456789abcdef.:-[]%/ \\"{},x'), max_size=60))
@settings(max_examples=500, deadline=None)
def test_whatever_looks_like_an_address_goes(text: str) -> None:
    """The relay sees every address that a naive reader sees, in any text of such characters."""
    (passed,) = through(KEEPS_ALL, "any", {"kept": text})
    if addresses(text):
        assert "kept" not in passed.redacted.event.data
