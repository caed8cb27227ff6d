"""Small complete values for the tests of access."""

from typing import Any

from signalman.access_ports import Holder
from signalman.channel import Catalog, Channel, ScopeLevel

TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"
OTHER = "5eed517e-ba5e-da7a-517e-ba5eda7a0002"
USER = "5eedface-5e1f-da7a-face-5e1fda7a0001"
SECRET = "a secret of the platform, 32 bytes"
NOW = 1_787_000_000.5

ONE_LEVEL = (ScopeLevel("tenant", "uuid", "tenant_id"),)
THREE_LEVELS = (
    ScopeLevel("organization", "string", "org"),
    ScopeLevel("workspace", "string", "ws"),
    ScopeLevel("tenant", "uuid", "tenant_id"),
)


def channel(name: str, *permissions: str) -> Channel:
    """A channel of which only name and permissions matter."""
    return Channel(name, name.title(), "", frozenset(permissions), {}, {}, {})


def catalog(levels: tuple[ScopeLevel, ...] = ONE_LEVEL) -> Catalog:
    """Channels streams, system and, open to no token, ai."""
    channels = (channel("streams", "streams:read", "read"), channel("system", "infrastructure:read"), channel("ai"))
    return Catalog(
        pack="test",
        title="Test",
        levels=levels,
        topics={},
        channels={each.name: each for each in channels},
        ignored=frozenset(),
    )


def holder(*permissions: str, **changes: Any) -> Holder:
    """What a directory says of a good token of an owner of TENANT."""
    fields: dict[str, Any] = {
        "id": "t-1",
        "scope": (TENANT,),
        "roles": frozenset({"owner"}),
        "permissions": frozenset(permissions),
        "user_id": USER,
    }
    return Holder(**fields | changes)
