"""A finished training run and its folder: writing and reading it, for every kind of model.

A run folder holds ``config.yaml``, ``environment.json``, ``report.json``, the checkpoint
``best.safetensors``, a picture and the page ``report.html``. That of a network also has
``metrics.csv``, a row for each epoch, and ``last.safetensors``, from which the training is resumed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ecgcli.checkpoints import TrainingData
from ecgcli.checkpoints.runs import (
    BEST,
    CONFIG,
    CURVES,
    ENVIRONMENT,
    HISTORY,
    IMPORTANCES,
    REPORT,
    locked,
    new_run,
)
from ecgcli.environment import describe_environment
from ecgcli.errors import CheckpointError
from ecgcli.files import write_json, write_text
from ecgcli.inputs import read_json
from ecgcli.training.history import Epoch, History, read_history
from ecgcli.wording import counted

if TYPE_CHECKING:
    from ecgcli.training.config import Config
    from ecgcli.training.dataset import TrainingSet


@dataclass(frozen=True)
class Run:
    """A finished training.

    Attributes:
        path: the run folder.
        metrics: of the weights kept, on the validation beats: ``validation_accuracy``,
            ``validation_macro_f1`` and more.
        seconds: duration, resumed parts included, without reading the data.
        best: the epoch whose weights were kept; None for a model without epochs.
        history: every epoch; empty for a model without epochs.
        stopped_early: whether ``training.patience`` ended it before its last epoch.
        overfitting: a sentence when the model overfits; see `history.overfitting`.
        importances: the share of each feature, largest first; empty for models without it.
    """

    path: Path
    metrics: dict[str, float]
    seconds: float
    best: Epoch | None = None
    history: History = ()
    stopped_early: bool = False
    overfitting: str | None = None
    importances: dict[str, float] = field(default_factory=dict)

    @property
    def checkpoint(self) -> Path:
        """The file with the weights kept."""
        return self.path / BEST

    @property
    def picture(self) -> Path | None:
        """The curves, or the importances; None where there is nothing to draw."""
        if self.best is not None:
            return self.path / CURVES
        return self.path / IMPORTANCES if self.importances else None


def validation_metrics(epoch: Epoch) -> dict[str, float]:
    """The epoch's figures on the validation beats, as in `Run.metrics`."""
    return {name: value for name, value in asdict(epoch).items() if name.startswith("validation_")}


def first_line(config: Config, data: TrainingSet) -> str:
    """The first line of training: the model, the training beats and the validation beats."""
    counts = ", ".join(f"{name} {n:,}" for name, n in data.description.trained_on.items())
    held_out = f"{len(data.validation):,}" if len(data.validation) else "every patient in turn"
    return (
        f"Training {config.model.name} on {counted(len(data.training), 'beat')} ({counts}), "
        f"validating on {held_out}"
    )


@contextmanager
def new_run_folder(
    config: Config,
    data: TrainingData,
    device: str,
    command: str,
    training_keys: Collection[str] | None = None,
) -> Iterator[Path]:
    """Make the experiment's run folder and lock it while the block writes into it.

    Args:
        config: the resolved experiment; written as ``config.yaml``.
        data: the training data.
        device: the name of the device.
        command: the command line, for ``environment.json``.
        training_keys: the keys of the section ``training:`` that apply; all by default.
    """
    path = new_run(Path(config.runs), config.name)
    with locked(path):
        write_text(path / CONFIG, config.to_yaml(training_keys))
        environment = describe_environment(command, config.seed, device)
        write_json(path / ENVIRONMENT, environment | {"data_fingerprint": data.fingerprint})
        yield path


def is_finished(path: Path) -> bool:
    """Whether the folder holds a finished training."""
    return (path / REPORT).exists() and (path / BEST).exists()


def read_run(path: Path) -> Run:
    """The finished training in a run folder.

    Figures have the precision of the files: seconds two decimals, importances five, the
    history six significant digits.

    Raises:
        CheckpointError: there is no finished training in this folder, or its report is damaged.
    """
    if not is_finished(path):
        raise CheckpointError(
            f"{path}: {REPORT} or {BEST} is missing, so this is not a finished training; "
            f"to finish one: ecg train --resume {path}"
        )
    try:
        report = read_json(path / REPORT)
        if "best" not in report:
            return Run(
                path, report["metrics"], report["seconds"], importances=report["importances"]
            )
        best = Epoch(**report["best"])
        return Run(
            path, validation_metrics(best), report["seconds"], best, read_history(path / HISTORY),
            report["stopped_early"], report["overfitting"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: the run's report cannot be read: {error}") from error
