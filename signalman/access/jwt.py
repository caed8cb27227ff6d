"""The platform's JWTs: who they speak for, and for how long.

What is taken is fixed by configuration and by the pack, and nothing in a token can widen it (RFC 8725): its header
chooses among the configured algorithms and keys and no others, and is otherwise not believed (``jwk``, ``jku``,
``x5u``, ``x5c`` are not read, and whatever wants to be critical is refused). FrameWorks' own services take any HMAC and
do not insist on ``exp``; here both are fixed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jwt

from signalman.access.keys import Keys, VerificationKey
from signalman.access.scope import claimed_scope, text_id
from signalman.access_rules import Claims
from signalman.channel import ScopeLevel
from signalman.errors import NotAuthenticated
from signalman.principal import Principal

_LATEST = 253_402_300_799
"""Unix seconds of the last moment that RFC 3339 can write."""


class JwtVerifier:
    """Turns a JWT into who it speaks for. Knows no clock, and asks nobody but *keys*.

    Args:
        keys: Algorithm → who has keys for it. No other algorithm is taken. The next one is asked only when no key of
            those before fits: what is at hand comes first, what has to be fetched last.
        levels: The catalog's scope levels; each names the claim that holds its id.
        claims: Which other claims say who somebody is.
        issuers: A token is taken of one of these only; empty: of any, also without one.
        audiences: A token is taken for one of these only; empty: only without an audience, for it is not us.
        leeway: Seconds by which the platform's clocks may differ from ours.
        max_lifetime: Seconds. A token that is good for longer than that from now on is refused.

    Raises:
        ValueError: There is no level, or a time is negative.
    """

    def __init__(
        self,
        keys: Mapping[str, Sequence[Keys]],
        levels: Sequence[ScopeLevel],
        claims: Claims,
        *,
        issuers: Sequence[str] = (),
        audiences: Sequence[str] = (),
        leeway: float = 10.0,
        max_lifetime: float = 24 * 3600.0,
    ) -> None:
        if not levels or leeway < 0 or max_lifetime <= 0:
            raise ValueError("a JWT verifier needs scope levels, a leeway of 0 or more and a positive lifetime")
        self._keys = keys
        self._levels = tuple(levels)
        self._claim_names = claims
        self._issuers = tuple(issuers) or None
        self._audiences = tuple(audiences) or None
        self._leeway = leeway
        self._max_lifetime = max_lifetime
        # Times are judged here, by the caller's clock.
        self._jwt = jwt.PyJWT({"verify_exp": False, "verify_iat": False, "verify_nbf": False})

    async def verify(self, token: str, now: float) -> Principal:
        """Who *token* speaks for, at *now* in Unix seconds.

        The principal's ``expires_at`` includes the leeway: a token that is still taken is not closed on at once.
        Whether it runs the platform is not decided here.

        Raises:
            NotAuthenticated: ``token_expired``; ``token_invalid`` for everything else. Neither repeats the token.
            BackendUnavailable: The key that it is signed with may be one that cannot be fetched now.
        """
        claims = await self._claims(token, now)
        expires_at = self._expiry(claims, now)
        scope = claimed_scope(claims, self._levels)
        if scope is None:
            names = ", ".join(level.claim for level in self._levels)
            raise _invalid(f"The token does not say whose events it is for (claims: {names}).")
        user = text_id(claims.get(self._claim_names.user))
        if user is None:
            raise _invalid(f"The token has no usable claim '{self._claim_names.user}'.")
        return Principal(
            "user",
            user,
            scope,
            roles=self._roles(claims),
            permissions=self._permissions(claims),
            expires_at=expires_at,
            user_id=user,
            key=user,
        )

    async def _claims(self, token: str, now: float) -> dict[str, Any]:
        algorithm, kid = _header(token)
        for source in self._keys.get(algorithm, ()):
            for key in await source.find(algorithm, kid, now):
                claims = self._signed(token, key, algorithm)
                if claims is not None:
                    return claims
        raise _foreign()

    def _signed(self, token: str, key: VerificationKey, algorithm: str) -> dict[str, Any] | None:
        """The claims of *token*; None when it is not signed with *key*."""
        try:
            return self._jwt.decode(token, key, algorithms=[algorithm], issuer=self._issuers, audience=self._audiences)
        except jwt.InvalidSignatureError:
            return None
        except jwt.PyJWTError:
            # Which check failed helps a forger more than a user, and the library's texts may quote the token.
            raise _foreign() from None

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

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[str]:
        return frozenset(role for name in self._claim_names.roles for role in _listed(claims, name))

    def _permissions(self, claims: Mapping[str, Any]) -> frozenset[str] | None:
        name = self._claim_names.permissions
        # Where the pack limits people by permission, a token that is silent about them has none.
        return None if name is None else frozenset(_listed(claims, name))


def _header(token: str) -> tuple[str, str | None]:
    """Algorithm and key id that *token* claims. Only to find the key: nothing of it is trusted before that key fits."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, UnicodeEncodeError):
        raise _foreign() from None
    algorithm = header.get("alg")
    # We understand no extension (RFC 7515 §4.1.11), nor an unencoded payload (RFC 7797).
    if not isinstance(algorithm, str) or "crit" in header or "b64" in header:
        raise _foreign()
    return algorithm, header.get("kid")


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    # Python's JSON reader takes NaN, which is in no range, and integers that no float can hold.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise _invalid(f"The token's claim '{name}' is not a time.")
    return float(value)


def _listed(claims: Mapping[str, Any], claim: str) -> list[str]:
    """What *claim* lists: one name, or several. Go writes a list without items as null, and no role as empty text."""
    value = claims.get(claim)
    listed = value if isinstance(value, list) else [value] if value else []
    if not all(text_id(name) for name in listed):
        raise _invalid(f"The token's claim '{claim}' holds something that is not a name.")
    return listed


def _foreign() -> NotAuthenticated:
    return _invalid("The token is malformed, or is not signed by this platform.")


def _invalid(detail: str) -> NotAuthenticated:
    return NotAuthenticated("token_invalid", detail)
