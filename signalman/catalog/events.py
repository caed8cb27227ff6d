"""Compiles the event types of one channel file."""

import re
from collections.abc import Collection, Mapping

from signalman.catalog.findings import Findings
from signalman.catalog.models import ChannelFile, EventShape, ExpandShape
from signalman.catalog.names import FIELD, PAYLOAD, suggestion
from signalman.catalog.pack import Pack, check_placeholders, repeated
from signalman.catalog.paths import expanded, is_path, keep_tree, keeps, lists_of, malformed
from signalman.catalog.redactions import Redactions, Shown, check_reserved, compile_redactions
from signalman.catalog.rows import compile_rows, fields_read
from signalman.channel import EventType, Expand
from signalman.fields import KeepTree


def compile_events(file: ChannelFile, pack: Pack, findings: Findings, *, whole: bool) -> dict[str, EventType]:
    """The channel's event types by name; one without a known topic is left out, and noted.

    Without *whole*, event types of the file were left out for their faults, and none is said to be missing.
    """
    compiled = {
        name: _event(name, event, file, pack, findings.at("events", name), whole=whole)
        for name, event in file.events.items()
    }
    events = {name: event for name, event in compiled.items() if event is not None}
    complete = whole and len(events) == len(compiled)
    for event in events.values():
        if event.expand is not None:
            place = findings.at("events", event.name, "expand")
            _check_items(event, event.expand, events, place, whole=complete)
    return events


def _event(
    name: str, file: EventShape, channel: ChannelFile, pack: Pack, findings: Findings, *, whole: bool
) -> EventType | None:
    topic = _topic_of(file, channel.topic, pack, findings)
    rows = () if file.expand else compile_rows(file.rows, channel.tables, findings, whole=whole)
    keep = keep_tree(file.keep, pack.groups, findings.at("keep"))
    read = fields_read(rows)
    if file.expand is None:
        _check_kept(file, keep, read, findings)
    else:
        _check_batch(file, findings)
    redactions = _redactions(file, channel, pack, findings)
    if topic is None:
        return None
    payload = _payload_name(name, file, pack.payloads[topic].payload, findings)
    return EventType(
        name=name,
        topic=topic,
        payload=pack.payloads[topic].payload.replace(PAYLOAD, payload),
        lift=_lift(file, pack.payloads[topic].lift, payload, {*keep, *read}),
        require=file.require,
        keep=keep,
        expose=frozenset(file.expose),
        subject=file.subject,
        expand=_expand(file.expand),
        rows=rows,
        aliases=file.aliases,
        redact=redactions.redact,
        about=file.about,
        platform=file.platform,
        drop=redactions.drop,
        why=redactions.why,
    )


def _redactions(file: EventShape, channel: ChannelFile, pack: Pack, findings: Findings) -> Redactions:
    if file.expand is not None:
        # What it says of its own data has no effect, and was noted; what it drops, it drops.
        file = file.model_copy(update={"redact": {}, "why": {}, "expose": ()})
    paths = expanded(file.keep, pack.groups)
    made = compile_redactions(file, Shown(paths, "keep", lists_of(paths)), pack, findings)
    check_reserved(made.targets, channel.filters, "is a filter: subscribers could not give its values")
    if file.subject is not None:
        check_reserved(made.targets, {file.subject}, 'is the event\'s subject, which may only be "hash"ed', but="hash")
    return made


def _topic_of(file: EventShape, default: str | None, pack: Pack, findings: Findings) -> str | None:
    topic = file.topic or default
    if topic is None:
        findings.add("is required, because the file names no topic for all its event types", "topic")
        return None
    if topic in pack.topics:
        return topic
    if file.topic is not None:
        findings.add(f'unknown topic "{topic}"{suggestion(topic, pack.topics)}', "topic")
    return None


def _payload_name(name: str, file: EventShape, template: str, findings: Findings) -> str:
    """What stands for ``{payload}``: the event type's ``payload``, else its name, which must then be a field name."""
    check_placeholders(file.lift, template, findings.at("lift"))
    if PAYLOAD not in template and file.payload is not None:
        findings.add("has no effect: the topic's own `payload` is without {payload}", "payload")
    if PAYLOAD in template and file.payload is None and not re.fullmatch(FIELD, name):
        findings.add("is required, because the event type's name is no field name", "payload")
    return file.payload or name


def _lift(
    file: EventShape, common: Mapping[str, str], payload: str, used: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """The event type's own lifted fields, and those of its topic that are *used* or hands on to its items."""
    wanted = file.expand.inherit if file.expand else used
    chosen = {name: path for name, path in common.items() if name in wanted} | file.lift
    return {name: tuple(path.replace(PAYLOAD, payload).split("|")) for name, path in chosen.items()}


def _expand(file: ExpandShape | None) -> Expand | None:
    return Expand(file.items, file.type, file.id, file.inherit) if file else None


def _check_kept(file: EventShape, keep: KeepTree, read: Collection[str], findings: Findings) -> None:
    """What an event type is described by must be part of what it shows."""
    if not file.keep:
        findings.add("is required: without it the event would be empty", "keep")
        return
    top = set(keep)
    repeated(file.require, "field", findings.at("require"))
    whole = {name for name in top if keep[name] is None}
    if file.subject is not None and file.subject not in whole:
        findings.add(f'"{file.subject}" is not kept as a whole{suggestion(file.subject, whole)}', "subject")
    for index, name in enumerate(file.require):
        if name not in top:
            findings.add(f'"{name}" is not kept{suggestion(name, top)}', "require", index)
    for name in file.lift:
        if name not in top and name not in read:
            findings.add("is lifted and then dropped, because `keep` does not list it", "lift", name)
    for index, path in enumerate(file.expose):
        if not is_path(path.removesuffix("[]")):
            findings.add(malformed(path), "expose", index)
        elif not keeps(keep, path):
            findings.add(f'"{path}" is not kept, so there is nothing to expose', "expose", index)


def _check_batch(file: EventShape, findings: Findings) -> None:
    """A batch is never sent itself, so nothing may be said about what it shows."""
    for key in ("keep", "subject", "require", "expose", "redact", "why", "rows"):
        if getattr(file, key):
            findings.add("has no effect on a batch: its items are sent, each by its own event type's rules", key)
    inherit = file.expand.inherit if file.expand else ()
    for name in file.lift:
        if name not in inherit:
            findings.add("is lifted and then dropped, because `expand.inherit` does not list it", "lift", name)


def _check_items(
    batch: EventType, expand: Expand, events: Mapping[str, EventType], findings: Findings, *, whole: bool
) -> None:
    item = events.get(expand.type)
    if item is None:
        # In a file that is not whole, the item's event type may be one of the parts that were left out.
        if whole:
            others = [name for name in events if name != batch.name]
            findings.add(f'unknown event type "{expand.type}"{suggestion(expand.type, others)}', "type")
    elif item.expand is not None:
        findings.add(f'"{item.name}" is a batch itself', "type")
    else:
        _check_item(batch, item, expand, findings)


def _check_item(batch: EventType, item: EventType, expand: Expand, findings: Findings) -> None:
    if item.topic != batch.topic:
        findings.add(f'"{item.name}" belongs to another topic, "{item.topic}"', "type")
    for index, name in enumerate(expand.inherit):
        if name not in item.keep and name not in fields_read(item.rows):
            findings.add(f'"{name}" is not kept by "{item.name}"', "inherit", index)
