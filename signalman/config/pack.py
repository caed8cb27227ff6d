"""What is wrong with a configuration for the pack that it is to serve."""

from collections.abc import Iterator

from signalman.access.scope import complete_scope
from signalman.catalog.names import suggestion
from signalman.channel import Catalog
from signalman.config.gathered import NOWHERE
from signalman.config.model import Config
from signalman.config.values import MIN_KEY
from signalman.errors import ConfigError, Fault


def topic_names(config: Config, catalog: Catalog) -> dict[str, str]:
    """Kafka topic → logical topic, for all that a relay reads: each topic and its copy from each mirrored region."""
    names = {}
    for logical, topic in catalog.topics.items():
        name = config.kafka.topics.get(logical, topic.default)
        names[name] = logical
        names.update({f"{region}.{name}": logical for region in config.kafka.mirror_regions})
    return names


def consumer_names(config: Config, catalog: Catalog) -> dict[str, str]:
    """Kafka topic → the name under which its reader signs dead letters: for a mirror with ``-mirror`` behind it, as the
    platform's own consumers do.
    """
    names = {}
    for kafka, logical in topic_names(config, catalog).items():
        topic = catalog.topics[logical]
        is_mirror = kafka != config.kafka.topics.get(logical, topic.default)
        names[kafka] = f"{topic.consumer}-mirror" if is_mirror else topic.consumer
    return names


def check_pack(config: Config, catalog: Catalog) -> None:
    """Return when *config* and *catalog* fit together.

    Raises:
        ConfigError: with all places where they do not.
    """
    faults = [*_topics(config, catalog), *_accounts(config, catalog), *_pseudonyms(config, catalog)]
    if faults:
        raise ConfigError(faults)


def _topics(config: Config, catalog: Catalog) -> Iterator[Fault]:
    for logical in config.kafka.topics:
        if logical not in catalog.topics:
            yield NOWHERE.fault(
                ("kafka", "topics", logical), f"the pack has no such topic{suggestion(logical, catalog.topics)}"
            )
    names = topic_names(config, catalog)
    if len(names) < len(catalog.topics) * (1 + len(config.kafka.mirror_regions)):
        yield NOWHERE.fault(("kafka", "topics"), "two topics of the pack are read from the same Kafka topic")
    if config.kafka.dead_letter_topic in names:
        yield NOWHERE.fault(
            ("kafka", "dead_letter_topic"), "is a topic that is read: dead letters would come back for ever"
        )


def _accounts(config: Config, catalog: Catalog) -> Iterator[Fault]:
    wanted = ", ".join(f"{level.name} ({level.type})" for level in catalog.levels)
    for at, account in enumerate(config.access.accounts):
        if complete_scope(account.scope, catalog.levels) is None:
            yield NOWHERE.fault(("access", "accounts", at, "scope"), f"the pack's scope is: {wanted}")


def _pseudonyms(config: Config, catalog: Catalog) -> Iterator[Fault]:
    askers = list(_hashed(catalog))
    if askers and not config.channels.pseudonym_key.get_secret_value():
        more = f", and {len(askers) - 1} more are hashed" if len(askers) > 1 else ""
        yield NOWHERE.fault(
            ("channels", "pseudonym_key"),
            f"set it to a secret of at least {MIN_KEY} characters, the same for relays and gateways: "
            f"the pack hashes {askers[0]}{more}",
        )


def _hashed(catalog: Catalog) -> Iterator[str]:
    for channel in catalog.channels.values():
        for kind, named in (("events", channel.events), ("tables", channel.tables)):
            for name, each in named.items():
                for redaction in each.redact:
                    if redaction.operation == "hash":
                        yield f'"{redaction.path}" of {kind}.{name} in channel {channel.name}'
