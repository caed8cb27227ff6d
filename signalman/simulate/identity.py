"""Identifiers as the platform makes them, from seeded dice."""

import uuid
from random import Random


def uuid4(dice: Random) -> str:
    """A random UUID."""
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def uuid7(dice: Random, time: float) -> str:
    """A UUID that sorts by *time*, in milliseconds."""
    number = int(time * 1000) << 80 | 0x7 << 76 | dice.getrandbits(12) << 64 | 0b10 << 62 | dice.getrandbits(62)
    return str(uuid.UUID(int=number))


def uuid5(name: str) -> str:
    """The UUID that always belongs to *name*."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def hexadecimal(dice: Random, digits: int) -> str:
    """So many random hexadecimal digits."""
    return f"{dice.getrandbits(4 * digits):0{digits}x}"
