"""The FrameWorks pack: what it routes where, and above all what it never shows."""

from collections.abc import Iterator

import pytest

from signalman.access_rules import Claims, TokenScheme
from signalman.catalog import default_folder, load
from signalman.catalog.paths import keeps
from signalman.channel import Catalog, EventType
from signalman.fields import KeepTree
from signalman.simulate.messages import messages
from signalman.table import ClockRule
from tests.channels.frameworks_facts import (
    CHANGES,
    DDL,
    IGNORED,
    MESSAGES,
    NOWHERE,
    ORDER_BY,
    PAYLOADS,
    PLATFORM,
    ROLES,
    ROUNDED,
    ROUTES,
    SENSITIVE,
    SENSITIVE_COLUMNS,
    SERVICE,
    SIGNALS,
    TABLES,
    USER_ROLES,
    fields,
)

EVENT_TYPES = " ".join(ROUTES.values()).split()


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The pack as it ships."""
    return load(default_folder("frameworks"))


def test_every_event_type_goes_to_its_channel(catalog: Catalog) -> None:
    """Nothing is routed elsewhere, and nothing is forgotten."""
    wanted = {
        ("service" if event in SERVICE else "analytics", event): channel
        for channel, events in ROUTES.items()
        for event in events.split()
    }
    assert {route: channel for route, (channel, _) in catalog.routes.items()} == wanted


def test_payloads(catalog: Catalog) -> None:
    """Each payload lies where the platform puts it."""
    for (topic, name), (_, event) in catalog.routes.items():
        own = PAYLOADS.get(name, f"data.{name}")
        assert event.payload == (own if topic == "analytics" else "data")


def test_known_event_types_are_routed_or_ignored(catalog: Catalog) -> None:
    """Or a signal: whatever the platform is known to send is one of these, so that "unknown" means really unknown."""
    assert catalog.ignored == set(IGNORED.split())
    assert set(catalog.signals) == {("service", name) for name in SIGNALS}


@pytest.mark.parametrize("name", SIGNALS)
def test_signals_name_fields_of_their_messages(catalog: Catalog, name: str) -> None:
    """The payload's own ids come first, before those of who did it, which stand beside the payload."""
    message, wanted = SIGNALS[name]
    rule = catalog.signals["service", name]
    first = [path.split("|")[0] for path in (rule.token, rule.user, *rule.scope) if path]
    assert first == [f"data.{field}" for field in wanted.split()]
    assert set(wanted.split()) <= set(messages()[message])


def test_who_reads_a_channel(catalog: Catalog) -> None:
    """The roles are those that the platform gives to users, and the owner of a tenant reads everything of it."""
    assert {name: channel.roles for name, channel in catalog.channels.items()} == {
        name: set(roles.split()) for name, roles in ROLES.items()
    }
    assert all(channel.roles <= set(USER_ROLES.split()) for channel in catalog.channels.values())
    assert all({"owner", "admin", "member"} <= channel.roles for channel in catalog.channels.values())


def test_credentials(catalog: Catalog) -> None:
    """As the platform writes its tokens: people by role alone, operators by a role that opens no tenant's channel."""
    rules = catalog.access
    assert rules.claims == Claims("user_id", ("role", "roles"), None)
    assert rules.tokens == (TokenScheme("hashed", "fw_"),)
    assert (rules.match, rules.operator_role) == ("exact", "platform_operator")
    assert not any(rules.operator_role in channel.roles for channel in catalog.channels.values())
    assert {"tokens", "users"} < set(rules.statements)


def test_what_may_belong_to_no_tenant(catalog: Catalog) -> None:
    """What nodes of the platform's own clusters tell, and nothing of anybody's streams, viewers or messages."""
    found = {event.name for _, event in catalog.routes.values() if event.platform}
    assert found == set(PLATFORM.split()) == set(ROUTES["system"].split())


def event_of(catalog: Catalog, event_type: str) -> EventType:
    """The event type of that name, whatever its topic."""
    return next(event for (_, name), (_, event) in catalog.routes.items() if name == event_type)


def is_dropped(event: EventType, path: str) -> bool:
    """Whether *path*, or what it lies in, is named as not shown."""
    return any(path == dropped or path.startswith((f"{dropped}.", f"{dropped}[].")) for dropped in event.drop)


