"""What ``signalman check`` is told."""

from pathlib import Path

import pytest

from signalman.catalog import default_folder, load
from signalman.catalog.folders import built_in
from signalman.catalog.report import summary
from signalman.errors import CatalogError, Fault
from tests.unit.catalog.sample import STREAMS, replaced, write


def test_summary(tmp_path: Path) -> None:
    """A sound pack is summed up: the pack, and each channel with what it has."""
    assert summary(load(write(tmp_path))) == [
        "sample: Sample",
        "scope tenant; topics media_events, plain_events; 1 event type known and ignored",
        "  streams  4 event types; 1 table (streams); filter by stream_id",
    ]


def test_faults_are_sorted(tmp_path: Path) -> None:
    """By file and key, with the file as the person gave it."""
    streams = replaced(STREAMS, 'title = "Streams"\nsource', "source").replace("version =", "versoin =")
    with pytest.raises(CatalogError) as caught:
        load(write(tmp_path, streams=streams))
    assert caught.value.faults == [
        Fault(f"{tmp_path}/streams.toml", "tables.streams.title", "is required"),
        Fault(f"{tmp_path}/streams.toml", "tables.streams.versoin", 'unknown key, did you mean "version"?'),
    ]


def test_unknown_pack() -> None:
    """A pack that does not come with Signalman is refused by name, with the nearest one that does."""
    with pytest.raises(CatalogError) as caught:
        default_folder("framework")
    assert str(caught.value) == 'framework: no such pack comes with Signalman, did you mean "frameworks"?'


def test_pack_name_is_no_path() -> None:
    """A name cannot lead out of the packs' folder."""
    with pytest.raises(CatalogError):
        default_folder("../channels/frameworks")


def test_only_folders_with_a_pack_file_are_packs(tmp_path: Path) -> None:
    """Another folder called ``channels``, such as an installed package, is not taken for packs."""
    (tmp_path / "sample").mkdir()
    (tmp_path / "code").mkdir()
    write(tmp_path / "sample")
    assert built_in(tmp_path) == {"sample": tmp_path / "sample"}
