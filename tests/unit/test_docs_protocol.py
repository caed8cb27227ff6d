"""docs/protocol.md and docs/asyncapi.yaml say what signalman/protocol.py and the gateway do."""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import orjson
import pytest
import yaml
from pydantic import BaseModel

from signalman.access.scope import complete_scope
from signalman.backends.memory_bus import MemoryBus
from signalman.catalog import default_folder, load
from signalman.catalog.paths import keeps
from signalman.channel import Catalog
from signalman.event import Event
from signalman.gateway import frames
from signalman.gateway.actions import Send
from signalman.gateway.hub import Hub
from signalman.gateway.log import LogLimits
from signalman.gateway.requests import Auth, Cursor, Ping, Subscribe, Unsubscribe, parse_filter, parse_request
from signalman.gateway.session import Session, SessionLimits
from signalman.metrics import Metrics
from signalman.principal import Principal
from signalman.protocol import CLIENT_MESSAGES, CLOSES, ERRORS, SERVER_MESSAGES, CloseCode, ResetReason
from signalman.relay.encode import encode
from signalman.relay.rows import Rows
from signalman.table import Table
from tests.unit.documents import ROOT, code_blocks, code_spans, rows, section, text_of
from tests.unit.json_schema import faults

TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"
STREAM = "5eedfeed-11fe-ca57-feed-11feca570001"
PROTOCOL = text_of("docs/protocol.md")
ASYNCAPI: dict[str, Any] = yaml.safe_load((ROOT / "docs/asyncapi.yaml").read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = ASYNCAPI["components"]["schemas"]
MESSAGES: dict[str, Any] = ASYNCAPI["components"]["messages"]
MODELS: dict[str, type[BaseModel]] = {"auth": Auth, "subscribe": Subscribe, "unsubscribe": Unsubscribe, "ping": Ping}

COME_BACK = {"never": "no", "later": "yes, after a random delay", "new_credential": "with another credential"}
CLOSE_TABLE = [[str(int(code)), close.reason, COME_BACK[close.retry]] for code, close in CLOSES.items()]


@cache
def pack() -> Catalog:
    """The pack that comes with Signalman."""
    return load(default_folder("frameworks"))


def examples(names: tuple[str, ...]) -> list[tuple[str, Any]]:
    """Each example of docs/asyncapi.yaml for these messages, with the message's name."""
    return [(name, example["payload"]) for name in names for example in MESSAGES[name]["examples"]]


class Heard:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.notices: list[bytes] = []

    def wake(self) -> None:
        """Nothing to do."""

    def notice(self, frame: bytes) -> None:
        """Keep it."""
        self.notices.append(frame)


def tables() -> dict[str, tuple[str, Table]]:
    """Each table of the pack by its name, with its channel's."""
    return {
        table.name: (channel.name, table) for channel in pack().channels.values() for table in channel.tables.values()
    }


def conversation() -> list[bytes]:
    """What a session says when it goes through everything that it knows."""
    session = Session(pack(), SessionLimits(), now=0)
    session.authenticated(Principal("account", "demo", (TENANT,), frozenset({"owner"}), expires_at=1_060))
    for message in (
        b'{"type":"ping","t":1}',
        b'{"type":"subscribe","id":"s","channel":"streams"}',
        b'{"type":"unsubscribe","id":"s"}',
        b'{"type":"shout"}',
    ):
        session.receive(message.decode(), 0)
    session.tick(1_000)
    session.fail("bus_unavailable", "Not now.", "s", 2000)
    session.goodbye(CloseCode.RESTART, "restart", 1000)
    return [action.data for action in session.actions() if isinstance(action, Send)]


def notices() -> list[bytes]:
    """What everybody is told when the bus and the source go and come."""
    watcher = Heard()
    limits = LogLimits(seconds=1, events=1, bytes=1)
    hub = Hub(MemoryBus(), Metrics(), versions={}, history=limits, max_frames=1, max_bytes=1)
    hub.enter(watcher)
    hub.lost()
    hub.recovered({})
    hub.stale("source")
    hub.fresh("source")
    return watcher.notices


def happened(type_: str, **data: Any) -> bytes:
    """An event of the pack as it is published, with what it does to tables."""
    channel, event_type = pack().routes["analytics", type_]
    ids = {"stream_id": STREAM, "node_id": "n", "session_id": "s"}
    event = Event("e", event_type.name, "2026-08-20T10:11:12Z", "foghorn", (TENANT,), channel, {**ids, **data})
    return encode(event, Rows(pack()).changes(event).rows)


def deliveries() -> list[bytes]:
    """What a subscription is made of."""
    epoch, upserts, deletes = "9f86d081884c7d65.1b2c3d4e", happened("stream_end"), happened("viewer_disconnect")
    assert b'"upsert"' in upserts
    assert b'"delete"' in deletes
    return [
        frames.subscribed(
            request_id="s", channel="streams", scope=(TENANT,), view="v1", epoch=None, seq=0, recovered=False,
            partial=True, tables=["streams"],
        ),
        *(
            frames.snapshot(view="v1", table=table, rows=[{}], part=1, last=True, as_of_ms=1, lag_ms=None)
            for _, table in tables().values()
        ),
        frames.events("v1", 0, 1, [upserts, deletes], epoch),
        frames.events("v1", 1, 2, [happened("stream_buffer")], None),
        frames.caught_up("v1", 2),
        frames.bookmark("v1", 3),
        frames.bookmark("v2", 3, epoch),
        frames.reset("v1", "gap"),
        frames.reset("v1", "trimmed", request_id="s"),
        frames.dropped("v1", since=3, to=9, count=4, epoch=None),
        frames.dropped("v2", since=0, to=9, count=4, epoch=epoch),
    ]  # fmt: skip


@cache
def said() -> Mapping[str, list[dict[str, Any]]]:
    """Every message that the code sends, by its type."""
    found: dict[str, list[dict[str, Any]]] = {}
    for frame in (*conversation(), *notices(), *deliveries()):
        message = orjson.loads(frame)
        found.setdefault(message["type"], []).append(message)
    return found


@pytest.mark.parametrize(
    "text", [section(PROTOCOL, "Close codes"), ASYNCAPI["info"]["description"]], ids=["protocol", "asyncapi"]
)
def test_close_codes(text: str) -> None:
    """Both documents list each close code with its reason and whether to come back, and no other."""
    assert list(rows(text)) == CLOSE_TABLE


def test_error_codes() -> None:
    """Each error code is listed with its status, its title and the close that follows, and no other."""
    assert list(rows(section(PROTOCOL, "Error codes"))) == [
        [f"`{code}`", str(kind.status), kind.title, str(int(kind.close)) if kind.close else "\N{EN DASH}"]
        for code, kind in ERRORS.items()
    ]


def test_reset_reasons() -> None:
    """Each reason is explained, and no other."""
    reasons = get_args(ResetReason)
    assert [cells[0] for cells in rows(section(PROTOCOL, "Reset"))] == [f"`{reason}`" for reason in reasons]
    assert SCHEMAS["reset"]["properties"]["reason"]["enum"] == [*reasons]


@pytest.mark.parametrize(
    ("heading", "names"), [("Client → server", CLIENT_MESSAGES), ("Server → client", SERVER_MESSAGES)]
)
def test_messages_of_the_protocol(heading: str, names: tuple[str, ...]) -> None:
    """Each message has a row that names its members, and no row is of another."""
    told = {name: cells[1] for cells in rows(section(PROTOCOL, heading)) for name in code_spans(cells[0])}
    assert set(told) == set(names)
    for name, members in told.items():
        missing = [member for member in SCHEMAS[name]["properties"] if member not in f"type {members}"]
        assert not missing, f"{name} lacks {missing}"


@pytest.mark.parametrize("block", code_blocks(PROTOCOL, "json"))
def test_examples_of_the_protocol(block: str) -> None:
    """Each JSON example is what it says: a message as the gateway takes or sends it, or an event of the pack with what
    it does to the pack's tables.
    """
    example = orjson.loads(block)
    if example["type"] in CLIENT_MESSAGES:
        request = parse_request(block)
        if isinstance(request, Subscribe):
            parse_filter(request.filter, pack().channels[request.channel])
    elif example["type"] in SERVER_MESSAGES:
        assert not list(faults(example, SCHEMAS[example["type"]], SCHEMAS))
        check_tables(example)
    else:
        assert not list(faults(example, SCHEMAS["event"], SCHEMAS))
        [channel] = [each for each in pack().channels.values() if example["type"] in each.events]
        assert all(keeps(channel.events[example["type"]].keep, member) for member in example["data"])
        check_rows(example)


def check_tables(message: Any) -> None:
    """The tables, columns and rules of a server's example are the pack's."""
    if message["type"] == "snapshot":
        _, table = tables()[message["table"]]
        assert message["key"] == [*table.key]
        for row in message["rows"]:
            assert {*row} <= {*table.columns}
        rules = message["rules"]
        assert (rules["version"], rules["compared"], rules["final"]) == (table.version, table.compared, table.final)
        assert [rule["column"] for rule in rules["clock"]] == [rule.column for rule in table.clock]
    for event in message.get("events", ()):
        check_rows(event)


def check_rows(event: Any) -> None:
    """What an example's event does to tables is what the pack says of its type."""
    for change in event.get("rows", ()):
        channel, table = tables()[change["table"]]
        assert event["type"] in pack().channels[channel].events
        assert event["type"] in table.changed_by
        assert {*table.key} <= {*change["row"]} <= {*table.columns}
        if change["op"] == "delete":
            assert {*change["row"]} == {*table.key, table.version} - {None}


def test_messages_of_asyncapi() -> None:
    """Every message has its payload, a place on the one channel, an operation in its direction, and an example."""
    assert ASYNCAPI["asyncapi"] == "3.1.0"
    assert [channel["address"] for channel in ASYNCAPI["channels"].values()] == ["/v1/ws"]
    names = [*CLIENT_MESSAGES, *SERVER_MESSAGES]
    assert list(MESSAGES) == names == list(ASYNCAPI["channels"]["ws"]["messages"])
    assert list(ASYNCAPI["operations"]) == [
        *(f"receive_{name}" for name in CLIENT_MESSAGES),
        *(f"send_{name}" for name in SERVER_MESSAGES),
    ]
    for name in names:
        assert MESSAGES[name]["payload"] == {"$ref": f"#/components/schemas/{name}"}
        assert MESSAGES[name]["examples"]
        assert SCHEMAS[name]["properties"]["type"] == {"const": name}
    for key, operation in ASYNCAPI["operations"].items():
        action, _, name = key.partition("_")
        assert operation["action"] == action
        assert operation["messages"] == [{"$ref": f"#/channels/ws/messages/{name}"}]


@pytest.mark.parametrize(("union", "names"), [("clientMessage", CLIENT_MESSAGES), ("serverMessage", SERVER_MESSAGES)])
def test_messages_are_told_apart_by_type(union: str, names: tuple[str, ...]) -> None:
    """The schemas of each direction are discriminated by ``type``, and complete."""
    assert SCHEMAS[union]["discriminator"] == "type"
    assert SCHEMAS[union]["oneOf"] == [{"$ref": f"#/components/schemas/{name}"} for name in names]


def test_references_lead_somewhere() -> None:
    """Nothing in docs/asyncapi.yaml refers to what is not there."""

    def follow(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(reference := node.get("$ref"), str):
                target: Any = ASYNCAPI
                for part in reference.removeprefix("#/").split("/"):
                    assert part in target, reference
                    target = target[part]
            for inner in node.values():
                follow(inner)
        elif isinstance(node, list):
            for inner in node:
                follow(inner)

    follow(ASYNCAPI)


@pytest.mark.parametrize("name", CLIENT_MESSAGES)
def test_client_schemas(name: str) -> None:
    """What the document says of a client's message is what the gateway checks: members, and limits of texts."""
    model, schema = MODELS[name].model_json_schema(), SCHEMAS[name]
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(model["properties"])
    assert set(schema["required"]) == set(model["required"])
    for member, shape in model["properties"].items():
        limits = {key: value for key, value in shape.items() if key in {"minLength", "maxLength", "maxProperties"}}
        assert limits.items() <= schema["properties"][member].items()


def test_the_schema_of_a_cursor() -> None:
    """What a client may resume from is what the gateway takes."""
    model = Cursor.model_json_schema()
    assert {*model["properties"]} == {*SCHEMAS["cursor"]["properties"]} == {*SCHEMAS["cursor"]["required"]}
    assert SCHEMAS["cursor"]["additionalProperties"] is False
    for member, shape in model["properties"].items():
        limits = {key: value for key, value in shape.items() if key in {"minLength", "maxLength", "minimum"}}
        assert limits.items() <= SCHEMAS["cursor"]["properties"][member].items()


@pytest.mark.parametrize(("name", "payload"), examples(CLIENT_MESSAGES))
def test_client_examples(name: str, payload: Any) -> None:
    """The gateway takes each example of a client's message, filters and scope included."""
    request = parse_request(orjson.dumps(payload))
    assert (request.type, list(faults(payload, SCHEMAS[name], SCHEMAS))) == (name, [])
    if isinstance(request, Subscribe):
        parse_filter(request.filter, pack().channels[request.channel])
        assert request.scope is None or complete_scope(request.scope, pack().levels)


@pytest.mark.parametrize(("name", "payload"), examples(SERVER_MESSAGES))
def test_server_examples(name: str, payload: Any) -> None:
    """Each example of a server's message is of the documented shape, and so its names are the code's."""
    assert not list(faults(payload, SCHEMAS[name], SCHEMAS))
    check_tables(payload)
    if name == "error":
        kind = ERRORS[payload["code"]]
        assert (payload["title"], payload["status"]) == (kind.title, kind.status)
        assert payload["kind"] == f"urn:signalman:error:{payload['code']}"


@pytest.mark.parametrize("name", SERVER_MESSAGES)
def test_server_schemas(name: str) -> None:
    """What the gateway says has the documented members: the required ones always, and each of the others sometimes."""
    members = [set(message) for message in said()[name]]
    assert set.union(*members) == set(SCHEMAS[name]["properties"])
    assert set.intersection(*members) == set(SCHEMAS[name]["required"])
    for message in said()[name]:
        assert not list(faults(message, SCHEMAS[name], SCHEMAS))
        for member, value in message.items():
            inner = SCHEMAS[name]["properties"][member].get("properties")
            assert inner is None or set(value) == set(inner)
