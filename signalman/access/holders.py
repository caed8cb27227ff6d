"""From what the directory says of a token or key to who connects with it. Pure."""

from collections.abc import Sequence

from signalman.access.scope import prefix_scope
from signalman.access_ports import Holder
from signalman.channel import ScopeLevel
from signalman.errors import NotAuthenticated
from signalman.principal import Principal


def token_principal(
    holder: Holder | None, key: str, levels: Sequence[ScopeLevel], now: float, *, was: Principal | None = None
) -> Principal | None:
    """Who comes with the token of *holder*; None when nobody may.

    The directory has judged all this by its own clock. What it says is judged once more by ours, because a statement of
    a pack may have forgotten to: an expiry that has passed, a scope that is not one.

    Args:
        holder: As the directory has it now; None when it knows no such token that is good.
        key: What the directory was asked by.
        levels: The catalog's.
        now: Unix seconds.
        was: Who it was when it connected. A token that has since been given to another scope is another token.
    """
    if holder is None or (holder.expires_at is not None and now >= holder.expires_at):
        return None
    scope = prefix_scope(holder.scope, levels)
    if scope is None or (was is not None and (was.id, was.scope) != (holder.id, scope)):
        return None
    return Principal(
        "token",
        holder.id,
        scope,
        roles=holder.roles,
        permissions=holder.permissions,
        expires_at=holder.expires_at,
        user_id=holder.user_id,
        key=key,
    )


def refused() -> NotAuthenticated:
    """The one answer to every token that is not taken: malformed, unknown, wrong, revoked or expired, or its owner
    blocked. Only the platform may tell an owner which.
    """
    return NotAuthenticated("token_invalid", "The API token is unknown, revoked or expired, or its owner blocked.")
