"""The description of the format agrees with the code that reads it."""

import json
import re
from pathlib import Path
from typing import cast, get_args

import pytest

from signalman import clock
from signalman.catalog import load
from signalman.catalog import models as shapes
from signalman.catalog.paths import keeps
from signalman.channel import ColumnType
from signalman.event import Record
from signalman.relay.decode import Decoder
from signalman.relay.encode import encode
from signalman.relay.redact import Redactor
from signalman.relay.route import Router
from signalman.relay.rows import Rows
from signalman.relay.values import ZERO

README = Path(__file__).parents[2] / "channels" / "README.md"

SECTIONS: dict[str, type[shapes.Shape]] = {
    "`[pack]`": shapes.PackShape,
    "`[[scope]]`": shapes.ScopeShape,
    "`[topics.<name>]`": shapes.TopicShape,
    "`[topics.<name>.envelope]`": shapes.EnvelopeShape,
    "The file": shapes.ChannelFile,
    "`[filters.<name>]`": shapes.FilterShape,
    "`[events.<type>]`": shapes.EventShape,
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
    described = {*SECTIONS.values(), shapes.PackFile}
    assert set(shapes.Shape.__subclasses__()) == described


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_is_documented(text: str, heading: str) -> None:
    """Each section names its table's keys, no more and no fewer, and says which are required."""
    table = documented(sections(text)[heading])
    fields = SECTIONS[heading].model_fields
    assert set(table) == set(fields)
    assert {key for key, note in table.items() if note == "required"} == {
        key for key, info in fields.items() if info.is_required()
    }


def test_tables_of_the_pack_file(text: str) -> None:
    """The pack file's own tables are named."""
    sentence = re.search(r"Tables of `pack.toml` as a whole: (.+)\.", text)
    assert sentence is not None
    assert set(re.findall(r"`(\w+)`", sentence[1])) == set(shapes.PackFile.model_fields)


def test_types_of_columns(text: str) -> None:
    """Each type is named, with what it is where nothing is said."""
    table = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", sections(text)["Types of columns"], flags=re.MULTILINE)
    assert {name for name, _ in table} == set(get_args(ColumnType))
    for name, zero in table:
        if zero.startswith("`"):
            assert json.loads(zero.strip("`")) == dict(ZERO)[cast("ColumnType", name)]


def test_example(text: str, tmp_path: Path) -> None:
    """The worked example loads, and makes of its record the data and the rows that the README says are received."""
    for name, body in re.findall(r"`(\w+\.toml)`:\n\n```toml\n(.*?)```", text, flags=re.DOTALL):
        (tmp_path / name).write_text(body, encoding="utf-8")
    catalog = load(tmp_path)
    blocks = re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL)
    record = Record("observatory.alerts", 0, 0, 0, None, blocks[0].encode())
    decoded = Decoder(catalog, {"observatory.alerts": "alerts"}).decode(record)
    (event,) = Router(catalog).route(decoded).events
    safe, _ = Redactor(catalog).redact(event)
    received = json.loads(encode(safe, Rows(catalog).changes(event).rows))
    assert received["data"] == json.loads(blocks[1])
    assert received["rows"] == json.loads(blocks[2])
    assert not keeps(catalog.channels["alerts"].events["alert.triggered"].keep, "hits[].host_name")


def test_example_in_time(text: str, tmp_path: Path) -> None:
    """The example's row goes silent, and goes, as the README says."""
    for name, body in re.findall(r"`(\w+\.toml)`:\n\n```toml\n(.*?)```", text, flags=re.DOTALL):
        (tmp_path / name).write_text(body, encoding="utf-8")
    rules = load(tmp_path).channels["alerts"].tables["alerts"].clock
    row = {"rule": "cpu", "fired_at": "1970-01-01T00:00:00Z", "updated_at": "1970-01-01T00:00:00Z", "silent": False}
    assert clock.apply(row, rules, 299_999) == row
    assert clock.apply(row, rules, 300_000) == row | {"silent": True}
    assert clock.apply(row | {"severity": "info"}, rules, 300_000) == row | {"severity": "info"}
    assert clock.apply(row, rules, 7 * 86_400_000) is None
