"""What is wrong with a configuration for the pack that it is to serve."""

from collections.abc import Iterator

from signalman.access.grants import grants
from signalman.access.scope import prefix_scope
from signalman.catalog.names import suggestion
from signalman.channel import Catalog
from signalman.config.gathered import NOWHERE
from signalman.config.model import Account, Config
from signalman.config.values import MIN_KEY
from signalman.errors import ConfigError, Fault
from signalman.event import Scope
from signalman.principal import Principal


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
    checks = (_topics, _accounts, _operators, _databases, _pseudonyms)
    faults = [fault for check in checks for fault in check(config, catalog)]
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
    wanted = ", ".join(
        f"{level.name} ({level.type}{', may be left out' if level.optional else ''})" for level in catalog.levels
    )
    for at, account in enumerate(config.access.accounts):
        place = ("access", "accounts", at)
        scope = prefix_scope(account.scope, catalog.levels)
        if scope is None:
            yield NOWHERE.fault((*place, "scope"), f"the pack's scope is: {wanted}")
        elif account.operator and not _has_platform_events(catalog):
            yield NOWHERE.fault((*place, "operator"), _NO_PLATFORM)
        elif not grants(_principal(account, scope), catalog):
            yield NOWHERE.fault(place, _reads_nothing(account, catalog))


_NO_PLATFORM = "has no effect: no event of the pack belongs to the platform itself (`platform = true`)"


def _principal(account: Account, scope: Scope) -> Principal:
    permissions = None if account.permissions is None else frozenset(account.permissions)
    return Principal("account", account.name, scope, frozenset({account.role}), permissions, operator=account.operator)


def _reads_nothing(account: Account, catalog: Catalog) -> str:
    roles = frozenset(role for channel in catalog.channels.values() for role in channel.roles)
    if account.role not in roles:
        known = suggestion(account.role, roles)
        return f'may read nothing: no channel of the pack is open to role "{account.role}"{known}'
    return "may read nothing: its permissions open no channel of the pack that its role opens"


def _operators(config: Config, catalog: Catalog) -> Iterator[Fault]:
    place = ("access", "platform_operators")
    if config.access.platform_operators and catalog.access.operator_role is None:
        yield NOWHERE.fault(place, "has no effect: the pack names no role of operators (`access.operator_role`)")
    if config.access.platform_operators and not _has_platform_events(catalog):
        yield NOWHERE.fault(place, _NO_PLATFORM)


def _has_platform_events(catalog: Catalog) -> bool:
    return any(event.platform for channel in catalog.channels.values() for event in channel.events.values())


def _databases(config: Config, catalog: Catalog) -> Iterator[Fault]:
    known = {statement.database for statement in catalog.access.statements.values() if statement.database}
    for name in config.directory.databases:
        if name not in known:
            yield NOWHERE.fault(
                ("directory", "databases", name), f"the pack asks no such database{suggestion(name, known)}"
            )


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
