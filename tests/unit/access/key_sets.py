"""JSON Web Key Sets of a platform, and somewhere they are fetched from."""

import asyncio
import json
from typing import Any

import jwt

from signalman.access.jwks import Jwks
from signalman.errors import BackendUnavailable
from tests.unit.access.tokens import PRIVATE

KEEP, PAUSE = 300.0, 10.0
"""Seconds."""


def jwk(algorithm: str = "RS256", kid: str | None = "k1", *, key: Any = None, **changes: Any) -> dict[str, Any]:
    """A public key as platforms publish it, with *changes*; ``...`` leaves a member out."""
    public = (key or PRIVATE[algorithm]).public_key()
    full = json.loads(jwt.get_algorithm_by_name(algorithm).to_jwk(public))
    full |= {"use": "sig", "alg": algorithm, "kid": kid if kid is not None else ...} | changes
    full.pop("key_ops", None) if "key_ops" not in changes else None
    return {name: value for name, value in full.items() if value is not ...}


def key_set(*keys: Any) -> bytes:
    """A document of *keys*."""
    return json.dumps({"keys": list(keys)}).encode()


class Published:
    """A document that is fetched, counts how often, and may be held back or away."""

    def __init__(self, document: bytes) -> None:
        self.document = document
        self.fetched = 0
        self.away = False
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self) -> bytes:
        self.fetched += 1
        await self.free.wait()
        if self.away:
            raise BackendUnavailable("jwks", "is away")
        return self.document


def jwks(published: Published) -> Jwks:
    """Keys for RS256 and ES256."""
    return Jwks(published, ("RS256", "ES256"), keep=KEEP, pause=PAUSE)
