"""What the commands share: options, consoles for messages and results, progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecgcli.choices import EngineName
from ecgcli.classes import ClassSet
from ecgcli.commands import completion
from ecgcli.errors import ConfigError, visible
from ecgcli.files import is_stream
from ecgcli.progress import Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from ecgcli.checkpoints import Card
    from ecgcli.prediction import Classifier
    from ecgcli.recordings import ReadOptions
    from ecgcli.recordings.search import Search

#: NumPy and the libraries take seeds of 32 bits.
HIGHEST_SEED = 2**32 - 1

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No messages and no progress.")]
Normalize = Annotated[
    bool, typer.Option("--normalize", help="Scale each beat to 0..1 (for raw amplitudes).")
]
Classes = Annotated[
    ClassSet | None,
    typer.Option(help="Classes that the labels mean, if the file does not name them."),
]
Lead = Annotated[str | None, typer.Option(help="Lead to read; default II or MLII, else the first.")]
LeadOrAll = Annotated[
    str | None,
    typer.Option(
        "--lead",
        metavar="NAME|all",
        help="Lead to read; default II or MLII, else the first. With all, beats are found in that "
        "lead and classified by every lead: fewer false V beats, but slower by their number.",
    ),
]
Rate = Annotated[
    float | None,
    typer.Option("--fs", help="Sampling rate in Hz, if the file has none or a wrong one."),
]
Units = Annotated[
    str | None,
    typer.Option(
        metavar="mV|uV|V", help="Unit of the signal, if the file has none or a wrong one."
    ),
]
Annotations = Annotated[
    str,
    typer.Option(
        metavar="auto|none|atr|FILE",
        help="R peaks and classes: those beside the record, none (detect), an annotator, a file.",
    ),
]
Detect = Annotated[
    str,
    typer.Option(
        "--detector",
        help="Detector of R peaks: {detectors}.",
        autocompletion=completion.detector_names,
    ),
]
IgnoreChecksums = Annotated[
    bool,
    typer.Option(
        "--ignore-checksums",
        help="Read a recording whose checksum does not fit; noted in the result.",
    ),
]
Model = Annotated[
    Path | None,
    typer.Option(
        "--model",
        "-m",
        help="Run or checkpoint; default the newest run.",
        autocompletion=completion.runs_or_weights,
    ),
]
ModelOrWeights = Annotated[
    Path | None,
    typer.Option(
        "--model",
        "-m",
        help="Run, checkpoint, or the pretrained weights beats or recordings; default the "
        "newest run, else the pretrained weights.",
        autocompletion=completion.runs_or_weights,
    ),
]
AnomalyModel = Annotated[
    Path | None,
    typer.Option(
        "--model",
        "-m",
        help="Anomaly run or model; default the newest.",
        autocompletion=completion.anomaly_runs,
    ),
]
BeatsOrRecording = Annotated[
    Path,
    typer.Argument(metavar="BEATS|RECORDING", help="Beats (CSV or parquet), or a recording."),
]
LabelledOrNot = Annotated[
    Path,
    typer.Argument(metavar="BEATS", help="Beats (CSV or parquet), labelled or not."),
]
Rows = Annotated[
    str | None,
    typer.Option(
        metavar="N,N-N,...|all",
        help="Beats to use, numbered from 0: 3,8-12 or all; default 0-4.",
    ),
]
Quantile = Annotated[
    float | None,
    typer.Option(
        "--quantile",
        min=0.5,
        max=0.9999,
        help="Share of normal beats below the threshold; default 0.95, or that of the model.",
    ),
]
Abstain = Annotated[
    float,
    typer.Option(
        metavar="PROBABILITY",
        help="Give beats whose highest probability is lower the class ?, for a person to see.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        help="Number of threads to compute with, at most one for each core; default as many as "
        "speed it up."
    ),
]
Engine = Annotated[EngineName, typer.Option(help="Library that computes the probabilities.")]


#: Names of the parameters whose options apply to one kind of input only.
_OF_RECORDINGS = (
    "lead", "rate", "units", "annotations", "detector", "ignore_checksums", "jobs", "report",
    "cluster", "shard", "beats_parquet", "context",
)  # fmt: skip
_OF_BEATS = ("normalize", "rows")


def open_classifier(model: Path | None, console: Console) -> Classifier:
    """The classifier of ``--model``; prints which one it is."""
    from ecgcli.checkpoints.runs import find_checkpoint
    from ecgcli.prediction import load

    classifier = load(find_checkpoint(model))
    console.print(f"Model: {classifier.path}")
    return classifier


def open_recording_classifier(
    model: Path | None, engine: EngineName, console: Console
) -> Classifier:
    """The classifier of recordings that ``--model`` names; prints which one it is."""
    from ecgcli.checkpoints.runs import find_checkpoint
    from ecgcli.prediction import load

    classifier = load(find_checkpoint(model, Path("runs"), "recordings"), engine=engine)
    console.print(model_line(classifier.path, classifier.card, "recordings"))
    return classifier


def find_recordings_at(places: Sequence[str], console: Console) -> Search:
    """The recordings at the places; prints what was left out, and why."""
    from ecgcli.recordings.search import find_recordings

    search = find_recordings(places)
    for note in search.notes:
        console.print(note)
    return search


def model_line(checkpoint: Path, card: Card | None, weights: str) -> str:
    """The line that names the model, and what limits it: of weights, where that is described.

    Args:
        checkpoint: of the model.
        card: of the checkpoint; that of pretrained weights is not needed.
        weights: the pretrained weights for the same input, for real people.
    """
    from ecgcli.weights import name_of

    name = name_of(checkpoint)
    if name is not None:
        return f"Model: {name}, the pretrained weights; their limits: ecg models show {name}"
    if card is None or not card.training_data.synthetic:
        return f"Model: {checkpoint}"
    return f"Model: {checkpoint}, trained on synthetic beats; for real ones: --model {weights}"


def read_options(
    lead: str | None,
    rate: float | None,
    units: str | None,
    annotations: str,
    detector: str,
    *,
    all_leads: bool = False,
    ignore_checksums: bool = False,
) -> ReadOptions:
    """The options for reading recordings, from those of the command line.

    Raises:
        ConfigError: there is no detector of this name, or all leads are named to a command that
            reads one (without ``all_leads``).
    """
    from ecgcli.recordings import ALL_LEADS, ReadOptions
    from ecgcli.recordings.detectors import get_detector

    if lead == ALL_LEADS and not all_leads:
        raise ConfigError("--lead all is for classifying; this command reads one lead: name it")
    get_detector(detector)  # a wrong name is refused, even where no detector is needed
    return ReadOptions(lead, rate, units, annotations, detector, ignore_checksums)


def was_typed(ctx: typer.Context, name: str) -> bool:
    """Whether the option with this parameter name was typed."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def refuse_before_subcommand(ctx: typer.Context) -> None:
    """Refuse options that were typed before a subcommand, which has them itself.

    Raises:
        ConfigError: there is such an option.
    """
    for param in ctx.command.params:
        if ctx.invoked_subcommand is not None and param.name and was_typed(ctx, param.name):
            option = param.opts[0]
            raise ConfigError(
                f"{option} belongs at the end: {ctx.command_path} {ctx.invoked_subcommand} "
                f"... {option}"
            )


