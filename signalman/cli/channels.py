"""``signalman channels``: what is served to whom, and what becomes of a record."""

import secrets
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import signalman.cli.context as invocation
from signalman import catalog
from signalman.catalog.document import document as pack_document
from signalman.catalog.names import suggestion
from signalman.channel import Catalog
from signalman.cli.channels_list import Listing
from signalman.cli.channels_record import read_records
from signalman.cli.explained import Explained
from signalman.cli.failure import FAILED
from signalman.cli.tail_output import leave_pipe, make_console
from signalman.config import Config, topic_names
from signalman.errors import ConfigError, Fault
from signalman.redaction import Pseudonyms
from signalman.relay import explain as stages

_SHOW = "show"

Folder = Annotated[
    Path | None, typer.Option("--channels", metavar="FOLDER", help="Pack to look at, instead of the configured one.")
]


class _OrNames(TyperGroup):
    """``signalman channels streams`` is short for ``signalman channels show streams``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        return super().resolve_command(ctx, args if args[0] in self.commands else [_SHOW, *args])

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            leave_pipe()


app = typer.Typer(
    cls=_OrNames,
    invoke_without_command=True,
    subcommand_metavar="[CHANNEL]... | COMMAND",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def channels(context: typer.Context, folder: Folder = None) -> None:
    """Show the channels and who may read them; explain what becomes of a record.

    [bold]signalman channels[/bold] shows all of them, [bold]signalman channels streams[/bold] one
    in full, [bold]signalman channels explain EVENT.json[/bold] what each stage does
    to a record.
    """
    if context.invoked_subcommand is None:
        _show(_pack(_config(context), folder), [])


@app.command(_SHOW)
def show(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="CHANNEL", help="All, if none is named.")] = None,
    folder: Folder = None,
) -> None:
    """Show channels: who may read them, events, filters, tables. Those that are named are shown in full."""
    _show(_pack(_config(context), _chosen(context, folder)), names or [])


@app.command()
def explain(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="EVENT.json", help="A record's JSON; - is standard input.")],
    topic: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its topic; else found out from its event type.")
    ] = None,
    folder: Folder = None,
) -> None:
    """Show what each stage does to a record: where it goes, what is taken out and why, what subscribers see.

    The file holds a record's value as Kafka has it, or a dead letter, or several
    of them: a JSON list, or one on each line. No value that was removed is shown,
    so that what is printed can be pasted into an issue.

    Example: [bold]kcat -C -t analytics_events -c 1 | signalman channels explain -[/bold]
    """
    config = _config(context)
    pack = _pack(config, _chosen(context, folder))
    names = topic_names(config, pack)
    records = read_records(file, pack, names, topic)
    console = make_console(sys.stdout, "auto")
    pseudonyms = _pseudonyms(config)
    output = Explained(console, pack, has_key=bool(config.channels.pseudonym_key.get_secret_value()))
    failed = False
    for number, record in enumerate(records, start=1):
        if len(records) > 1:
            console.rule(f"record {number} of {len(records)}", style="dim")
        told = stages.explain(record, pack, names, pseudonyms=pseudonyms)
        output.show(told)
        failed = failed or told.refusal is not None
    if failed:
        raise typer.Exit(FAILED)


@app.command()
def document(context: typer.Context, folder: Folder = None) -> None:
    """Print the pack as Markdown: every event type and field, what happens to it and why."""
    typer.echo(pack_document(_pack(_config(context), _chosen(context, folder))), nl=False)


def _config(context: typer.Context) -> Config:
    return invocation.of(context).load()


def _chosen(context: typer.Context, folder: Path | None) -> Path | None:
    """The folder, whichever side of the command's name the person put it on."""
    return folder or (context.parent.params.get("folder") if context.parent else None)


def _pack(config: Config, folder: Path | None) -> Catalog:
    path = folder or (Path(config.channels.path) if config.channels.path else None)
    return catalog.load(path or catalog.default_folder(config.channels.pack))


def _show(pack: Catalog, names: list[str]) -> None:
    unknown = [
        Fault(name, "", f"no such channel in pack {pack.pack}{suggestion(name, pack.channels)}")
        for name in names
        if name not in pack.channels
    ]
    if unknown:
        raise ConfigError(unknown)
    listing = Listing(make_console(sys.stdout, "auto"), pack)
    if not names:
        listing.pack()
    for name in dict.fromkeys(names):
        listing.channel(pack.channels[name])


def _pseudonyms(config: Config) -> Pseudonyms:
    key = config.channels.pseudonym_key.get_secret_value()
    return Pseudonyms(key.encode() if key else secrets.token_bytes(32))
