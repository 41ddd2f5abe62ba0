"""``ecg similar``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.commands.console import (
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
    results,
    suggest,
    working,
)
from ecgcli.cores import use_threads
from ecgcli.wording import counted

if TYPE_CHECKING:
    from rich.text import Text

    from ecgcli.insight.similarity import Match, Similar

EXAMPLE = "Example: ecg similar beats.csv --to data/mitbih_train.csv --rows 0,5,7 --png similar.png"


def command(
    data: LabelledOrNot,
    to: Annotated[
        Path,
        typer.Option("--to", help="Labelled beats to search, best those the model was trained on."),
    ],
    model: Model = None,
    rows: Rows = None,
    neighbours: Annotated[
        int, typer.Option("--neighbours", "-k", min=1, help="Number of neighbours of each beat.")
    ] = 5,
    png: Annotated[
        Path | None, typer.Option(help="Picture to draw of the beats with their neighbours.")
    ] = None,
    normalize: Normalize = False,
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find the labelled beats most similar to a beat in the last layer of a model.

    By default, searches for the first five beats. Similar means a small cosine distance
    between the inputs of the model's last layer: 0 is the same direction, 1 nothing in
    common. Neighbours of another class than the predicted one cast doubt on it. The inputs of
    that layer for the labelled beats are kept in embedding.safetensors, in the run or in
    runs/pretrained, so that the next search among them is faster.
    """
    use_threads(threads)
    from ecgcli.beats import read_beats, read_labelled
    from ecgcli.beats.rows import choose_rows
    from ecgcli.insight.cache import cache_of
    from ecgcli.insight.similarity import find_similar

    console = messages(quiet)
    classifier = open_classifier(model, console)
    with working(console, f"reading {to.name}") as progress:
        beats = read_beats(data, classifier.classes, normalize=normalize)
        chosen = choose_rows(rows, len(beats), data)
        labelled = read_labelled(to, classifier.classes, normalize=normalize)
        cache = cache_of(classifier)
        similar = find_similar(classifier, beats, chosen, labelled, neighbours, progress, cache)
    if png is not None:
        similar.draw(png)
    if json:
        print_json({"beats": similar.as_json()})
    else:
        _print(similar)
    if png is not None:
        console.print(f"Picture: {png}")
    same_rows = () if rows is None else ("--rows", rows)
    suggest(console, "ecg", "explain", data, "--model", classifier.place, *same_rows)


def _print(similar: Similar) -> None:
    from rich.table import Table
    from rich.text import Text

    console = results()
    for match in similar.matches:
        console.print(_headline(match))
        table = Table(box=None, padding=(0, 2))
        for head in ("rank", "class", "distance", "beat"):
            table.add_column(head, justify="right")
        located = similar.to.info is not None
        if located:
            table.add_column("record", justify="right")
            table.add_column("time", justify="right")
        for rank, neighbour in enumerate(match.neighbours, 1):
            colour = "green" if neighbour.label == match.predicted else "yellow"
            cells: list[str | Text] = [
                str(rank),
                Text(neighbour.label, colour),
                f"{neighbour.distance:.4f}",
            ]
            cells.append(f"{neighbour.beat}{' (the same beat)' if neighbour.same else ''}")
            table.add_row(
                *cells, *([str(neighbour.record), f"{neighbour.time:.2f} s"] if located else [])
            )
        console.print(table)


def _headline(match: Match) -> Text:
    from rich.text import Text

    truth = "" if match.label is None else f" (true class {match.label})"
    agree = f"{match.agreeing} of {counted(len(match.neighbours), 'neighbour')} agree"
    same = "" if match.same_record is None else f", {match.same_record} from the same record"
    predicted = f"{match.predicted} with probability {match.probability:.3f}"
    return Text.assemble((f"beat {match.beat}", "bold"), f"{truth}: {predicted}; {agree}{same}")
