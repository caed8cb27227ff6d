"""The description of the format agrees with the code that reads it."""

import json
import re
from pathlib import Path
from typing import Any, cast, get_args

import pytest

from signalman import clock
from signalman.catalog import default_folder, load
from signalman.catalog import models as shapes
from signalman.catalog import pack_models as pack_shapes
from signalman.catalog.findings import Findings
from signalman.catalog.paths import keep_tree
from signalman.catalog.suspicious import leaves, warnings
from signalman.channel import Catalog, Limits
from signalman.event import Event, Record
from signalman.fields import Operation, Redaction
from signalman.redaction import Operators, Pseudonyms
from signalman.relay.decode import Decoder
from signalman.relay.encode import encode
from signalman.relay.redact import Redactor
from signalman.relay.route import Router
from signalman.relay.rows import Rows
from signalman.relay.values import ZERO
from signalman.table import ColumnType

README = Path(__file__).parents[2] / "channels" / "README.md"

SECTIONS: dict[str, type[shapes.Shape]] = {
    "`[pack]`": pack_shapes.PackShape,
    "`[[scope]]`": pack_shapes.ScopeShape,
    "`[access]`": pack_shapes.AccessShape,
    "`claims`": pack_shapes.ClaimsShape,
    "`[[access.tokens]]`": pack_shapes.TokenShape,
    "`[signals.<type>]`": pack_shapes.SignalShape,
    "`[topics.<name>]`": pack_shapes.TopicShape,
    "`[topics.<name>.envelope]`": pack_shapes.EnvelopeShape,
    "The file": shapes.ChannelFile,
    "`[limits]`": shapes.LimitsShape,
    "`[filters.<name>]`": shapes.FilterShape,
    "`[events.<type>]`": shapes.EventShape,
    "An operator": shapes.RedactShape,
    "`expand`": shapes.ExpandShape,
    "`[[events.<type>.rows]]`": shapes.RowShape,
    "A value": shapes.ValueShape,
    "A condition": shapes.WhenShape,
    "`[[tables.<name>.clock]]`": shapes.ClockShape,
    "`[tables.<name>]`": shapes.TableShape,
    "`[[tables.<name>.where]]`": shapes.ConditionShape,
}


@pytest.fixture(scope="module")
def text() -> str:
    """The README."""
    return README.read_text(encoding="utf-8")


def documented(section: str) -> dict[str, str]:
    """Keys of a section's table, each with its second column."""
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) ?\|", section, flags=re.MULTILINE))


def sections(text: str) -> dict[str, str]:
    """Heading of the third level → what stands below it."""
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_shape_has_its_section() -> None:
    """No class of file shapes is forgotten by the next test."""
    described = {*SECTIONS.values(), pack_shapes.PackFile}
    assert set(shapes.Shape.__subclasses__()) == described


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_is_documented(text: str, heading: str) -> None:
    """Each section names its table's keys, no more and no fewer, and says which are required."""
    table = documented(sections(text)[heading].split("| operator |")[0])
    fields = SECTIONS[heading].model_fields
    assert set(table) == set(fields)
    assert {key for key, note in table.items() if note == "required"} == {
        key for key, info in fields.items() if info.is_required()
    }


def test_tables_of_the_pack_file(text: str) -> None:
    """The pack file's own tables are named."""
    sentence = re.search(r"Tables of `pack.toml` as a whole: (.+)\.", text)
    assert sentence is not None
    assert set(re.findall(r"`(\w+)`", sentence[1])) == set(pack_shapes.PackFile.model_fields)


def test_types_of_columns(text: str) -> None:
    """Each type is named, with what it is where nothing is said."""
    table = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", sections(text)["Types of columns"], flags=re.MULTILINE)
    assert {name for name, _ in table} == set(get_args(ColumnType))
    for name, zero in table:
        if zero.startswith("`"):
            assert json.loads(zero.strip("`")) == dict(ZERO)[cast("ColumnType", name)]


KEY = Pseudonyms(b"an example, and no secret")
SCOPE = ("w-1", "t-1")


def pack(text: str, heading: str, folder: Path) -> Catalog:
    """The pack of the README's section *heading*, written to *folder* and loaded."""
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    for name, body in re.findall(r"`(\w+\.(?:toml|sql))`:\n\n```(?:toml|sql)\n(.*?)```", section, flags=re.DOTALL):
        (folder / name).write_text(body, encoding="utf-8")
    return load(folder)


def routed(text: str, catalog: Catalog, kind: str = "alert.triggered") -> Event:
    """The example's record as an event, before redaction."""
    value = re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL)[0].replace("alert.triggered", kind)
    record = Record("observatory.alerts", 0, 0, 0, None, value.encode())
    (event,) = Router(catalog).route(Decoder(catalog, {"observatory.alerts": "alerts"}).decode(record)).events
    return event


