"""``ecg models``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecgcli.commands import completion
from ecgcli.commands.console import Json, Quiet, print_json, refuse_before_subcommand, results
from ecgcli.commands.help import Command, Group
from ecgcli.wording import counted

if TYPE_CHECKING:
    from ecgcli.checkpoints.catalogue import Entry

EXAMPLE = "Example: ecg models; ecg models show cnn-rr; ecg models show runs/cnn"

#: The validation figures of a card that are shown, and their names.
_VALIDATION = {
    "validation_accuracy": "accuracy",
    "validation_macro_f1": "macro-F1",
}

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
    refuse_before_subcommand(context)
    if context.invoked_subcommand is None:
        _list(json)


@app.command("list", cls=Command, epilog="Example: ecg models list")
def list_all(
    json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001 (there are no messages)
) -> None:
    """List models and pretrained weights, as ecg models does."""
    _list(json)


@app.command(cls=Command, epilog="Example: ecg models show cnn-rr")
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|RUN",
            help="A listed model or weights, a run or a checkpoint.",
            autocompletion=completion.models_or_runs,
        ),
    ],
    json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001 (there are no messages)
) -> None:
    """Show a model's arguments and figures, or what trained weights are and how they scored."""
    from ecgcli.checkpoints.catalogue import describe_model
    from ecgcli.errors import ConfigError, nearest
    from ecgcli.weights import BUNDLED, bundled_card

    is_path = Path(name).exists() or "/" in name
    if is_path:
        document = _describe_run(Path(name))
        _show(document, _print_run if "classes" in document else _print_card, json)
    elif name in BUNDLED:
        page = {"text": bundled_card(name)}
        _show(_describe_run(Path(name)) | page, lambda card: _print_page(card["text"]), json)
    else:
        try:
            _show(describe_model(name), _print_model, json)
        except ConfigError as error:
            if near := nearest(name, BUNDLED):
                raise ConfigError(f"there is no model {name}; did you mean {near}?") from error
            raise


def _show(document: dict[str, Any], as_text: Callable[[dict[str, Any]], None], json: bool) -> None:
    if json:
        print_json(document)
    else:
        as_text(document)


def _describe_run(place: Path) -> dict[str, Any]:
    """The card of trained weights, and where they are.

    That of a classifier has its evaluations too, the last one last.
    """
    from ecgcli.checkpoints import load_checkpoint
    from ecgcli.checkpoints.runs import find_checkpoint, shown_place
    from ecgcli.evaluation.report import read_reports
    from ecgcli.fibrillation.model import is_fibrillation_model, load_model

    checkpoint = find_checkpoint(place)
    where = {"place": shown_place(checkpoint)}
    if is_fibrillation_model(checkpoint):
        return load_model(checkpoint).card.model_dump(mode="json") | where
    reports = read_reports(checkpoint)
    card = load_checkpoint(checkpoint).card.model_dump()
    return (
        card | where | {"evaluations": [report | {"report": str(path)} for path, report in reports]}
    )


def _list(json: bool) -> None:
    from ecgcli.checkpoints.catalogue import list_entries

    entries = list_entries()
    if json:
        print_json({"models": [entry.as_json() for entry in entries]})
    else:
        _print_all(entries)


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
        console.print(f"  {name:<14}{purpose}")


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
    console.print("\nIn a config, with its defaults:")
    _print_rows(_arguments(document))
    if document["config"] is not None:
        console.print(f"\nIn the comparison (the config {document['config']}):")
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


def _arguments(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each key of the section ``model:`` with its default, and what it means."""
    yield f"name: {document['name']}", ""
    for key, default in document["arguments"].items():
        yield _in_yaml({key: default}), document["meanings"].get(key, "").rstrip(".")


def _print_run(card: dict[str, Any]) -> None:
    from rich.text import Text

    console = results()
    console.print(Text.assemble((card["place"], "bold"), f" ({card['model']})"))
    _print_rows(_facts(card))
    for evaluation in card["evaluations"]:
        console.print(f"\nTested on {evaluation['data']} (confusion matrix, curves: ", end="")
        console.print(f"{Path(evaluation['report']).with_name('report.html')}):")
        _print_rows(_scores(evaluation))
        console.print(evaluation["statement"], soft_wrap=True)
    if not card["evaluations"]:
        console.print(f"\nNot tested yet: ecg evaluate {card['place']} --data TEST.csv")


def _print_card(card: dict[str, Any]) -> None:
    """The facts of a model of atrial fibrillation."""
    from rich.text import Text

    results().print(Text.assemble((card["place"], "bold"), f" ({card['model']})"))
    data = card["training_data"]
    hours = ", ".join(f"{name} {count:,.0f} h" for name, count in data["hours"].items())
    rows = {"uses": f"{card['window']} RR intervals", "classes": "AFIB, or any other rhythm"}
    rows |= {"trained on": f"{', '.join(data['files'])}: {hours}"}
    rows |= {key: f"{value:.3f}" for key, value in card["metrics"].items()}
    rows |= {"licence": card["licence"], "made by": f"ecg {card['ecgcli']}"}
    _print_rows(iter(rows.items()))


def _facts(card: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What trained weights are, in the words of their users."""
    data = card["training_data"]
    counts = ", ".join(f"{name} {count:,}" for name, count in data["trained_on"].items())
    patients = counted(len(data["patients"]), "patient") if data["patients"] else "patients unknown"
    yield "uses", ", ".join(card["views"])
    yield "classes", " ".join(card["classes"])
    yield "trained on", f"{', '.join(data['files'])} ({patients})"
    yield "", f"{counted(sum(data['trained_on'].values()), 'beat')}: {counts}"
    if data["synthetic"]:
        yield "", "synthetic beats"
    for figure, name in _VALIDATION.items():
        if figure in card["metrics"]:
            yield name, f"{card['metrics'][figure]:.3f} on beats held out of the training data"
    for key, value in card["arguments"].items():
        yield "argument", _in_yaml({key: value})
    yield "licence", card["licence"]
    yield "made by", f"ecg {card['ecgcli']}"


def _scores(evaluation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The main figures of an evaluation."""
    from ecgcli.metrics.aami import FIGURES

    for key, name in {"accuracy": "accuracy", "macro_f1": "macro-F1"}.items():
        if score := evaluation.get("overall", {}).get(key):
            yield name, f"{score['value']:.3f} ({score['low']:.3f}-{score['high']:.3f})"
    figures = evaluation["aami"]["figures"] if evaluation["aami"] else {}
    for key in ("veb_sensitivity", "veb_positive_predictivity",
                "sveb_sensitivity", "sveb_positive_predictivity"):  # fmt: skip
        if key in figures and figures[key]["gross"] is not None:
            yield FIGURES[key].heading, f"{figures[key]['gross']:.3f}"


def _in_yaml(values: dict[str, Any]) -> str:
    import yaml

    plain = {
        key: list(value) if isinstance(value, tuple) else value for key, value in values.items()
    }
    return yaml.safe_dump(plain, allow_unicode=True, default_flow_style=None, width=1000).strip(
        "{}\n"
    )


def _print_rows(rows: Iterator[tuple[str, str]]) -> None:
    """Rows of two columns, the second wrapped beside the first."""
    from rich.table import Table

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    for name, text in rows:
        table.add_row(f"  {name}", text)
    results().print(table)
