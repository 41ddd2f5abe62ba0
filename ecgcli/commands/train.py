"""``ecg train``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.commands.console import Json, Quiet, messages, print_json, progress_bar
from ecgcli.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from ecgcli.training.config import Config
    from ecgcli.training.dataset import TrainingSet
    from ecgcli.training.epochs import Start, Status, Trained
    from ecgcli.training.estimators import Fitted
    from ecgcli.training.history import Epoch

EXAMPLE = "Example: ecg train --config configs/cnn.yaml training.epochs=5 train.device=cpu"


def command(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]... [RUN]",
            help="Overrides such as training.epochs=5; with --resume, the run to continue.",
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The experiment, a YAML file.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue RUN, or the newest run, where it stopped.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a model and write its run folder: checkpoints, curves, report.

    The folder is runs/NAME, then runs/NAME-2 and so on. Ctrl-C stops after the batch
    at hand with the state saved; --resume ends with the same weights as if it had
    never stopped.
    """
    console = messages(quiet)
    if resume:
        if config is not None:
            raise ConfigError("--resume takes the config of the run; leave --config out")
        trained = _resume(arguments or [], console)
    elif config is None:
        raise ConfigError("name an experiment: ecg train --config configs/cnn.yaml")
    else:
        from ecgcli.models import is_estimator
        from ecgcli.training.config import load_config

        experiment = load_config(config, arguments or [])
        console.print(f"Reading {', '.join(str(file) for file in experiment.data.files)}")
        if is_estimator(experiment.model.name):
            _print_fitted(_fit(experiment, console), json, console)
            return
        trained = _train(experiment, console)
    _print(trained, json, console)


def _train(config: Config, console: Console) -> Trained:
    from ecgcli.training.epochs import train

    with _Live(console) as live:
        return train(config, live, command=_command_line())


def _fit(config: Config, console: Console) -> Fitted:
    from ecgcli.training.estimators import fit

    def started(data: TrainingSet) -> None:
        console.print(_told(config.model.name, data))

    with progress_bar(console) as advance:
        return fit(
            config, started, lambda done, total: advance("fitting", done, total), _command_line()
        )


def _command_line() -> str:
    return " ".join(["ecg", *sys.argv[1:]])


def _told(model: str, data: TrainingSet) -> str:
    counts = ", ".join(f"{name} {n:,}" for name, n in data.description.trained_on.items())
    held_out = f"{len(data.validation):,}" if len(data.validation) else "every patient in turn"
    return f"Training {model} on {len(data.training):,} beats ({counts}), validating on {held_out}"


def _print_fitted(fitted: Fitted, as_json: bool, console: Console) -> None:
    if as_json:
        print_json({"run": fitted.run, "metrics": fitted.metrics, "seconds": fitted.seconds})
    else:
        print(fitted.run)
    figures = fitted.metrics
    console.print(
        f"Fitted in {fitted.seconds:.0f} s: validation accuracy "
        f"{figures['validation_accuracy']:.4f}, macro-F1 {figures['validation_macro_f1']:.4f}."
    )
    if fitted.importances:
        console.print(f"Feature importances: {fitted.run / 'importances.png'}")
    console.print(f"Next: ecg evaluate {fitted.run} --data TEST.csv")


def _resume(arguments: list[str], console: Console) -> Trained:
    from ecgcli.checkpoints.runs import LAST, newest_run

    if any("=" in argument for argument in arguments) or len(arguments) > 1:
        raise ConfigError(
            f"--resume takes one run folder and no overrides, found {' '.join(arguments)}"
        )
    run = Path(arguments[0]) if arguments else newest_run(Path("runs"), holding=LAST)
    console.print(f"Resuming {run}")
    from ecgcli.training.epochs import resume

    with _Live(console) as live:
        return resume(run, live)


def _print(trained: Trained, as_json: bool, console: Console) -> None:
    from dataclasses import asdict

    best = trained.best
    if as_json:
        print_json(
            {
                "run": trained.run,
                "best": asdict(best),
                "epochs": len(trained.history),
                "stopped_early": trained.stopped_early,
                "overfitting": trained.overfitting,
            }
        )
    else:
        print(trained.run)
    if trained.stopped_early:
        console.print(f"Stopped early: no better validation macro-F1 since epoch {best.epoch}.")
    if trained.overfitting:
        console.print(f"[yellow]{trained.overfitting}[/]")
    console.print(
        f"Best epoch {best.epoch}: validation accuracy {best.validation_accuracy:.4f}, "
        f"macro-F1 {best.validation_macro_f1:.4f}. Curves: {trained.run / 'curves.png'}",
    )
    console.print(f"Next: ecg evaluate {trained.run} --data TEST.csv")


class _Live:
    """Shows a training: a bar with running figures on a terminal, a line an epoch everywhere."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> _Live:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, start: Start) -> None:
        data, self._epochs = start.data, start.config.training.epochs
        self._console.print(
            f"{_told(start.config.model.name, data)}\n"
            f"{start.device}, {start.config.training.precision} -> {start.run}",
        )
        self._console.print(
            f"{'epoch':>7} {'loss':>8} {'val loss':>9} {'val acc':>8} {'val F1':>7} {'time':>6}"
        )
        self._task = self._progress.add_task(
            "epoch", total=float(self._epochs), completed=start.epochs_done, figures=""
        )

    def batch(self, status: Status) -> None:
        self._progress.update(
            self._task,
            completed=status.epoch - 1 + status.batch / status.batches,
            description=f"epoch {status.epoch}/{status.epochs}",
            figures=f"loss {status.loss:.4f}  acc {status.accuracy:.4f}  F1 {status.macro_f1:.4f}",
        )

    def epoch(self, row: Epoch) -> None:
        self._progress.update(self._task, completed=row.epoch)
        self._console.print(
            f"{row.epoch:>3}/{self._epochs:<3} {row.train_loss:>8.4f} {row.validation_loss:>9.4f} "
            f"{row.validation_accuracy:>8.4f} {row.validation_macro_f1:>7.4f} {row.seconds:>5.1f}s"
        )


command.__name__ = "train"
