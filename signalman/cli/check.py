"""``signalman check``."""

from pathlib import Path
from typing import Annotated

import typer

import signalman.cli.context as invocation
from signalman import catalog
from signalman.catalog.report import summary
from signalman.channel import Catalog
from signalman.cli.failure import USAGE
from signalman.config import Config, check_pack
from signalman.errors import ConfigError, Fault, Faulty


def check(
    context: typer.Context,
    channels: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Pack to check, instead of the configured one.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail where there are warnings, too.")] = False,  # noqa: FBT002 # typer reads it as a flag
) -> None:
    """Check configuration and channel files, and tell every fault at once; then what is allowed and suspicious."""
    faults: list[Fault] = []
    config = _config(invocation.of(context), faults)
    folder = channels or _folder(config or Config(), faults)
    pack = _catalog(folder, faults) if folder else None
    if config and pack:
        _together(config, pack, faults)
    if faults or pack is None or folder is None:
        raise ConfigError(faults)
    typer.echo("\n".join(["configuration: no faults", *summary(pack)]))
    if _warn(folder, pack) and strict:
        raise typer.Exit(USAGE)


def _warn(folder: Path, pack: Catalog) -> int:
    """Tell what is suspicious, and how often that was."""
    warnings = catalog.warnings(pack)
    for each in warnings:
        there = Fault(str(folder / each.file), each.key, each.reason)
        typer.secho(f"warning: {there}", fg="yellow", err=True)
    return len(warnings)


def _config(options: invocation.Context, faults: list[Fault]) -> Config | None:
    try:
        return options.load()
    except ConfigError as error:
        faults.extend(error.faults)
        return None


def _folder(config: Config, faults: list[Fault]) -> Path | None:
    try:
        return Path(config.channels.path) if config.channels.path else catalog.default_folder(config.channels.pack)
    except Faulty as error:
        faults.extend(error.faults)
        return None


def _catalog(folder: Path, faults: list[Fault]) -> Catalog | None:
    try:
        return catalog.load(folder)
    except Faulty as error:
        faults.extend(error.faults)
        return None


def _together(config: Config, pack: Catalog, faults: list[Fault]) -> None:
    try:
        check_pack(config, pack)
    except ConfigError as error:
        faults.extend(error.faults)
