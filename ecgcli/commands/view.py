"""``ecg view``."""

from __future__ import annotations

import webbrowser
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.choices import EngineName, format_for
from ecgcli.commands.console import (
    Abstain,
    Annotations,
    Detect,
    Engine,
    IgnoreChecksums,
    Json,
    LeadOrAll,
    ModelOrWeights,
    Quiet,
    Rate,
    Threads,
    Units,
    messages,
    open_recording_classifier,
    print_file,
    print_json,
    read_options,
    refuse_json_beside,
    was_typed,
)
from ecgcli.cores import use_threads
from ecgcli.errors import ConfigError
from ecgcli.files import is_stream
from ecgcli.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from ecgcli.recordings import ReadOptions
    from ecgcli.view import Page

EXAMPLE = "Example: ecg view my.edf -o my.html --open"


def command(
    ctx: typer.Context,
    recording: Annotated[
        Path, typer.Argument(metavar="RECORDING", help="Recording, in any format of ecg predict.")
    ],
    model: ModelOrWeights = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE.csv", help="Classes from a table that ecg predict wrote, not a model."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="HTML file to write; default the recording's name."),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    abstain: Abstain = 0.0,
    lead: LeadOrAll = None,
    rate: Rate = None,
    units: Units = None,
    annotations: Annotations = "auto",
    detector: Detect = "envelope",
    ignore_checksums: IgnoreChecksums = False,
    engine: Engine = "auto",
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a page of a recording: its beats, its day and its events, in one HTML file.

    The page needs no network and no other file. It shows all leads on ECG paper with the class
    and probability of each beat, heart rate and RR intervals over time, V and S beats by hour,
    families of beats of one shape, and a table of events: runs, couplets, pauses, the fastest
    and slowest minute, the most doubtful beats.
    """
    use_threads(threads)
    from ecgcli.prediction.beats import check_probability
    from ecgcli.view.building import view_predictions, write_page
    from ecgcli.view.charts import require_bokeh

    require_bokeh()
    if out is not None:
        format_for(out, None, ("html", "htm"))
        refuse_json_beside(out, json)
        if show and is_stream(out):
            raise ConfigError(f"--open shows a file; name one by --out, not {out}")
    console = messages(quiet)
    check_probability(abstain)
    options = read_options(
        lead, rate, units, annotations, detector, all_leads=True, ignore_checksums=ignore_checksums
    )
    if predictions is not None:
        if any(was_typed(ctx, name) for name in ("model", "abstain", "engine")):
            raise ConfigError(
                "--predictions has the classes already; leave out --model, --abstain and --engine"
            )
        page = view_predictions(recording, predictions, options)
    else:
        page = _classify(recording, model, engine, options, abstain, console)
    target = Path(f"{page.name}.html") if out is None else out
    write_page(target, page)
    kinds = Counter(event.kind for event in page.events)
    if json:
        print_json({"page": target, "recording": page.name, "beats": len(page.beats),
                    "notes": page.notes, "events": kinds})  # fmt: skip
    else:
        print_file(target)
    for note in page.notes:
        console.print(f"{page.name}: {note}")
    events = ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())
    console.print(f"{page.name}: {counted(len(page.beats), 'beat')}; {events or 'no events'}")
    if is_stream(target):
        return
    console.print(f"Page: {target}, {target.stat().st_size / 1e6:.1f} MB; open it in a browser")
    if show:
        webbrowser.open(target.resolve().as_uri())


def _classify(
    recording: Path,
    model: Path | None,
    engine: EngineName,
    options: ReadOptions,
    abstain: float,
    console: Console,
) -> Page:
    from ecgcli.view.building import view_recording

    classifier = open_recording_classifier(model, engine, console)
    with console.status("classifying"):
        return view_recording(recording, classifier, options, abstain=abstain)
