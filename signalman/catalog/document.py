"""A pack as a document: each event type and table, what is done to each of their fields, and why.

For people who must answer for what leaves a platform. It is made out of the compiled pack, so that it cannot say
anything else than what happens. `docs/redaction.md` has the one of the pack that ships.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from signalman.catalog.places import names
from signalman.catalog.suspicious import leaves
from signalman.channel import Catalog, Channel, EventType
from signalman.fields import Redaction
from signalman.table import Table

SHOWN = "shown"
NOT_SHOWN = "not shown"

_OPERATORS = {
    "drop": "taken out of what is shown around it",
    "null": "always null",
    "mask": "an address becomes its network, IPv4 a /24 and IPv6 a /48",
    "hash": "a pseudonym, the same for the same value within a scope",
    "url": "a URL becomes its scheme and path: no user, host, port or query",
    "scan": "addresses in the text become `[address]`",
}


class _Entry(NamedTuple):
    """One field or column."""

    path: tuple[str, ...]
    verdict: str
    why: str


class _Rules(NamedTuple):
    """What a pack says of the fields of one event type, or of the columns of one table."""

    redact: tuple[Redaction, ...]
    drop: Mapping[str, str]
    why: Mapping[str, str]
    expose: frozenset[str]


def document(catalog: Catalog) -> str:
    """*catalog* as Markdown, with headings from the second level on; it ends with a newline."""
    channels = catalog.channels.values()
    parts = [
        _index(catalog),
        "In the tables below a dot goes into an object, or into each object of a list; `*` is every key of a map.",
        *(part for channel in channels for part in _channel(channel)),
    ]
    if catalog.signals:
        told = "Event types that say whose access may have changed. They are shown to nobody"
        parts += ["## About access", f"{told}: {_listed(sorted(name for _, name in catalog.signals))}."]
    if catalog.ignored:
        ignored = sorted(catalog.ignored)
        parts += ["## Sent nowhere", f"Event types that are known, and that no channel has: {_listed(ignored)}."]
    return "\n\n".join(parts) + "\n"


def _index(catalog: Catalog) -> str:
    rows = [
        (
            _link(channel.name, f"channel-{channel.name}"),
            ", ".join(map(_link, channel.events)),
            ", ".join(_link(name, f"table-{name}") for name in channel.tables),
        )
        for channel in catalog.channels.values()
    ]
    return _table(("channel", "event types", "tables"), rows)


def _channel(channel: Channel) -> Iterator[str]:
    yield f"## Channel `{channel.name}`"
    people = f"a person one of the roles {_listed(sorted(channel.roles))}" if channel.roles else "no person reads it"
    tokens = f"A token needs one of the permissions {_listed(sorted(channel.permissions))}"
    yield f"{channel.description} {tokens}, {people}."
    for event in channel.events.values():
        yield from _event(event)
    for table in channel.tables.values():
        yield from _rows_of(table)


def _event(event: EventType) -> Iterator[str]:
    rules = _Rules(event.redact, event.drop, event.why, event.expose)
    shown = (
        [] if event.expand else [_with_source(each, event) for each in _shown(map(names, leaves(event.keep)), rules)]
    )
    entries = [*shown, *_not_shown(event.drop)]
    yield f"### `{event.name}`"
    yield " ".join(filter(None, [event.about, *_facts(event), _count(entries)]))
    if entries:
        yield _table(("field", "subscribers get", "why"), _grouped(entries))


def _facts(event: EventType) -> Iterator[str]:
    if event.platform:
        yield "Where it is of no tenant, it is for those who run the platform."
    if event.aliases:
        yield f"Also called {_listed(event.aliases)}."
    if event.expand:
        yield f"Each of its `{event.expand.items}` becomes an event of its own, {_link(event.expand.type)}."
        if event.expand.inherit:
            yield f"Where it has none, it gets {_listed(event.expand.inherit)} from the batch."
    tables = dict.fromkeys(change.table for change in event.rows)
    if tables:
        yield f"Changes table {', '.join(_link(name, f'table-{name}') for name in tables)}."


def _rows_of(table: Table) -> Iterator[str]:
    rules = _Rules(table.redact, table.drop, table.why, table.expose)
    derived = [_Entry((name,), SHOWN, "in no store: Signalman's own") for name in table.derived]
    entries = [*_shown(((name,) for name in table.columns), rules), *derived, *_not_shown(table.drop)]
    changed_by = f"Changed by {', '.join(map(_link, sorted(table.changed_by)))}." if table.changed_by else ""
    yield f"### Table `{table.name}`"
    yield " ".join(filter(None, [table.about, f"Rows of `{table.source}`.", changed_by, _count(entries)]))
    yield _table(("column", "subscribers get", "why"), _grouped(entries))


def _shown(paths: Iterable[tuple[str, ...]], rules: _Rules) -> Iterator[_Entry]:
    """An entry for each path that is kept, and after it one for each place in it that has an operator of its own."""
    done = {place: each for each in rules.redact if each.operation != "drop" for place in _places(each)}
    reasons = {names(path): why for path, why in rules.why.items()}
    exposed = {names(path) for path in rules.expose}
    for path in paths:
        places = [path, *(place for place in done if place != path and _lies_in(place, path))]
        for place in places:
            why = next((reasons[place[:depth]] for depth in range(len(place), 0, -1) if place[:depth] in reasons), "")
            if place in done:
                redaction = done[place]
                yield _Entry(place, f"changed: `{redaction.operation}`", _joined(_in_words(redaction), why))
            else:
                yield _Entry(place, f"{SHOWN}, past the net" if place in exposed else SHOWN, why)


def _lies_in(place: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether *place* is at or below *path*, in which ``*`` is every key."""
    return len(place) >= len(path) and all(own in {"*", name} for own, name in zip(path, place, strict=False))


