"""Notices: whose access may have changed, told to every gateway. Pure.

A notice decides nothing. Whoever it concerns is looked at again in the directory, so a notice that is late, doubled or
forged costs a query, and one that is lost costs the time until the next regular look.

Ids stand in a notice as digests: it travels over the bus, where no person's id belongs.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal, get_args

from signalman.event import PLATFORM, Feed, Scope
from signalman.principal import Principal

NOTICES = Feed("@access", PLATFORM)
"""The feed on which relays publish notices. No channel of a pack can have its name."""

About = Literal["token", "user", "scope", "everybody"]
"""Whom a notice concerns: who came with that token, who is or belongs to that user, who reads within that scope."""

_WRITTEN = re.compile(rb"(token|user|scope) ([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Notice:
    """Somebody's access may have changed."""

    about: About
    mark: str = ""
    """Digest of the id or scope; empty for everybody."""

    def encode(self) -> bytes:
        """As it travels over the bus."""
        return f"{self.about} {self.mark}".rstrip().encode()


EVERYBODY = Notice("everybody")


def notice(about: About, *ids: str) -> Notice:
    """A notice about the one whom *ids* name: one id, or for a scope its path, widest level first.

    Raises:
        ValueError: There is no id, or an empty one.
    """
    if about not in get_args(About) or (about == "everybody") is not (not ids) or not all(ids):
        raise ValueError("a notice names somebody")
    return Notice(about, _digest(about, ids)) if ids else EVERYBODY


def decode(written: bytes) -> Notice:
    """A notice as `Notice.encode` wrote it. What cannot be read concerns everybody: better asked in vain."""
    match = _WRITTEN.fullmatch(written)
    if match is None:
        return EVERYBODY
    about, mark = match.group(1).decode(), match.group(2).decode()
    return Notice("token" if about == "token" else "user" if about == "user" else "scope", mark)


def concerning(principal: Principal) -> frozenset[Notice]:
    """Every notice that concerns *principal*, but for the one to everybody."""
    found = {notice("scope", *prefix) for prefix in _prefixes(principal.scope)}
    if principal.kind == "token":
        found.add(notice("token", principal.id))
    if principal.user_id:
        found.add(notice("user", principal.user_id))
    return frozenset(found)


def _prefixes(scope: Scope) -> list[Scope]:
    return [scope[: end + 1] for end in range(len(scope)) if all(scope[: end + 1])]


def _digest(about: About, ids: tuple[str, ...]) -> str:
    # One service writes a UUID in upper case, another one in lower: rather one too many is looked at again.
    named = "\0".join((about, *(each.lower() for each in ids)))
    return hashlib.blake2b(named.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
