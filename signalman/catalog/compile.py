"""Compiles a pack from its parsed files, and finds what contradicts itself across keys and across files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from signalman.access_rules import Statement
from signalman.catalog.access import check_signals, compile_access, compile_signals
from signalman.catalog.events import compile_events
from signalman.catalog.findings import Findings
from signalman.catalog.models import ChannelFile
from signalman.catalog.names import suggestion
from signalman.catalog.pack import Pack, compile_pack
from signalman.catalog.pack_models import PackFile
from signalman.catalog.tables import compile_table
from signalman.channel import Catalog, Channel, EventType, Filter, Limits
from signalman.table import Table


@dataclass(frozen=True, slots=True)
class ChannelSource:
    """One channel file whose shape is understood."""

    name: str
    shape: ChannelFile
    findings: Findings
    whole: bool
    """False when parts were left out for their faults: then nothing is said to be missing."""


def compile_catalog(
    pack_file: PackFile,
    pack_findings: Findings,
    sources: Sequence[ChannelSource],
    statements: Mapping[str, Statement],
) -> Catalog:
    """Compile everything; what is wrong is in the findings, and then the result is not to be used."""
    pack = compile_pack(pack_file, pack_findings)
    channels = {source.name: _channel(source, pack) for source in sources}
    routes = _routes(channels, sources)
    _check_ignored(pack, routes, pack_findings)
    _check_sources(channels, sources)
    signals = compile_signals(pack_file.signals, pack, pack_findings.at("signals"))
    check_signals(signals, routes, pack.ignored, pack_findings.at("signals"))
    return Catalog(
        pack=pack_file.pack.name,
        title=pack_file.pack.title,
        levels=pack.levels,
        topics=pack.topics,
        channels=channels,
        ignored=pack.ignored,
        routes=routes,
        access=compile_access(pack_file.access, statements, pack_findings.at("access")),
        signals=signals,
    )


def _channel(source: ChannelSource, pack: Pack) -> Channel:
    file, findings = source.shape, source.findings
    if file.topic is not None and file.topic not in pack.topics:
        findings.add(f'unknown topic "{file.topic}"{suggestion(file.topic, pack.topics)}', "topic")
    events = compile_events(file, pack, findings, whole=source.whole)
    filters = {name: Filter(name, filter_.type, filter_.title) for name, filter_ in file.filters.items()}
    channel = Channel(
        name=source.name,
        title=file.title,
        description=file.description,
        permissions=frozenset(file.permissions),
        events=events,
        filters=filters,
        tables={
            name: compile_table(name, table, pack, events.values(), filters.values(), findings.at("tables", name))
            for name, table in file.tables.items()
        },
        limits=Limits(file.limits.event_bytes, file.limits.filter_values),
        slow_reader=file.slow_reader,
        roles=frozenset(file.roles),
    )
    for table in channel.tables.values():
        if file.slow_reader == "skip" and table.changed_by:
            findings.add(f'"skip" would lose changes of table "{table.name}", which events change', "slow_reader")
    if source.whole:
        _check_whole(channel, file, findings)
    return channel


def _check_whole(channel: Channel, file: ChannelFile, findings: Findings) -> None:
    if not file.events and not file.tables:
        findings.add("has neither events nor tables")
    for name in channel.filters:
        in_events = any(event.keep.get(name, ()) is None for event in channel.events.values())
        if not in_events and not any(name in table.columns for table in channel.tables.values()):
            findings.add("is neither a kept field of an event nor a column of a table", "filters", name)


def _routes(
    channels: Mapping[str, Channel], sources: Sequence[ChannelSource]
) -> dict[tuple[str, str], tuple[str, EventType]]:
    """Names before aliases: of two that are the same, the alias is at fault."""
    routes: dict[tuple[str, str], tuple[str, EventType]] = {}
    for source in sources:
        for event in channels[source.name].events.values():
            first, _ = routes.setdefault((event.topic, event.name), (source.name, event))
            if first != source.name:
                source.findings.add(f'is already routed to channel "{first}"', "events", event.name)
    for source in sources:
        for event in channels[source.name].events.values():
            _add_aliases(event, routes, source)
    return routes


def _add_aliases(event: EventType, routes: dict[tuple[str, str], tuple[str, EventType]], source: ChannelSource) -> None:
    for index, alias in enumerate(event.aliases):
        if (event.topic, alias) in routes:
            channel, other = routes[event.topic, alias]
            reason = f'"{alias}" is a name of event type "{other.name}" of channel "{channel}" already'
            source.findings.add(reason, "events", event.name, "aliases", index)
        routes.setdefault((event.topic, alias), (source.name, event))


def _check_ignored(pack: Pack, routes: Mapping[tuple[str, str], object], findings: Findings) -> None:
    routed = {name for _, name in routes}
    for name in sorted(pack.ignored & routed):
        findings.add(f'event type "{name}" is ignored here and routed by a channel', "pack", "ignore")


def _check_sources(channels: Mapping[str, Channel], sources: Sequence[ChannelSource]) -> None:
    """Two tables with the same rows under the same key would be read, kept and merged twice for nothing."""
    owner: dict[object, tuple[str, Table]] = {}
    for source in sources:
        for table in channels[source.name].tables.values():
            channel, first = owner.setdefault((table.source, table.key, table.where), (source.name, table))
            if first is not table:
                reason = f'the same rows as table "{first.name}" of channel "{channel}"'
                source.findings.add(reason, "tables", table.name, "source")