def _places(redaction: Redaction) -> list[tuple[str, ...]]:
    place = names(redaction.path)
    return [place] if redaction.longitude is None else [place, (*place[:-1], redaction.longitude)]


def _not_shown(drop: Mapping[str, str]) -> list[_Entry]:
    return [_Entry(names(path), NOT_SHOWN, why) for path, why in drop.items()]


def _in_words(redaction: Redaction) -> str:
    if redaction.operation == "centroid":
        return f"the centre of the H3 cell of resolution {redaction.resolution} that the place lies in"
    if redaction.operation == "json":
        return f"JSON in a text; of it {_listed(leaves(redaction.keep))}"
    return _OPERATORS[redaction.operation]


def _with_source(entry: _Entry, event: EventType) -> _Entry:
    """*entry*, with the place of the record where it is lifted from, unless that is its own place in the payload."""
    name = entry.path[0]
    if name not in event.lift:
        return entry
    own = f"{event.payload}."
    sources = [_source(path, own, name) for path in event.lift[name]]
    # What no candidate has, the payload's own field fills in.
    order = list(dict.fromkeys([*sources, "the payload"]))
    return (
        entry if order == ["the payload"] else entry._replace(why=_joined(entry.why, f"from {', else '.join(order)}"))
    )


def _source(path: str, payload: str, name: str) -> str:
    if not path.startswith(payload):
        return f"`{path}`"
    field = path.removeprefix(payload)
    return "the payload" if field == name else f"the payload's `{field}`"


def _grouped(entries: Iterable[_Entry]) -> Iterator[tuple[str, str, str]]:
    """A row for each run of fields that lie side by side and have the same said of them."""
    for (above, verdict, why), run in groupby(entries, lambda each: (each.path[:-1], each.verdict, each.why)):
        last = [each.path[-1] for each in run]
        if above and len(last) > 1:
            yield f"`{'.'.join(above)}`: {_listed(last)}", verdict, why
        else:
            yield _listed(".".join((*above, name)) for name in last), verdict, why


def _count(entries: Iterable[_Entry]) -> str:
    verdicts = [each.verdict.partition(":")[0].partition(",")[0] for each in entries]
    counts = ((verdicts.count(verdict), verdict) for verdict in (SHOWN, "changed", NOT_SHOWN))
    text = ", ".join(f"{count} {verdict}" for count, verdict in counts if count)
    return f"({text})" if text else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts)


def _link(name: str, anchor: str = "") -> str:
    return f"[`{name}`](#{anchor or name})"


def _joined(*sentences: str) -> str:
    return "; ".join(filter(None, sentences))
