"""Config -> dataset -> epochs, or a single fit -> run folder: `train`, and `resume` to continue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ecgcli.errors import ConfigError
from ecgcli.parallel import process_count
from ecgcli.progress import SILENT, Progress

if TYPE_CHECKING:
    from ecgcli.training.config import Config
    from ecgcli.training.run import Run

__all__ = ["resume", "train"]


def train(config: Config, progress: Progress = SILENT, command: str = "") -> Run:
    """Train the config's model, in epochs or in one step, into a new run folder.

    Args:
        config: the experiment.
        progress: called with a line for each epoch and with the running figures.
        command: the command line, for ``environment.json``.

    Raises:
        ConfigError, DataError: the experiment cannot start; no folder is made.
        ConfigError: the loss is not finite in an epoch; the folder stays if an epoch is complete.
        Interrupted: Ctrl-C or SIGTERM stopped training in epochs; its state was saved.
    """
    from ecgcli.models import is_estimator

    if is_estimator(config.model.name):
        if process_count() > 1:
            raise ConfigError(
                f"{config.model.name} is fitted in one step, by one process; start it without "
                "torchrun"
            )
        from ecgcli.training.estimators import fit

        return fit(config, progress, command)
    from ecgcli.training.epochs import train_network

    return train_network(config, progress, command)


def resume(path: Path, progress: Progress = SILENT) -> Run:
    """Continue the training in a run folder exactly where it stopped.

    A finished run is returned unchanged.

    Raises:
        CheckpointError: the run has no state to resume from, or its config or training data
            have changed; only more epochs at a constant learning rate are allowed.
        ConfigError: the loss is not finite.
        Interrupted: it was stopped again.
    """
    from ecgcli.training.epochs import resume_network

    return resume_network(path, progress)
