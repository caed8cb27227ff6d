"""Stable names in place of values: whoever sees two of them can tell whether the same was meant, and nothing else.

A pseudonym is a keyed hash, so nobody without the key can try out values. The scope is hashed with the value, so that
two tenants cannot compare theirs. Its last characters are a check that only the key's holder can make: by it a
pseudonym is known again, and is not hashed a second time.
"""

from base64 import b32decode, b32encode
from functools import lru_cache, partial
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple

from signalman.event import Scope

PREFIX = "pseudo-"
"""By which a reader knows one."""

_NAME_BYTES = 10
"""16 characters: among a million million values there is hardly a pair with the same ones."""
_CHECK_BYTES = 5
"""8 characters: of a million million texts that look like a pseudonym one passes for one."""
_LENGTH = len(PREFIX) + (_NAME_BYTES + _CHECK_BYTES) * 8 // 5

_SCOPES = 1024
"""Whose hashes are kept ready."""


class Pseudonyms:
    """Makes pseudonyms: ``pseudo-`` and 24 characters, lower-case letters and the digits 2 to 7.

    Args:
        key: As configured, of any length. With another key all pseudonyms are others. None: there is none to make.
    """

    def __init__(self, key: bytes | None) -> None:
        self._hashes = lru_cache(maxsize=_SCOPES)(partial(_hashes, key)) if key else None

    def of(self, value: str, scope: Scope) -> str:
        """The pseudonym of *value* within *scope*; *value* itself where it is one of that scope.

        Raises:
            ValueError: There is no key.
        """
        if self._hashes is None:
            raise ValueError("pseudonyms need a key")
        hashes = self._hashes(scope)
        if len(value) == _LENGTH and value.startswith(PREFIX) and hashes.has_made(value):
            return value
        # A lone surrogate is no text, but may be in a program's; it must not be what stops an event.
        return hashes.text(_finished(hashes.names, value.encode("utf-8", "surrogatepass")))


class _Hashes(NamedTuple):
    """Of one key and scope, begun; only copies of them go on."""

    names: blake2b
    checks: blake2b

    def text(self, name: bytes) -> str:
        """The pseudonym that is *name* and its check."""
        return PREFIX + b32encode(name + _finished(self.checks, name)).decode().lower()

    def has_made(self, text: str) -> bool:
        """Whether *text*, which has the length and the prefix of a pseudonym, was made by this."""
        try:
            name = b32decode(text[len(PREFIX) :].upper())[:_NAME_BYTES]
        except ValueError:
            return False
        return compare_digest(self.text(name).encode(), text.encode())


def _hashes(key: bytes, scope: Scope) -> _Hashes:
    # Of any length to the longest that BLAKE2b takes.
    whole = blake2b(key).digest()
    bound = b"".join(_with_length(level.encode("utf-8", "surrogatepass")) for level in scope)
    start = _with_length(bound)
    names = blake2b(start, key=whole, person=b"signalman name", digest_size=_NAME_BYTES)
    return _Hashes(names, blake2b(start, key=whole, person=b"signalman check", digest_size=_CHECK_BYTES))


def _with_length(part: bytes) -> bytes:
    return len(part).to_bytes(8, "big") + part


def _finished(begun: blake2b, value: bytes) -> bytes:
    hash_ = begun.copy()
    hash_.update(value)
    return hash_.digest()
