"""Where settings come from, and which wins."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from signalman.config import load
from tests.unit.config.sample import written


def test_without_anything_the_defaults_hold() -> None:
    """Nothing has to be configured."""
    config = load(None, {})

    assert config.gateway.port == 18009
    assert config.kafka.group_id == "signalman"


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    """Settings that a file leaves out keep their defaults."""
    config = load(written(tmp_path, '[kafka]\nbrokers = ["a:1", "b:2"]\n'), {})

    assert config.kafka.brokers == ("a:1", "b:2")
    assert config.kafka.client_id == "signalman"


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    """SIGNALMAN_CONFIG is the file when none is given, and gives way to a given one."""
    named = written(tmp_path, "[gateway]\nport = 1234\n")
    other = tmp_path / "other.toml"
    other.write_text("[gateway]\nport = 5678\n")

    assert load(None, {"SIGNALMAN_CONFIG": str(named)}).gateway.port == 1234
    assert load(other, {"SIGNALMAN_CONFIG": str(named)}).gateway.port == 5678
    assert load(None, {"SIGNALMAN_CONFIG": ""}).gateway.port == 18009


def test_later_sources_win(tmp_path: Path) -> None:
    """File, FrameWorks' variable, our variable, option: each beats those before it."""
    path = written(tmp_path, '[kafka]\ngroup_id = "file"\n')
    environ = {"KAFKA_GROUP_ID": "frameworks"}
    own = {**environ, "SIGNALMAN_KAFKA__GROUP_ID": "own"}

    assert load(path, {}).kafka.group_id == "file"
    assert load(path, environ).kafka.group_id == "frameworks"
    assert load(path, own).kafka.group_id == "own"
    assert load(path, own, {("kafka", "group_id"): ("--group", "option")}).kafka.group_id == "option"


def test_an_option_that_was_not_given_changes_nothing() -> None:
    """None means that the person did not use the option."""
    assert load(None, {}, {("gateway", "port"): ("--port", None)}).gateway.port == 18009


def test_sources_add_up_within_a_section(tmp_path: Path) -> None:
    """The environment changes one key of a section and leaves the file's others."""
    path = written(tmp_path, '[kafka]\nclient_id = "file"\n[kafka.topics]\nanalytics = "file"\n')

    kafka = load(path, {"SERVICE_EVENTS_KAFKA_TOPIC": "events", "SIGNALMAN_KAFKA__TLS": "on"}).kafka

    assert (kafka.client_id, kafka.tls) == ("file", True)
    assert kafka.topics == {"analytics": "file", "service": "events"}


def test_a_whole_number_stands_for_a_fraction(tmp_path: Path) -> None:
    """Nobody has to write 2.0 seconds."""
    assert load(written(tmp_path, "[simulate]\nlag_seconds = 3\n"), {}).simulate.lag_seconds == 3.0


def test_configuration_cannot_be_changed() -> None:
    """What was read holds until the end of the process."""
    config = load(None, {})

    with pytest.raises(ValidationError, match="frozen"):
        config.gateway.port = 1  # type: ignore[misc] # mypy knows it too
