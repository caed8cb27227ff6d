"""The commands. `main` is the console script ``signalman``."""

from signalman.cli.app import app, main

__all__ = ["app", "main"]
