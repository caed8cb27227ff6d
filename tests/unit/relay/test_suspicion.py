"""What the relay takes for clean without casting the net."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.net import Net
from signalman.relay import suspicion
from signalman.relay.suspicion import Suspicion
from tests.writings import CLEAN, corpus

NET = Net()
TEXTS = st.one_of(
    st.sampled_from([text for _, text in corpus()]),
    st.sampled_from(CLEAN),
    st.text(st.sampled_from("0123456789abcdef.:-_[]% x"), max_size=24),
    st.text(
        st.sampled_from("\N{DIGIT ONE FULL STOP}\N{NUMBER TWENTY FULL STOP}\N{FULLWIDTH DIGIT ONE}17."), max_size=6
    ),
    st.text(max_size=8),
)
KEYS = st.sampled_from(["a", "client_ip", "peer", "labels", "203.0.113.9", "host"]) | st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(KEYS, below, max_size=4),
    max_leaves=10,
)


@given(st.lists(st.lists(VALUES, max_size=4), max_size=4))
def test_what_is_not_suspected_is_clean(events: list[list[Any]]) -> None:
    """Whatever came before, and whatever comes again: where the net would find something, there is suspicion."""
    doubt = Suspicion(NET, remembered=8)
    for values in (*events, *events):
        is_dirty = NET.clean(values)[1] > 0
        assert doubt.of(values) or not is_dirty
        keys = [key for value in values if isinstance(value, dict) for key in value]
        are_dirty = NET.clean(dict.fromkeys(keys, 1))[1] > 0
        assert doubt.of_keys(keys) or not are_dirty


@pytest.mark.parametrize("digit", [chr(code) for code in range(0x2488, 0x2491)])
def test_digits_that_read_as_more_are_suspected(digit: str) -> None:
    """Unicode has digits with a full stop in them: four of these are an address, and nothing but digits to Python."""
    text = digit * 3 + "7"
    assert text.isdigit()
    assert Suspicion(NET).of([text])
    assert Suspicion(NET).of([{"k": [text]}])


@pytest.mark.parametrize("text", CLEAN)
def test_clean_texts_are_not_suspected(text: str) -> None:
    """Also where the first look at their bytes is not sure: the net is asked about that text alone, once."""
    assert not Suspicion(NET).of([text])


def test_clean_texts_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come again with every event; those with an address are looked at each time."""
    looked: list[bytes] = []

    def look(encoded: bytes) -> bool:
        looked.append(encoded)
        return b"203" in encoded

    monkeypatch.setattr(suspicion, "may_hold_address", look)
    doubt = Suspicion(NET)
    clean, dirty = ["a-b-c-d", {"k": ["e-f-g-h", 5]}], ["203.0.113.9"]
    assert [doubt.of(clean), doubt.of(clean), doubt.of(["a-b-c-d", "new-n-e-w"])] == [False, False, False]
    assert [doubt.of(dirty), doubt.of(dirty)] == [True, True]
    assert looked == [b'"e-f-g-h"', b'"a-b-c-d"', b'"new-n-e-w"', b'"203.0.113.9"', b'"203.0.113.9"']


def test_memory_is_bounded() -> None:
    """Texts that never come again, and long ones, cannot fill it."""
    doubt = Suspicion(NET, remembered=10)
    for number in range(100):
        assert not doubt.of([f"text {number}", "x" * 100])
        assert not doubt.of_keys([f"key {number}"])
    assert len(doubt._texts) <= 10
    assert len(doubt._keys) <= 10
    assert max(map(len, doubt._texts)) < 100