def kept_paths(tree: KeepTree, prefix: str = "") -> Iterator[str]:
    """Every path that a keep list names, without the brackets of lists."""
    for name, below in tree.items():
        if below is None:
            yield prefix + name
        else:
            yield from kept_paths(below, f"{prefix}{name}.")


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_field_is_judged(catalog: Catalog, event_type: str) -> None:
    """Each field of the message, at every depth, is either shown or named as not shown; a batch shows its items."""
    event = event_of(catalog, event_type)
    shown = {path for path in fields(event_type) if keeps(event.keep, path)}
    if event.expand is not None:
        items = f"{event.expand.items}[]."
        shown = {path for path in fields(event_type) if path.startswith(items) or path in event.expand.inherit}
    dropped = {path for path in fields(event_type) if is_dropped(event, path)}
    assert shown | dropped == set(fields(event_type))
    assert not shown & dropped


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_nothing_is_judged_that_is_not_there(catalog: Catalog, event_type: str) -> None:
    """What is shown or not shown is a field of the message, or lifted from beside it: no name is a slip of the pen."""
    event = event_of(catalog, event_type)
    there = {path.replace("[]", "") for path in fields(event_type)}
    assert {path for path in kept_paths(event.keep) if path not in there} <= set(event.lift)
    own = fields(event_type)
    prefixes = {path[:end] for path in own for end in range(len(path) + 1) if path[end:] == "" or path[end] in ".["}
    assert set(event.drop) <= prefixes


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_event_type_says_what_it_tells(catalog: Catalog, event_type: str) -> None:
    """A sentence for people, and a reason for each field that is not shown."""
    event = event_of(catalog, event_type)
    assert event.about.endswith(".")
    assert all(event.drop.values())


@pytest.mark.parametrize("event_type", MESSAGES)
def test_places_of_viewers_are_rounded(catalog: Catalog, event_type: str) -> None:
    """Where the platform does not round them, or they are another tenant's; no other operator is needed."""
    done = [
        (each.operation, each.path, each.longitude, each.resolution) for each in event_of(catalog, event_type).redact
    ]
    assert done == [("centroid", *places, 5) for places in [ROUNDED.get(event_type)] if places]


@pytest.mark.parametrize("event_type", SENSITIVE)
def test_sensitive_fields_are_not_shown(catalog: Catalog, event_type: str) -> None:
    """Addresses, credentials, others' data and storage locations of this event type are on no keep list."""
    event = event_of(catalog, event_type)
    assert [path for path in SENSITIVE[event_type].split() if keeps(event.keep, path)] == []


@pytest.mark.parametrize("field", NOWHERE.split())
def test_fields_that_no_event_type_shows(catalog: Catalog, field: str) -> None:
    """Internal names open a stream to whoever knows them; ids of people and of triggers are nobody's business."""
    assert [event.name for _, event in catalog.routes.values() if keeps(event.keep, field)] == []


def test_nothing_is_past_the_net(catalog: Catalog) -> None:
    """No path and no column of this pack may hold an address."""
    assert [event.name for _, event in catalog.routes.values() if event.expose] == []
    assert [
        table.name for channel in catalog.channels.values() for table in channel.tables.values() if table.expose
    ] == []


def test_load_balancing_does_not_get_the_stream_from_the_trigger(catalog: Catalog) -> None:
    """It goes to the cluster's owner; the stream is another tenant's, and no lift brings it back."""
    event = catalog.channels["system"].events["load_balancing"]
    assert set(event.lift) == {"cluster_id"}


def test_viewer_samples_are_expanded(catalog: Catalog) -> None:
    """A batch becomes samples, each with its own id, and with the batch's stream and node."""
    batch = catalog.channels["analytics"].events["client_lifecycle_batch"]
    assert batch.expand is not None
    assert (batch.expand.items, batch.expand.type, batch.expand.id) == (
        "samples",
        "client_lifecycle_update",
        "event_id",
    )
    assert batch.expand.inherit == ("stream_id", "node_id")


def test_messages_need_their_conversation(catalog: Catalog) -> None:
    """A message without one cannot be placed, and goes to the dead letters."""
    for event in catalog.channels["messaging"].events.values():
        assert (event.require, event.subject) == (("conversation_id",), "conversation_id")