def refuse_two_formats(table_format: str | None, json: bool) -> None:
    """Refuse ``--json``, short for ``--format json``, beside another format.

    Raises:
        ConfigError: both are named.
    """
    if json and table_format not in (None, "json"):
        raise ConfigError(f"--json is --format json; --format {table_format} is named too")


def refuse_options(ctx: typer.Context, place: str, *, recording: bool) -> None:
    """Refuse options that were typed and do not apply to the input.

    Args:
        ctx: context of the command.
        place: the input.
        recording: whether the input is a recording rather than a file of beats.

    Raises:
        ConfigError: there is such an option.
    """
    for param in ctx.command.params:
        if recording and param.name in _OF_BEATS and was_typed(ctx, param.name):
            raise ConfigError(
                f"{param.opts[0]} is for beats; {place} is a recording, whose beats are cut and "
                "scaled by this command"
            )
        if not recording and param.name in _OF_RECORDINGS and was_typed(ctx, param.name):
            lacks_rate = param.name == "units" and not was_typed(ctx, "rate")
            hint = "; if it is a recording, give --fs too" if lacks_rate else ""
            raise ConfigError(
                f"{param.opts[0]} is for recordings; {place} holds beats that are cut already{hint}"
            )


def messages(quiet: bool = False) -> Console:
    """The console for everything that is not a result: stderr, one line per message."""
    return _console(stderr=True, quiet=quiet, soft_wrap=True)


def results() -> Console:
    """The console for results people read: stdout, wide enough in a pipe."""
    return _console(width=None if sys.stdout.isatty() else 120)


def results_beside(out: Path | None, console: Console) -> Console:
    """The console for results: that of messages where standard output gets what is written."""
    return results() if out is None or not is_stream(out) else console


def _console(**options: Any) -> Console:
    """A console that prints text as it is.

    Square brackets and colons in a file name are not markup, and its control characters are
    shown, not sent to the terminal.
    """
    from rich.console import Console

    class PlainConsole(Console):
        def render_str(self, text: str, **more: Any) -> Text:
            return super().render_str(visible(text), **more)

    return PlainConsole(highlight=False, markup=False, emoji=False, **options)


def suggest(console: Console, *words: object) -> None:
    """The last line of many commands: what to type next, which a shell reads as it is meant."""
    console.print(f"Next: {join(map(str, words))}")


def print_file(path: Path) -> None:
    """The result of a command that writes a file: its name, unless it is a stream itself."""
    if not is_stream(path):
        print(path)


def refuse_json_beside(out: Path | None, json: bool) -> None:
    """Refuse ``--json`` where standard output gets what is written.

    Raises:
        ConfigError: both were requested.
    """
    if json and out is not None and is_stream(out):
        raise ConfigError(f"--json and --out {out} both print; choose one, or name a file")


def print_json(document: Mapping[str, Any]) -> None:
    """The one document of ``--json``, with its version; its keys are in `ecgcli.documents`."""
    from ecgcli.schema import versioned

    print(json.dumps(versioned(document), indent=2, allow_nan=False, default=_plain))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value.item()


@contextmanager
def working(console: Console, task: str) -> Iterator[Progress]:
    """`progress_bar` for a job that is silent at first: what it does is shown from the start.

    On a terminal a moving bar has the task's name, elsewhere a line.
    """
    with progress_bar(console) as progress:
        if console.is_terminal:
            progress.update(task, 0, None)
        else:
            console.print(f"{task} ...")
        yield progress


@contextmanager
def progress_bar(console: Console) -> Iterator[Progress]:
    """Progress on the console: messages as lines, and on a terminal a bar for each task."""
    from ecgcli.commands.bars import Bars

    with Bars(console) as bars:
        yield bars
