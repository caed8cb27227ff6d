"""The pack and the tokens that a command works with."""

from pathlib import Path
from typing import TYPE_CHECKING

from signalman.catalog import default_folder, load
from signalman.channel import Catalog
from signalman.config import Config

if TYPE_CHECKING:
    from signalman.compose.tokens import OwnTokenStore


def pack_of(config: Config) -> Catalog:
    """The configured pack.

    Raises:
        CatalogError: Its files have faults.
    """
    path = config.channels.path
    return load(Path(path) if path else default_folder(config.channels.pack))


def store(config: Config) -> "tuple[OwnTokenStore, Catalog]":
    """Signalman's own tokens, and the pack that they are for.

    Raises:
        ConfigError: No database is configured, or the pack asks the platform's accounts.
        CatalogError: The pack's files have faults.
    """
    # Drivers, which other commands do without.
    from signalman.compose.tokens import OwnTokenStore

    pack = pack_of(config)
    return OwnTokenStore(config, pack), pack
