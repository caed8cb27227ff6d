"""The rows stage over tables made for the purpose: net, operators, and what each type of column takes."""

from dataclasses import replace
from typing import Any, cast

from signalman.event import Event
from signalman.fields import Redaction
from signalman.redaction import Pseudonyms
from signalman.relay.rows import Changed, Rows
from signalman.relay.values import ZERO
from signalman.table import ColumnType, RowChange, Setting, Source, When
from tests.unit.relay.make import STREAM, TENANT, TIME, catalog, channel, event_type, table


def columns(**types: str) -> tuple[Setting, ...]:
    """A column of each of these types, from the field of its own name."""
    return tuple(
        Setting(name, cast("ColumnType", kind), nullable=False, sources=(Source(name),)) for name, kind in types.items()
    )


KEY = Pseudonyms(b"k" * 16)


def of_table(data: dict[str, Any], *changes: RowChange, **others: Any) -> Changed:
    """What an event with *data* does by *changes* to a table keyed by ``id``."""
    names = [setting.column for setting in changes[0].columns if setting.column != "id"]
    t = table("t", ("id",), *names, **others)
    pack = catalog(replace(channel("c", event_type("e", {}, rows=changes)), tables={"t": t}))
    return Rows(pack, pseudonyms=KEY).changes(Event("e-1", "e", TIME, "s", (TENANT,), "c", data))


def test_exposed_columns_pass_the_net() -> None:
    """What a table exposes by name stays; a column with a host-like name beside it does not, whatever it holds."""
    change = RowChange("t", "upsert", columns=columns(id="text", url="text", client_ip="integer"))
    data = {"id": "1", "url": "https://203.0.113.9", "client_ip": 5}
    exposed = of_table(data, change, expose=frozenset({"url"}))
    assert exposed == Changed(({"table": "t", "op": "upsert", "row": {"id": "1", "url": data["url"]}},), removed=1)
    assert of_table(data, change).rows[0]["row"] == {"id": "1"}


def test_several_changes_of_one_event() -> None:
    """Each whose conditions hold, in the pack's order; one that cannot be read does not take the others with it."""
    one = RowChange("t", "upsert", when=(When("kind", one_of=("a", "b")),), columns=columns(id="text", size="integer"))
    two = RowChange("t", "delete", when=(When("kind", none_of=("a",)),), columns=columns(id="text"))

    def ops(**data: Any) -> tuple[list[str], int]:
        found = of_table({"id": "1", **data}, one, two)
        return [change["op"] for change in found.rows], found.unread

    assert ops(kind="a") == (["upsert"], 0)
    assert ops(kind="b") == (["upsert", "delete"], 0)
    assert ops(kind="b", size="x") == (["delete"], 1)
    assert ops() == (["delete"], 0)


def test_operators_work_on_rows() -> None:
    """On a row that is new as on one that is not, before the net, which lets networks and pseudonyms pass."""
    change = RowChange(
        "t", "upsert", columns=columns(id="text", ip="text", note="text"), initial=columns(city="text", url="text")
    )
    redactions = [Redaction("id", "hash"), Redaction("ip", "mask"), Redaction("note", "null"), Redaction("url", "url")]
    data = {"id": "1", "ip": "203.0.113.9", "note": "n", "city": "at 203.0.113.9", "url": "https://203.0.113.9/a?b"}
    result = of_table(data, change, redact=tuple(redactions))
    row = {"id": KEY.of("1", (TENANT,)), "ip": "203.0.113.0/24", "note": None}
    assert result.rows == ({"table": "t", "op": "upsert", "row": row, "initial": {"url": "https:/a"}},)
    assert (result.removed, result.unread, result.values_unread) == (1, 0, 0)


def test_what_an_operator_cannot_read_goes_from_rows() -> None:
    """And is counted apart from changes that are left out."""
    change = RowChange("t", "upsert", columns=columns(id="text", ip="text"))
    result = of_table({"id": "1", "ip": "edge-1"}, change, redact=(Redaction("ip", "mask"),))
    assert result == Changed(({"table": "t", "op": "upsert", "row": {"id": "1"}},), values_unread=1)


def test_a_row_whose_key_an_operator_took_is_none() -> None:
    """Nobody could say which row it is."""
    change = RowChange("t", "upsert", columns=columns(id="text"))
    assert of_table({"id": "edge-1"}, change, redact=(Redaction("id", "mask"),)) == Changed(values_unread=1)


def test_columns_of_one_kind_beside_each_other() -> None:
    """The usual value of each kind of column takes a short way; any other becomes the same as by the long one."""
    settings = columns(id="text", n="integer", b="bool", i="integer64", u="uuid", f="number32", g="flag", t="time")
    usual = {"id": "a", "n": 5, "b": True, "i": "7", "u": STREAM, "f": 29.97, "g": True, "t": TIME}
    unusual = {
        "id": "a",
        "n": "5",
        "b": 1,
        "i": 7,
        "u": STREAM.upper(),
        "f": 29.97,
        "g": "1",
        "t": "1970-01-01T00:00:00Z",
    }
    change = RowChange("t", "upsert", columns=settings)
    (made,) = of_table(usual, change).rows
    expected = {"id": "a", "n": 5, "b": True, "i": "7", "u": STREAM, "f": 29.97, "g": 1, "t": "2026-08-20T10:11:12Z"}
    assert made["row"] == expected
    (made,) = of_table(unusual, change).rows
    assert made["row"] == {**expected, "t": ZERO["time"]}
    (made,) = of_table({"id": "a", "i": "0", "n": 0, "f": 0, "u": "", "t": None}, change).rows
    assert made["row"] == {setting.column: ZERO[setting.type] for setting in settings} | {"id": "a"}


def test_the_events_time_in_a_column_that_can_be_null() -> None:
    """The epoch is nothing there, as everywhere."""
    time = Setting("at", "time", nullable=True, sources=(Source(time=True),))
    pack = catalog(
        replace(
            channel("c", event_type("e", {}, rows=(RowChange("t", "upsert", columns=(*columns(id="text"), time)),))),
            tables={"t": table("t", ("id",), "at")},
        )
    )
    for stamp, at in ((TIME, "2026-08-20T10:11:12Z"), ("1970-01-01T00:00:00.5Z", None)):
        (made,) = Rows(pack).changes(Event("e-1", "e", stamp, "s", (TENANT,), "c", {"id": "1"})).rows
        assert made["row"] == {"id": "1", "at": at}
