"""What a pack serves, for people: its channels, who may read them, what is in them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat

from rich.console import Console
from rich.text import Text

from signalman.channel import Catalog, Channel, EventType, Limits
from signalman.cli.channels_readers import credentials, readers, signals
from signalman.cli.columns import print_columns
from signalman.fields import KeepTree, Redaction
from signalman.table import ClockRule, Table

_SLOW_READER = {
    "reset": "a client that falls behind gets everything anew",
    "skip": "a client that falls behind goes on with the newest events",
}

Lines = Iterator[tuple[str, str]]
"""A label, empty where it is that of the line before, and what it labels."""


class Listing:
    """Prints what a pack has."""

    def __init__(self, console: Console, pack: Catalog) -> None:
        self._console = console
        self._pack = pack
        self._scope = " / ".join(f"{level.name} (optional)" if level.optional else level.name for level in pack.levels)

    def pack(self) -> None:
        """The pack itself, and each channel in short."""
        pack = self._pack
        self._console.print(Text.assemble((pack.pack, "bold"), f"  {pack.title}"), soft_wrap=True)
        topics = ", ".join(topic.default for topic in pack.topics.values())
        ignored = f"{len(pack.ignored)} event types are known and sent nowhere"
        self._labelled([("scope", self._scope), ("topics", topics), ("ignored", ignored)])
        self._labelled(credentials(pack))
        self._named("signals", signals(pack))
        for channel in pack.channels.values():
            self._head(channel)
            self._named("events", ((each.name, _event(each)) for each in channel.events.values()))
            self._labelled([("filters", ", ".join(channel.filters))])
            self._named("tables", ((each.name, _table(each)) for each in channel.tables.values()))
            self._labelled(_behaviour(channel, in_full=False))

    def channel(self, channel: Channel) -> None:
        """Everything about one channel."""
        self._head(channel)
        for event in channel.events.values():
            self._entry("event", event.name, _event_in_full(event), _event_lines(event))
        self._console.print()
        self._named("filters", ((each.name, f"{each.title} ({each.type})") for each in channel.filters.values()))
        for table in channel.tables.values():
            self._entry("table", table.name, _table_in_full(table), _table_lines(table))
        self._console.print()
        self._labelled(_behaviour(channel, in_full=True))

    def _head(self, channel: Channel) -> None:
        self._console.print()
        self._console.print(Text.assemble((channel.name, "bold cyan"), f"  {channel.title}"), soft_wrap=True)
        print_columns(self._console, [(channel.description,)], indent=2)
        self._labelled(readers(channel, self._pack))

    def _labelled(self, lines: Iterable[tuple[str, str]], *, indent: int = 2) -> None:
        print_columns(self._console, [(_label(name), text) for name, text in lines if text], indent=indent)

    def _named(self, label: str, pairs: Iterable[tuple[str, str]]) -> None:
        labels = chain([label], repeat(""))
        rows = [(_label(first), Text(name, "cyan"), text) for first, (name, text) in zip(labels, pairs, strict=False)]
        print_columns(self._console, rows, indent=2)

    def _entry(self, label: str, name: str, about: str, lines: Lines) -> None:
        self._console.print()
        print_columns(self._console, [(_label(label), Text(name, "cyan"))], indent=2)
        self._labelled([("about", about), *lines], indent=11)


def _label(text: str) -> Text:
    return Text(f"{text:<7}", "dim")


def _behaviour(channel: Channel, *, in_full: bool) -> Lines:
    limits = channel.limits
    if in_full or limits != Limits():
        yield "limits", f"{limits.event_bytes:,} bytes in an event, {limits.filter_values:,} values in a filter"
    if in_full or channel.slow_reader != "reset":
        yield "slow", f"{_SLOW_READER[channel.slow_reader]} ({channel.slow_reader})"


def _event(event: EventType) -> str:
    return _sentence(event.about or _batch(event), _aliases(event), _platform(event))


def _event_in_full(event: EventType) -> str:
    return _sentence(event.about, _batch(event), _aliases(event), _platform(event), f"Topic {event.topic}")


def _event_lines(event: EventType) -> Lines:
    yield "shown", ", ".join(_paths(event.keep))
    yield from _judged(event)


def _batch(event: EventType) -> str:
    return f"A batch of {event.expand.type}" if event.expand else ""


def _platform(event: EventType) -> str:
    return "For operators where it has no scope" if event.platform else ""


def _aliases(event: EventType) -> str:
    return f"Also known as {', '.join(event.aliases)}" if event.aliases else ""


def _sentence(*parts: str) -> str:
    return " ".join(f"{part.removesuffix('.')}." for part in parts if part)


def _table(table: Table) -> str:
    return _sentence(table.title, f"Key {', '.join(table.key)}", _changes(table))


def _table_in_full(table: Table) -> str:
    return _sentence(table.about or table.title, f"From {table.source}, at most {table.max_rows:,} rows")


def _table_lines(table: Table) -> Lines:
    yield "key", ", ".join(table.key)
    yield "columns", ", ".join((*table.columns, *table.derived))
    yield from _judged(table)
    yield "changes", _changes(table)
    yield from _first_labelled("time", map(_clock, table.clock))


def _judged(rules: EventType | Table) -> Lines:
    """What is done to values and why, the same for fields and for columns."""
    yield from _first_labelled("because", _reasons(rules.why))
    # What is taken out stands among the hidden, with its reason.
    yield from _first_labelled("changed", (_operator(each) for each in rules.redact if each.operation != "drop"))
    yield from _first_labelled("hidden", _reasons(rules.drop))
    yield "exposed", ", ".join(sorted(rules.expose))


def _first_labelled(label: str, lines: Iterable[str]) -> Lines:
    yield from zip(chain([label], repeat("")), lines, strict=False)


def _reasons(reasons: Mapping[str, str]) -> Iterator[str]:
    return (f"{path}: {why}" for path, why in reasons.items())


def _operator(each: Redaction) -> str:
    beside = f" with {each.longitude}, resolution {each.resolution}" if each.longitude else ""
    inside = f" keeping {', '.join(_paths(each.keep))}" if each.keep else ""
    return f"{each.path}: {each.operation}{beside}{inside}"


def _paths(tree: KeepTree) -> Iterator[str]:
    """Names at the top of *tree*, each with those below it in braces."""
    for name, below in tree.items():
        yield name if below is None else f"{name} {{{', '.join(_paths(below))}}}"


def _changes(table: Table) -> str:
    by: Sequence[str] = [*sorted(table.changed_by), *(["time"] if table.clock else [])]
    return f"Changed by {', '.join(by)}" if by else "Not changed by events"


def _clock(rule: ClockRule) -> str:
    done = ", ".join(f"{column} becomes {value}" for column, value in rule.set.items()) or "the row goes"
    unless = "".join(f", unless {column} is {' or '.join(map(str, values))}" for column, values in rule.unless.items())
    return f"{_age(rule.after_ms)} after {rule.column}: {done}{unless}"


def _age(milliseconds: int) -> str:
    sizes = {"days": 86_400_000, "hours": 3_600_000, "minutes": 60_000, "seconds": 1000, "milliseconds": 1}
    unit, size = next((unit, size) for unit, size in sizes.items() if not milliseconds % size)
    return f"{milliseconds // size} {unit}"
