"""Who may read what a pack serves, for people: credentials, signals, and the readers of a channel."""

from collections.abc import Iterator

from signalman.access_rules import SignalRule, TokenScheme
from signalman.channel import Catalog, Channel

Labelled = Iterator[tuple[str, str]]
"""A label, and what it labels."""

_MATCH = {"exact": "", "segments": "; of what is held, * stands for any one segment"}


def credentials(pack: Catalog) -> Labelled:
    """What people and programs come with, and who is asked about them."""
    rules = pack.access
    scope = ", ".join(level.claim for level in pack.levels)
    roles = f", roles in {' and '.join(rules.claims.roles)}" if rules.claims.roles else ""
    permissions = f", permissions in {rules.claims.permissions}" if rules.claims.permissions else ""
    yield "people", f"JSON Web Tokens with user in {rules.claims.user}, scope in {scope}{roles}{permissions}"
    schemes = "; ".join(map(_scheme, rules.tokens))
    yield "tokens", f"{schemes}{_MATCH[rules.match]}" if schemes else "none"
    if rules.statements:
        yield "asked", f"the platform's accounts: {', '.join(rules.statements)}"
    else:
        yield "asked", "Signalman's own accounts"
    if rules.operator_role is not None:
        yield "operate", f"people with role {rules.operator_role}, where configuration lets them"


def signals(pack: Catalog) -> Labelled:
    """Each event type that is about access, and whom it concerns."""
    levels = [level.name for level in pack.levels]
    return ((name, f"Look again at {_concerned(rule, levels)}") for (_, name), rule in pack.signals.items())


def readers(channel: Channel, pack: Catalog) -> Labelled:
    """Who may read *channel*, and of whom."""
    tokens = f"tokens with permission {' or '.join(sorted(channel.permissions))}"
    people = f"people with role {' or '.join(sorted(channel.roles))}" if channel.roles else "no people"
    if channel.roles and pack.access.claims.permissions is not None:
        people += ", and with one of these permissions"
    narrowest = pack.levels[-1].name if pack.levels else "scope"
    yield "readers", f"{tokens}; {people}; each within the own {narrowest if len(pack.levels) == 1 else 'scope'} only"
    if any(event.platform for event in channel.events.values()):
        yield "", "operators, of what belongs to the platform itself"


def _scheme(scheme: TokenScheme) -> str:
    if scheme.kind == "hashed":
        return f"{scheme.prefix}…, known by SHA-256"
    return f"{scheme.prefix}…{scheme.separator}{scheme.secret_prefix}…, id and secret, known by Argon2id"


def _concerned(rule: SignalRule, levels: list[str]) -> str:
    parts = []
    if rule.token:
        parts.append(f"the token in {rule.token}")
    if rule.user:
        parts.append(f"the user in {rule.user}")
    if rule.scope:
        named = zip(levels, rule.scope, strict=False)
        parts.append(", ".join(f"the {level} in {path}" for level, path in named))
    return " and ".join(parts)
