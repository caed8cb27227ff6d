"""Packs that keep much: what an allow-list lets through is where the operators and the net have to hold."""

from collections.abc import Iterator, Sequence

from signalman.catalog import default_folder, load
from signalman.channel import Catalog, Channel, Envelope, EventType, ScopeLevel, Topic
from signalman.fields import KeepTree, Operation, Redaction
from signalman.table import ColumnType, RowChange, Setting, Source, Table
from tests.fuzz.choices import Choices, choose, once_in, some
from tests.fuzz.values import HOST_LIKE, NAMES

FRAMEWORKS = load(default_folder("frameworks"))
NAMES_IN_KAFKA = {"records": "records"}
_ENVELOPE = Envelope("id", "type", "time", "source", ("tenant",))
_OPERATIONS: tuple[Operation, ...] = ("drop", "null", "mask", "hash", "url", "scan", "json")
_EMBEDDED: KeepTree = {"a": None, "b": {"x": None, "*": None}, "host": None}

WHOLE: KeepTree = dict.fromkeys(("a", "b", "name", "note", "labels", "items", "upload_id", "reason", "host"))
MAPS: KeepTree = {"labels": {"*": None}, "a": {"*": {"x": None, "labels": None}}, "items": {"*": {"*": None}}}
LISTS: KeepTree = {"items": {"name": None, "labels": {"*": None}, "b": {"x": None}}, "a": {"b": {"name": None}}}
OPERATED: KeepTree = {
    "a": None,
    "b": {"x": None, "name": None},
    "items": {"note": None, "name": None},
    "labels": {"*": None},
}
PLACES: KeepTree = {
    "name": None,
    "latitude": None,
    "longitude": None,
    "items": {"latitude": None, "longitude": None, "x": None},
}


def event_type(
    name: str,
    keep: KeepTree,
    *,
    redact: tuple[Redaction, ...] = (),
    expose: frozenset[str] = frozenset(),
    subject: str | None = None,
    rows: tuple[RowChange, ...] = (),
) -> EventType:
    """An event type whose payload is the record's ``data``."""
    return EventType(name, "records", "data", {}, (), keep, expose, subject, redact=redact, rows=rows)


def pack(*types: EventType, tables: Sequence[Table] = ()) -> Catalog:
    """A pack of one channel of *types* and *tables*."""
    events, by_name = {each.name: each for each in types}, {table.name: table for table in tables}
    channel = Channel("all", "All", "All", frozenset(), events, {}, by_name)
    return Catalog(
        pack="generous",
        title="Generous",
        levels=(ScopeLevel("tenant", "string", "tenant"),),
        topics={"records": Topic("records", "records", "signalman", _ENVELOPE)},
        channels={"all": channel},
        ignored=frozenset(),
        routes={("records", each.name): ("all", each) for each in types},
    )


_COLUMNS = ("a", "b", "note", "name", "upload_id", "host", "latitude", "longitude", "reason")
TABLE = Table(
    name="seen",
    title="Seen",
    source="seen_current",
    scope=("tenant",),
    scope_types=("string",),
    key=("name",),
    columns=_COLUMNS,
    version=None,
    where=(),
    max_rows=100,
    expose=frozenset({"reason"}),
    redact=(
        Redaction("name", "hash"),
        Redaction("a", "mask"),
        Redaction("b", "url"),
        Redaction("note", "scan"),
        Redaction("upload_id", "json", keep=_EMBEDDED),
        Redaction("latitude", "centroid", longitude="longitude"),
    ),
)


def _setting(column: str) -> Setting:
    kind: ColumnType = "number" if column in {"latitude", "longitude"} else "text"
    return Setting(column, kind, nullable=True, sources=(Source(path=column),))


SEEN = RowChange(
    "seen",
    "upsert",
    columns=tuple(map(_setting, ("a", "b", "name"))),
    given=tuple(map(_setting, ("host", "latitude", "longitude"))),
    initial=tuple(map(_setting, ("reason", "note", "upload_id"))),
)
GENEROUS = pack(
    event_type("whole", WHOLE, subject="note", rows=(SEEN,)),
    event_type("maps", MAPS),
    event_type("lists", LISTS),
    event_type(
        "exposed",
        {"a": None, "labels": {"*": {"host": None, "x": None}}, "items": None, "host": None},
        expose=frozenset({"a", "labels.*.host", "items[]", "items[].client_ip"}),
        subject="a",
    ),
    event_type(
        "operated",
        OPERATED,
        redact=(
            Redaction("a", "mask"),
            Redaction("b.x", "hash"),
            Redaction("b.name", "url"),
            Redaction("items[].note", "scan"),
            Redaction("items[].name", "null"),
            Redaction("labels.*", "json", keep=_EMBEDDED),
        ),
    ),
    event_type(
        "places",
        PLACES,
        redact=(
            Redaction("latitude", "centroid", longitude="longitude"),
            Redaction("items[].latitude", "centroid", longitude="longitude", resolution=9),
        ),
        rows=(SEEN,),
    ),
    tables=(TABLE,),
)
"""Everything that an allow-list can say, and each operator."""


def any_pack(choices: Choices) -> Catalog:
    """A pack of one event type, put together at random: what it keeps, and what is done to that."""
    keep = _tree(choices, 2)
    redact = tuple(_redactions(choices, keep))
    return pack(event_type("any", keep, redact=redact))


def _tree(choices: Choices, depth: int) -> dict[str, KeepTree | None]:
    # A map of any keys has no named ones.
    names = ["*"] if once_in(choices, 5) else [*some(choices, NAMES[:5]), choose(choices, (*NAMES, *HOST_LIKE))]
    return {name: _tree(choices, depth - 1) if depth and not choices.integer(0, 2) else None for name in names}


def _redactions(choices: Choices, keep: KeepTree) -> Iterator[Redaction]:
    if keep.get("latitude", keep) is None and keep.get("longitude", keep) is None and choices.integer(0, 1):
        yield Redaction("latitude", "centroid", longitude="longitude", resolution=choices.integer(0, 15))
        keep = {name: below for name, below in keep.items() if name not in {"latitude", "longitude"}}
    for path in _leaves(choices, keep):
        if choices.integer(0, 1):
            operation = choose(choices, _OPERATIONS)
            # Below what is kept whole an operator may reach as well.
            deeper = f"{path}.{choose(choices, NAMES)}" if once_in(choices, 6) else path
            yield Redaction(deeper, operation, keep=_EMBEDDED if operation == "json" else {})


def _leaves(choices: Choices, keep: KeepTree) -> Iterator[str]:
    for name, below in keep.items():
        if below is None:
            yield name
        else:
            many = "[]" if name != "*" and choices.integer(0, 1) else ""
            yield from (f"{name}{many}.{path}" for path in _leaves(choices, below))
