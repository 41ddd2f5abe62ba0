"""``ecg config``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgcli.commands import completion
from ecgcli.commands.console import (
    Json,
    Quiet,
    messages,
    print_file,
    print_json,
    refuse_before_subcommand,
    results,
    suggest,
)
from ecgcli.commands.help import Command, Group
from ecgcli.errors import OutputError
from ecgcli.files import is_stream

EXAMPLE = "Example: ecg config; ecg config show cnn; ecg config copy cnn -o mine.yaml"

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A listed config, such as cnn.",
        autocompletion=completion.config_names,
    ),
]

app = typer.Typer(
    name="config",
    cls=Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(epilog=EXAMPLE)
def command(
    context: typer.Context,
    json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001 (there are no messages)
) -> None:
    """List the configs that come with ecg; show one, or copy one to change it.

    ecg train --config takes the name of one, or the path of a file of your own.
    """
    refuse_before_subcommand(context)
    if context.invoked_subcommand is None:
        _list(json)


@app.command("list", cls=Command, epilog="Example: ecg config list")
def list_all(
    json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001 (there are no messages)
) -> None:
    """List the configs: the name of each, and what it trains."""
    _list(json)


@app.command(cls=Command, epilog="Example: ecg config show cnn")
def show(
    name: Name,
    quiet: Quiet = False,  # noqa: ARG001 (there are no messages)
) -> None:
    """Print a config."""
    from ecgcli.training.experiments import get_experiment

    print(get_experiment(name).text, end="")


@app.command(cls=Command, epilog="Example: ecg config copy cnn -o mine.yaml")
def copy(
    name: Name,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write; default NAME.yaml in this folder."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Copy a config, to change it and to train with the copy."""
    from ecgcli.files import write_text
    from ecgcli.training.experiments import get_experiment

    text = get_experiment(name).text
    target = out or Path(f"{name}.yaml")
    if target.is_file() and not is_stream(target):
        raise OutputError(f"{target} exists; name another file with --out, or remove it")
    write_text(target, text)
    print_file(target)
    if not is_stream(target):
        suggest(messages(quiet), "ecg", "train", "--config", target)


def _list(json: bool) -> None:
    from ecgcli.training.experiments import list_experiments

    experiments = list_experiments()
    if json:
        print_json(
            {"configs": [{"name": each.name, "summary": each.summary} for each in experiments]}
        )
        return
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("config", no_wrap=True)
    table.add_column("what it trains")
    for experiment in experiments:
        table.add_row(experiment.name, experiment.summary)
    results().print(table)
