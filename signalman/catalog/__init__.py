"""Packs: TOML files in, one frozen `Catalog` out. `channels/README.md` describes the files."""

from signalman.catalog.folders import default_folder
from signalman.catalog.load import load
from signalman.catalog.suspicious import warnings

__all__ = ["default_folder", "load", "warnings"]
