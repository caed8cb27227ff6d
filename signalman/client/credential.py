"""What a client is known by: one text for good, or somebody who is asked for the one that is good now."""

import inspect
from collections.abc import Awaitable, Callable

from signalman.errors import NotAuthenticated

Ask = Callable[[], str | Awaitable[str]]
"""Gives the credential of this moment. Raises `NotAuthenticated` where it has none."""


class Credential:
    """A credential, perhaps one that changes.

    Raises:
        NotAuthenticated: *given* is a text that cannot be a credential.
    """

    def __init__(self, given: str | Ask) -> None:
        self._given = given if callable(given) else _checked(given)

    @property
    def changes(self) -> bool:
        """Whether there will be another one when this one ends."""
        return callable(self._given)

    async def current(self) -> str:
        """The one to use now.

        Raises:
            NotAuthenticated: There is none, or it cannot be one. Whatever else the one who is asked raises.
        """
        if not callable(self._given):
            return self._given
        answer = self._given()
        return _checked(await answer if inspect.isawaitable(answer) else answer)


def _checked(token: str) -> str:
    token = token.strip()
    if not token:
        raise NotAuthenticated("not_authenticated", "The token is empty.")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise NotAuthenticated("token_invalid", "The token holds characters that no token has.")
    return token
