"""Configuration → the accounts that are asked."""

from signalman.backends import standalone
from signalman.backends.postgres import PostgresDirectory
from signalman.channel import Catalog
from signalman.config import Config


def directory(config: Config, pack: Catalog) -> PostgresDirectory | None:
    """The platform's accounts or, for a pack that has no statements of its own, Signalman's own; None where no server
    is named. Not entered yet.
    """
    section = config.directory
    url = section.url.get_secret_value()
    if not url:
        return None
    return PostgresDirectory(
        url,
        pack.access.statements or standalone.statements(),
        section.databases,
        connections=section.connections,
        timeout=section.timeout_seconds,
        listen=section.listen,
    )
