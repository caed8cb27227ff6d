"""What a client is known by."""

import pytest

from signalman.client.credential import Credential
from signalman.errors import NotAuthenticated


async def test_a_text_stays() -> None:
    """It is the same each time, without what an editor puts around it."""
    credential = Credential(" token\n")
    assert (credential.changes, await credential.current(), await credential.current()) == (False, "token", "token")


async def test_a_function_is_asked_each_time() -> None:
    """Plain or not."""
    tokens = iter("abcd")

    async def ask() -> str:
        return next(tokens)

    plain, other = Credential(lambda: next(tokens)), Credential(ask)
    assert (plain.changes, other.changes) == (True, True)
    assert [await plain.current(), await other.current(), await plain.current()] == ["a", "b", "c"]


@pytest.mark.parametrize("token", ["", " \n", "two words", "line\nbreak", "ключ"])
async def test_what_cannot_be_a_token_is_not_taken(token: str) -> None:
    """A header with a line break would be two headers: at once, or when it is asked for."""
    with pytest.raises(NotAuthenticated):
        Credential(token)
    with pytest.raises(NotAuthenticated):
        await Credential(lambda: token).current()
