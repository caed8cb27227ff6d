"""`docs/redaction.md` says what the channel files say."""

import re
from pathlib import Path

import pytest

from signalman.catalog import default_folder, load
from signalman.catalog.document import document
from signalman.channel import Catalog
from tests.channels.frameworks_facts import DDL, TABLES, fields
from tests.channels.frameworks_samples import EVENT_TYPES
from tests.writings import WRITINGS, corpus

PAGE = Path(__file__).parents[2] / "docs" / "redaction.md"
MARK = "<!-- What follows is the output of `signalman channels document`. -->\n\n"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The pack as it ships."""
    return load(default_folder("frameworks"))


@pytest.fixture(scope="module")
def page() -> str:
    """The page."""
    return PAGE.read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands below *heading*, up to the next one."""
    return re.split(r"\n##", text.partition(f"\n{heading}\n")[2], maxsplit=1)[0]


def named(text: str) -> set[str]:
    """The fields or columns in the first cells of a section's table, in full."""
    found = set()
    for cell in re.findall(r"^\| (`.*?) \|", text, flags=re.MULTILINE):
        above, colon, below = cell.rpartition(": ")
        found |= {f"{above.strip('`')}{'.' if colon else ''}{name}" for name in re.findall(r"`([^`]+)`", below)}
    return found


def test_tables_are_those_of_the_pack(page: str, catalog: Catalog) -> None:
    """Whoever changes a channel file puts what `signalman channels document` prints behind the page's last comment."""
    assert page.partition(MARK)[2] == document(catalog)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_field_is_on_the_page(page: str, event_type: str) -> None:
    """In the section of its event type, by itself or by the object in which it is not shown."""
    own = named(section(page, f"### `{event_type}`"))
    if event_type == "client_lifecycle_batch":
        own |= {"samples", "stream_id", "node_id"}  # not its own: they become an event, and parts of it
    paths = [path.replace("[]", "").split(".") for path in fields(event_type)]
    prefixes = [{".".join(path[:depth]) for depth in range(1, len(path) + 1)} for path in paths]
    assert [each for each in prefixes if not each & own] == []


@pytest.mark.parametrize(("channel", "name"), TABLES)
def test_every_column_is_on_the_page(page: str, catalog: Catalog, channel: str, name: str) -> None:
    """In the section of its table."""
    source = catalog.channels[channel].tables[name].source
    assert set(DDL[source].split()) <= named(section(page, f"### Table `{name}`"))


def test_counts_of_writings(page: str) -> None:
    """The page says how many writings of an address the net is tried with."""
    assert f"any of {len(WRITINGS)} writings" in page.replace("\n", " ")
    assert f"corpus, {len(corpus())} texts" in page
