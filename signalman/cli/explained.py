"""The way of a record, for people: stage by stage, its fields as a diff, and what subscribers see.

It is read on shared screens and pasted into issues: of what was removed only the place, the kind and the reason show.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

import orjson
from rich.console import Console
from rich.text import Text

from signalman.addresses import without_addresses
from signalman.channel import Catalog, EventType
from signalman.cli.columns import print_columns
from signalman.cli.diff import SIGNS, diff
from signalman.cli.refusal import sentence
from signalman.cli.summary import cell
from signalman.cli.visible import visible
from signalman.relay.columns import Row
from signalman.relay.explain import Explanation, Told, Way
from signalman.relay.whereabouts import Part

_LONGEST_NAME = 256
_THROW_AWAY = "pseudonyms are made with a throw-away key: channels.pseudonym_key is not set"
_INDENT = 9


class Explained:
    """Prints explanations."""

    def __init__(self, console: Console, pack: Catalog, *, has_key: bool) -> None:
        """Print on *console*; without a configured key (*has_key*) pseudonyms are others every time."""
        self._console = console
        self._pack = pack
        self._has_key = has_key

    def show(self, told: Explanation) -> None:
        """Print all that *told* knows, in the order of the stages."""
        self._decode(told)
        if told.parts:
            self._route(told)
        if told.first is not None and told.way is not None:
            self._redact(told.first, told.way)
            self._rows(told.first, told.way)
            self._publish(told, told.first)
        if told.refusal is not None:
            self._stage(told.refusal.stage, Text(sentence(told.refusal), "red"))

    def _stage(self, name: str, said: Text | str) -> None:
        print_columns(self._console, [(Text(f"{name:<7}", "bold"), said)])

    def _below(self, rows: Iterable[Sequence[Text | str]]) -> None:
        print_columns(self._console, rows, indent=_INDENT)

    def _decode(self, told: Explanation) -> None:
        self._stage("record", Text(f"of topic {_safe(told.topic)}"))
        if not told.parts:
            return
        self._stage("decode", Text("understood"))
        self._below(_part(part) for part in told.parts)

    def _route(self, told: Explanation) -> None:
        self._stage("route", self._destination(told))
        if told.way is None:
            return
        way = told.way
        lines = {
            "payload": way.declared.payload or "none",
            "lifted": ", ".join(way.lifted),
            "beside": f"{_braced(way.beside)} (out of reach)" if way.beside else "",
        }
        self._below((Text(name, "dim"), said) for name, said in lines.items() if said)

    def _destination(self, told: Explanation) -> Text:
        if told.way is None:
            if told.outcome == "signal":
                return _signal(told)
            if told.outcome == "ignored":
                return Text(f"ignored: the pack knows {_safe(told.type)} and sends it nowhere", "yellow")
            return Text(f"unknown: no channel file of the pack names {_safe(told.type)}; it goes nowhere", "yellow")
        way = told.way
        text = Text.assemble("channel ", (way.channel, "cyan"), ", event type ", (way.declared.name, "cyan"))
        if told.type != way.declared.name:
            text.append(f", which the record calls {_safe(told.type)}")
        if way.event_type.about:
            text.append(f"\n{way.event_type.about}")
        if told.outcome == "unscoped":
            missing = ", ".join(part.name for part in told.parts[4:] if not part.text)
            text.append(f"\nunscoped: without a {missing} it is nobody's, and is shown to nobody", "yellow")
        if way.declared.expand and told.outcome == "published":
            text.append("\n").append(_batch(told, way.event_type))
        return text

    def _redact(self, told: Told, way: Way) -> None:
        counts = {fate: sum(field.fate == fate for field in told.fields) for fate in SIGNS}
        self._stage("redact", Text(", ".join(f"{count} {fate}" for fate, count in counts.items())))
        self._below(diff(told.fields))
        tables = self._pack.channels[way.channel].tables
        redactions = [way.event_type.redact, *(tables[change.table].redact for change in way.event_type.rows)]
        hashes = any(each.operation == "hash" for rules in redactions for each in rules)
        if hashes and not self._has_key:
            self._below([(Text(_THROW_AWAY, "yellow"),)])

    def _rows(self, told: Told, way: Way) -> None:
        if not way.event_type.rows:
            self._stage("rows", "it changes no table")
            return
        self._stage("rows", _row_count(told))
        channel = self._pack.channels[way.channel]
        for row in told.rows:
            self._below([(_row(row, channel.tables[row["table"]].key),)])

    def _publish(self, told: Explanation, first: Told) -> None:
        feed = " / ".join((first.feed.channel, *first.feed.scope))
        others = f" and {told.others} more" if told.others else ""
        self._stage("publish", Text(f"on feed {_safe(feed)}, {len(first.json):,} bytes{others}:"))
        document = orjson.dumps(orjson.loads(first.json), option=orjson.OPT_INDENT_2).decode()
        for line in document.splitlines():
            self._console.print(Text(visible(line), "green"), soft_wrap=True)


def _signal(told: Explanation) -> Text:
    text = Text.assemble(
        "a ", ("signal", "cyan"), f" of access: {_safe(told.type)} is shown to nobody; every gateway looks "
    )
    concerned = sorted(set(told.concerns))
    if "everybody" in concerned:
        return text.append("again at everybody, since the record names nobody whom it could find", "yellow")
    return text.append(f"again at whoever has the {' or '.join(concerned)} that it names")


def _batch(told: Explanation, item: EventType) -> Text:
    count = told.others + 1 if told.first else 0
    text = Text(f"a batch of {count} {item.name}" + (": the first of them is shown" if told.others else ""))
    if told.contradictions:
        text.append(f"; {told.contradictions} more name another scope and are left out", "yellow")
    return text


def _braced(paths: Iterable[str]) -> str:
    """*paths* in their order, those below one name together: ``a, b {c, d}``."""
    groups = groupby(paths, lambda path: path.rpartition(".")[0])
    named = ((_safe(parent), ", ".join(_safe(path.rpartition(".")[2]) for path in below)) for parent, below in groups)
    return ", ".join(f"{parent} {{{names}}}" if parent else names for parent, names in named)


def _part(part: Part) -> tuple[Text, Text, Text]:
    text = Text(_safe(part.text)) if part.text else Text("missing", "red")
    return Text(part.name, "dim"), text, Text(part.found, "dim")


def _safe(text: str) -> str:
    """A text out of a record whose place is not in its payload, where nothing else judges it."""
    return visible(without_addresses(text)[:_LONGEST_NAME])


def _row_count(told: Told) -> Text:
    text = Text(f"{len(told.rows)} change{'' if len(told.rows) == 1 else 's'}")
    if not told.rows and not told.rows_unread:
        text.append(": the conditions do not hold")
    if told.rows_removed:
        text.append(f", {told.rows_removed} values removed", "red")
    if told.rows_unread:
        text.append(f", {told.rows_unread} left out because a value does not fit its column", "red")
    return text


def _row(row: Row, key: Sequence[str]) -> Text:
    values = row["row"]
    text = Text.assemble((row["op"], "yellow"), f" {row['table']} ")
    text.append(" ".join(f"{column}={cell(values.get(column))}" for column in key))
    others = [column for column in values if column not in key]
    if others:
        text.append(f"; sets {', '.join(others)}", "dim")
    if row.get("initial"):
        text.append(f"; where new: {', '.join(row['initial'])}", "dim")
    return text
