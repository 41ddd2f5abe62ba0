"""Which beats are held out: by class at random, by patient, or as the field's DS1 and DS2.

A split of recordings can be written down and used again: a file that names the
patients of each side.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import Beats
from ecgcli.errors import DataError, shown
from ecgcli.files import write_json
from ecgcli.inputs import read_json
from ecgcli.recordings.mitbih import DS1_ALONE, DS2

#: Ways to hold out a test set that `hold_out` knows.
Rule = Literal["random", "patient", "ds1-ds2"]


@dataclass(frozen=True)
class Split:
    """Two disjoint sets of rows, each in random order."""

    kept: NDArray[np.intp]
    held_out: NDArray[np.intp]


def split_by_class(labels: NDArray[np.int64], held_out: dict[int, int], seed: int) -> Split:
    """Hold out ``held_out[label]`` random beats of each class.

    Beats of one patient land on both sides: a score on the held-out beats says
    nothing about new patients.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(labels))
    held = np.zeros(len(labels), bool)
    for label, count in held_out.items():
        held[order[labels[order] == label][:count]] = True
    return Split(order[~held[order]], order[held[order]])


def stratified(labels: NDArray[np.int64], fraction: float, seed: int) -> Split:
    """Hold out ``fraction`` of each class at random, at least one beat of each."""
    counts = np.bincount(labels)
    return split_by_class(
        labels,
        {label: max(1, round(fraction * n)) for label, n in enumerate(counts) if n},
        seed,
    )


def by_patient(beats: Beats, fraction: float, seed: int) -> Split:
    """Hold out whole patients with about ``fraction`` of the beats, classes kept in balance.

    Raises:
        DataError: the sidecar is missing, or knows fewer patients than the split needs.
    """
    return next(patient_folds(beats, max(2, round(1 / fraction)), seed))


def patient_folds(beats: Beats, count: int, seed: int) -> Iterator[Split]:
    """Every patient held out once, in ``count`` folds, classes kept in balance.

    Raises:
        DataError: the sidecar is missing, or knows fewer patients than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    patients = _info_of(beats)["patient"].to_numpy()
    if len(np.unique(patients)) < count:
        raise DataError(
            f"dealing whole patients into {count} parts needs at least {count} of them, "
            f"found {len(np.unique(patients))}; use a larger data.validation_fraction"
        )
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with _without_warning_of_small_classes():
        for kept, held_out in splitter.split(beats.samples, beats.known_labels, patients):
            yield Split(kept, held_out)


def ds1_ds2(beats: Beats) -> Split:
    """DS1 against DS2 (see `mitbih`), in the order of the beats; paced records are left out.

    Record 201 of DS1 is of the same person as 202 of DS2. To keep DS2 as everyone has it
    and yet to share no patient, 201 is left out.

    Raises:
        DataError: the beats are not of these records.
    """
    records = _info_of(beats)["record"].to_numpy()
    kept, held_out = (np.flatnonzero(np.isin(records, half)) for half in (DS1_ALONE, DS2))
    if not len(kept) or not len(held_out):
        raise DataError(
            "DS1 and DS2 are records of the MIT-BIH Arrhythmia Database, and these beats are of "
            f"{', '.join(np.unique(records)[:5])}; split by patient instead"
        )
    return Split(kept, held_out)


def hold_out(beats: Beats, rule: Rule, fraction: float, seed: int) -> Split:
    """Hold out a test set by one of the rules; ``ds1-ds2`` needs neither fraction nor seed."""
    if rule == "ds1-ds2":
        return ds1_ds2(beats)
    if rule == "patient":
        return by_patient(beats, fraction, seed)
    return stratified(beats.known_labels, fraction, seed)


def write_split(path: Path, beats: Beats, split: Split, facts: dict[str, Any]) -> None:
    """Save the patients and records of each side, with ``facts`` on how the split was made."""
    info = _info_of(beats)
    document: dict[str, Any] = dict(facts)
    for side, rows in (("train", split.kept), ("test", split.held_out)):
        document[side] = {
            name: sorted(info[name].iloc[rows].unique().tolist()) for name in ("patient", "record")
        } | {"beats": len(rows)}
    write_json(path, document)


def read_split(path: Path, beats: Beats) -> Split:
    """Split beats by patient as in a file of `write_split`; other beats are left out.

    Raises:
        DataError: the file is not a split, has a patient on both sides, or fits no beat.
    """
    try:
        document = read_json(path)
        sides = [set(map(_name, document[side]["patient"])) for side in ("train", "test")]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            "cannot be read as a split; one is written by ecg prepare --split", file=path
        ) from error
    if both := sides[0] & sides[1]:
        raise DataError(
            f"patient {min(both)} is on both sides, as in a random split, which cannot be "
            "repeated from the names of patients; use --split random with its seed",
            file=path,
        )
    patients = _info_of(beats)["patient"].to_numpy()
    kept, held_out = (np.flatnonzero(np.isin(patients, sorted(side))) for side in sides)
    if not len(kept) or not len(held_out):
        raise DataError("none of these beats are of the patients of one side", file=path)
    return Split(kept, held_out)


def _name(patient: object) -> str:
    """The name of a patient in a document.

    Raises:
        TypeError: it is not a name.
    """
    if not isinstance(patient, str):
        raise TypeError(f"{shown(patient)} is not a name")
    return patient


@contextmanager
def _without_warning_of_small_classes() -> Iterator[None]:
    """Without scikit-learn's warning that a class has fewer beats than there are folds."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        yield


def _info_of(beats: Beats) -> Any:
    if beats.info is None:
        raise DataError(
            "a split by patient needs to know whose beat is whose, and these beats have no "
            "sidecar (NAME.info.csv); use data.validation=stratified, or data from ecg download"
        )
    return beats.info
