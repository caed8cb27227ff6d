"""Compiles ``pack.toml``: scope levels, topics, field groups."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from signalman.catalog.findings import Findings
from signalman.catalog.names import PAYLOAD, suggestion
from signalman.catalog.pack_models import EnvelopeShape, PackFile, ScopeShape, TopicShape
from signalman.catalog.paths import Groups, sound_groups
from signalman.channel import Envelope, ScopeLevel, Topic


@dataclass(frozen=True, slots=True)
class Pack:
    """What channel files refer to."""

    levels: tuple[ScopeLevel, ...]
    columns: tuple[str, ...]
    """Column of each level, unless a table names another."""
    topics: Mapping[str, Topic]
    payloads: Mapping[str, EnvelopeShape]
    """Each topic's templates for payload and lift, which an event type completes."""
    groups: Groups
    reasons: Mapping[str, str]
    ignored: frozenset[str]


def compile_pack(file: PackFile, findings: Findings) -> Pack:
    """Check what several keys say together, and compile."""
    repeated((scope.level for scope in file.scope), "scope level", findings.at("scope"))
    if file.scope[0].optional:
        findings.add("the widest level cannot be: whoever lacks it would reach everything", "scope", 0, "optional")
    repeated(file.pack.ignore, "event type", findings.at("pack", "ignore"))
    _one_topic_each(file.topics, findings.at("topics"))
    return Pack(
        levels=tuple(
            ScopeLevel(scope.level, scope.type, scope.claim, scope.optional, scope.why) for scope in file.scope
        ),
        columns=tuple(scope.column for scope in file.scope),
        topics={
            name: _topic(name, topic, file.scope, findings.at("topics", name)) for name, topic in file.topics.items()
        },
        payloads={name: topic.envelope for name, topic in file.topics.items()},
        groups=sound_groups(file.fields, findings.at("fields")),
        reasons=file.reasons,
        ignored=frozenset(file.pack.ignore),
    )


def repeated(names: Iterable[str], what: str, findings: Findings) -> None:
    """Note every name that comes a second time, at its position."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            findings.add(f'{what} "{name}" is listed twice', index)
        seen.add(name)


def by_level(
    given: Mapping[str, str], levels: Iterable[str], findings: Findings, *, complete: bool
) -> Mapping[str, str]:
    """*given* by scope level; an unknown level is noted, and a missing one where all are needed (*complete*)."""
    known = list(levels)
    for name in given:
        if name not in known:
            findings.add(f"unknown scope level{suggestion(name, known)}", name)
    if complete:
        for name in known:
            if name not in given:
                findings.add("is required: every scope level needs a path", name)
    return given


def _topic(name: str, file: TopicShape, scope: Iterable[ScopeShape], findings: Findings) -> Topic:
    envelope = file.envelope
    levels = [level.level for level in scope]
    paths = by_level(envelope.scope, levels, findings.at("envelope", "scope"), complete=True)
    check_placeholders(envelope.lift, envelope.payload, findings.at("envelope", "lift"))
    return Topic(
        name=name,
        default=file.kafka,
        consumer=file.consumer,
        envelope=Envelope(
            id=envelope.id,
            type=envelope.type,
            time=envelope.time,
            source=envelope.source,
            scope=tuple(paths.get(level, "") for level in levels),
        ),
    )


def check_placeholders(lift: Mapping[str, str], payload: str, findings: Findings) -> None:
    """Note ``{payload}`` in lifted paths of a topic whose payload lies in one place for all event types."""
    if PAYLOAD in payload:
        return
    for field, path in lift.items():
        if PAYLOAD in path:
            findings.add("{payload} means nothing here: the topic's own `payload` is without it", field)


def _one_topic_each(topics: Mapping[str, TopicShape], findings: Findings) -> None:
    owner: dict[str, str] = {}
    for name, topic in topics.items():
        first = owner.setdefault(topic.kafka, name)
        if first != name:
            findings.add(f'"{topic.kafka}" is already the topic of "{first}"', name, "kafka")
