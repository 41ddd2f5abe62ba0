"""``ecg review``."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ecgcli.commands.console import (
    Annotations,
    Detect,
    Engine,
    IgnoreChecksums,
    Json,
    LeadOrAll,
    ModelOrWeights,
    Quiet,
    Rate,
    Units,
    messages,
    open_recording_classifier,
    print_json,
    read_options,
    suggest,
    was_typed,
)
from ecgcli.errors import ConfigError
from ecgcli.guard import require_replaceable
from ecgcli.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from ecgcli.review.serving import Server
    from ecgcli.review.session import Review

EXAMPLE = "Example: ecg review my.edf --reader anna"


def command(
    ctx: typer.Context,
    recording: Annotated[
        Path, typer.Argument(metavar="RECORDING", help="Recording, in any format of ecg predict.")
    ],
    model: ModelOrWeights = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            metavar="ANSWERS.csv",
            help="Apply the answers of a file (columns time and class, or a review file) "
            "without a browser.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the review of this recording.")
    ] = False,
    reader: Annotated[str | None, typer.Option(help="Who answers; default the login name.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder for answers and results; default that of the recording."
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 0,
    show: Annotated[
        bool, typer.Option("--open/--no-open", help="Show the page in the browser.")
    ] = True,
    lead: LeadOrAll = None,
    rate: Rate = None,
    units: Units = None,
    annotations: Annotations = "auto",
    detector: Detect = "envelope",
    ignore_checksums: IgnoreChecksums = False,
    engine: Engine = "auto",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Correct the beats of a recording; the rest are classified again after each answer.

    A page on 127.0.0.1 asks about families of beats whose class is in doubt, then about single
    beats. Each answer is in NAME.review.csv before the page says that it is saved. Ctrl-C ends
    the review and writes NAME.reviewed.csv, a table of the corrected beats, and NAME.reviewed,
    a WFDB annotation file that ecg evaluate reads with --annotations.
    """
    from ecgcli.review.journal import ENDING, journal_of, login_name, require_new
    from ecgcli.review.results import ANNOTATOR, write_results
    from ecgcli.review.serving import Server
    from ecgcli.review.session import Review, apply_file, find_beats
    from ecgcli.view.charts import require_bokeh

    console = messages(quiet)
    if answers is not None and (was_typed(ctx, "port") or (show and was_typed(ctx, "show"))):
        raise ConfigError("--answers needs no browser; leave out --port and --open")
    options = read_options(
        lead, rate, units, annotations, detector, all_leads=True, ignore_checksums=ignore_checksums
    )
    if answers is None:
        require_bokeh()
    file = journal_of(recording, out)
    name = file.name.removesuffix(ENDING)
    if answers is not None and file.exists() and answers.exists() and answers.samefile(file):
        raise ConfigError(f"--answers {answers}: this is the review itself; name other answers")
    require_replaceable(file.with_name(f"{name}.{ANNOTATOR}"), annotations=True)
    if not resume:
        require_new(file)
    elif not file.exists():
        console.print(f"{file}: there is no review yet; starting one")
    classifier = open_recording_classifier(model, engine, console)
    with console.status("classifying"):
        analysis = find_beats(recording, classifier, options)
    for note in analysis.notes:
        console.print(f"{analysis.lead.name}: {note}")
    with Review(analysis, file, reader or login_name()) as review:
        if answers is None:
            with Server(review, classifier, file.parent, name, port) as server:
                _serve(server, show, sys.stderr if json else sys.stdout, console)
        else:
            count = apply_file(review, answers, only=reader)
            console.print(f"{counted(count, 'answer')} applied")
        table, annotated = write_results(review, file.parent, name)
        _report(review, file, table, annotated, json, console)
        suggest(
            console, "ecg", "evaluate", "MODEL", "--data", recording, "--annotations", annotated
        )


def _serve(server: Server, show: bool, stream: TextIO, console: Console) -> None:
    """Serve the page until Ctrl-C or SIGTERM; its address is printed to a stream."""
    from threading import Thread

    from ecgcli.interrupts import StopSignal

    with StopSignal() as stop:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        print(server.address, file=stream, flush=True)
        console.print("Ctrl-C ends the review; every answer is saved as it is given.")
        if show:
            webbrowser.open(server.address)
        while not stop.requested:
            thread.join(0.2)
        server.shutdown()


def _report(
    review: Review, file: Path, table: Path, annotated: Path, json: bool, console: Console
) -> None:
    beats, given = review.beats(), len(review.answers)
    by_reader = int((beats.readers != "").sum())
    document = {"table": table, "annotations": annotated, "answers": given, "review": file,
                "beats": len(beats), "beats_by_reader": by_reader}  # fmt: skip
    if json:
        print_json(document)
    else:
        print(table)
        print(annotated)
    console.print(
        f"{counted(given, 'answer')} about {counted(by_reader, 'beat')} of {len(beats):,}"
    )
