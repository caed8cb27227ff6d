"""What a pack without faults compiles to."""

from pathlib import Path

from signalman.catalog import load
from signalman.channel import Envelope, Expand, Filter, ScopeLevel, Topic
from signalman.table import Condition
from tests.unit.catalog.sample import MINIMAL, PACK, STREAMS, faults, replaced, write

LEVELS = """
[[scope]]
level = "organization"
type = "uuid"
claim = "organizationId"
column = "organization_id"

[[scope]]
level = "workspace"
type = "string"
claim = "workspaceId"
column = "workspace_id"

[[scope]]
level = "tenant"
type = "string"
claim = "tenantId"
column = "tenant_id"
"""


def test_pack(tmp_path: Path) -> None:
    """Name, levels, topics with their envelopes, and what is ignored."""
    catalog = load(write(tmp_path))
    assert (catalog.pack, catalog.title, catalog.ignored) == ("sample", "Sample", frozenset({"noise"}))
    assert catalog.levels == (ScopeLevel("tenant", "uuid", "tenant_id"),)
    envelope = Envelope("event_id", "event_type", "timestamp", "source", ("tenant_id",))
    assert catalog.topics == {
        "media": Topic("media", "media_events", "signalman-media", envelope),
        "plain": Topic("plain", "plain_events", "signalman-plain", envelope),
    }


def test_routes_lead_to_the_channels_event_types(tmp_path: Path) -> None:
    """Every event type is found by topic and name, and is the very value that its channel holds."""
    catalog = load(write(tmp_path))
    events = catalog.channels["streams"].events
    assert catalog.routes == {
        ("media", "update"): ("streams", events["update"]),
        ("media", "sample"): ("streams", events["sample"]),
        ("media", "batch"): ("streams", events["batch"]),
        ("plain", "note"): ("streams", events["note"]),
    }


def test_event_type(tmp_path: Path) -> None:
    """Payload by the event type's name, lifted fields that it keeps, and its tree."""
    event = load(write(tmp_path)).channels["streams"].events["update"]
    assert event.payload == "data.update"
    assert event.lift == {"stream_id": ("data.stream_id",)}
    assert (event.subject, event.require, event.expand) == ("stream_id", ("stream_id",), None)
    assert event.keep == {
        "stream_id": None,
        "status": None,
        "tracks": {"codec": None, "width": None},
        "place": {"city": None},
    }


def test_payload_in_one_place(tmp_path: Path) -> None:
    """Where the topic's payload path has no placeholder, it is every event type's; nothing unkept is lifted."""
    event = load(write(tmp_path)).channels["streams"].events["note"]
    assert (event.topic, event.payload, event.lift) == ("plain", "data", {})


def test_payload_and_lift_of_the_event_type_itself(tmp_path: Path) -> None:
    """An event type may name its payload, and lift beside its topic or instead of it, from several candidates."""
    own = 'payload = "info.update_data"\nlift = { stream_id = "data.{payload}.sid | data.stream_id", status = "state" }'
    event = (
        load(write(tmp_path, streams=replaced(STREAMS, 'require = ["stream_id"]', own)))
        .channels["streams"]
        .events["update"]
    )
    assert event.payload == "data.info.update_data"
    assert event.lift == {"stream_id": ("data.info.update_data.sid", "data.stream_id"), "status": ("state",)}


def test_batch(tmp_path: Path) -> None:
    """A batch shows nothing itself; what its items inherit is lifted for it."""
    batch = load(write(tmp_path)).channels["streams"].events["batch"]
    assert batch.expand == Expand("samples", "sample", "event_id", ("stream_id",))
    assert batch.keep == {}
    assert batch.lift == {"stream_id": ("data.stream_id",)}


def test_table(tmp_path: Path) -> None:
    """Scope columns and types come from the pack's levels; max_rows has a default."""
    table = load(write(tmp_path)).channels["streams"].tables["streams"]
    assert (table.source, table.key, table.version) == ("stream_state", ("stream_id",), "updated_at")
    assert (table.scope, table.scope_types) == (("tenant_id",), ("uuid",))
    assert table.columns == ("stream_id", "status", "updated_at")
    assert (table.max_rows, table.where) == (10_000, (Condition("status", "differs", "gone"),))


def test_conditions(tmp_path: Path) -> None:
    """Ages become seconds; text, numbers and booleans stay what they are."""
    where = "".join(
        f'[[tables.streams.where]]\ncolumn = "c"\ntest = "{test}"\n{value}\n'
        for test, value in [("unset", ""), ("set", ""), ("equals", "value = true"), ("differs", "value = 0")]
        + [("newer_than", f'value = "{age}"') for age in ("90s", "15m", "4h", "7d")]
    )
    table = load(write(tmp_path, streams=STREAMS + where)).channels["streams"].tables["streams"]
    assert table.where[1:] == (
        Condition("c", "unset"),
        Condition("c", "set"),
        Condition("c", "equals", value=True),
        Condition("c", "differs", 0),
        Condition("c", "newer_than", 90),
        Condition("c", "newer_than", 900),
        Condition("c", "newer_than", 14_400),
        Condition("c", "newer_than", 604_800),
    )
    assert table.where[3].value is True


def test_filters(tmp_path: Path) -> None:
    """A filter carries its name, and what a value must look like."""
    assert load(write(tmp_path)).channels["streams"].filters == {"stream_id": Filter("stream_id", "uuid", "Stream")}


def test_exposed_paths(tmp_path: Path) -> None:
    """What may hold addresses: a kept path, a place below one that is kept whole, the items of a kept list."""
    keep, expose = '["url", "extra", "tags", "links[].url"]', '["url", "extra.ip", "tags[]", "links[].url"]'
    text = f"{MINIMAL}[events.x]\nkeep = {keep}\nexpose = {expose}\n"
    event = load(write(tmp_path, other=text)).channels["other"].events["x"]
    assert event.expose == {"url", "extra.ip", "tags[]", "links[].url"}


def test_three_levels(tmp_path: Path) -> None:
    """Scope may have several levels, widest first, with candidates in records and columns of a table's own."""
    pack = PACK[: PACK.index("[[scope]]")] + LEVELS + PACK[PACK.index("[topics.media]") :]
    pack = pack.replace(
        'scope = { tenant = "tenant_id" }',
        'scope = { tenant = "tenant_id", workspace = "workspace_id | data.workspaceId", organization = "org" }',
    )
    streams = replaced(STREAMS, 'source = "stream_state"', 'source = "stream_state"\nscope = { workspace = "ws" }')
    catalog = load(write(tmp_path, pack, streams=streams))
    assert [level.name for level in catalog.levels] == ["organization", "workspace", "tenant"]
    assert catalog.topics["media"].envelope.scope == ("org", "workspace_id|data.workspaceId", "tenant_id")
    table = catalog.channels["streams"].tables["streams"]
    assert (table.scope, table.scope_types) == (("organization_id", "ws", "tenant_id"), ("uuid", "string", "string"))


def test_level_without_path_in_an_envelope(tmp_path: Path) -> None:
    """A scope that is only partly known would show events to everybody at the missing level."""
    pack = PACK.replace(
        "[topics.media]", '[[scope]]\nlevel = "area"\ntype = "string"\nclaim = "a"\ncolumn = "a"\n[topics.media]'
    )
    assert faults(write(tmp_path, pack)) == [
        f"pack.toml: topics.{topic}.envelope.scope.area: is required: every scope level needs a path"
        for topic in ("media", "plain")
    ]
