"""What the options before the command's name say, and the configuration that follows from them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import typer

from signalman import config, logs


@dataclass(frozen=True, slots=True)
class Context:
    """The global options."""

    config_path: Path | None = None
    log_level: str | None = None

    def load(self, options: config.Options | None = None, *, instead: Path | None = None) -> config.Config:
        """The configuration, with *options* of the command on top.

        Args:
            options: What the command line sets.
            instead: The file for when the person names none.

        Raises:
            ConfigError: with all of its faults.
        """
        environ: Mapping[str, str] = os.environ
        path = self.config_path or (None if environ.get(config.CONFIG_PATH) else instead)
        return config.load(path, environ, {("log", "level"): ("--log-level", self.log_level), **(options or {})})

    def start(self, options: config.Options | None = None, *, instead: Path | None = None) -> config.Config:
        """The same, for a command that goes on to run: logging is set up as configured.

        Raises:
            ConfigError: with all of its faults.
        """
        loaded = self.load(options, instead=instead)
        logs.configure(loaded.log.level, loaded.log.format)
        return loaded


def of(context: typer.Context) -> Context:
    """The global options of a command's invocation."""
    found = context.find_object(Context)
    return found or Context()
