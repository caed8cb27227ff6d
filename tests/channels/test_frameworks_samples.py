"""A full sample of each event type of the FrameWorks pack, and exactly what is published of it.

The samples are in `tests/channels/frameworks/`; `tests.channels.frameworks_samples` says what they are, and how to
write the expected publications anew after a deliberate change.
"""

import json
from collections.abc import Callable, Iterator

import pytest

from signalman.catalog import default_folder, load
from signalman.channel import EventType
from signalman.event import Json
from signalman.simulate.messages import Field, messages
from tests.channels.frameworks_facts import MESSAGES, SERVICE, TRIGGER, fields
from tests.channels.frameworks_samples import EVENT_TYPES, FOLDER, Stages, content, expected, readable, sample, values

MARKS = (
    *("203.0.113.", "198.51.100.", "192.0.2.", "2001:db8:", "example.net"),
    *("secret", "demo_live_stream_001", "sk#", "eyJ", "/var/lib/", "s3:"),
    *("5eedface-", "7e55e11e-", "0badcafe-", "0badfeed-", "5eed517e-"),
)
"""What the samples have in fields that nobody may see: addresses and hosts of nodes and people; credentials, internal
names and places of files; people, triggers, other tenants and the own one.
"""

SHORTEST = 6
"""Characters from which on a value is told apart from others by itself."""

FLAT = "orchestrator_state_update"
"""The event type of the media plane that comes without a trigger around it."""


@pytest.fixture(scope="module")
def stages() -> Stages:
    """The relay's stages over the pack as it ships."""
    return Stages(load(default_folder("frameworks")))


def scalars(value: Json) -> Iterator[str]:
    """Every text and number in *value* as JSON has it, without quotes; and keys of maps, unlike field names."""
    if isinstance(value, dict):
        yield from (key for key in value if not key.isidentifier())
        for item in value.values():
            yield from scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from scalars(item)
    elif isinstance(value, str):
        yield json.dumps(value, ensure_ascii=False)[1:-1]
    elif not isinstance(value, bool) and value is not None:
        yield str(value)


def _is_integer_text(value: Json) -> bool:
    return isinstance(value, str) and value.lstrip("-").isdecimal()


def _is_integer(value: Json) -> bool:
    return type(value) is int


def _is_number(value: Json) -> bool:
    return type(value) in {int, float}


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and bool(value)


PLAIN: dict[str, Callable[[Json], bool]] = {
    **dict.fromkeys(("i64", "u64"), _is_integer_text),
    **dict.fromkeys(("i32", "u32"), _is_integer),
    **dict.fromkeys(("f32", "f64"), _is_number),
    **dict.fromkeys(("str", "time"), _is_text),
    "bool": lambda value: value is True,
    "enum": lambda value: _is_text(value) and value == value.upper(),
}
"""Kind of field → whether protobuf's JSON writes a value of it so."""


def fits(value: Json, field: Field) -> bool:
    """Whether protobuf's JSON writes *value* for a field like that."""
    if field.repeated:
        return bool(value) and all(_fits(item, field.kind) for item in value)
    if field.keyed:
        return bool(value) and all(_fits(item, field.kind) for item in value.values())
    return _fits(value, field.kind)


def _fits(value: Json, kind: str) -> bool:
    if kind in PLAIN:
        return PLAIN[kind](value)
    return all(fits(item, messages()[kind][name]) for name, item in value.items())


def test_there_is_a_sample_of_each() -> None:
    """One record and one list of publications for each event type that the pack routes, and no file besides."""
    wanted = {f"{name}{end}" for name in EVENT_TYPES for end in (".json", ".published.json")}
    assert {path.name for path in FOLDER.iterdir()} == wanted


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_samples_are_full(event_type: str) -> None:
    """Every field of the message has a value, at every depth, and so has every field of the trigger around it."""
    assert [path for path in fields(event_type) if not values(content(event_type), path)] == []
    if event_type not in SERVICE and event_type != FLAT:
        assert set(TRIGGER.split()) <= json.loads(sample(event_type))["data"].keys()


@pytest.mark.parametrize("event_type", MESSAGES)
def test_samples_are_what_the_platform_writes(event_type: str) -> None:
    """64-bit integers are texts, enums are names, and no field is there that the message does not have."""
    message = messages()[MESSAGES[event_type]]
    own = {name: value for name, value in content(event_type).items() if event_type != FLAT or name in message}
    assert [name for name, value in own.items() if not fits(value, message[name])] == []


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_published_as_expected(stages: Stages, event_type: str) -> None:
    """Feed, event and rows, to the last field; and the data in the order in which subscribers get it."""
    published = readable(stages.published(event_type))
    assert published == expected(event_type)
    assert [list(each["event"]["data"]) for each in published] == [
        list(each["event"]["data"]) for each in expected(event_type)
    ]


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_nothing_marked_is_published(stages: Stages, event_type: str) -> None:
    """The samples' addresses, credentials, names, people and tenants are in no publication, whatever the lists say."""
    assert any(mark in sample(event_type).decode() for mark in MARKS)
    published = b"\n".join(event for _, event in stages.published(event_type)).decode()
    assert [mark for mark in MARKS if mark in published] == []


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_no_value_that_is_not_shown_is_published(stages: Stages, event_type: str) -> None:
    """A value under a dropped path, under one that an operator changes, or beside the payload, is in no publication,
    unless it stands under a path that is shown as well.
    """
    hidden, shown = judged(stages, event_type)
    # Without the names of fields: a sample's action "connect" is not what a connection_time shows.
    published = "\n".join(scalars([json.loads(event) for _, event in stages.published(event_type)]))
    suspects = {value for value in hidden - shown if len(value) >= SHORTEST}
    assert suspects, "the sample proves nothing"
    assert sorted(value for value in suspects if value in published) == []


def judged(stages: Stages, event_type: str) -> tuple[set[str], set[str]]:
    """Values of the sample that nobody may see, and those that everybody of the tenant may."""
    event, message, record = stages.event_type(event_type), content(event_type), json.loads(sample(event_type))
    hidden = [*event.drop, *changed(event)]
    if event.expand is not None:
        item = stages.event_type(event.expand.type)
        hidden += [f"{event.expand.items}[].{path}" for path in (*item.drop, *changed(item))]
    shown = [
        path
        for path in fields(event_type)
        if not any(f"{path}.".startswith((f"{gone}.", f"{gone}[")) for gone in hidden)
    ]
    beside = [value for name, value in record["data"].items() if name in TRIGGER.split() and name not in event.lift]
    envelope = [record.get(name) for name in ("user_id", "correlation_id", "causation_id", "tenant_id")]
    secret = {text for path in hidden for text in scalars(values(message, path))}
    public = {text for path in shown for text in scalars(values(message, path))}
    # A sample of a batch has its own id, dropped where it was, as the event's.
    ids = {each["event"]["id"] for each in expected(event_type)}
    return secret | set(scalars([*beside, *envelope])), public | ids | {record["event_id"], record["event_type"]}


def changed(event: EventType) -> list[str]:
    """Paths whose values an operator changes."""
    return [path for each in event.redact for path in (each.path, each.longitude) if path is not None]
