"""``ecg models``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecgcli.commands.console import Json, Quiet, print_json, results
from ecgcli.commands.help import Command, Group

if TYPE_CHECKING:
    from ecgcli.checkpoints.catalogue import Entry

EXAMPLE = "Example: ecg models; ecg models show cnn-rr; ecg models show runs/cnn"

#: Columns of the list, which a terminal of the usual width has.
_WIDTH = 80

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
    """List models and pretrained weights: what each is, its inputs, its scores.

    Scores are macro-F1 in the bundled comparison (see ecg compare): on beats of the
    patients it was trained on (random split) and on those of new patients (DS1/DS2).
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
        typer.Argument(
            metavar="NAME|RUN", help="A listed model or weights, a run or a checkpoint."
        ),
    ],
    json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001 (there are no messages)
) -> None:
    """Show the arguments and figures of a model, or the card of trained weights."""
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

    table = Table(box=None, padding=(0, 1, 0, 0), width=_WIDTH)
    for head in ("model", "what it is", "uses"):
        table.add_column(head)
    for head in ("random", "new patients"):
        table.add_column(head, justify="right", no_wrap=True)
    for entry in entries:
        scores = ("" if f1 is None else f"{f1:.3f}" for f1 in (entry.random_f1, entry.patients_f1))
        table.add_row(entry.name, entry.summary, ", ".join(entry.views), *scores)
    results().print(table)
    _print_bundled()


def _print_bundled() -> None:
    from ecgcli.weights import BUNDLED

    console = results()
    console.print("\nPretrained weights (ecg models show NAME):")
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
    if document["config"] is not None:
        console.print(f"\nIn the comparison (configs/{document['config']}.yaml):")
        for name, figure in _figures(document):
            console.print(f"  {name:<23}{figure:>12}")


def _figures(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The figures of the comparison that a model has."""
    for key, name, form in (
        ("random_f1", "macro-F1, random split", ".3f"),
        ("patients_f1", "macro-F1, new patients", ".3f"),
        ("parameters", "parameters", ",d"),
        ("beats_per_second", "beats/s", ",.0f"),
    ):
        if document[key] is not None:
            yield name, format(document[key], form)


def _print_mapping(values: dict[str, Any]) -> None:
    import yaml

    plain = {
        key: list(value) if isinstance(value, tuple) else value for key, value in values.items()
    }
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, default_flow_style=None)
    results().print(text.rstrip())
