"""Warnings: choices of a pack that are allowed, and more often a mistake than meant.

They go by names, since a file says nothing of values. A sentence in `why` for a path is an answer, and silences them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from signalman.catalog.places import meet, meetings, names
from signalman.catalog.suspicious_access import of_access, of_readers
from signalman.channel import Catalog, Channel, EventType
from signalman.errors import Fault
from signalman.fields import KeepTree, Operation, Redaction
from signalman.net import is_host_like
from signalman.table import RowChange, Table

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class _Suspicion:
    """What a field's name makes one think."""

    names: frozenset[str]
    """Last words of names, joined by ``_`` where there are two."""
    says: str
    unless: frozenset[Operation]
    """Operators after which nothing is left of it."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GONE: frozenset[Operation] = frozenset({"null", "hash"})

_SUSPICIONS = (
    _Suspicion(
        _words(
            "token secret password passwd passphrase cookie cookies authorization jwt credential credentials signature "
            "api_key apikey private_key signing_key secret_key access_key stream_key session_key"
        ),
        "looks like a credential: leave it out",
        _GONE,
    ),
    _Suspicion(
        _words(
            "email mail phone username user_name login user_id userid user_agent useragent first_name last_name "
            "full_name real_name birthday address"
        ),
        'looks like a person\'s: leave it out, or "hash" it',
        _GONE | {"mask"},
    ),
    _Suspicion(
        _words("url urls uri uris href"),
        'is a URL, shown with user, host and query: use operator "url"',
        _GONE | {"url"},
    ),
    _Suspicion(
        _words("latitude longitude lat lon lng"),
        'is a place as exact as it comes: use operator "centroid"',
        _GONE | {"centroid"},
    ),
    _Suspicion(
        _words("message content body details description error note notes comment comments"),
        'is free text, in which names and addresses turn up: use operator "scan", or "json" where it is JSON',
        _GONE | {"scan", "json", "url"},
    ),
)


def warnings(catalog: Catalog) -> list[Fault]:
    """What is suspicious in *catalog*, as file, key and sentence. Files are named as they are within the pack's folder;
    an extension argues in a file of its own, of the same name.
    """
    found = set(of_access(catalog))
    for channel in catalog.channels.values():
        found.update(of_readers(channel, catalog.access), _of_channel(channel))
    return sorted(found)


def _of_channel(channel: Channel) -> Iterator[Fault]:
    file = f"{channel.name}.toml"
    for event in channel.events.values():
        key = f"events.{_quoted(event.name)}"
        shown = _Shown(list(leaves(event.keep)), event.redact, event.expose, event.why)
        yield from (Fault(file, f"{key}.{listing}", reason) for listing, reason in shown.suspicions("keep"))
        yield from (Fault(file, key, reason) for reason in _by_rows(event, channel.tables))
    for table in channel.tables.values():
        shown = _Shown(table.columns, table.redact, table.expose, table.why)
        key = f"tables.{table.name}"
        yield from (Fault(file, f"{key}.{listing}", reason) for listing, reason in shown.suspicions("columns"))


def leaves(tree: KeepTree, prefix: str = "") -> Iterator[str]:
    """The paths that *tree* keeps whole, without saying what is a list."""
    for name, below in tree.items():
        if below is None:
            yield prefix + name
        else:
            yield from leaves(below, f"{prefix}{name}.")


class _Shown:
    """What an event type or a table shows, and what is said of it."""

    def __init__(
        self, paths: Sequence[str], redact: Iterable[Redaction], exposed: Iterable[str], why: Mapping[str, str]
    ) -> None:
        self._paths = paths
        self._operators = dict(_operators(redact))
        self._exposed = sorted(exposed)
        self._why = why

    def suspicions(self, listing: str) -> Iterator[tuple[str, str]]:
        """Key and sentence of each; *listing* is the key that lists what is shown."""
        for path in self._exposed:
            plain = path.removesuffix("[]")
            if not self._is_argued(plain):
                host = "is named for an address, and is exposed" if is_host_like(names(plain)[-1]) else "is exposed"
                yield "expose", f'"{path}" {host}: addresses pass the net there; say in `why` that this is meant'
        for path in self._paths:
            if not self._is_argued(path) and (reason := self._reason(path)):
                yield listing, f'"{path}" {reason}'

    def _reason(self, path: str) -> str | None:
        """What is suspicious about a kept *path*, first things first."""
        operation = self._operators.get(path)
        *_, last = own = names(path)
        caught = self._caught(own)
        if caught == path:
            return 'is always removed by the net, because of its name: "mask" or "hash" it, or leave it out'
        if caught is not None:
            return f'is always removed by the net, because of the name above it, "{caught}": leave it out'
        if last == "*" and operation not in _GONE:
            what = "every key of a map" if len(own) > 1 else "every field that the platform sends"
            return f"is {what}, whatever it may be tomorrow: name the keys"
        return next(
            (each.says for each in _SUSPICIONS if _is_named(last, each.names) and operation not in each.unless), None
        )

    def _caught(self, own: tuple[str, ...]) -> str | None:
        """What the net takes by its key alone: the value at the path of names *own*, or one above it."""
        for depth in range(1, len(own) + 1):
            at = ".".join(own[:depth])
            passes = self._operators.get(at) in {"mask", "hash", "null"} or self._is_exposed(at)
            if is_host_like(own[depth - 1]) and not passes:
                return at
        return None

    def _is_exposed(self, path: str) -> bool:
        return any(each.depth == 0 for each in meetings(path, self._exposed))

    def _is_argued(self, path: str) -> bool:
        return any(each.depth >= 0 for each in meetings(path, self._why))


def _operators(redact: Iterable[Redaction]) -> Iterator[tuple[str, Operation]]:
    for each in redact:
        path = ".".join(names(each.path))
        yield path, each.operation
        if each.longitude is not None:
            yield ".".join([*names(path)[:-1], each.longitude]), each.operation


def _is_named(name: str, suspicious: frozenset[str]) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    return bool(words) and (words[-1] in suspicious or "_".join(words[-2:]) in suspicious)


def _by_rows(event: EventType, tables: Mapping[str, Table]) -> Iterator[str]:
    """Row changes read the data before redaction: what the event hides, a table may show."""
    for change in event.rows:
        table = tables[change.table]
        redacted = {operator for operator, _ in _operators(table.redact)}
        for column, path in _taken(change):
            if column in redacted or column in table.why:
                continue
            for each in event.redact:
                if meet(path, each.path):
                    what = f'operator "{each.operation}" has no part in table "{table.name}"'
                    yield f'"{path}" stands as it is in column "{column}": {what}, which may name one of its own'


def _taken(change: RowChange) -> Iterator[tuple[str, str]]:
    for setting in (*change.columns, *change.given, *change.initial):
        yield from ((setting.column, source.path) for source in setting.sources if source.path is not None)


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'
