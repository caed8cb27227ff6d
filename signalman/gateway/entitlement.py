"""What a connection may do, and until when: the one place in a session that knows grants. No I/O and no clock."""

from signalman.access.grants import grants, may_read, resolve_scope
from signalman.channel import Catalog, Channel
from signalman.errors import BadMessage, Forbidden
from signalman.event import Feed
from signalman.gateway.requests import Subscribe
from signalman.principal import Grant, Principal


class Entitlement:
    """Nobody's, until a principal is given."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._grants: frozenset[Grant] = frozenset()
        self._warned_of: float | None = None
        self.principal: Principal | None = None

    @property
    def channels(self) -> list[str]:
        """Names of the channels that may be read somewhere."""
        return sorted({grant.channel for grant in self._grants})

    def give(self, principal: Principal) -> bool:
        """From now on what *principal* may do, and nothing else; returns whether that is anything."""
        self.principal = principal
        self._grants = grants(principal, self._catalog)
        return bool(self._grants)

    def continues(self, principal: Principal) -> bool:
        """Whether a credential of *principal* may take the place of the one there is: they are the same one's."""
        mine = self.principal
        return mine is not None and (mine.kind, mine.id, mine.scope) == (principal.kind, principal.id, principal.scope)

    def covers(self, feed: Feed) -> bool:
        """Whether *feed* may be read now."""
        return may_read(self._grants, feed.channel, feed.scope)

    def permitted(self, request: Subscribe) -> tuple[Channel, Feed]:
        """Channel and feed of *request*.

        Raises:
            BadMessage: ``unknown_channel``, ``not_authenticated``, or ``forbidden`` where they may not be read.
        """
        channel = self._catalog.channels.get(request.channel)
        if channel is None:
            known = ", ".join(sorted(self._catalog.channels))
            raise BadMessage("unknown_channel", f"There is no such channel; there are {known}.", request.id)
        if self.principal is None:
            raise BadMessage("not_authenticated", "Send 'auth' first.", request.id)
        try:
            feed = Feed(channel.name, resolve_scope(self.principal, request.scope, self._catalog.levels))
        except Forbidden as error:
            raise BadMessage(error.code, str(error), request.id) from error
        if not self.covers(feed):
            detail = f"This credential does not grant channel '{channel.name}' there."
            raise BadMessage("forbidden", detail, request.id)
        return channel, feed

    @property
    def expires_at(self) -> float | None:
        """When the credential is worth nothing any more, Unix seconds."""
        return self.principal.expires_at if self.principal else None

    def has_expired(self, now: float) -> bool:
        """Whether that is so at *now*."""
        return self.expires_at is not None and now >= self.expires_at

    def due(self, now: float, ahead: float) -> float | None:
        """The moment of expiry, once for each: when at most *ahead* seconds are left, and the client is to be told."""
        expires_at = self.expires_at
        if expires_at is None or expires_at == self._warned_of or now < expires_at - ahead:
            return None
        self._warned_of = expires_at
        return expires_at
