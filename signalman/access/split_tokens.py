"""Split tokens, ``<id><separator><secret>``: the directory has an Argon2id hash of the secret under the id.

What is remembered is only whether a secret fits a hash. Whether the key is good is asked of the directory each time.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import structlog

from signalman.access.argon2_hash import USUAL, Cost, cost_of, nobodys
from signalman.access.argon2_pool import Argon2Pool
from signalman.access.credentials import scheme_of
from signalman.access.holders import refused, token_principal
from signalman.access.verdicts import Verdicts
from signalman.access.way import Checked
from signalman.access_ports import Directory, Holder
from signalman.access_rules import TokenScheme
from signalman.channel import ScopeLevel
from signalman.principal import Principal

LONGEST_ID = 128
LONGEST_SECRET = 256

_KNOWN_BY = re.compile(r"(.+):[0-9a-f]{32}")

log = structlog.get_logger(__name__)


class SplitTokens:
    """Turns a split token into who it speaks for.

    An id that is unknown costs a check like one that is known, so that how long an answer takes tells nothing.

    Args:
        schemes: All of the pack's; those of kind ``split`` are taken.
        directory: Who knows the keys.
        levels: The catalog's.
        pool: Who checks.
        verdicts: What has been found of late.
        memory_kib: A hash whose check takes more memory fits nobody.
    """

    kind: Checked = "split"

    def __init__(
        self,
        schemes: Iterable[TokenScheme],
        directory: Directory,
        levels: Sequence[ScopeLevel],
        *,
        pool: Argon2Pool,
        verdicts: Verdicts,
        memory_kib: int,
    ) -> None:
        self._schemes = tuple(schemes)
        self._directory = directory
        self._levels = tuple(levels)
        self._pool = pool
        self._verdicts = verdicts
        self._memory_kib = memory_kib
        self._cost = Cost(min(USUAL.memory_kib, memory_kib), USUAL.passes, USUAL.lanes)
        self._nobodys = nobodys(self._cost)

    def takes(self, credential: str) -> bool:
        """Whether it begins as one of the schemes says."""
        return self._scheme(credential) is not None

    def made(self, principal: Principal) -> bool:
        """Whether it is known by the id of a key."""
        return principal.kind == "token" and _KNOWN_BY.fullmatch(str(principal.key)) is not None

    async def authenticate(self, credential: str, now: float) -> Principal:
        """Who the key speaks for. The directory sees its id only.

        Raises:
            NotAuthenticated: ``token_invalid``, in the same words whatever is wrong with it.
            Limited: ``overloaded``: too many keys are being checked.
            BackendUnavailable: The directory does not answer.
        """
        parts = self._taken_apart(credential)
        if parts is None:
            raise refused()
        name, secret = parts
        holder = await self._holder(name, secret)
        if holder is None:
            raise refused()
        principal = token_principal(holder, _known_by(name, holder), self._levels, now)
        if principal is None:
            raise refused()
        return principal

    async def recheck(self, principals: Collection[Principal], now: float) -> Mapping[Principal, Principal | None]:
        """All of *principals* as they are now, with one question for all. A key whose secret was replaced under the
        same id is another key.

        Raises:
            BackendUnavailable: The directory does not answer.
        """
        names = {each: str(each.key).rpartition(":")[0] for each in principals}
        found = await self._directory.keys(set(names.values()))
        return {each: self._still(each, name, found.get(name), now) for each, name in names.items()}

    def _still(self, was: Principal, name: str, holder: Holder | None, now: float) -> Principal | None:
        if holder is None or _known_by(name, holder) != was.key:
            return None
        return token_principal(holder, was.key, self._levels, now, was=was)

    async def _holder(self, name: str, secret: str) -> Holder | None:
        """Whose key it is; None where the secret is not that of a key that may be used."""
        holder = (await self._directory.keys([name])).get(name)
        stored = self._usable(holder)
        checked = stored or self._nobodys
        fits = await self._verdicts.of((name, secret, checked), lambda: self._pool.fits(secret, checked))
        return holder if fits and stored is not None else None

    def _usable(self, holder: Holder | None) -> str | None:
        if holder is None:
            return None
        stored = str(holder.secret_hash)
        cost = cost_of(stored)
        if cost is None or cost.memory_kib > self._memory_kib:
            log.warning(
                "key_hash_refused",
                key=holder.id,
                reason="no Argon2id hash" if cost is None else "needs more memory than access.argon2_memory_kib",
            )
            return None
        if cost != self._cost:
            # What the platform's keys really cost, from the first one on.
            self._cost, self._nobodys = cost, nobodys(cost)
        return stored

    def _scheme(self, credential: str) -> TokenScheme | None:
        scheme = scheme_of(credential, self._schemes)
        return scheme if scheme is not None and scheme.kind == "split" else None

    def _taken_apart(self, credential: str) -> tuple[str, str] | None:
        """Id and secret, each with its prefix."""
        scheme = self._scheme(credential)
        if scheme is None:
            return None
        rest, _, secret = credential.removeprefix(scheme.prefix).partition(scheme.separator + scheme.secret_prefix)
        name, secret = scheme.prefix + rest, scheme.secret_prefix + secret
        longest = len(name) > LONGEST_ID or len(secret) > LONGEST_SECRET
        return None if not rest or secret == scheme.secret_prefix or longest else (name, secret)


def _known_by(name: str, holder: Holder) -> str:
    """What a principal is looked at again by: the key's id, and which secret it had. The hash is salted and slow; its
    digest tells nothing about the secret.
    """
    mark = hashlib.sha256(repr(holder.secret_hash).encode()).hexdigest()[:32]
    return f"{name}:{mark}"
