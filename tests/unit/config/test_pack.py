"""A configuration and the pack that it is to serve."""

from dataclasses import replace
from pathlib import Path

import pytest

from signalman.catalog import default_folder
from signalman.catalog import load as load_catalog
from signalman.channel import Catalog, Redaction
from signalman.config import check_pack, consumer_names, load, topic_names
from signalman.errors import ConfigError
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
