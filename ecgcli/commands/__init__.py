"""The ``ecg`` command line: one file per command; each parses, calls one function, prints.

Results go to stdout, messages and progress to stderr. What a user can fix ends
here as one line and an exit code (see `ecgcli.errors`); a bug keeps its traceback.
"""

from __future__ import annotations

import errno
import warnings
from collections.abc import Iterator, Mapping
from copy import copy
from importlib import import_module
from itertools import pairwise
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ecgcli import __version__
from ecgcli.commands.console import messages
from ecgcli.commands.help import Command, Group, command_of, group_of
from ecgcli.errors import (
    EcgError,
    is_out_of_memory,
    is_out_of_processes,
    is_utf8,
    printable,
    shown,
)
from ecgcli.interrupts import Terminated, exit_code_of
from ecgcli.registry import PluginWarning

#: What to do when memory runs out.
_SPARING = "use a smaller file, fewer --jobs or a smaller training.batch_size"

_show_any_warning = warnings.showwarning


#: The commands of each panel of ``ecg --help``, with the first sentence of their own help. What
#: is listed here need not be imported to be listed.
_PANELS = {
    "Data": {
        "download": "Download heartbeats: a training and a test CSV in the public 187-sample "
        "format, or records.",
        "prepare": "Cut recordings into beats, written with the record, time and symbol of each.",
        "resample": "Rebalance the classes of a training file by dropping beats (not the sampling "
        "rate).",
        "check": "Check beats files for errors, and for what would inflate a score.",
    },
    "Models": {
        "train": "Train a model; write its run folder with checkpoints, curves and a report.",
        "evaluate": "Evaluate a model on labelled beats that it was not trained on.",
        "compare": "Train and evaluate several models on the same splits, and rank them.",
        "models": "List models and pretrained weights: what each is, its inputs, its scores.",
        "export": "Write a network as an ONNX file, for other software.",
        "config": "List the configs that come with ecg; show one, or copy one to change it.",
    },
    "Predictions": {
        "predict": "Classify the beats of a file or of recordings: one row per beat, with "
        "probabilities.",
        "view": "Make a page of a recording: its beats, its day and its events, in one HTML file.",
        "review": "Correct the beats of a recording; the rest are classified again after each "
        "answer.",
        "confusion": "Show which classes are taken for which: true classes in rows, predicted in "
        "columns.",
    },
    "A closer look": {
        "features": "Compute named features of each beat: statistics, shape, autocorrelation, "
        "windows.",
        "cluster": "Group similar beats, by their samples or by the last layer of a model.",
        "similar": "Find the labelled beats most similar to a beat in the last layer of a model.",
        "explain": "Show which samples of a beat a prediction depends on.",
        "anomaly": "Learn normal beats, and score how unusual other beats are.",
        "forecast": "Forecast the rest of a beat from its first samples, with 50% and 90% bands.",
        "decompose": "Split a recording into baseline wander, repeated beat and residual.",
        "fibrillation": "Learn to find episodes of atrial fibrillation in RR intervals.",
    },
}


class _Commands(Mapping[str, Command | Group]):
    """The commands by name; the module of one is imported when the command is looked up."""

    def __init__(self) -> None:
        names = (name for commands in _PANELS.values() for name in commands)
        self._made: dict[str, Command | Group | None] = dict.fromkeys(names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def __getitem__(self, name: str) -> Command | Group:
        made = self._made[name]
        if made is None:
            module = import_module(f"ecgcli.commands.{name}")
            made = group_of(module.app) if hasattr(module, "app") else command_of(name, module)
            self._made[name] = made
        return made


class _Group(Group):
    """All commands, and the one error boundary."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands: Any = _Commands()

    def format_help(self, ctx: Any, formatter: Any) -> None:
        listing = copy(self)
        listing.commands = {
            name: TyperCommand(name, short_help=summary, rich_help_panel=panel)
            for panel, commands in _PANELS.items()
            for name, summary in commands.items()
        }
        super(_Group, listing).format_help(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for before, argument in pairwise(["ecg", *args]):
            if not argument or (argument.startswith("--") and argument.endswith("=")):
                option = argument.removesuffix("=") or before
                _print_line("error", f"what follows {option} is empty; is a variable not set?")
                raise typer.Exit(2)
            if not is_utf8(argument):  # results and reports could not name it
                _print_line("error", f"{argument!a}: this is not UTF-8; rename the file")
                raise typer.Exit(2)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _show_warning
                return super().invoke(ctx)
        except EcgError as error:
            _print_line("error", str(error))
            raise typer.Exit(error.exit_code) from error
        except Exception as error:  # libraries have classes of their own for what is short
            line = _shortage(error)
            if not line:
                raise
            _print_line("error", line)
            raise typer.Exit(2) from error
        except (KeyboardInterrupt, Terminated) as error:
            _print_line("interrupted", "nothing half-written was left behind")
            raise typer.Exit(exit_code_of(error)) from error


def _shortage(error: Exception) -> str:
    """The line about what the system has too little of; empty for any other error."""
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return f"{shown(error.filename)}: the name is too long for a file"
    if is_out_of_memory(error):
        return f"not enough memory{_detail(error)}; {_SPARING}"
    if is_out_of_processes(error):
        return "the system starts no more threads or processes; raise their limit (ulimit -u)"
    return ""


def _detail(error: BaseException) -> str:
    """What asked for the memory, in brackets, where the error says so."""
    text = " ".join(str(error).split())
    return f" ({text[:200]})" if text else ""


def _print_line(kind: str, message: str) -> None:
    from rich.text import Text

    from ecgcli.parallel import is_first_process

    messages(quiet=not is_first_process()).print(Text(f"{kind}:", "bold red"), printable(message))


def _show_warning(
    message: Warning | str, category: type[Warning], *place: Any, **more: Any
) -> None:
    """Print a package that cannot be used as a line; other warnings look as usual."""
    if issubclass(category, PluginWarning):
        _print_line("note", str(message))
    else:
        _show_any_warning(message, category, *place, **more)


def _version(requested: bool) -> None:
    if requested:
        print(f"ecg {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="ecg",
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start here: ecg download demo, then ecg train --config demo",
)


@app.callback()
def ecg(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train, evaluate and run ECG arrhythmia classifiers."""
