"""The fuzzer's own parts: what it would run for minutes is run here for a moment, so that it does not rot."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalman.event import Record
from signalman.net import Net
from tests.fuzz import laws
from tests.fuzz.choices import Bytes, choose, once_in, some
from tests.fuzz.packs import event_type, pack
from tests.fuzz.target import one_input, seeds

SEEDS = tuple(seeds())


@pytest.mark.parametrize("seed", SEEDS, ids=range(len(SEEDS)))
def test_the_laws_hold_for_every_seed(seed: bytes) -> None:
    """Records of every event type, and records put together for each kind of pack."""
    one_input(seed)


@given(st.integers(0, 4), st.binary(max_size=600))
@settings(max_examples=200, deadline=None)
def test_the_laws_hold_for_any_bytes(kind: int, data: bytes) -> None:
    """Neither a leak nor an exception, whatever they stand for."""
    one_input(bytes([kind]) + data)


def test_there_is_a_seed_of_each_kind() -> None:
    """Bytes as records of both topics, and all three ways of putting a record together."""
    assert {seed[0] for seed in SEEDS} == set(range(5))


def test_a_leak_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the net is taken away the laws do not hold: they can fail."""
    record = Record("records", 0, 0, 0, None, BODY % b'"a":"203.0.113.9"')
    catalog = pack(event_type("any", {"a": None}))
    assert laws.Stages(catalog).passed(record)[0].redacted.removed == 1

    monkeypatch.setattr(Net, "clean", lambda _, value, __=frozenset(): (value, 0))
    with pytest.raises(laws.Leak, match="an address at a"):
        laws.Stages(catalog).passed(record)


BODY = b'{"id":"1","type":"any","time":"2026-08-20T10:11:12Z","source":"s","tenant":"t","data":{%b}}'


def test_bytes_decide() -> None:
    """The same bytes decide the same; when they have run out, everything is the lowest."""
    choices = Bytes(b"\x02\x01\x00\x05")
    assert choose(choices, "abc") == "c"
    assert some(choices, "xyz") == ["x", "z"]
    assert choices.integer(10, 300) == 10
    assert not once_in(choices, 2)
