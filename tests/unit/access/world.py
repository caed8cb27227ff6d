"""A platform to decide about: channels that ask for different things, of one tenant's level or of three."""

from dataclasses import replace

from signalman.access_rules import AccessRules
from signalman.channel import Catalog, Channel, EventType, ScopeLevel

TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"
OTHER = "5eed517e-ba5e-da7a-517e-ba5eda7a0002"

FLAT = (ScopeLevel("tenant", "uuid", "tenant_id"),)
DEEP = (
    ScopeLevel("organization", "string", "org"),
    ScopeLevel("workspace", "string", "ws", optional=True),
    ScopeLevel("tenant", "uuid", "tenant_id", optional=True),
)
"""A credential may be an organization's or a workspace's as a whole."""

CHANNELS = ("streams", "system", "nobody")


def channel(name: str, *, permissions: str, roles: str, platform: bool = False) -> Channel:
    """A channel with one event type; lists are texts of words."""
    event = EventType("seen", "media", "data", {}, (), {"id": None}, frozenset(), None, None, platform=platform)
    return Channel(
        name, name, "", frozenset(permissions.split()), {event.name: event}, {}, {}, roles=frozenset(roles.split())
    )


def catalog(levels: tuple[ScopeLevel, ...] = FLAT, rules: AccessRules | None = None) -> Catalog:
    """``streams`` for all, ``system`` for few, with events of the platform, and ``nobody``, which asks for nothing."""
    channels = (
        channel("streams", permissions="streams:read read", roles="owner viewer"),
        channel("system", permissions="system:read", roles="owner", platform=True),
        channel("nobody", permissions="", roles=""),
    )
    named = {each.name: each for each in channels}
    return Catalog("test", "Test", levels, {}, named, frozenset(), access=rules or AccessRules())


def by_segments(levels: tuple[ScopeLevel, ...] = FLAT) -> Catalog:
    """The same, on a platform whose permissions have wildcards."""
    return replace(catalog(levels), access=AccessRules(match="segments"))
