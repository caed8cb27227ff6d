"""Warnings about who may read: rules that are allowed, and let in more than meant, or nobody at all."""

from collections.abc import Iterator

from signalman.access_rules import AccessRules
from signalman.catalog.access import ASKED
from signalman.catalog.folders import PACK_FILE
from signalman.channel import Catalog, Channel, ScopeLevel
from signalman.errors import Fault

_SQL_FILE = "directory.sql"


def of_access(catalog: Catalog) -> Iterator[Fault]:
    """What is suspicious in the pack's rules as a whole."""
    for index, level in enumerate(catalog.levels):
        if level.optional and not level.why:
            yield Fault(PACK_FILE, f"scope[{index}].optional", _optional(level, catalog.levels[index - 1]))
    yield from _of_tokens(catalog.access)
    yield from _of_operators(catalog)
    yield from _of_people(catalog)


def of_readers(channel: Channel, rules: AccessRules) -> Iterator[Fault]:
    """What is suspicious in who may read one channel."""
    file = f"{channel.name}.toml"
    if not channel.roles:
        yield Fault(file, "roles", "is not there or empty: no person reads this channel, only programs with API tokens")
    for permission in sorted(channel.permissions):
        if "*" in permission:
            reason = f'"{permission}" is no pattern here: somebody must hold exactly this permission'
            yield Fault(file, "permissions", reason)
        elif rules.match == "segments" and not all(permission.split(":")):
            yield Fault(file, "permissions", f'"{permission}" has an empty segment, so that no permission opens it')


def _optional(level: ScopeLevel, above: ScopeLevel) -> str:
    name = level.name
    return f"who comes without a {name} reaches every {name} of his {above.name}: say in `why` that this is meant"


def _of_tokens(rules: AccessRules) -> Iterator[Fault]:
    for index, scheme in enumerate(rules.tokens):
        for other in rules.tokens:
            if other is not scheme and other.prefix.startswith(scheme.prefix):
                reason = f'"{scheme.prefix}" is how "{other.prefix}" begins: one may be taken for the other'
                yield Fault(PACK_FILE, f"access.tokens[{index}].prefix", reason)
    schemes = {scheme.kind for scheme in rules.tokens}
    for kind, name in ASKED.items():
        if name in rules.statements and kind not in schemes:
            yield Fault(_SQL_FILE, name, f'is never asked: no [[access.tokens]] has scheme = "{kind}"')


def _of_operators(catalog: Catalog) -> Iterator[Fault]:
    role = catalog.access.operator_role
    event = next(
        (event.name for channel in catalog.channels.values() for event in channel.events.values() if event.platform),
        None,
    )
    if role is not None and event is None:
        reason = f'"{role}" opens nothing: no event type says platform = true'
        yield Fault(PACK_FILE, "access.operator_role", reason)
    if role is None and event is not None:
        reason = f'is not there: nobody but accounts sees what belongs to no tenant, such as event type "{event}"'
        yield Fault(PACK_FILE, "access.operator_role", reason)


def _of_people(catalog: Catalog) -> Iterator[Fault]:
    rules = catalog.access
    if "users" in rules.statements:
        return
    if not rules.claims.roles and any(channel.roles for channel in catalog.channels.values()):
        yield Fault(PACK_FILE, "access.claims.roles", "names no claim, and channels ask for roles: nobody has one")
    if not rules.tokens and rules.claims.permissions is None:
        reason = "there are no API tokens, and no claim of permissions: those that channels ask for, nobody holds"
        yield Fault(PACK_FILE, "access", reason)
