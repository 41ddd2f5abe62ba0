"""Run folders: ``runs/NAME`` and their files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecgcli import locking
from ecgcli.errors import CheckpointError, did_you_mean
from ecgcli.files import remove_leftovers, writing
from ecgcli.pages import ERRORS, PAGE, WORST
from ecgcli.weights import BUNDLED, bundled_checkpoint, name_of

BEST = "best.safetensors"
LAST = "last.safetensors"
CONFIG = "config.yaml"
ENVIRONMENT, HISTORY, REPORT = "environment.json", "metrics.csv", "report.json"
#: Pictures of a training: curves by epoch, or the importances of features.
CURVES, IMPORTANCES = "curves.png", "importances.png"
ANOMALY = "anomaly.safetensors"
FIBRILLATION = "fibrillation.safetensors"
#: The files of a run that a later command may read.
FILES = (BEST, LAST, ANOMALY, FIBRILLATION, CONFIG, ENVIRONMENT, HISTORY, REPORT)

#: Where the evaluations of pretrained weights go, a folder for each.
PRETRAINED = Path("runs", "pretrained")

#: The meaning of each file name, and the command that makes such a file.
_KINDS = dict.fromkeys((BEST, LAST), ("trained model", "train one with ecg train --config cnn")) | {
    ANOMALY: ("anomaly model", "fit one with ecg anomaly fit --data TRAIN.csv")
}


def new_run(root: Path, name: str) -> Path:
    """Make ``root/name``, or ``name-2``, ``name-3``, … when it exists.

    Making a folder is atomic: two training runs started at once get two folders. What killed
    processes left half-written in those that exist is removed.
    """
    number = 1
    with writing(root / name):
        root.mkdir(parents=True, exist_ok=True)
        while True:
            run = root / (name if number == 1 else f"{name}-{number}")
            try:
                run.mkdir()
            except FileExistsError:
                remove_leftovers(run)
                number += 1
            else:
                return run


def newest_run(root: Path, holding: str = BEST) -> Path:
    """The run under ``root`` whose file ``holding`` was written last.

    Raises:
        CheckpointError: there is no run yet.
    """
    files = sorted(root.glob(f"*/{holding}"), key=lambda path: path.stat().st_mtime_ns)
    if not files:
        kind, made_by = _KINDS[holding]
        raise CheckpointError(f"no {kind} under {root}/; {made_by}, or name a run or checkpoint")
    return files[-1].parent


def find_checkpoint(
    place: Path | None,
    root: Path = Path("runs"),
    bundled: str | None = None,
    holding: str = BEST,
) -> Path:
    """The checkpoint file meant by ``place``.

    Args:
        place: a file, a run folder, or the name of bundled weights; None is the newest run.
        root: where the runs are.
        bundled: the weights to use if there is no run; with None, a run is required.
        holding: the file that a run of the kind wanted has.

    Raises:
        CheckpointError: there is no such checkpoint.
    """
    if place is None:
        if bundled is not None and not any(root.glob(f"*/{holding}")):
            return bundled_checkpoint(bundled)
        return newest_run(root, holding) / holding
    if not place.exists() and str(place) in BUNDLED:
        return bundled_checkpoint(str(place))
    if not place.exists():
        choices = [*map(str, sorted(root.glob("*/"))), *BUNDLED]
        raise CheckpointError(
            f"{place}: no such run or checkpoint{did_you_mean(str(place), choices)}"
        )
    if not place.is_dir():
        return place
    # A run of another kind is returned too: its reader's error names the command for it.
    for name in (holding, BEST, ANOMALY, FIBRILLATION):
        if (place / name).exists():
            return place / name
    raise CheckpointError(f"{place}: this folder has no {holding}, so it is not a trained run")


def files_of_run(folder: Path) -> list[Path]:
    """The files of a run in a folder; none where the folder is no run."""
    is_run = any((folder / name).exists() for name in (BEST, LAST, ANOMALY))
    return [folder / name for name in FILES] if is_run else []


def discard_run(run: Path) -> None:
    """Remove the folder of a training that was killed before it saved anything to continue from.

    Raises:
        CheckpointError: another process is training in it, or it holds files of another kind.
    """
    shown = {CURVES, IMPORTANCES, ERRORS, WORST, PAGE}
    with locked(run), writing(run):
        strange = [
            path.name
            for path in sorted(run.iterdir())
            if path.name not in {*FILES, *shown, locking.FOLDER_LOCK} and path.suffix != ".tmp"
        ]
        if strange:
            raise CheckpointError(
                f"{run}: no training was finished here, and {strange[0]} is no file of one; "
                "remove or rename the folder"
            )
        remove_run(run)


def remove_run(run: Path) -> None:
    """Remove the folder of a run, which the caller has locked."""
    with writing(run):
        shutil.rmtree(run)


def results_folder(checkpoint: Path) -> Path:
    """The folder for what is computed with a checkpoint: its run, or one for pretrained weights.

    The pretrained weights themselves lie in the installed package, where nothing is written.
    """
    name = name_of(checkpoint)
    return checkpoint.parent if name is None else PRETRAINED / name


def name_of_data(data: Path) -> str:
    """The name of a file or folder in those of its results: its own, without the ending."""
    path = Path(os.path.abspath(data))
    return path.name if path.is_dir() else Path(path.name.removesuffix(".gz")).stem


def shown_place(checkpoint: Path) -> str:
    """What a command takes for a checkpoint: the weights' name, the run, or the file itself."""
    if name := name_of(checkpoint):
        return name
    return str(checkpoint.parent if checkpoint.name in (BEST, ANOMALY) else checkpoint)


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold the run for this process alone; the system lets go when the process ends.

    Raises:
        CheckpointError: another process is training in it.
    """
    in_use = f"{run}: another process is training in this run"
    with locking.locked(
        run / locking.FOLDER_LOCK,
        in_use,
        "wait until it ends, or stop it first",
        error=CheckpointError,
    ):
        yield
