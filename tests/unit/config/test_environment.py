"""SIGNALMAN_<SECTION>__<KEY>."""

from pathlib import Path

import pytest

from signalman.config import load
from signalman.config.environment import variables
from signalman.errors import ConfigError
from tests.unit.config.sample import faults, written


def test_every_kind_of_value_can_be_given() -> None:
    """Text, numbers, truth, lists, secrets, names in a table, and settings one level further down."""
    config = load(
        None,
        {
            "SIGNALMAN_KAFKA__CLIENT_ID": "me",
            "SIGNALMAN_GATEWAY__PORT": " 8080 ",
            "SIGNALMAN_SNAPSHOT__SHARE_SECONDS": "0.5",
            "SIGNALMAN_GATEWAY__DASHBOARD": "false",
            "SIGNALMAN_GATEWAY__ALLOWED_ORIGINS": "https://a.example, https://b.example:8443,",
            "SIGNALMAN_CLICKHOUSE__PASSWORD": "p,w",
            "SIGNALMAN_KAFKA__TOPICS__ANALYTICS": "prod.analytics",
            "SIGNALMAN_DIRECTORY__DATABASES__PURSER": "billing",
        },
    )

    assert config.kafka.client_id == "me"
    assert config.gateway.port == 8080
    assert config.snapshot.share_seconds == 0.5
    assert config.gateway.dashboard is False
    assert config.gateway.allowed_origins == ("https://a.example", "https://b.example:8443")
    assert config.clickhouse.password.get_secret_value() == "p,w"
    assert config.kafka.topics == {"analytics": "prod.analytics"}
    assert config.directory.databases == {"purser": "billing"}


def test_an_empty_value_is_a_value() -> None:
    """Empty text and an empty list can be set over what a file says."""
    config = load(None, {"SIGNALMAN_KAFKA__MIRROR_REGIONS": "", "SIGNALMAN_DIRECTORY__URL": ""})

    assert config.kafka.mirror_regions == ()
    assert config.directory.url.get_secret_value() == ""


def test_the_clients_variables_are_left_alone() -> None:
    """What `signalman tail` connects with is no setting, and no fault either."""
    assert load(None, {"SIGNALMAN_URL": "ws://x", "SIGNALMAN_TOKEN": "t", "PATH": "/bin"}) == load(None, {})


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("SIGNALMAN_GATEWAY_PORT", 'unknown setting, did you mean "SIGNALMAN_GATEWAY__PORT"?'),
        ("SIGNALMAN_GATWAY__PORT", 'unknown setting, did you mean "SIGNALMAN_GATEWAY__PORT"?'),
        ("SIGNALMAN_GATEWAY__PORT__X", 'unknown setting, did you mean "SIGNALMAN_GATEWAY__PORT"?'),
        ("SIGNALMAN_KAFKA__BROKER", 'unknown setting, did you mean "SIGNALMAN_KAFKA__BROKERS"?'),
        ("SIGNALMAN_ACCESS__ACCOUNTS", "can only be set in a file"),
    ],
)
def test_unknown_names_are_faults(name: str, reason: str) -> None:
    """A mistyped variable is not silently without effect."""
    assert [(fault.file, fault.key, fault.reason) for fault in faults(None, {name: "1"})] == [
        ("environment", name, reason)
    ]


@pytest.mark.parametrize("name", ["SIGNALMAN_KAFKA", "SIGNALMAN_KAFKA__TOPICS", "SIGNALMAN_KAFKA__TOPICS__"])
def test_a_whole_table_is_no_setting(name: str) -> None:
    """Only single settings can be set."""
    (fault,) = faults(None, {name: "1"})

    assert fault.reason.startswith("unknown setting")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNALMAN_SERVICE_HOST", "10.0.0.1"),
        ("SIGNALMAN_SERVICE_PORT", "18009"),
        ("SIGNALMAN_SERVICE_PORT_HTTP", "18009"),
        ("SIGNALMAN_PORT", "tcp://10.0.0.1:18009"),
        ("SIGNALMAN_GATEWAY_PORT", "tcp://10.0.0.1:18009"),
        ("SIGNALMAN_GATEWAY_PORT_18009_TCP_ADDR", "10.0.0.1"),
    ],
)
def test_what_kubernetes_says_of_a_service_named_signalman_is_no_fault(name: str, value: str) -> None:
    """A service of our name in the namespace does not keep us from starting."""
    assert load(None, {name: value}) == load(None, {})


@pytest.mark.parametrize("name", variables())
def test_every_variable_sets_what_it_names(name: str) -> None:
    """Each listed variable is known: a value that fits no setting is faulty as a value, not as a name."""
    try:
        load(None, {name: "\n"})
    except ConfigError as error:
        found = error.faults
    else:
        found = []

    assert not [fault for fault in found if fault.key != name or "unknown" in fault.reason]


def test_a_variable_below_a_faulty_section_hides_nothing(tmp_path: Path) -> None:
    """A section that is no table is told as such, whatever the environment sets in it."""
    (fault,) = faults(written(tmp_path, "kafka = 3\n"), {"KAFKA_BROKERS": "a:1"})

    assert (fault.key, fault.reason) == ("kafka", "must be a table")
