"""Compiles what a pack says about access: how its credentials look, and what of the platform's events is about them."""

from collections.abc import Iterable, Mapping, Sequence

from signalman.access_rules import AccessRules, Claims, SignalRule, Statement, TokenScheme
from signalman.catalog.findings import Findings
from signalman.catalog.names import suggestion
from signalman.catalog.pack import Pack, by_level
from signalman.catalog.pack_models import AccessShape, SignalShape, TokenShape

OWN_TOKENS = TokenScheme("hashed", "sgn_")
"""What `signalman token create` gives out, for installations without a platform."""

ASKED = {"hashed": "tokens", "split": "keys"}
"""Scheme → the statement that looks its tokens up."""

_TAKEN = {"eyJ": "JSON Web Tokens", "sgt_": "Signalman's own tickets"}
"""How other credentials begin → what they are."""


def compile_access(file: AccessShape | None, statements: Mapping[str, Statement], findings: Findings) -> AccessRules:
    """The rules; *statements* are those of ``directory.sql``, and none where there is no such file.

    A pack that names no tokens has Signalman's own where it has Signalman's own schema, else none.
    """
    file = file or AccessShape()
    if file.tokens is None:
        tokens: tuple[TokenScheme, ...] = () if statements else (OWN_TOKENS,)
    else:
        _check_tokens(file.tokens, statements, findings.at("tokens"))
        tokens = tuple(map(_scheme, file.tokens))
    return AccessRules(
        claims=Claims(file.claims.user, file.claims.roles, file.claims.permissions),
        tokens=tokens,
        statements=statements,
        match=file.match,
        operator_role=file.operator_role,
    )


def compile_signals(
    file: Mapping[str, SignalShape], pack: Pack, findings: Findings
) -> dict[tuple[str, str], SignalRule]:
    """By logical topic and event type; one without a known topic is left out, and noted."""
    signals: dict[tuple[str, str], SignalRule] = {}
    for name, signal in file.items():
        place = findings.at(name)
        if not (signal.token or signal.user or signal.scope):
            place.add("concerns nobody: `token`, `user` or `scope` must say whose access it is about")
        rule = SignalRule(signal.token, signal.user, _scope(signal.scope, pack, place.at("scope")))
        if signal.topic in pack.topics:
            signals[signal.topic, name] = rule
        else:
            place.add(f'unknown topic "{signal.topic}"{suggestion(signal.topic, pack.topics)}', "topic")
    return signals


def check_signals(
    signals: Iterable[tuple[str, str]],
    routes: Mapping[tuple[str, str], tuple[str, object]],
    ignored: frozenset[str],
    findings: Findings,
) -> None:
    """Note each signal that is sent to subscribers as well, or sent nowhere."""
    for topic, name in signals:
        if (topic, name) in routes:
            channel, _ = routes[topic, name]
            findings.add(f'is an event type of channel "{channel}": what tells of access is shown to nobody', name)
        if name in ignored:
            findings.add("is ignored as well: take it out of `pack.ignore`", name)


def _scope(given: Mapping[str, str], pack: Pack, findings: Findings) -> tuple[str, ...]:
    levels = [level.name for level in pack.levels]
    paths = by_level(given, levels, findings, complete=False)
    widest = [name for name in levels if name in paths]
    for name, expected in zip(widest, levels, strict=False):
        if name != expected:
            findings.add(f'has a meaning only with the level above it, "{expected}"', name)
            break
    return tuple(paths[name] for name in widest)


def _scheme(file: TokenShape) -> TokenScheme:
    if file.scheme == "hashed":
        return TokenScheme("hashed", file.prefix)
    return TokenScheme("split", file.prefix, file.secret_prefix or "", file.separator or ".")


def _check_tokens(tokens: Sequence[TokenShape], statements: Mapping[str, Statement], findings: Findings) -> None:
    first: dict[str, int] = {}
    for index, token in enumerate(tokens):
        place = findings.at(index)
        if first.setdefault(token.prefix, index) != index:
            place.add(f'"{token.prefix}" is the prefix of other tokens already', "prefix")
        for begins, what in _TAKEN.items():
            if begins.startswith(token.prefix) or token.prefix.startswith(begins):
                place.add(f'"{token.prefix}" is how {what} begin', "prefix")
        _check_scheme(token, statements, place)


def _check_scheme(token: TokenShape, statements: Mapping[str, Statement], findings: Findings) -> None:
    if token.scheme == "hashed":
        for key in ("secret_prefix", "separator"):
            if getattr(token, key) is not None:
                findings.add('has a meaning only with scheme = "split"', key)
    asked = ASKED[token.scheme]
    # Signalman's own schema, which is asked where the pack has no statements, holds hashes of whole tokens only.
    if asked not in statements and (statements or token.scheme == "split"):
        findings.add(f'needs statement "{asked}" in directory.sql, which looks such tokens up', "scheme")
