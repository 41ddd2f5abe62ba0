"""``ecg explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.choices import Attribution
from ecgcli.commands.console import (
    HIGHEST_SEED,
    Json,
    LabelledOrNot,
    Model,
    Normalize,
    Quiet,
    Rows,
    Threads,
    messages,
    open_classifier,
    print_json,
    progress_bar,
    results,
    suggest,
    was_typed,
)
from ecgcli.cores import use_threads
from ecgcli.errors import ConfigError
from ecgcli.wording import counted

if TYPE_CHECKING:
    from ecgcli.insight.deletion import DeletionTest
    from ecgcli.insight.explanation import Explanation

EXAMPLE = "Example: ecg explain beats.csv --model runs/cnn --rows 0,5,7 --png why.png"


def command(
    ctx: typer.Context,
    data: LabelledOrNot,
    model: Model = None,
    rows: Rows = None,
    method: Annotated[
        Attribution, typer.Option(help="Method of attribution: integrated gradients, or occlusion.")
    ] = "gradients",
    check: Annotated[
        bool, typer.Option("--check", help="Test the explanation on up to 500 beats.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, max=HIGHEST_SEED, help="Seed of the beats and draws of --check.")
    ] = 0,
    png: Annotated[
        Path | None,
        typer.Option(help="Picture to draw of the beats and the contribution of each sample."),
    ] = None,
    normalize: Normalize = False,
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show which samples of a beat a prediction depends on.

    By default, explains the first five beats. --check removes the tenth of samples with
    the largest contribution, and as many elsewhere, and compares how far the probability
    of the class falls. It shows what the model uses, not whether a cardiologist would.
    """
    use_threads(threads)
    from ecgcli.beats import read_beats
    from ecgcli.beats.rows import choose_rows
    from ecgcli.insight.deletion import deletion_test
    from ecgcli.insight.explanation import explain

    console = messages(quiet)
    if not check and was_typed(ctx, "seed"):
        raise ConfigError("--seed is for the draws of --check")
    classifier = open_classifier(model, console)
    beats = read_beats(data, classifier.classes, normalize=normalize)
    chosen = choose_rows(rows, len(beats), data)
    with progress_bar(console) as progress:
        explanation = explain(classifier, beats, chosen, method)
        deletion = deletion_test(classifier, beats, method, seed, progress) if check else None
    if png is not None:
        explanation.draw(png)
    if json:
        test = None if deletion is None else deletion.as_json()
        print_json({"method": method, "beats": explanation.as_json(), "deletion_test": test})
    else:
        _print(explanation, deletion)
    if png is not None:
        console.print(f"Picture: {png}")
    elif not check:
        with_model = ("--model", classifier.place, "--png", "why.png", "--check")
        suggest(console, "ecg", "explain", data, *with_model)


def _print(explanation: Explanation, deletion: DeletionTest | None) -> None:
    from rich.table import Table

    console = results()
    table = Table(box=None)
    for head in ("beat", "class", "predicted", "probability", "depends most on"):
        table.add_column(head, justify="right")
    for place, (start, end) in enumerate(explanation.strongest()):
        table.add_row(
            str(explanation.numbers[place]),
            explanation.label(place) or "-",
            explanation.classes[explanation.predicted[place]],
            f"{explanation.probabilities[place]:.3f}",
            f"{start:.0f}-{end:.0f} ms after the R peak",
        )
    console.print(table)
    if deletion is not None:
        _print_test(deletion)


def _print_test(deletion: DeletionTest) -> None:
    from rich.table import Table

    console = results()
    table = Table("a tenth of the samples removed", box=None)
    table.add_column("probability falls by, median", justify="right")
    table.add_column("mean", justify="right")
    for name, drop in (
        ("largest contribution", deletion.highest),
        ("stretches of the same length, anywhere", deletion.random_place),
        ("samples anywhere", deletion.random_samples),
    ):
        table.add_row(name, f"{drop.median:.4f}", f"{drop.mean:.4f}")
    console.print(f"Deletion test on {counted(deletion.beats, 'beat')}")
    console.print(table)
    if deletion.ratio is None or deletion.interval is None:
        console.print("Removing anything else changes nothing, so there is no ratio.")
    else:
        low, high = deletion.interval
        console.print(
            f"The largest contribution lowers it {deletion.ratio:.1f} times as much as stretches "
            f"elsewhere (95% interval {low:.1f}-{high:.1f}), by the medians."
        )
