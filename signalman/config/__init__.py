"""Configuration: typed, frozen, read once by `load`, every fault told at once. `config/signalman.toml` has it all."""

from signalman.config.describe import describe
from signalman.config.environment import CONFIG_PATH
from signalman.config.load import Options, default_file, load
from signalman.config.model import Account, Config
from signalman.config.pack import check_pack, consumer_names, topic_names

__all__ = [
    "CONFIG_PATH",
    "Account",
    "Config",
    "Options",
    "check_pack",
    "consumer_names",
    "default_file",
    "describe",
    "load",
    "topic_names",
]
