"""The ``ecg`` command line: one file per command; each parses, calls one function, prints.

Results go to stdout, messages and progress to stderr. What a user can fix ends
here as one line and an exit code (see `ecgcli.errors`); a bug keeps its traceback.
"""

from __future__ import annotations

import errno
import warnings
from typing import Annotated, Any

import typer

from ecgcli import __version__
from ecgcli.commands import (
    anomaly,
    check,
    cluster,
    compare,
    config,
    confusion,
    decompose,
    download,
    evaluate,
    explain,
    export,
    features,
    fibrillation,
    forecast,
    models,
    predict,
    prepare,
    resample,
    review,
    similar,
    train,
    view,
)
from ecgcli.commands.console import messages
from ecgcli.commands.help import Command, Group, deferred_command, deferred_group
from ecgcli.errors import EcgError, is_out_of_memory, is_utf8, printable, shown
from ecgcli.interrupts import Terminated, exit_code_of
from ecgcli.registry import PluginWarning

#: What to do when memory runs out.
_SPARING = "use a smaller file, fewer --jobs or a smaller training.batch_size"

_show_any_warning = warnings.showwarning


_PANELS = {
    "Data": (download, prepare, resample, check),
    "Models": (train, evaluate, compare, models, export, config),
    "Predictions": (predict, view, review, confusion),
    "A closer look": (
        features,
        cluster,
        similar,
        explain,
        anomaly,
        forecast,
        decompose,
        fibrillation,
    ),
}


class _Group(Group):
    """All commands, and the one error boundary."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for panel, modules in _PANELS.items():
            for module in modules:
                command = _command(module, panel)
                self.commands[command.name or ""] = command

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for argument in args:
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
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            _print_line("error", f"{shown(error.filename)}: the name is too long for a file")
            raise typer.Exit(2) from error
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            _print_line("error", f"not enough memory{_detail(error)}; {_SPARING}")
            raise typer.Exit(2) from error
        except (KeyboardInterrupt, Terminated) as error:
            _print_line("interrupted", "nothing half-written was left behind")
            raise typer.Exit(exit_code_of(error)) from error


def _command(module: Any, panel: str) -> Command | Group:
    """The command of a module, or the group of its commands."""
    if hasattr(module, "app"):
        return deferred_group(module.app, panel)
    name = module.__name__.rpartition(".")[2]
    page = getattr(module, "Page", Command)
    return deferred_command(name, module.command, page, panel, module.EXAMPLE)


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
