"""Payloads of the database's own notices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.backends.postgres_listener import read_payload
from signalman.notice import EVERYBODY, notice


def test_a_payload_names_somebody() -> None:
    """A token, a user, or a scope by its path."""
    assert read_payload("token 1") == notice("token", "1")
    assert read_payload("user 1") == notice("user", "1")
    assert read_payload("scope 1") == notice("scope", "1")
    assert read_payload("scope 1 2 3") == notice("scope", "1", "2", "3")


@pytest.mark.parametrize(
    "payload", ["", " ", "token", "token ", "token 1 2", "user 1 ", "scope", "scope 1  2", "Token 1"]
)
def test_anything_else_concerns_everybody(payload: str) -> None:
    """A list with a hole is not the list without it."""
    assert read_payload(payload) == EVERYBODY


@given(st.text())
def test_any_payload_can_be_read(payload: str) -> None:
    """Whatever somebody else says on the channel."""
    assert read_payload(payload).about in {"token", "user", "scope", "everybody"}