def test_example(text: str, tmp_path: Path) -> None:
    """The worked example loads, and makes of its record the data and the rows that the README says are received."""
    catalog = pack(text, "An example", tmp_path)
    event = routed(text, catalog)
    safe = Redactor(catalog, pseudonyms=KEY).redact(event)
    assert (safe.removed, safe.unread) == (0, 0)
    received = json.loads(encode(safe.event, Rows(catalog, pseudonyms=KEY).changes(event).rows))
    _, data, rows = re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL)[:3]
    assert list(received["data"].items()) == list(json.loads(data).items())
    assert received["rows"] == json.loads(rows)


def test_example_under_its_other_name(text: str, tmp_path: Path) -> None:
    """An alias is the same event type, published under the name of the pack."""
    catalog = pack(text, "An example", tmp_path)
    assert routed(text, catalog, "alert.fired") == routed(text, catalog)


def test_example_argues(text: str, tmp_path: Path) -> None:
    """What `signalman check` might frown at, the example has an answer to; without it, there is a warning."""
    catalog = pack(text, "An example", tmp_path)
    assert warnings(catalog) == []
    path = tmp_path / "alerts.toml"
    path.write_text(path.read_text().replace('"labels.*" = "a tenant chooses', 'rule = "a tenant chooses'))
    assert [each.key for each in warnings(load(tmp_path))] == ['events."alert.triggered".keep']


def test_example_in_time(text: str, tmp_path: Path) -> None:
    """The example's row goes silent, and goes, as the README says."""
    rules = pack(text, "An example", tmp_path).channels["alerts"].tables["alerts"].clock
    row = {"rule": "cpu", "fired_at": "1970-01-01T00:00:00Z", "updated_at": "1970-01-01T00:00:00Z", "silent": False}
    assert clock.apply(row, rules, 299_999) == row
    assert clock.apply(row, rules, 300_000) == row | {"silent": True}
    assert clock.apply(row | {"severity": "info"}, rules, 300_000) == row | {"severity": "info"}
    assert clock.apply(row, rules, 7 * 86_400_000) is None


def test_your_own_pack(text: str, tmp_path: Path) -> None:
    """The extension loads on top of the pack that ships, and shows less and more as the README says."""
    base, own = load(default_folder("frameworks")), pack(text, "Your own pack", tmp_path)
    assert (own.pack, own.levels, own.topics) == ("ours", base.levels, base.topics)
    assert set(own.channels) == set(base.channels) - {"ai"} | {"billing"}
    assert ("analytics", "push_out_start") in base.routes.keys() - own.routes.keys()
    assert own.routes["service", "invoice_paid"][0] == "billing"
    assert own.ignored == base.ignored - {"invoice_paid"} | {"push_out_start"}
    analytics, before = own.channels["analytics"], base.channels["analytics"]
    assert analytics.permissions == {"viewers:read"}
    hidden = {"viewer_connect": "client_city", "client_lifecycle_update": "client_city", "viewer_disconnect": "city"}
    for event, field in hidden.items():
        assert before.events[event].keep.keys() - analytics.events[event].keep.keys() == {field}
        assert analytics.events[event].drop[field] == "in our house nobody is told a viewer's city"
    assert not any("city" in path for each in analytics.events.values() for path in leaves(each.keep))
    assert set(before.tables["viewers"].columns) - set(analytics.tables["viewers"].columns) == {"city"}
    assert own.channels["streams"] == base.channels["streams"]


def operators(text: str) -> dict[str, tuple[Any, Any]]:
    """Operator → the example that the README gives, before and after."""
    cells = re.findall(r"^\| `(\w+)` \|.*\| `(.+)` → `(.+)` \|$", sections(text)["An operator"], flags=re.MULTILINE)
    return {name: (json.loads(before), json.loads(after)) for name, before, after in cells}


def test_operators(text: str) -> None:
    """Each operator has a row, with an example that is true."""
    examples = operators(text)
    assert set(examples) == set(get_args(Operation)) - {"drop"}
    for name, (before, after) in examples.items():
        keep = keep_tree(["reason"], {}, Findings("")) if name == "json" else {}
        redaction = Redaction("a", cast("Operation", name), "b" if name == "centroid" else None, keep=keep)
        given, wanted = ((x if name == "centroid" else [x, None]) for x in (before, after))
        made, unread = Operators([redaction], KEY).apply(dict(zip("ab", given, strict=True)), SCOPE)
        assert (list(made.values()), unread) == (wanted, 0), name


def test_defaults(text: str) -> None:
    """The numbers that hold where a file says nothing are the code's."""
    limits = sections(text)["`[limits]`"]
    assert f"{Limits().event_bytes:,}".replace(",", " ") in limits
    assert f"; {Limits().filter_values}, at most" in limits
    assert f"; {Redaction('', 'centroid').resolution} (about" in sections(text)["An operator"]
