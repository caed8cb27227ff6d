"""The platform's JWTs: HS256 with a secret that every service of the platform shares.

FrameWorks' claims are user_id, tenant_id, email, role, roles, auth_time, iat and exp, without iss, aud and kid. Its own
services take any HMAC algorithm and do not insist on ``exp``; here both are fixed (RFC 8725 §3.1, §3.10).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jwt

from signalman.access.scope import claimed_scope, complete_scope, level_id
from signalman.channel import ScopeLevel
from signalman.errors import NotAuthenticated
from signalman.event import Scope
from signalman.principal import Principal

ALGORITHM = "HS256"
MIN_SECRET_BYTES = 32
"""RFC 7518 §3.2: an HS256 key has at least the size of the hash."""

_LATEST = 253_402_300_799
"""Unix seconds of the last moment that RFC 3339 can write."""


class JwtVerifier:
    """Turns a JWT into who it speaks for. Asks nobody, and knows no clock.

    Args:
        secret: What the platform signs with.
        levels: The catalog's scope levels; each names the claim that holds its id.
        allow_weak_secret: Take a secret of fewer than 32 bytes, for development.
        leeway: Seconds by which the platform's clocks may differ from ours.
        max_lifetime: Seconds. A token that is good for longer than that from now on is refused.

    Raises:
        ValueError: The secret is unusable, or there is no level, or a time is negative.
    """

    def __init__(
        self,
        secret: str,
        levels: Sequence[ScopeLevel],
        *,
        allow_weak_secret: bool = False,
        leeway: float = 10.0,
        max_lifetime: float = 24 * 3600.0,
    ) -> None:
        if not levels or leeway < 0 or max_lifetime <= 0:
            raise ValueError("a JWT verifier needs scope levels, a leeway of 0 or more and a positive lifetime")
        self._key = _signing_key(secret, allow_weak=allow_weak_secret)
        self._levels = tuple(levels)
        self._leeway = leeway
        self._max_lifetime = max_lifetime
        # Times are judged here, by the caller's clock. An `aud` is judged there: we have no name, so it is not us.
        self._jwt = jwt.PyJWT({"verify_exp": False, "verify_iat": False, "verify_nbf": False})

    def verify(self, token: str, now: float) -> Principal:
        """Who *token* speaks for, at *now* in Unix seconds.

        The principal's ``expires_at`` includes the leeway: a token that is still taken is not closed on at once.

        Raises:
            NotAuthenticated: ``token_expired``; ``token_invalid`` for everything else. Neither repeats the token.
        """
        claims = self._claims(token)
        expires_at = self._expiry(claims, now)
        scope = claimed_scope(claims, self._levels)
        if scope is None:
            names = ", ".join(level.claim for level in self._levels)
            raise _invalid(f"The token does not say whose events it is for (claims: {names}).")
        user = level_id(claims.get("user_id"), "string")
        if user is None:
            raise _invalid("The token has no usable claim 'user_id'.")
        return Principal("user", user, scope, roles=_roles(claims), expires_at=expires_at)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            return self._jwt.decode(token, self._key, algorithms=[ALGORITHM])
        except (jwt.PyJWTError, UnicodeEncodeError):
            # Which check failed helps a forger more than a user, and the library's texts may quote the token.
            raise _invalid("The token is malformed, or is not signed by this platform.") from None

    def _expiry(self, claims: Mapping[str, Any], now: float) -> float:
        expiry = _instant(claims, "exp")
        if expiry is None:
            raise _invalid("The token has no expiry.")
        if now >= expiry + self._leeway:
            raise NotAuthenticated("token_expired", "The token has expired.")
        if expiry > now + self._max_lifetime + self._leeway:
            raise _invalid(f"The token is good for longer than {self._max_lifetime / 3600:g} hours.")
        if any((_instant(claims, name) or 0) > now + self._leeway for name in ("iat", "nbf")):
            raise _invalid("The token is not good yet; the clocks may differ.")
        return expiry + self._leeway


def mint(
    secret: str,
    levels: Sequence[ScopeLevel],
    *,
    user_id: str,
    scope: Scope,
    now: float,
    lifetime: float = 900.0,
    role: str = "member",
    email: str | None = None,
    allow_weak_secret: bool = False,
) -> str:
    """A token as the platform would issue it, for development and tests.

    Args:
        secret: What the platform signs with.
        levels: The catalog's scope levels.
        user_id: Whose token it is.
        scope: An id for each level.
        now: Unix seconds at which it is issued; fractions are cut.
        lifetime: Seconds until it expires.
        role: The platform's role.
        email: Left out where None.
        allow_weak_secret: As for `JwtVerifier`.

    Raises:
        ValueError: The secret or the scope is unusable.
    """
    canonical = complete_scope(scope, levels)
    if canonical is None:
        wanted = ", ".join(f"{level.name} ({level.type})" for level in levels)
        raise ValueError(f"the scope of a token is: {wanted}")
    claims: dict[str, object] = {
        "user_id": user_id,
        **{level.claim: value for level, value in zip(levels, canonical, strict=True)},
        **({} if email is None else {"email": email}),
        "role": role,
        "roles": [],
        "auth_time": int(now),
        "iat": int(now),
        "exp": int(now + lifetime),
    }
    return jwt.encode(claims, _signing_key(secret, allow_weak=allow_weak_secret), ALGORITHM)


def _signing_key(secret: str, *, allow_weak: bool) -> bytes:
    key = secret.encode("utf-8")
    if not key:
        raise ValueError("the JWT secret is empty")
    if len(key) < MIN_SECRET_BYTES and not allow_weak:
        raise ValueError(
            f"the JWT secret has {len(key)} bytes; HS256 needs at least {MIN_SECRET_BYTES} to be worth anything"
        )
    # HMAC fills a short key up with zeros itself (RFC 2104 §2): the same signature, without the library's warning.
    padded = key.ljust(MIN_SECRET_BYTES, b"\0")
    try:
        jwt.get_algorithm_by_name(ALGORITHM).prepare_key(padded)
    except jwt.InvalidKeyError:
        raise ValueError("the JWT secret is a public key or certificate; HS256 needs a shared secret") from None
    return padded


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    # Python's JSON reader takes NaN, which is in no range, and integers that no float can hold.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise _invalid(f"The token's claim '{name}' is not a time.")
    return float(value)


def _roles(claims: Mapping[str, Any]) -> frozenset[str]:
    # Go writes a list without items as null.
    listed = claims.get("roles") or []
    if not isinstance(listed, list):
        raise _invalid("The token's claim 'roles' is not a list.")
    roles = [claims.get("role") or None, *listed]
    if not all(role is None or level_id(role, "string") for role in roles):
        raise _invalid("The token has a role that is not a name.")
    return frozenset(role for role in roles if role is not None)


def _invalid(detail: str) -> NotAuthenticated:
    return NotAuthenticated("token_invalid", detail)
