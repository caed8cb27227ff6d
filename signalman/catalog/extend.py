"""Lays the documents of an extension over those of the pack that it extends. What comes of it is checked like any pack.

Tables are merged key by key, and everything else is replaced. Nothing of the base is changed.
"""

from signalman.catalog.files import Document, Documents, Part, table, texts
from signalman.catalog.names import suggestion
from signalman.catalog.overlay import laid_over, over_batch, over_event, over_table, without_columns
from signalman.catalog.paths import Groups, expanded


def extend(base: Documents, own: Documents) -> Documents:
    """*own* over *base*, which is without faults. Faults of the whole are noted under the files of *own*."""
    if base.pack is None or own.pack is None:
        return own  # A file that cannot be read is a fault, and was noted.
    _check(base, own, own.pack)
    signals = set(table(own.pack.document.get("signals")))
    ignored = set(texts(own.header.get("ignore")))
    pack = _pack(base.pack.document, own.pack.document, _routed(own) | signals, ignored)
    groups = {name: texts(paths) for name, paths in table(pack.get("fields")).items()}
    channels = dict(own.channels)
    for name, part in base.channels.items():
        if name not in texts(own.header.get("without")):
            over = own.channels.get(name, Part({}, own.pack.findings.at(f"{name}.toml")))
            gone = ignored | signals
            channels[name] = Part(_Channel(part.document, over.document, gone, groups).document(), over.findings)
    statements = {**base.statements, **own.statements}
    return Documents(own.folder, Part(pack, own.pack.findings), dict(sorted(channels.items())), statements)


def _check(base: Documents, own: Documents, pack: Part) -> None:
    for index, name in enumerate(texts(own.header.get("without"))):
        if name not in base.channels:
            reason = f'unknown channel "{name}"{suggestion(name, base.channels)}'
            pack.findings.add(reason, "pack", "without", index)
    if "scope" in pack.document:
        pack.findings.add("belongs to the pack that is extended: an extension has its scope", "scope")


def _routed(own: Documents) -> set[str]:
    """Names that the extension routes."""
    events = [(name, table(each)) for part in own.channels.values() for name, each in _entries(part.document, "events")]
    return {name for name, _ in events} | {alias for _, each in events for alias in texts(each.get("aliases"))}


def _entries(document: Document, key: str) -> list[tuple[str, Document]]:
    return list(table(document.get(key)).items())


def _pack(base: Document, own: Document, used: set[str], ignored: set[str]) -> Document:
    """Its name, title and format are the extension's own. What is ignored adds up, without what the extension *used*
    after all; what it ignores tells of nobody's access any more.
    """
    header = dict(table(own.get("pack")))
    ignore = header.get("ignore", [])
    if isinstance(ignore, list):
        header["ignore"] = [
            *(name for name in texts(base["pack"].get("ignore")) if name not in used and name not in ignore),
            *ignore,
        ]
    merged: Document = laid_over(base, own)
    if isinstance(merged.get("signals"), dict):
        kept = table(own.get("signals"))
        merged["signals"] = {
            name: signal for name, signal in merged["signals"].items() if name in kept or name not in ignored
        }
    return {**merged, "pack": header if isinstance(own.get("pack"), dict) else own.get("pack"), "scope": base["scope"]}


class _Channel:
    """One channel of the base, and what an extension says of it."""

    def __init__(self, base: Document, own: Document, gone: set[str], groups: Groups) -> None:
        """Event types that are *gone* are ignored by the extension, or signals there, unless it routes them itself."""
        self._base = base
        self._own = own
        self._gone = gone
        self._groups = groups

    def document(self) -> Document:
        """The channel file that says both."""
        merged: Document = laid_over(self._base, self._own)
        events = {**self._events(), **self._only_own("events")}
        tables = {**self._tables(events), **self._only_own("tables")}
        whole = {**merged, "events": events, "tables": tables}
        # What is no table stays, for its shape to be told of.
        whole |= {key: merged[key] for key in ("events", "tables") if not isinstance(merged.get(key, {}), dict)}
        return {**whole, "filters": self._filters(whole)} if isinstance(merged.get("filters"), dict) else whole

    def _only_own(self, key: str) -> Document:
        base = table(self._base.get(key))
        return {name: entry for name, entry in _entries(self._own, key) if name not in base}

    def _events(self) -> Document:
        own = table(self._own.get("events"))
        events: Document = {}
        for name, entry in _entries(self._base, "events"):
            if name in self._gone and name not in own:
                continue
            aliases = [alias for alias in texts(entry.get("aliases")) if alias not in self._gone]
            events[name] = over_event({**entry, "aliases": aliases}, own.get(name, {}), self._groups)
        for name, entry in events.items():
            if name not in own and "expand" in entry and entry["expand"]["type"] in events:
                events[name] = over_batch(entry, events[entry["expand"]["type"]], self._groups)
        return events

    def _tables(self, events: Document) -> Document:
        """The tables; row changes in *events* lose the columns that their tables no longer have."""
        own = table(self._own.get("tables"))
        tables: Document = {}
        for name, entry in _entries(self._base, "tables"):
            tables[name] = over_table(entry, own.get(name, {}))
            gone = set(entry["columns"]) - set(texts(table(tables[name]).get("columns")))
            if gone:
                self._without(name, gone, events)
        return tables

    def _without(self, name: str, gone: set[str], events: Document) -> None:
        own = table(self._own.get("events"))
        for event, entry in events.items():
            if isinstance(entry, dict) and "rows" in entry and "rows" not in table(own.get(event)):
                events[event] = {**entry, "rows": without_columns(entry["rows"], name, gone)}

    def _filters(self, channel: Document) -> Document:
        """Without those of the base that have nothing left to filter: the extension could not take them out."""
        shown = {
            path
            for _, event in _entries(channel, "events")
            for path in expanded(texts(table(event).get("keep")), self._groups)
        }
        shown |= {column for _, each in _entries(channel, "tables") for column in texts(table(each).get("columns"))}
        own = table(self._own.get("filters"))
        return {name: entry for name, entry in channel["filters"].items() if name in own or name in shown}
