"""Records with annotated beats and rhythms -> a model of atrial fibrillation in a run folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Features
from ecgcli.beats.preparation import patients_of
from ecgcli.checkpoints.runs import FIBRILLATION as MODEL_FILE
from ecgcli.checkpoints.runs import new_run
from ecgcli.environment import describe_environment
from ecgcli.errors import DataError
from ecgcli.fibrillation.comparison import compare_rhythm
from ecgcli.fibrillation.model import (
    Decision,
    FibrillationCard,
    FibrillationModel,
    RhythmData,
    decide,
    save_model,
    window_log_odds,
)
from ecgcli.files import write_json
from ecgcli.metrics.episodes import EpisodeFigures, summarize_episodes
from ecgcli.parallel import in_order
from ecgcli.progress import SILENT, Progress
from ecgcli.recordings.annotated_rhythm import AnnotatedRhythm, read_annotated_rhythm
from ecgcli.recordings.irregularity import FEATURES, WINDOW, irregularity, valid_intervals
from ecgcli.recordings.rhythm_annotations import FIBRILLATION, stretches_of
from ecgcli.recordings.search import find_recordings
from ecgcli.trees import Trees
from ecgcli.wording import counted

#: Number of folds that the figures and the decision come from.
FOLDS = 5
#: Share of a window's changes of interval that may be left out for it to be trained on.
MOST_LEFT_OUT = 2 / 3
#: Of each record, one window in this number is a candidate, and at most so many are trained on.
EVERY, MOST_WINDOWS = 10, 2500
TREES = 200

_LEFT_OUT = FEATURES.index("left_out")


@dataclass(frozen=True)
class Fitted:
    """A fitted model, its run folder, and its figures on the records of each fold."""

    run: Path
    model: FibrillationModel
    figures: EpisodeFigures


@dataclass(frozen=True)
class Windows:
    """Labelled windows of one record: features ``(windows, features)``, in fibrillation or not."""

    features: Features
    fibrillates: NDArray[np.bool_]


@dataclass(frozen=True)
class RhythmSet:
    """Annotated records, the patient of each, and the windows of each to train on."""

    records: tuple[AnnotatedRhythm, ...]
    patients: tuple[str, ...]
    windows: tuple[Windows, ...]


def fit(
    folder: Path,
    run: Path,
    *,
    seed: int = 0,
    licence: str = "not stated",
    jobs: int = 1,
    progress: Progress = SILENT,
    command: str = "",
) -> Fitted:
    """Fit a model on the WFDB records of a folder; signals are not needed.

    Args:
        folder: the records, annotated with beats and rhythms.
        run: the folder to make; ``run-2`` and so on when it exists.
        seed: of the folds, the choice of windows, and the trees.
        licence: of the model.
        jobs: number of processes that read records.
        progress: of the work.
        command: the command line, for ``environment.json``.

    Raises:
        DataError: a record cannot be read or has no rhythm annotations, or there are too few.
    """
    data = read_rhythm_set(folder, seed, jobs, progress)
    decision = Decision()
    figures = cross_validate(data, decision, seed, progress)
    card = FibrillationCard(
        arguments=parameters_of(seed) | {"trees": TREES},
        decision=decision,
        training_data=_describe(folder, data),
        metrics={name: round(score, 6) for name, score in figures.scores().items()},
        licence=licence,
    )
    model = FibrillationModel(card, _trees(data.windows, seed))
    path = new_run(run.parent, run.name)
    write_json(path / "environment.json", describe_environment(command, seed, "cpu"))
    write_json(path / "report.json", figures.as_json())
    save_model(path / MODEL_FILE, model)  # last: it marks the run as complete
    return Fitted(path, model, figures)


def read_rhythm_set(
    folder: Path, seed: int = 0, jobs: int = 1, progress: Progress = SILENT
) -> RhythmSet:
    """Read the WFDB records of a folder and choose windows to train on.

    Raises:
        DataError: a record cannot be read or has no rhythm annotations, there are too few
            patients, or none of them has atrial fibrillation.
    """
    if not folder.is_dir():
        raise DataError("no such folder", file=folder)
    paths = find_recordings([str(folder)]).paths
    patient_of = patients_of(paths)
    if (patients := len(set(patient_of.values()))) < FOLDS:
        raise DataError(
            f"holds records of {counted(patients, 'patient')}; at least {FOLDS} are "
            "needed, because each is evaluated by a model that was not fitted on it",
            file=folder,
        )
    records = []
    for record in in_order(read_annotated_rhythm, paths, jobs):
        records.append(record)
        progress.update("reading", len(records), len(paths))
    windows = [windows_of(record, seed + number) for number, record in enumerate(records)]
    if not any(each.fibrillates.any() for each in windows):
        raise DataError(f"no atrial fibrillation ({FIBRILLATION}) is annotated", file=folder)
    return RhythmSet(tuple(records), tuple(patient_of[path] for path in paths), tuple(windows))


def parameters_of(seed: int) -> dict[str, float | int | str | bool]:
    """LightGBM's parameters; the result does not depend on the number of threads."""
    return {
        "objective": "binary",
        "num_leaves": 15,
        "learning_rate": 0.05,
        "min_child_samples": 200,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 10.0,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def windows_of(record: AnnotatedRhythm, seed: int) -> Windows:
    """The windows of a record that are trained on, in the rhythm at their centre."""
    intervals = valid_intervals(record.times, record.ectopic)
    if len(intervals) < WINDOW:
        return Windows(np.empty((0, len(FEATURES)), np.float32), np.empty(0, bool))
    features = irregularity(intervals, EVERY)
    centres = ((record.times[:-1] + record.times[1:]) / 2)[::EVERY]
    usable = (features[:, _LEFT_OUT] <= MOST_LEFT_OUT) & (centres >= record.rhythms[0].start)
    rows = np.flatnonzero(usable)
    random = np.random.default_rng(seed)
    rows = np.sort(random.choice(rows, min(len(rows), MOST_WINDOWS), replace=False))
    return Windows(
        features[rows], _within(centres[rows], stretches_of(record.rhythms, FIBRILLATION))
    )


def cross_validate(
    data: RhythmSet, decision: Decision, seed: int = 0, progress: Progress = SILENT
) -> EpisodeFigures:
    """The figures of records, each by a model that was not fitted on its patient."""
    counts = {}
    for number, (held_out, trees) in enumerate(fold_models(data, seed), 1):
        for record in held_out:
            odds = window_log_odds(trees, record.times, record.ectopic, decision.every)
            called = decide(odds, record.times, decision)
            counts[record.name] = compare_rhythm(called, record.rhythms)
        progress.update("cross-validating", number, FOLDS)
    return summarize_episodes({record.name: counts[record.name] for record in data.records})


def fold_models(data: RhythmSet, seed: int = 0) -> Iterator[tuple[list[AnnotatedRhythm], Trees]]:
    """The records of each fold, with trees fitted on the others; no patient is in two folds."""
    names = sorted(set(data.patients))
    places = np.random.default_rng(seed).permutation(len(names))
    fold_of = {name: place % FOLDS for name, place in zip(names, places, strict=True)}
    for fold in range(FOLDS):
        held_out = [fold_of[patient] == fold for patient in data.patients]
        kept = [each for each, out in zip(data.windows, held_out, strict=True) if not out]
        yield list(compress(data.records, held_out)), _trees(kept, seed)


def _trees(windows: Sequence[Windows], seed: int) -> Trees:
    import lightgbm

    data = lightgbm.Dataset(
        np.concatenate([each.features for each in windows]),
        np.concatenate([each.fibrillates for each in windows]),
        feature_name=[f"f{number}" for number in range(len(FEATURES))],
        params={"verbosity": -1, "force_row_wise": True},
    )
    booster = lightgbm.train(parameters_of(seed), data, num_boost_round=TREES)
    return Trees(booster.model_to_string())


def _describe(folder: Path, data: RhythmSet) -> RhythmData:
    hours = {True: 0.0, False: 0.0}
    for span in chain.from_iterable(record.rhythms for record in data.records):
        hours[span.rhythm == FIBRILLATION] += (span.stop - span.start) / 3600
    in_fibrillation = sum(int(each.fibrillates.sum()) for each in data.windows)
    total = sum(len(each.fibrillates) for each in data.windows)
    return RhythmData(
        files=[str(folder)],
        fingerprint=_fingerprint(data.records),
        records={record.name: record.digest for record in data.records},
        hours={"AFIB": round(hours[True], 2), "other": round(hours[False], 2)},
        windows={"AFIB": in_fibrillation, "other": total - in_fibrillation},
    )


def _fingerprint(records: Sequence[AnnotatedRhythm]) -> str:
    digest = hashlib.sha256()
    for record in records:
        digest.update(record.times.tobytes() + record.ectopic.tobytes())
        digest.update(repr(record.rhythms).encode())
    return digest.hexdigest()


def _within(
    times: NDArray[np.float64], stretches: Sequence[tuple[float, float]]
) -> NDArray[np.bool_]:
    """Which times lie in one of successive stretches."""
    edges = np.array(stretches, np.float64).ravel()
    within: NDArray[np.bool_] = np.searchsorted(edges, times, side="right") % 2 == 1
    return within
