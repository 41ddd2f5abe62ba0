"""``ecg models``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecgcli.commands.console import Json, Quiet, print_json, results
from ecgcli.commands.help import Command, Group

if TYPE_CHECKING:
    from ecgcli.checkpoints.catalogue import Entry

EXAMPLE = "Example: ecg models; ecg models show cnn-rr; ecg models show runs/cnn"

app = typer.Typer(
    name="models",
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
    """List the models: what each is, what it looks at, what it scored.

    The scores are those of the comparison that ships with ecg (see ecg compare): macro-F1
    on beats of known patients (random split) and of new ones (DS1/DS2).
    """
    if context.invoked_subcommand is not None:
        return
    from ecgcli.checkpoints.catalogue import list_entries

    entries = list_entries()
    if json:
        print_json([entry.as_json() for entry in entries])
    else:
        _print_all(entries)


@app.command(cls=Command, epilog="Example: ecg models show cnn-rr")
def show(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME|RUN", help="A model of the list, or a run or checkpoint."),
    ],
    json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001 (there are no messages)
) -> None:
    """Tell all about one model: its arguments, or the card of trained weights."""
    from ecgcli.checkpoints.catalogue import describe_model, read_card
    from ecgcli.weights import BUNDLED, bundled_card

    is_path = Path(name).exists()
    if not is_path and name not in BUNDLED:
        _show(describe_model(name), _print_model, json)
    elif is_path:
        _show(read_card(Path(name)).model_dump(), _print_mapping, json)
    else:
        card = read_card(Path(name)).model_dump()
        _show(card | {"text": bundled_card(name)}, lambda page: _print_page(page["text"]), json)


def _show(document: dict[str, Any], as_text: Callable[[dict[str, Any]], None], json: bool) -> None:
    if json:
        print_json(document)
    else:
        as_text(document)


def _print_all(entries: list[Entry]) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1))
    for head in ("model", "what it is", "looks at"):
        table.add_column(head, overflow="fold")
    for head in ("parameters", "beats/s", "random split", "DS1/DS2"):
        table.add_column(head, justify="right", no_wrap=True)
    for entry in entries:
        table.add_row(
            entry.name,
            entry.summary,
            ", ".join(entry.views),
            "" if entry.parameters is None else f"{entry.parameters:,}",
            "" if entry.beats_per_second is None else f"{entry.beats_per_second:,.0f}",
            *("" if f1 is None else f"{f1:.3f}" for f1 in (entry.random_f1, entry.patients_f1)),
        )
    results().print(table)
    _print_bundled()


def _print_bundled() -> None:
    from ecgcli.weights import BUNDLED

    console = results()
    console.print("\nTrained weights that come with ecg (ecg models show NAME):")
    for name, purpose in BUNDLED.items():
        console.print(f"  {name:<12}{purpose}")


def _print_page(text: str) -> None:
    """A page of Markdown: laid out on a terminal, as it is in a pipe."""
    from rich.markdown import Markdown

    console = results()
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        print(text)


def _print_model(document: dict[str, Any]) -> None:
    from rich.text import Text

    console = results()
    console.print(Text.assemble((document["name"], "bold"), f" ({document['kind']})"))
    console.print(document["description"])
    console.print("\nIn a config:")
    _print_mapping({"name": document["name"]} | document["arguments"])


def _print_mapping(values: dict[str, Any]) -> None:
    import yaml

    plain = {
        key: list(value) if isinstance(value, tuple) else value for key, value in values.items()
    }
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, default_flow_style=None)
    results().print(text.rstrip())
