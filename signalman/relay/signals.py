"""Records that say whose access may have changed: they become notices to all gateways, and events to nobody.

What such a record says is not believed, only looked into: a notice makes a gateway ask the platform's accounts again.
So a record that names nobody whom we could find concerns everybody: asking in vain costs a query, and not asking could
leave a door open.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b

from signalman.access_rules import SignalRule
from signalman.channel import Catalog, ScopeLevel
from signalman.errors import DecodeError
from signalman.event import Decoded, Json, OutgoingEvent, Record
from signalman.notice import EVERYBODY, NOTICES, Notice, notice
from signalman.relay.identity import SIZE
from signalman.relay.path import Path, candidates, follow, lacks
from signalman.relay.publish import Addressed
from signalman.relay.scope import LONGEST, canonical


class Signals:
    """The signals of a pack. Pure."""

    def __init__(self, catalog: Catalog) -> None:
        self._rules = {key: _Rule(rule, catalog.levels) for key, rule in catalog.signals.items()}

    def notices(self, decoded: Decoded) -> tuple[Notice, ...]:
        """Whom *decoded* concerns; empty where it is no signal, never where it is one."""
        rule = self._rules.get((decoded.topic, decoded.type))
        return () if rule is None else rule.notices(decoded.body)


class _Rule:
    """Where a signal names whom it concerns, compiled."""

    def __init__(self, rule: SignalRule, levels: tuple[ScopeLevel, ...]) -> None:
        self._token = candidates(rule.token) if rule.token else ()
        self._user = candidates(rule.user) if rule.user else ()
        self._scope = tuple((candidates(path), level) for path, level in zip(rule.scope, levels, strict=False))

    def notices(self, body: Mapping[str, Json]) -> tuple[Notice, ...]:
        named = []
        if token := _text(body, self._token):
            named.append(notice("token", token))
        if user := _text(body, self._user):
            named.append(notice("user", user))
        if scope := tuple(self._levels(body)):
            named.append(notice("scope", *scope))
        return tuple(named) or (EVERYBODY,)

    def _levels(self, body: Mapping[str, Json]) -> Iterator[str]:
        """The scope's ids from the widest level on, as far as they are there and well-formed."""
        for paths, level in self._scope:
            try:
                text = canonical(_text(body, paths), level.type, level.name)
            except DecodeError:
                return
            if not text:
                return
            yield text


def address_notices(record: Record, decoded: Decoded, notices: tuple[Notice, ...]) -> list[Addressed]:
    """*notices* that *record*, which reads as *decoded*, gives rise to, ready to be published."""
    return [(NOTICES, OutgoingEvent(record, _identity(decoded, each), each.encode())) for each in notices]


def _identity(decoded: Decoded, each: Notice) -> bytes:
    named = f"{decoded.type}\0{decoded.source}\0{decoded.id}\0".encode("utf-8", "surrogatepass")
    return blake2b(named + each.encode(), digest_size=SIZE).digest()


def _text(body: Mapping[str, Json], paths: tuple[Path, ...]) -> str:
    for path in paths:
        value = follow(body, path)
        if not lacks(value):
            return value if isinstance(value, str) and len(value) <= LONGEST else ""
    return ""
