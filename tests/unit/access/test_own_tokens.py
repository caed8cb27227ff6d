"""The text of Signalman's own tokens."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from signalman.access.credentials import is_bearer_token
from signalman.access.own_tokens import PREFIX, is_intact, new_token
from tests.unit.access.tokens import UNHURRIED

RANDOM = st.binary(min_size=32, max_size=32)


@UNHURRIED
@given(RANDOM)
def test_a_token_is_intact_and_can_be_sent(random: bytes) -> None:
    """It begins with the prefix, has one length, and is a bearer token."""
    token = new_token(random)
    assert token.startswith(PREFIX)
    assert len(token) == 53
    assert is_intact(token)
    assert is_bearer_token(token)


def test_the_text_of_a_token_stays() -> None:
    """Tokens that were given out must be known again by every later version."""
    text = "sgn_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8NSge0A"
    assert new_token(bytes(range(32))) == text
    assert is_intact(text)


@UNHURRIED
@given(RANDOM, RANDOM)
def test_two_tokens_differ(first: bytes, second: bytes) -> None:
    """No bit of randomness is lost."""
    assume(first != second)
    assert new_token(first)[:47] != new_token(second)[:47]


@UNHURRIED
@given(RANDOM, st.integers(0, 52), st.characters(codec="ascii"))
def test_a_mistyped_character_is_noticed(random: bytes, at: int, character: str) -> None:
    """Wherever it is: a CRC-32 finds every change of one character."""
    token = new_token(random)
    assume(token[at] != character)
    assert not is_intact(token[:at] + character + token[at + 1 :])


@UNHURRIED
@given(RANDOM, st.integers(0, 52))
def test_a_cut_or_lengthened_token_is_noticed(random: bytes, length: int) -> None:
    """As it comes from a terminal that broke the line."""
    token = new_token(random)
    for wrong in (token[:length], token[length:] if length else "", token + token[0], f" {token}", f"{token}\n"):
        assert not is_intact(wrong)


@UNHURRIED
@given(RANDOM, st.integers(4, 50))
def test_two_swapped_characters_are_noticed(random: bytes, at: int) -> None:
    """The other usual mistake."""
    token = new_token(random)
    assume(token[at] != token[at + 1])
    assert not is_intact(token[:at] + token[at + 1] + token[at] + token[at + 2 :])


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_fewer_random_bits_make_no_token(length: int) -> None:
    """A token that could be guessed is never made."""
    with pytest.raises(ValueError, match="32 random bytes"):
        new_token(bytes(length))
