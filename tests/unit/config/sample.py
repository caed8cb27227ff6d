"""What the tests of configuration share."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from signalman.config import Options, load
from signalman.errors import ConfigError, Fault

ROOT = Path(__file__).parents[3]
FILES = ROOT / "config"


def written(folder: Path, text: str) -> Path:
    """A configuration file with *text*."""
    path = folder / "given.toml"
    path.write_text(text)
    return path


def faults(
    path: Path | None = None, environ: Mapping[str, str] | None = None, options: Options | None = None
) -> list[Fault]:
    """The faults that loading reports; there must be some."""
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {}, options)
    return caught.value.faults
