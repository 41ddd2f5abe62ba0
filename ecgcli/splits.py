"""Which beats are held out: by class at random, or by patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import Beats
from ecgcli.errors import DataError


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
    if beats.info is None:
        raise DataError(
            "a split by patient needs to know whose beat is whose, and these beats have no "
            "sidecar (NAME.info.csv); use data.validation=stratified, or data from ecg download"
        )
    from sklearn.model_selection import StratifiedGroupKFold

    folds = max(2, round(1 / fraction))
    patients = beats.info["patient"].to_numpy()
    if len(np.unique(patients)) < folds:
        raise DataError(
            f"holding out {fraction:g} of the patients needs at least {folds} of them, "
            f"found {len(np.unique(patients))}; use a larger data.validation_fraction"
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    kept, held_out = next(splitter.split(beats.samples, beats.known_labels, patients))
    return Split(kept, held_out)
