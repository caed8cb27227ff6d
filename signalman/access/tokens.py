"""API tokens that are known by their SHA-256, such as the platform's ``fw_…`` and Signalman's own ``sgn_…``.

A fast hash is enough: the tokens are 256 random bits, so there is nothing to guess.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from signalman.access.credentials import scheme_of
from signalman.access.holders import refused, token_principal
from signalman.access.own_tokens import PREFIX, is_intact
from signalman.access.way import Checked
from signalman.access_ports import Directory
from signalman.access_rules import TokenScheme
from signalman.channel import ScopeLevel
from signalman.principal import Principal

LONGEST = 200
"""Characters. FrameWorks' own have 67."""

_FORM = re.compile(rf"[\x21-\x7e]{{1,{LONGEST}}}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def token_hash(token: str) -> str:
    """SHA-256 of the whole token, prefix included, in lower-case hexadecimal."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()


class HashedTokens:
    """Turns an API token into who it speaks for.

    Args:
        schemes: All of the pack's; those of kind ``hashed`` are taken.
        directory: Who knows the tokens.
        levels: The catalog's.
    """

    kind: Checked = "hashed"

    def __init__(self, schemes: Iterable[TokenScheme], directory: Directory, levels: Sequence[ScopeLevel]) -> None:
        self._schemes = tuple(schemes)
        self._directory = directory
        self._levels = tuple(levels)

    def takes(self, credential: str) -> bool:
        """Whether it begins as one of the schemes says."""
        scheme = scheme_of(credential, self._schemes)
        return scheme is not None and scheme.kind == "hashed"

    def made(self, principal: Principal) -> bool:
        """Whether it is known by a digest."""
        return principal.kind == "token" and _DIGEST.fullmatch(str(principal.key)) is not None

    async def authenticate(self, credential: str, now: float) -> Principal:
        """Who the token speaks for. The directory sees its digest only.

        Raises:
            NotAuthenticated: ``token_invalid``, in the same words whatever is wrong with it.
            BackendUnavailable: The directory does not answer.
        """
        if not self._has_form(credential):
            raise refused()
        digest = token_hash(credential)
        holder = (await self._directory.tokens([digest])).get(digest)
        principal = token_principal(holder, digest, self._levels, now)
        if principal is None:
            raise refused()
        return principal

    async def recheck(self, principals: Collection[Principal], now: float) -> Mapping[Principal, Principal | None]:
        """All of *principals* as they are now, with one question for all.

        Raises:
            BackendUnavailable: The directory does not answer.
        """
        digests = {each: str(each.key) for each in principals}
        found = await self._directory.tokens(set(digests.values()))
        return {
            each: token_principal(found.get(digest), digest, self._levels, now, was=each)
            for each, digest in digests.items()
        }

    def _has_form(self, token: str) -> bool:
        whole = not token.startswith(PREFIX) or is_intact(token)
        return whole and _FORM.fullmatch(token) is not None and self.takes(token)
