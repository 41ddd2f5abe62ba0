"""``ecg explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.choices import Attribution
from ecgcli.commands.console import (
    Json,
    Model,
    Normalize,
    Quiet,
    Rows,
    messages,
    open_classifier,
    print_json,
    progress_bar,
    results,
)
from ecgcli.wording import counted

if TYPE_CHECKING:
    from ecgcli.insight.deletion import DeletionTest
    from ecgcli.insight.explanation import Explanation

EXAMPLE = "Example: ecg explain beats.csv --model runs/cnn --rows 0,5,7 --png why.png"


def command(
    data: Annotated[Path, typer.Argument(metavar="BEATS.csv", help="Beats, labelled or not.")],
    model: Model = None,
    rows: Rows = None,
    method: Annotated[
        Attribution, typer.Option(help="Integrated gradients, or occlusion.")
    ] = "gradients",
    check: Annotated[
        bool, typer.Option("--check", help="Test on up to 500 beats whether these samples matter.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the beats and draws of --check.")] = 0,
    png: Annotated[Path | None, typer.Option(help="Draw the beats over what counts.")] = None,
    normalize: Normalize = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show which samples of a beat the model's class rests on.

    --check removes the tenth of samples that counts most, and as many elsewhere, and
    compares how far the probability of the class falls. It tells what the model looks
    at, not whether a cardiologist would.
    """
    from ecgcli.beats import read_beats
    from ecgcli.beats.rows import choose_rows
    from ecgcli.insight.deletion import deletion_test
    from ecgcli.insight.explanation import explain

    console = messages(quiet)
    classifier = open_classifier(model, console)
    beats = read_beats(data, classifier.classes, normalize=normalize)
    chosen = choose_rows(rows, len(beats), data)
    with progress_bar(console) as progress:
        found = explain(classifier, beats, chosen, method)
        tested = deletion_test(classifier, beats, method, seed, progress) if check else None
    if png is not None:
        found.draw(png)
    if json:
        test = None if tested is None else tested.as_json()
        print_json({"method": method, "beats": found.as_json(), "deletion_test": test})
    else:
        _print(found, tested)
    if png is not None:
        console.print(f"Picture: {png}")
    elif not check:
        console.print(
            f"Next: ecg explain {data} --model {classifier.path.parent} --png why.png --check"
        )


def _print(found: Explanation, tested: DeletionTest | None) -> None:
    from rich.table import Table

    console = results()
    table = Table(box=None)
    for head in ("beat", "class", "says", "probability", "rests most on"):
        table.add_column(head, justify="right")
    for place, (start, end) in enumerate(found.strongest()):
        table.add_row(
            str(found.numbers[place]),
            found.label(place) or "-",
            found.classes[found.predicted[place]],
            f"{found.probabilities[place]:.3f}",
            f"{start:.0f}-{end:.0f} ms after the R peak",
        )
    console.print(table)
    if tested is not None:
        _print_test(tested)


def _print_test(tested: DeletionTest) -> None:
    from rich.table import Table

    console = results()
    table = Table("a tenth of the samples removed", box=None)
    table.add_column("probability falls by, median", justify="right")
    table.add_column("mean", justify="right")
    for name, drop in (
        ("those that count most", tested.highest),
        ("stretches as long, anywhere", tested.random_place),
        ("samples anywhere", tested.random_samples),
    ):
        table.add_row(name, f"{drop.median:.4f}", f"{drop.mean:.4f}")
    console.print(f"Deletion test on {counted(tested.beats, 'beat')}")
    console.print(table)
    if tested.ratio is None or tested.interval is None:
        console.print("Removing anything else changes nothing, so there is no ratio.")
    else:
        low, high = tested.interval
        console.print(
            f"Those that count most lower it {tested.ratio:.1f} times as much as stretches "
            f"elsewhere (95% interval {low:.1f}-{high:.1f}), by the medians."
        )
