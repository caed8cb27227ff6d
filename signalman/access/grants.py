"""The decision who may read what. Pure, and the only place where it is made.

Everything fails closed: a scope level that a principal lacks opens nothing, a token without permissions opens nothing,
a person without one of a channel's roles does not read it, and what a client asks for can only narrow what its
credential opens.
"""

from collections.abc import Collection, Sequence

from signalman.access.permissions import opens
from signalman.access.scope import complete_scope, prefix_scope, within
from signalman.access_rules import AccessRules
from signalman.channel import Catalog, Channel, ScopeLevel
from signalman.errors import Forbidden
from signalman.event import PLATFORM, Scope
from signalman.principal import Grant, Principal

_BY_ROLE = frozenset({"user", "account"})
"""Kinds of principal that read by role; a token reads by permission."""


def grants(principal: Principal, catalog: Catalog) -> frozenset[Grant]:
    """Every channel that *principal* may read, each within its own scope; empty when that scope lacks a level that a
    credential must have.

    A program with an API token needs one of a channel's permissions. People and accounts need one of its roles, and
    where the platform gives them permissions, one of these as well. Those who run the platform have, whatever their
    role, what channels tell of the platform itself, and with it nothing of any tenant.
    """
    if not _has_scope(principal, catalog.levels):
        return frozenset()
    channels = catalog.channels.items()
    granted = {Grant(name, principal.scope) for name, each in channels if _reads(principal, each, catalog.access)}
    if _operates(principal):
        granted |= {
            Grant(name, PLATFORM)
            for name, each in channels
            if _tells_of_platform(each) and _is_permitted(principal, each, catalog.access)
        }
    return frozenset(granted)


def may_read(granted: Collection[Grant], channel: str, scope: Scope) -> bool:
    """Whether one of the *granted* opens *channel* at *scope*: the grant's scope is *scope* or a prefix of it. A grant
    without any scope opens nothing.
    """
    return any(grant.channel == channel and within(scope, grant.scope) for grant in granted)


def resolve_scope(principal: Principal, requested: Sequence[str] | None, levels: Sequence[ScopeLevel]) -> Scope:
    """The scope that a request is about: the principal's own, or *requested* where that lies within it. Whether a
    channel is open there is still for `may_read` to say.

    Args:
        principal: Who asks.
        requested: Ids from the widest level to the narrowest, all of them, or `PLATFORM`; None asks for the
            principal's own scope.
        levels: The catalog's.

    Raises:
        Forbidden: ``forbidden``, with the same words whether *requested* is somebody else's, nobody's or malformed.
            Nothing is requested, and the principal reaches several scopes: then the words say that it must choose.
    """
    names = ", ".join(level.name for level in levels)
    if _has_scope(principal, levels):
        if requested is None and len(principal.scope) < len(levels):
            raise Forbidden("forbidden", f"This credential reaches several scopes; name one in full ({names}).")
        if requested is not None and tuple(requested) == PLATFORM and _operates(principal):
            return PLATFORM
        scope = complete_scope(principal.scope if requested is None else requested, levels)
        if scope is not None and within(scope, principal.scope):
            return scope
    raise Forbidden("forbidden", f"This credential does not reach that scope ({names}); omit it to get your own.")


def _has_scope(principal: Principal, levels: Sequence[ScopeLevel]) -> bool:
    """Whether its scope is one, and in the one form in which scopes are compared."""
    return prefix_scope(principal.scope, levels) == principal.scope


def _reads(principal: Principal, channel: Channel, rules: AccessRules) -> bool:
    if principal.kind == "token":
        return opens(principal.permissions, channel.permissions, rules.match)
    by_role = principal.kind in _BY_ROLE and not channel.roles.isdisjoint(principal.roles)
    return by_role and _is_permitted(principal, channel, rules)


def _is_permitted(principal: Principal, channel: Channel, rules: AccessRules) -> bool:
    """Whether the permissions of a person or account, where it was given any list of them, open the channel."""
    return principal.permissions is None or opens(principal.permissions, channel.permissions, rules.match)


def _operates(principal: Principal) -> bool:
    """Whether it runs the platform. A program with an API token never does: tokens are given out by tenants."""
    return principal.operator is True and principal.kind in _BY_ROLE


def _tells_of_platform(channel: Channel) -> bool:
    return any(event.platform for event in channel.events.values())