def test_investigation_is_found_in_the_envelope(catalog: Catalog) -> None:
    """Its payload is empty: the report's id and kind are lifted from the record itself."""
    event = catalog.channels["ai"].events["skipper_investigation"]
    assert event.lift == {"resource_type": ("resource_type",), "resource_id": ("resource_id",)}
    assert set(event.keep) == {"resource_type", "resource_id"}


def test_tables_belong_to_their_channels(catalog: Catalog) -> None:
    """Each current-state table is where its subject is."""
    found = {
        (channel.name, table.name): table.source
        for channel in catalog.channels.values()
        for table in channel.tables.values()
    }
    assert found == TABLES


@pytest.mark.parametrize(("channel", "name"), TABLES)
def test_columns_exist_and_are_not_sensitive(catalog: Catalog, channel: str, name: str) -> None:
    """Every column that a snapshot names is one of the table's; none of them tells what it must not."""
    table = catalog.channels[channel].tables[name]
    columns = set(DDL[table.source].split())
    assert {*table.columns, *table.scope, *(where.column for where in table.where)} <= columns
    assert not set(SENSITIVE_COLUMNS.split()) & set(table.columns)
    assert table.key == ORDER_BY[table.source]


@pytest.mark.parametrize(("channel", "name"), TABLES)
def test_every_column_is_judged(catalog: Catalog, channel: str, name: str) -> None:
    """Each column of the source is either listed or named as not shown, with the reason; no column is neither."""
    table = catalog.channels[channel].tables[name]
    assert {*table.columns, *table.drop} - {*table.derived} == set(DDL[table.source].split())
    assert not {*table.columns} & {*table.drop}
    assert table.about.endswith(".")
    assert all(table.drop.values())


def test_rows_are_changed_as_the_ingest_does(catalog: Catalog) -> None:
    """Every event type that the ingest makes rows of changes the table of these rows, and no other one does."""
    tables = [table for channel in catalog.channels.values() for table in channel.tables.values()]
    assert {table.name: table.changed_by for table in tables} == {
        name: set(events.split()) for name, events in CHANGES.items()
    }


def test_versions_are_compared_where_the_clock_is_one(catalog: Catalog) -> None:
    """A viewer's session aggregates, so that its end counts whatever came later; an orchestrator's row is versioned by
    when it was written, which events do not tell.
    """
    tables = [table for channel in catalog.channels.values() for table in channel.tables.values()]
    assert {table.name for table in tables if table.compared} == {"streams", "nodes", "artifacts", "artifact_copies"}
    assert {table.name for table in tables if table.final} == {"viewers"}


def test_what_time_does(catalog: Catalog) -> None:
    """Streams are given up after two minutes, nodes are stale after 90 seconds, sessions over after four hours."""
    channels = catalog.channels
    given_up = {"status": "offline", "buffer_state": "EMPTY", "current_viewers": 0}
    silent = {"status": ("offline", "stopped", "gone")}
    assert channels["streams"].tables["streams"].clock == (ClockRule("updated_at", 120_000, silent, given_up),)
    assert channels["system"].tables["nodes"].clock == (ClockRule("updated_at", 90_000, {}, {"stale": True}),)
    assert channels["system"].tables["nodes"].derived == {"stale": False}
    assert channels["analytics"].tables["viewers"].clock == (ClockRule("connected_at", 14_400_000),)


def test_flat_payload_is_lifted(catalog: Catalog) -> None:
    """An orchestrator's payload lies where others have their trigger: what is shown is lifted from there."""
    event = catalog.channels["system"].events["orchestrator_state_update"]
    assert event.lift == {name: (f"data.{name}",) for name in event.keep}


def test_open_sessions_only(catalog: Catalog) -> None:
    """Viewers are those who have not left and came within four hours; copies are those that are there."""
    tables = catalog.channels["analytics"].tables
    assert [(where.column, where.test, where.value) for where in tables["viewers"].where] == [
        ("disconnected_at", "unset", None),
        ("connected_at", "newer_than", 14_400),
    ]
    assert [(where.column, where.test, where.value) for where in tables["artifact_copies"].where] == [
        ("present", "equals", True)
    ]
