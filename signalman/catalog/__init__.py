"""Packs: TOML files in, one frozen `Catalog` out. `channels/README.md` describes the files."""

from signalman.catalog.folders import default_folder
from signalman.catalog.load import load
from signalman.catalog.report import check

__all__ = ["check", "default_folder", "load"]
