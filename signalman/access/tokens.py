"""The platform's API tokens, ``fw_…``: looked up by their SHA-256, in which the platform keeps them.

A fast hash is enough: the tokens are 256 random bits, so there is nothing to guess.
"""

import hashlib
import re

from signalman.errors import NotAuthenticated
from signalman.ports import Directory, TokenOwner
from signalman.principal import Principal

PREFIX = "fw_"
LONGEST = 200
"""Characters. The platform's own have 67."""

_FORM = re.compile(r"fw_[\x21-\x7e]+")


def token_hash(token: str) -> str:
    """SHA-256 of the whole token, prefix included, in lower-case hexadecimal."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()


class ApiTokens:
    """Turns an API token into who it speaks for."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def authenticate(self, token: str) -> Principal:
        """Who *token* speaks for.

        Raises:
            NotAuthenticated: ``token_invalid``, with the same words whether it is malformed, unknown, revoked or
                expired, or its owner blocked: only the platform may tell an owner which.
            BackendUnavailable: The directory does not answer.
        """
        owner = None
        if len(token) <= LONGEST and _FORM.fullmatch(token):
            owner = await self._directory.find_token(token_hash(token))
        if owner is None:
            raise NotAuthenticated(
                "token_invalid", "The API token is unknown, revoked or expired, or its owner blocked."
            )
        return _principal(owner)


def _principal(owner: TokenOwner) -> Principal:
    return Principal(
        kind="token",
        id=owner.token_id,
        scope=(owner.tenant_id,),
        roles=frozenset({owner.role} if owner.role else ()),
        permissions=owner.permissions,
        expires_at=owner.expires_at,
    )
