"""The text of Signalman's own API tokens. Pure.

``sgn_``, by which people and secret scanners know it; 256 random bits in 43 characters of base64url; and a CRC-32 of
all that in 6 more, by which a mistyped or cut token is told from an unknown one without asking anybody.
"""

import base64
import re
import zlib

PREFIX = "sgn_"
RANDOM_BYTES = 32

_FORM = re.compile(r"(sgn_[A-Za-z0-9_-]{43})([A-Za-z0-9_-]{6})", re.ASCII)


def new_token(random: bytes) -> str:
    """A token made of 32 *random* bytes.

    Raises:
        ValueError: There are more or fewer.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a token is made of {RANDOM_BYTES} random bytes")
    text = PREFIX + _base64url(random)
    return text + _checksum(text)


def is_intact(token: str) -> bool:
    """Whether *token* is written as it was given out. Says nothing about whether it is good."""
    match = _FORM.fullmatch(token)
    return match is not None and _checksum(match[1]) == match[2]


def _checksum(text: str) -> str:
    return _base64url(zlib.crc32(text.encode()).to_bytes(4))


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
