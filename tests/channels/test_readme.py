"""The description of the format agrees with the code that reads it."""

import json
import re
from pathlib import Path

import pytest

from signalman.catalog import load
from signalman.catalog import models as shapes
from signalman.catalog.paths import keeps

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


def test_example(text: str, tmp_path: Path) -> None:
    """The worked example loads, and keeps of its record what the README says a subscriber receives."""
    for name, body in re.findall(r"`(\w+\.toml)`:\n\n```toml\n(.*?)```", text, flags=re.DOTALL):
        (tmp_path / name).write_text(body, encoding="utf-8")
    event = load(tmp_path).channels["alerts"].events["alert.triggered"]
    record, received = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL))
    payload = record["body"]["alert_triggered"]
    assert event.payload == "body.alert_triggered"
    assert {key for key in {**payload, "region": "eu"} if keeps(event.keep, key)} == set(received)
    assert not keeps(event.keep, "hits[].host_name")
