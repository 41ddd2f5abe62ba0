"""Training data, as a config describes them: read, split, resampled, and documented."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecgcli.beats import Beats, concatenate, read_labelled
from ecgcli.beats.mapped import map_beats
from ecgcli.beats.resampling import resample, target_counts
from ecgcli.beats.splits import Split, by_patient, stratified
from ecgcli.checkpoints import TrainingData
from ecgcli.errors import ConfigError, DataError
from ecgcli.inputs import is_parquet
from ecgcli.models import is_estimator, views_of
from ecgcli.progress import SILENT, Progress
from ecgcli.training.config import Config, Data
from ecgcli.training.copies import are_copies
from ecgcli.training.recordings import read_training_recordings
from ecgcli.wording import counted

#: The command that downloads a missing file, by the beginning of its name.
_ORIGINS = {"synthetic": "ecg download demo", "ptbdb": "ecg download ptbdb"}


@dataclass(frozen=True)
class TrainingSet:
    """Training beats, validation beats, and a description of where both are from.

    ``class_offsets`` are added to logits to undo the effect of resampling on the class
    balance (see `class_offsets`); zeros without resampling or prior correction.
    """

    training: Beats
    validation: Beats
    class_offsets: tuple[float, ...]
    description: TrainingData


def build_training_set(config: Config, progress: Progress = SILENT) -> TrainingSet:
    """Read, split and resample, in that order: validation beats keep their natural balance.

    Args:
        config: the experiment.
        progress: has a message on what is read.

    Raises:
        DataError: a file is missing or wrong, or a class has too few beats.
        ConfigError: the requested resampling is not possible.
    """
    data = config.data
    progress.message(f"Reading {', '.join(str(file) for file in data.files)}")
    beats, copies = _read_all(config, progress)
    counts = beats.counts()
    _require_every_class(counts, data)
    split = _split(beats, data, config.seed)
    natural = beats.counts(split.kept)
    rows = split.kept
    if data.resample is not None:
        targets = target_counts(natural, **data.resample.model_dump())
        rows = rows[resample(beats.known_labels[rows], targets, beats.classes, config.seed)]
    training, validation = beats.take(rows), beats.take(split.held_out)
    used = training.counts()  # copies do not count as resampling
    if copies is not None:
        training = concatenate([training, _of_patients(copies, training)])
    if not is_estimator(config.model.name) and len(training) < config.training.batch_size:
        raise ConfigError(
            f"{len(training)} training beats are fewer than one batch of "
            f"{config.training.batch_size}; set training.batch_size={max(1, len(training) // 4)}"
        )
    return TrainingSet(
        training,
        validation,
        class_offsets(natural, used) if config.training.prior_correction else (0.0,) * len(used),
        TrainingData(
            files=[str(path) for path in data.files],
            fingerprint=beats.fingerprint(),
            beats=counts,
            trained_on=training.counts(),
            patients=beats.patients,
            synthetic=beats.synthetic,
            resampling=None
            if data.resample is None
            else data.resample.model_dump(exclude_none=True),
            validation={
                "rule": data.validation,
                "fraction": data.validation_fraction,
                "seed": config.seed,
                "beats": (beats if data.validation == "folds" else validation).counts(),
            },
            copies=list(data.copies),
            normalized=data.normalize,
        ),
    )


def class_offsets(natural: dict[str, int], used: dict[str, int]) -> tuple[float, ...]:
    """What to add to each class's logit so that probabilities fit the natural class balance.

    A network trained on beats resampled by class learns ``p(x|c) q(c)`` for the
    resampled shares ``q``; adding ``log(p(c) / q(c))`` gives what it would have
    learnt with the natural shares ``p`` (Elkan, IJCAI 2001, theorem 2).
    """
    share = np.array(list(natural.values())) / sum(natural.values())
    used_share = np.array(list(used.values())) / sum(used.values())
    return tuple(np.log(share / used_share).tolist())


def _read(path: Path, data: Data) -> Beats:
    if not path.exists():
        command = next((_ORIGINS[word] for word in _ORIGINS if path.name.startswith(word)), None)
        hint = command or "ecg download, then ecg train --config cnn"
        raise DataError(f"no such training data; get them with: {hint}", file=path)
    return read_labelled(path, data.class_names, normalize=data.normalize)


def _read_files(config: Config, progress: Progress) -> Beats:
    """The beats of the files; for a network, samples in parquet stay on disk."""
    data, classes = config.data, config.data.class_names
    of_network = not is_estimator(config.model.name)
    if of_network and all(is_parquet(path) and path.exists() for path in data.files):
        views = views_of(config.model.name)
        return map_beats(
            data.files, classes, views=views, normalize=data.normalize, progress=progress
        )
    return concatenate([_read(path, data) for path in data.files])


def _read_all(config: Config, progress: Progress) -> tuple[Beats, Beats | None]:
    """The beats, and those of altered copies of their recordings where the config names any."""
    data = config.data
    if all(path.is_dir() and not is_parquet(path) for path in data.files):
        beats = read_training_recordings(
            data.files, data.records, data.copies, config.seed, data.annotations
        )
        if beats.classes != data.class_names:
            raise ConfigError(
                f"data.classes: found {data.classes}; recordings have beats of the classes "
                f"{' '.join(beats.classes)}, so valid is aami"
            )
        copied = are_copies(beats)
        originals = beats.take(np.flatnonzero(~copied))
        return originals, beats.take(np.flatnonzero(copied)) if copied.any() else None
    if data.copies or data.records != "all" or data.annotations != "auto":
        keys = {"copies": data.copies, "records": data.records != "all", "annotations": True}
        key = next(key for key, named in keys.items() if named)
        raise ConfigError(f"data.{key} is for a folder of recordings, and data.train names files")
    return _read_files(config, progress), None


def _of_patients(copies: Beats, training: Beats) -> Beats:
    """The copies that belong to patients in the training part."""
    patients = np.array(copies.info["patient"] if copies.info is not None else [])
    return copies.take(np.flatnonzero(np.isin(patients, training.patients)))


def _require_every_class(counts: dict[str, int], data: Data) -> None:
    if data.validation == "folds":
        return  # a class that few patients have is in some folds and not in others
    few = [name for name, count in counts.items() if count < 2]
    if few:
        all_counts = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise DataError(
            f"class {few[0]} has {counted(counts[few[0]], 'beat')} ({all_counts}); every class "
            "needs at least 2, one for training and one for validation",
            file=", ".join(str(path) for path in data.files),
        )


def _split(beats: Beats, data: Data, seed: int) -> Split:
    if data.validation == "folds":
        return Split(np.arange(len(beats)), np.arange(0))
    if data.validation == "patient":
        return by_patient(beats, data.validation_fraction, seed)
    return stratified(beats.known_labels, data.validation_fraction, seed)
