"""Makes JWTs as the platform would, for development and tests."""

from collections.abc import Sequence

import jwt

from signalman.access.keys import HMAC, signing_key
from signalman.access.scope import claimed_scope
from signalman.access_rules import Claims
from signalman.channel import ScopeLevel
from signalman.event import Scope


def mint(
    secret: str,
    levels: Sequence[ScopeLevel],
    claims: Claims,
    *,
    user_id: str,
    scope: Scope,
    now: float,
    lifetime: float = 900.0,
    role: str = "member",
    permissions: Sequence[str] = (),
    issuer: str | None = None,
    audience: str | None = None,
    allow_weak: bool = False,
) -> str:
    """An HS256 token that a gateway with the same configuration takes.

    Args:
        secret: What the platform signs with.
        levels: The catalog's scope levels.
        claims: Which claims say who somebody is. The role stands in the first of those for roles.
        user_id: Whose token it is.
        scope: An id for each level, or for the upper ones where the others are optional.
        now: Unix seconds at which it is issued; fractions are cut.
        lifetime: Seconds until it expires.
        role: The platform's role.
        permissions: Permission names, where the pack has a claim for them.
        issuer: Left out where None.
        audience: Left out where None.
        allow_weak: As for `SharedSecret`.

    Raises:
        ValueError: The secret or the scope is unusable.
    """
    named = dict(zip((level.claim for level in levels), scope, strict=False))
    if claimed_scope(named, levels) is None or len(named) != len(scope):
        wanted = ", ".join(f"{level.name} ({level.type})" for level in levels)
        raise ValueError(f"the scope of a token is: {wanted}")
    payload = {
        claims.user: user_id,
        **named,
        **{name: [] if at else role for at, name in enumerate(claims.roles)},
        **({claims.permissions: list(permissions)} if claims.permissions else {}),
        "iat": int(now),
        "exp": int(now + lifetime),
        **({"iss": issuer} if issuer else {}),
        **({"aud": audience} if audience else {}),
    }
    return jwt.encode(payload, signing_key(secret, allow_weak=allow_weak), HMAC)
