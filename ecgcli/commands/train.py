"""``ecg train``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecgcli.classes import CLASS_MEANINGS
from ecgcli.commands import completion
from ecgcli.commands.console import (
    Json,
    Quiet,
    Threads,
    messages,
    print_json,
    progress_bar,
    suggest,
)
from ecgcli.commands.help import Command
from ecgcli.cores import use_threads
from ecgcli.errors import ConfigError
from ecgcli.parallel import is_first_process

if TYPE_CHECKING:
    from rich.console import Console

    from ecgcli.training.run import Run

#: Options that other programs call a key of the config.
_SYNONYMS = {"lr": "learning_rate", "batch": "batch_size", "model": "name"}

EXAMPLE = "Example: ecg train --config cnn training.epochs=5 training.device=cpu"


class Page(Command):
    """The help page of ``ecg train``, which knows keys of the config typed as options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            ConfigError: an option is a key of the config.
        """
        valid = {option for param in self.get_params(ctx) for option in param.opts}
        for place, word in enumerate(args):
            option, _, value = word.partition("=")
            if option.startswith("--") and option not in valid:
                _refuse_key(option, value or "".join(args[place + 1 : place + 2]))
        return super().parse_args(ctx, args)


def _refuse_key(option: str, value: str) -> None:
    """Name the override that an unknown option must have meant, if it is a key of the config."""
    from ecgcli.training.config import full_keys

    name = option.removeprefix("--").replace("-", "_")
    if keys := full_keys(_SYNONYMS.get(name, name)):
        key = "model.name" if name == "model" else keys[0]
        raise ConfigError(f"there is no option {option}; did you mean {key}={value or '…'}?")


def command(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]... [RUN]",
            help="Overrides such as training.epochs=5; with --resume, the run to continue.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            metavar="NAME|FILE",
            help="Experiment: a name that ecg config lists, or a YAML file.",
            autocompletion=completion.config_names,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue RUN, or the newest run, where it stopped.")
    ] = False,
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a model; write its run folder with checkpoints, curves and a report.

    The folder is runs/NAME, then runs/NAME-2 and so on. Ctrl-C stops after the current
    batch and saves the state; --resume ends with the same weights as uninterrupted
    training. Several processes share every batch of a network when torchrun starts them:
    torchrun --nproc-per-node 2 -m ecgcli train ...
    """
    use_threads(threads)
    first = is_first_process()  # of those that torchrun starts together
    console = messages(quiet or not first)
    if resume:
        if config is not None:
            raise ConfigError("--resume takes the config of the run; leave --config out")
        run = _resume(arguments or [], console)
    elif config is None:
        raise ConfigError("name an experiment: ecg train --config cnn")
    else:
        run = _train(config, arguments or [], console)
    if not first:
        return
    if json:
        print_json(_as_json(run))
    else:
        print(run.path)
    _summarize(run, console)


def _train(path: Path, overrides: list[str], console: Console) -> Run:
    from ecgcli.training import train
    from ecgcli.training.config import load_config

    with progress_bar(console) as progress:
        config = load_config(path, overrides, progress)
        if not any(Path(config.runs).glob("*/")):
            _explain_classes(config.data.class_names, console)
        return train(config, progress, command=" ".join(["ecg", *sys.argv[1:]]))


def _explain_classes(classes: Sequence[str], console: Console) -> None:
    """Say what the classes of beats are; before the first run, for people who meet them there."""
    meanings = "; ".join(f"{name}: {CLASS_MEANINGS[name]}" for name in classes)
    console.print(f"The classes of beats are {meanings}.")


def _resume(arguments: list[str], console: Console) -> Run:
    from ecgcli.checkpoints.runs import LAST, newest_run

    if any("=" in argument for argument in arguments) or len(arguments) > 1:
        raise ConfigError(
            f"--resume takes one run folder and no overrides, found {' '.join(arguments)}"
        )
    path = Path(arguments[0]) if arguments else newest_run(Path("runs"), holding=LAST)
    console.print(f"Resuming {path}")
    from ecgcli.training import resume

    with progress_bar(console) as progress:
        return resume(path, progress)


def _as_json(run: Run) -> dict[str, Any]:
    from dataclasses import asdict

    from ecgcli.pages import PAGE
    from ecgcli.training.reading import describe_curves

    return {
        "run": run.path,
        "report": run.path / PAGE,
        "metrics": run.metrics,
        "seconds": round(run.seconds, 2),
        "best": None if run.best is None else asdict(run.best),
        "epochs": len(run.history),
        "stopped_early": run.stopped_early,
        "overfitting": run.overfitting,
        "reading": describe_curves(run.history) if run.history else [],
    }


def _summarize(run: Run, console: Console) -> None:
    """Print the results of the training, what its curves show, and the next command."""
    from ecgcli.pages import PAGE
    from ecgcli.training.reading import describe_curves

    figures = (
        f"validation accuracy {run.metrics['validation_accuracy']:.4f}, "
        f"macro-F1 {run.metrics['validation_macro_f1']:.4f}."
    )
    if run.best is None:
        console.print(f"Fitted in {run.seconds:.0f} s: {figures}")
        if run.picture is not None:
            console.print(f"Feature importances: {run.picture}")
    else:
        if run.stopped_early:
            console.print(
                f"Stopped early: no better validation macro-F1 since epoch {run.best.epoch}."
            )
        for sentence in describe_curves(run.history):
            console.print(sentence, style="yellow" if sentence == run.overfitting else None)
        console.print(f"Best epoch {run.best.epoch}: {figures} Curves: {run.picture}")
    console.print(f"Report: {run.path / PAGE}")
    suggest(console, "ecg", "evaluate", run.path, "--data", _test_file(run.path))


def _test_file(run: Path) -> str:
    """The test file beside the training file, where there is one: ``NAME_test.csv``."""
    from ecgcli.checkpoints.runs import CONFIG
    from ecgcli.training.config import load_config

    for train in load_config(run / CONFIG).data.files:
        test = train.with_name(train.name.replace("_train.", "_test."))
        if test != train and test.exists():
            return str(test)
    return "TEST.csv"
