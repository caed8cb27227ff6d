"""A configuration and the pack that it is to serve."""

from dataclasses import replace
from pathlib import Path

import pytest

from signalman.access_rules import TokenScheme
from signalman.catalog import default_folder
from signalman.catalog import load as load_catalog
from signalman.channel import Catalog, ScopeLevel
from signalman.config import check_pack, consumer_names, load, topic_names
from signalman.errors import ConfigError
from signalman.fields import Redaction
from tests.unit.config.sample import written

PACK = load_catalog(default_folder("frameworks"))
TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"


def reasons(path: Path | None = None, environ: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """Key and reason of each place where the configuration does not fit the pack."""
    with pytest.raises(ConfigError) as caught:
        check_pack(load(path, environ or {}), PACK)
    return [(fault.key, fault.reason) for fault in caught.value.faults]


def test_the_defaults_fit() -> None:
    """The built-in pack needs no configuration, and its own topic names are read."""
    check_pack(load(None, {}), PACK)

    assert topic_names(load(None, {}), PACK) == {"analytics_events": "analytics", "service_events": "service"}


def test_mirrors_and_other_names() -> None:
    """Each topic, by whatever name, and its copy from each region lead to the same logical topic."""
    config = load(None, {"ANALYTICS_KAFKA_TOPIC": "a", "MIRROR_REGION_PREFIXES": "eu,us"})

    assert topic_names(config, PACK) == {
        "a": "analytics",
        "eu.a": "analytics",
        "us.a": "analytics",
        "service_events": "service",
        "eu.service_events": "service",
        "us.service_events": "service",
    }


def test_the_reader_of_a_mirror_has_its_own_name() -> None:
    """As the platform's consumers have it, so that dead letters tell whose copy was bad."""
    config = load(None, {"ANALYTICS_KAFKA_TOPIC": "a", "MIRROR_REGION_PREFIXES": "eu"})

    assert consumer_names(config, PACK) == {
        "a": "signalman-analytics",
        "eu.a": "signalman-analytics-mirror",
        "service_events": "signalman-service",
        "eu.service_events": "signalman-service-mirror",
    }


def test_a_topic_that_the_pack_does_not_have() -> None:
    """A mistyped logical topic is not silently without effect."""
    assert reasons(environ={"SIGNALMAN_KAFKA__TOPICS__ANALYTIC": "a"}) == [
        ("kafka.topics.analytic", 'the pack has no such topic, did you mean "analytics"?')
    ]


def test_two_topics_of_one_name() -> None:
    """A record could not be told apart."""
    assert reasons(environ={"ANALYTICS_KAFKA_TOPIC": "service_events"}) == [
        ("kafka.topics", "two topics of the pack are read from the same Kafka topic")
    ]


def test_dead_letters_do_not_come_back() -> None:
    """A dead letter that is read again would be a dead letter again, for ever."""
    ((key, reason),) = reasons(environ={"DECKLOG_DLQ_KAFKA_TOPIC": "analytics_events"})

    assert key == "kafka.dead_letter_topic"
    assert reason.startswith("is a topic that is read")


@pytest.mark.parametrize("scope", [f"['{TENANT}', 'more']", "['no-uuid']"])
def test_an_account_of_another_scope(tmp_path: Path, scope: str) -> None:
    """An account's scope must be one of the pack's, or it would see nothing, or be refused at the start."""
    path = written(tmp_path, f"[[access.accounts]]\nname = 'a'\ntoken = 'b'\nscope = {scope}\n")

    assert reasons(path) == [("access.accounts[0].scope", "the pack's scope is: tenant (uuid)")]


def test_an_account_of_the_packs_scope(tmp_path: Path) -> None:
    """A tenant's id is what FrameWorks wants."""
    path = written(tmp_path, f"[[access.accounts]]\nname = 'a'\ntoken = 'b'\nscope = ['{TENANT}']\n")

    check_pack(load(path, {}), PACK)


def an_account(tmp_path: Path, more: str) -> Path:
    """A configuration with one account of the pack's scope."""
    return written(tmp_path, f"[[access.accounts]]\nname = 'a'\ntoken = 'b'\nscope = ['{TENANT}']\n{more}\n")


@pytest.mark.parametrize(
    ("more", "key", "begins"),
    [
        (
            "role = 'membr'",
            "access.accounts[0]",
            'may read nothing: no channel of the pack is open to role "membr", did',
        ),
        (
            "permissions = ['logs:read']",
            "access.accounts[0]",
            "may read nothing: its permissions open no channel of th",
        ),
        (
            "permissions = []",
            "access.accounts[0]",
            "may read nothing: its permissions open no channel of the pack that",
        ),
        (
            "role = 'viewer'\npermissions = ['ai:read']",
            "access.accounts[0]",
            "may read nothing: its permissions open no",
        ),
    ],
)
def test_an_account_that_may_read_nothing(tmp_path: Path, more: str, key: str, begins: str) -> None:
    """A mistyped role or permission would be a door that opens into an empty room."""
    ((found, reason),) = reasons(an_account(tmp_path, more))

    assert found == key
    assert reason.startswith(begins)


@pytest.mark.parametrize(
    "more", ["", "role = 'viewer'", "permissions = ['streams:write', 'streams:read']", "role = 'x'\noperator = true"]
)
def test_an_account_that_may_read_something(tmp_path: Path, more: str) -> None:
    """By role, by one of its permissions, or only what belongs to the platform itself."""
    check_pack(load(an_account(tmp_path, more), {}), PACK)


def test_a_level_that_may_be_left_out(tmp_path: Path) -> None:
    """Then an account may stand above it; the fault says of which levels that is so."""
    levels = (*PACK.levels, ScopeLevel("team", "string", "team", optional=True))
    check_pack(load(an_account(tmp_path, ""), {}), replace(PACK, levels=levels))

    with pytest.raises(ConfigError, match=r"the pack's scope is: tenant \(uuid\), team \(string, may be left out\)"):
        check_pack(load(written(tmp_path, ACCOUNT_OF_NOBODY), {}), replace(PACK, levels=levels))


ACCOUNT_OF_NOBODY = "[[access.accounts]]\nname = 'a'\ntoken = 'b'\nscope = ['x']\n"
OPERATORS = {"SIGNALMAN_ACCESS__PLATFORM_OPERATORS": "true"}
NO_EVENT = "has no effect: no event of the pack belongs to the platform itself (`platform = true`)"


def without_platform_events() -> Catalog:
    """The pack, with none that belongs to no tenant, and no role of operators."""
    channels = {
        name: replace(channel, events={kind: replace(event, platform=False) for kind, event in channel.events.items()})
        for name, channel in PACK.channels.items()
    }
    return replace(PACK, channels=channels, access=replace(PACK.access, operator_role=None))


def test_operators_of_a_pack_that_has_none(tmp_path: Path) -> None:
    """Whoever lets operators see the platform's own learns that there is nothing to see, and who would be one."""
    check_pack(load(None, OPERATORS), PACK)
    with pytest.raises(ConfigError) as caught:
        check_pack(load(an_account(tmp_path, "operator = true"), OPERATORS), without_platform_events())

    assert [(fault.key, fault.reason) for fault in caught.value.faults] == [
        ("access.accounts[0].operator", NO_EVENT),
        ("access.platform_operators", NO_EVENT),
        ("access.platform_operators", "has no effect: the pack names no role of operators (`access.operator_role`)"),
    ]


def test_a_database_that_the_pack_does_not_ask() -> None:
    """Another name for it would be without effect."""
    check_pack(load(None, {"SIGNALMAN_DIRECTORY__DATABASES__PURSER": "purser_eu"}), PACK)

    assert reasons(environ={"SIGNALMAN_DIRECTORY__DATABASES__PURSE": "x"}) == [
        ("directory.databases.purse", 'the pack asks no such database, did you mean "purser"?')
    ]


def test_split_tokens_need_no_directory() -> None:
    """A relay with the same pack has none, and a gateway without one takes no tokens."""
    rules = replace(PACK.access, tokens=(TokenScheme("split", "tfk-"),))
    check_pack(load(None, {}), replace(PACK, access=rules))


def hashing(*paths: str) -> Catalog:
    """The pack, with these fields hashed in one event type of streams, and its first table's key."""
    streams = PACK.channels["streams"]
    event = replace(streams.events["stream_end"], redact=tuple(Redaction(path, "hash") for path in paths))
    name, table = next(iter(streams.tables.items()))
    table = replace(table, redact=(Redaction(table.key[0], "hash"),))
    streams = replace(streams, events={event.name: event}, tables={name: table})
    return replace(PACK, channels={"streams": streams})


def test_a_pack_that_hashes_needs_a_key() -> None:
    """Without one anybody could find out by trying what a pseudonym stands for; the fault says who asks for it."""
    with pytest.raises(ConfigError) as caught:
        check_pack(load(None, {}), hashing("reason", "nodes[].id"))

    (fault,) = caught.value.faults
    assert (fault.file, fault.key) == ("configuration", "channels.pseudonym_key")
    assert fault.reason == (
        "set it to a secret of at least 16 characters, the same for relays and gateways: "
        'the pack hashes "reason" of events.stream_end in channel streams, and 2 more are hashed'
    )
    check_pack(load(None, {"SIGNALMAN_CHANNELS__PSEUDONYM_KEY": "sixteen letters!"}), hashing("reason"))


def test_a_table_that_hashes_needs_a_key() -> None:
    """The gateway makes pseudonyms as well."""
    with pytest.raises(ConfigError, match=r"of tables\.\w+ in channel streams$"):
        check_pack(load(None, {}), hashing())
