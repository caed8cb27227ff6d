"""The decision who may read what. Pure, and the only place where it is made.

Everything fails closed: a scope level that a principal lacks opens nothing, a token without permissions opens nothing,
and what a client asks for can only narrow what its credential opens.
"""

from collections.abc import Collection, Sequence

from signalman.access.scope import complete_scope
from signalman.channel import Catalog, Channel, ScopeLevel
from signalman.errors import Forbidden
from signalman.event import Scope
from signalman.principal import Grant, Principal


def grants(principal: Principal, catalog: Catalog) -> frozenset[Grant]:
    """Every channel that *principal* may read, within its own scope; empty when its scope lacks a level.

    An API token needs one of a channel's permissions. People and accounts read every channel, as on the platform
    itself, unless they were given permissions too.
    """
    if complete_scope(principal.scope, catalog.levels) != principal.scope:
        return frozenset()
    return frozenset(
        Grant(name, principal.scope) for name, channel in catalog.channels.items() if _permits(principal, channel)
    )


def may_read(granted: Collection[Grant], channel: str, scope: Scope) -> bool:
    """Whether one of the *granted* opens *channel* at *scope*: the grant's scope is *scope* or a prefix of it. A grant
    without any scope opens nothing.
    """
    return any(grant.channel == channel and _within(scope, grant.scope) for grant in granted)


def resolve_scope(principal: Principal, requested: Sequence[str] | None, levels: Sequence[ScopeLevel]) -> Scope:
    """The scope that a request is about: the principal's own, or *requested* where that lies within it.

    Args:
        principal: Who asks.
        requested: Ids from the widest level to the narrowest, all of them; None asks for the principal's own scope.
        levels: The catalog's.

    Raises:
        Forbidden: ``forbidden``, with the same words whether *requested* is somebody else's, nobody's or malformed.
    """
    scope = complete_scope(principal.scope if requested is None else requested, levels)
    if scope is None or not _within(scope, principal.scope):
        names = ", ".join(level.name for level in levels)
        raise Forbidden("forbidden", f"This credential does not reach that scope ({names}); omit it to get your own.")
    return scope


def _permits(principal: Principal, channel: Channel) -> bool:
    if principal.permissions is None:
        return principal.kind != "token"
    return not channel.permissions.isdisjoint(principal.permissions)


def _within(scope: Scope, prefix: Scope) -> bool:
    return bool(prefix) and all(prefix) and scope[: len(prefix)] == prefix
