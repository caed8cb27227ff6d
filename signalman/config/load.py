"""Reads the configuration, once: defaults, the file, FrameWorks' variables, our own variables, options; later wins."""

import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from signalman.catalog.findings import Key, shape_faults
from signalman.config.combinations import conflicts
from signalman.config.environment import CONFIG_PATH, put_environment
from signalman.config.frameworks import put_frameworks
from signalman.config.gathered import NOWHERE, Gathered, Origin
from signalman.config.model import Config
from signalman.errors import ConfigError, Fault

Options = Mapping[tuple[str, ...], tuple[str, object]]
"""Setting → the command line option's name and its value, None when it was not given."""


def load(path: Path | None, environ: Mapping[str, str], options: Options | None = None) -> Config:
    """The effective configuration.

    Args:
        path: The file to read; None takes the one that ``SIGNALMAN_CONFIG`` names, or none.
        environ: The environment's variables.
        options: What the command line sets.

    Raises:
        ConfigError: with every fault of the file, the environment and the options.
    """
    gathered = Gathered()
    faults = _put_file(gathered, path or _named_file(environ))
    put_frameworks(gathered, environ)
    faults += put_environment(gathered, environ)
    for key, (name, value) in (options or {}).items():
        if value is not None:
            gathered.put(key, value, Origin("command line", name))
    config, wrong = _judge(gathered)
    if faults or wrong:
        raise ConfigError([*faults, *wrong])
    return config


def default_file(name: str) -> Path:
    """A file of `config/` that comes with Signalman: in a source checkout, and inside an installed wheel."""
    package = Path(str(resources.files("signalman")))
    packed = package / "_data" / "config" / name
    return packed if packed.is_file() else package.parent / "config" / name


def _named_file(environ: Mapping[str, str]) -> Path | None:
    named = environ.get(CONFIG_PATH, "")
    return Path(named) if named else None


def _put_file(gathered: Gathered, path: Path | None) -> list[Fault]:
    if path is None:
        return []
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [Fault(str(path), "", "there is no such file")]
    except OSError as error:
        return [Fault(str(path), "", f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError:
        return [Fault(str(path), "", "is not UTF-8 text")]
    except tomllib.TOMLDecodeError as error:
        return [Fault(str(path), "", f"is not TOML: {error}")]
    gathered.put_table(document, Origin(str(path)))
    return []


def _judge(gathered: Gathered) -> tuple[Config, list[Fault]]:
    """The configuration, and what is wrong with it; faulty values are replaced by their defaults, so that the rest is
    judged in the same round.
    """
    faults: list[Fault] = []
    faulty: set[Key] = set()
    while True:
        try:
            config = Config.model_validate(gathered.without(faulty))
        except ValidationError as error:
            for key, reason, _ in shape_faults(Config, error):
                faults.append((gathered.origin(key) or NOWHERE).fault(key, reason))
                faulty.add(_removable(key))
        else:
            return config, [*faults, *_conflicting(config, gathered, faulty)]


def _removable(key: Key) -> Key:
    """The part of *key* above any list: an entry of a list cannot be left out without shifting the others."""
    return key[: next((at for at, part in enumerate(key) if isinstance(part, int)), len(key))]


def _conflicting(config: Config, gathered: Gathered, faulty: set[Key]) -> Iterator[Fault]:
    for conflict in conflicts(config):
        if not faulty.isdisjoint(conflict.keys) or not faulty.isdisjoint((key[0],) for key in conflict.keys):
            continue  # a stand-in would be blamed for what the person did not write
        key = next((key for key in conflict.keys if gathered.origin(key)), conflict.keys[0])
        yield (gathered.origin(key) or NOWHERE).fault(key, conflict.reason)
