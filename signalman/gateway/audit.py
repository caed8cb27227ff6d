"""Who connected, was refused, read what, lost what, and left: one log line each, by the logger ``signalman.audit``.

A line names the connection by its number, its address by the visitor's mark, and the principal by kind and id. It never
holds a credential, an address, a payload, or the key that a directory is asked by. `docs/operations.md` has the list.
"""

from dataclasses import dataclass
from typing import Literal

import structlog

from signalman.event import Feed
from signalman.gateway.actions import By
from signalman.principal import Principal

log = structlog.get_logger("signalman.audit")


@dataclass(frozen=True, slots=True)
class Who:
    """Whom a line is about."""

    connection: int | None = None
    """None before there is one: a handshake."""
    visitor: str | None = None
    """The mark of the address it came from, see `gateway.admission`."""
    principal: Principal | None = None

    @property
    def members(self) -> dict[str, object]:
        """What every line has. What is not known is left out."""
        found: dict[str, object] = {"connection": self.connection, "visitor": self.visitor}
        if self.principal is not None:
            who = self.principal
            found |= {"kind": who.kind, "principal": who.id, "scope": list(who.scope)}
        return {name: value for name, value in found.items() if value is not None}


def connected(who: Who) -> None:
    """Somebody is known."""
    log.info("connect", **who.members)


def refused(who: Who, code: str) -> None:
    """Somebody was turned away before he was known, or not let have what he asked for; *code* as the client had it."""
    log.info("refuse", **who.members, code=code)


def refreshed(who: Who, by: Literal["client", "directory"]) -> None:
    """Another credential took the place of the one there was, or the directory says something else of it."""
    log.info("refresh", **who.members, by=by)


def subscribed(who: Who, feed: Feed) -> None:
    """A subscription of *feed* was begun."""
    log.info("subscribe", **who.members, **_of(feed))


def unsubscribed(who: Who, feed: Feed, by: By) -> None:
    """A subscription ended before its connection did."""
    log.info("unsubscribe", **who.members, **_of(feed), by=by)


def revoked(who: Who, code: str) -> None:
    """Access has ended while the connection was open."""
    log.info("revoke", **who.members, code=code)


def closed(who: Who, code: int | None, reason: str) -> None:
    """The connection is gone. *code* is the close code where it was us who closed it."""
    log.info("close", **who.members, code=code, reason=reason)


def _of(feed: Feed) -> dict[str, object]:
    return {"channel": feed.channel, "reads": list(feed.scope)}
