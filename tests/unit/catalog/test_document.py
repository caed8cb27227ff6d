"""A pack as a document: what each line says."""

import re
from dataclasses import replace

from signalman.access_rules import SignalRule
from signalman.catalog.document import document
from signalman.channel import Catalog, Channel, EventType, Expand
from signalman.fields import Redaction
from signalman.table import RowChange, Table

TABLE = Table(
    name="alerts",
    title="Alerts",
    source="alert_state",
    scope=("tenant_id",),
    scope_types=("uuid",),
    key=("rule",),
    columns=("rule", "reporter", "at"),
    version=None,
    where=(),
    max_rows=10,
    changed_by=frozenset({"alert"}),
    derived={"silent": False},
    redact=(Redaction("reporter", "hash"),),
    about="What fires.",
    drop={"tenant_id": "whose it is"},
    why={"reporter": "shows who"},
)

ALERT = EventType(
    name="alert",
    topic="alerts",
    payload="body.alert",
    lift={"region": ("region",), "rule": ("body.alert.rule",), "id": ("body.alert.id", "body.alert.key", "nr")},
    require=(),
    keep={
        "rule": None,
        "region": None,
        "id": None,
        "a": None,
        "b": None,
        "lat": None,
        "lon": None,
        "labels": {"*": None},
        "hits": {"value": None, "threshold": None},
        "details": None,
        "peer": None,
        "url": None,
    },
    expose=frozenset({"peer"}),
    subject="rule",
    rows=(RowChange("alerts", "upsert"), RowChange("alerts", "delete")),
    aliases=("alarm",),
    redact=(
        Redaction("lat", "centroid", "lon", 7),
        Redaction("details", "json", keep={"reason": None, "tracks": {"codec": None}}),
        Redaction("url", "url"),
        Redaction("labels.from", "mask"),
        Redaction("labels.owner", "drop"),
    ),
    about="Something fires.",
    drop={"labels.owner": "a person", "hits[].host": "whose machine", "c": "a | b", "d": "a | b"},
    why={"hits": "of the rule", "url": "where to look"},
)

BATCH = EventType(
    name="batch",
    topic="alerts",
    payload="body.batch",
    lift={},
    require=(),
    keep={},
    expose=frozenset(),
    subject=None,
    expand=Expand("items", "alert", "id", ("region",)),
)

PLAIN = EventType("plain", "alerts", "body", {}, (), {"x": None}, frozenset(), None)


def made(*events: EventType) -> str:
    """The document of a pack with one channel that has *events*."""
    tables = {} if events == (PLAIN,) else {"alerts": TABLE}
    named = {event.name: event for event in events}
    roles = frozenset({"viewer", "boss"} if tables else ())
    permissions = frozenset({"read", "alerts:read"})
    channel = Channel("alerts", "Alerts", "All alerts.", permissions, named, {}, tables, roles=roles)
    signals = {("users", name): SignalRule(user="id") for name in ("moved", "gone")} if tables else {}
    ignored = frozenset({"b", "a"} if tables else ())
    return document(Catalog("own", "Own", (), {}, {"alerts": channel}, ignored, signals=signals))


def section(heading: str) -> list[str]:
    """The lines below *heading*, without empty ones."""
    text = made(ALERT, BATCH).partition(f"\n{heading}\n")[2]
    return [line for line in re.split(r"\n#", text, maxsplit=1)[0].split("\n") if line]


def test_event_type() -> None:
    """Fields in the order in which they are sent, runs of equal ones together, then those that are not shown."""
    assert section("### `alert`") == [
        (
            "Something fires. Also called `alarm`. Changes table [`alerts`](#table-alerts). "
            "(9 shown, 5 changed, 4 not shown)"
        ),
        "| field | subscribers get | why |",
        "| --- | --- | --- |",
        "| `rule` | shown |  |",
        "| `region` | shown | from `region`, else the payload |",
        "| `id` | shown | from the payload, else the payload's `key`, else `nr` |",
        "| `a`, `b` | shown |  |",
        "| `lat`, `lon` | changed: `centroid` | the centre of the H3 cell of resolution 7 that the place lies in |",
        "| `labels.*` | shown |  |",
        "| `labels.from` | changed: `mask` | an address becomes its network, IPv4 a /24 and IPv6 a /48 |",
        "| `hits`: `value`, `threshold` | shown | of the rule |",
        "| `details` | changed: `json` | JSON in a text; of it `reason`, `tracks.codec` |",
        "| `peer` | shown, past the net |  |",
        "| `url` | changed: `url` | a URL becomes its scheme and path: no user, host, port or query; where to look |",
        "| `labels.owner` | not shown | a person |",
        "| `hits.host` | not shown | whose machine |",
        "| `c`, `d` | not shown | a \\| b |",
    ]


def test_batch() -> None:
    """It is not sent itself, and says what is."""
    assert section("### `batch`") == [
        (
            "Each of its `items` becomes an event of its own, [`alert`](#alert). "
            "Where it has none, it gets `region` from the batch."
        )
    ]


def test_what_is_the_platforms() -> None:
    """It says so, beside what else there is to say of it."""
    text = made(replace(PLAIN, platform=True))
    assert "### `plain`\n\nWhere it is of no tenant, it is for those who run the platform. (1 shown)\n" in text


def test_table() -> None:
    """Columns of the store, those that Signalman adds, those that nobody sees."""
    assert section("### Table `alerts`") == [
        "What fires. Rows of `alert_state`. Changed by [`alert`](#alert). (3 shown, 1 changed, 1 not shown)",
        "| column | subscribers get | why |",
        "| --- | --- | --- |",
        "| `rule` | shown |  |",
        "| `reporter` | changed: `hash` | a pseudonym, the same for the same value within a scope; shows who |",
        "| `at` | shown |  |",
        "| `silent` | shown | in no store: Signalman's own |",
        "| `tenant_id` | not shown | whose it is |",
    ]


def test_overview() -> None:
    """Channels with their event types and tables first, what goes nowhere last."""
    text = made(ALERT, BATCH)
    assert text.split("\n")[2] == (
        "| [`alerts`](#channel-alerts) | [`alert`](#alert), [`batch`](#batch) | [`alerts`](#table-alerts) |"
    )
    tokens = "A token needs one of the permissions `alerts:read`, `read`"
    assert f"All alerts. {tokens}, a person one of the roles `boss`, `viewer`." in text
    told = "Event types that say whose access may have changed. They are shown to nobody"
    assert f"## About access\n\n{told}: `gone`, `moved`.\n" in text
    assert text.endswith("## Sent nowhere\n\nEvent types that are known, and that no channel has: `a`, `b`.\n")


def test_nothing_is_said_of_nothing() -> None:
    """No ignored event types or signals, no sentence about them; no table, no changes; no `about`, no empty words."""
    text = made(PLAIN)
    assert "Sent nowhere" not in text
    assert "About access" not in text
    assert "`read`, no person reads it." in text
    assert text.endswith(
        "\n### `plain`\n\n(1 shown)\n\n| field | subscribers get | why |\n| --- | --- | --- |\n| `x` | shown |  |\n"
    )
