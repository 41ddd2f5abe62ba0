"""Boosted trees on features of each beat relative to its recording, for new patients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ecgcli.arrays import Features, Tensors
from ecgcli.beats import Beats
from ecgcli.beats.context import feature_names
from ecgcli.beats.views import Inputs
from ecgcli.choices import Copy
from ecgcli.classes import AAMI_CLASSES
from ecgcli.errors import CheckpointError, DataError
from ecgcli.models import Estimator, Size, register
from ecgcli.models.boosters import check_booster, packed, unpacked
from ecgcli.models.consensus import Consensus
from ecgcli.progress import SILENT, Progress
from ecgcli.trees import Trees

if TYPE_CHECKING:
    from lightgbm import Dataset

_Q = AAMI_CLASSES.index("Q")
#: A class with fewer training beats than this is not learnt: the model would memorise it.
_TOO_FEW = 100
#: Parameters of LightGBM: how data are prepared, those of all boosters, and those of the one that
#: separates deflections that are not beats from beats, with its number of rounds.
_OF_DATA: dict[str, Any] = {"max_bin": 63, "force_row_wise": True, "verbosity": -1}
_OF_ALL: dict[str, Any] = _OF_DATA | {
    "min_child_samples": 60,
    "min_child_weight": 1.0,
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "lambda_l2": 20.0,
    "deterministic": True,
}
_OF_NOT_BEATS: dict[str, Any] = _OF_ALL | {
    "objective": "binary",
    "num_leaves": 15,
    "learning_rate": 0.1,
    "feature_fraction": 0.25,
}
_ROUNDS_OF_NOT_BEATS = 100

Share = Annotated[float, Field(gt=0, le=1)]


@register("context")
class Context(Estimator):
    """Boosted trees on rhythm, shape and P wave, for new patients.

    The mean probability of several boosters (Ke et al., LightGBM, NeurIPS 2017) with different
    seeds. Within a class, the weight of a patient grows more slowly than the number of beats, so
    that one record with nearly all beats of a class does not define the class.

    From unreadable copies (`ecgcli.training.unreadable`) a separate booster learns which
    deflections are not beats. Its probability is added to that of Q, and the other classes share
    the rest. The boosters of the classes do not see these copies.

    The beats of a recording are then looked at together: see `ecgcli.models.consensus`.

    Args:
        boosters: number of boosters.
        trees: number of trees per class in a booster.
        leaves: maximum number of leaves of a tree.
        learning_rate: learning rate of the boosting.
        features: share of the features available to each tree.
        patient_power: the weight of a patient's n beats of a class is n to this power.
        class_power: the weight of a class's n beats is n to this power; 0 weighs classes equally.
        normal_weight: factor on the weight of class N.
        every_normal: of the N beats, one in this number is used.
    """

    views = ("context", "recording")

    def __init__(
        self,
        *,
        boosters: Size = 3,
        trees: Size = 150,
        leaves: Annotated[int, Field(ge=2, le=4096)] = 16,
        learning_rate: Share = 0.06,
        features: Share = 0.25,
        patient_power: Annotated[float, Field(ge=0, le=1)] = 0.8,
        class_power: Annotated[float, Field(ge=0, le=1)] = 0.0,
        normal_weight: Annotated[float, Field(gt=0)] = 2.0,
        every_normal: Size = 3,
    ) -> None:
        self.boosters, self.trees, self.leaves = boosters, trees, leaves
        self.learning_rate, self.features = learning_rate, features
        self.patient_power, self.class_power = patient_power, class_power
        self.normal_weight = normal_weight
        self.every_normal = every_normal
        self._fitted: list[Trees] = []
        self._not_beats: Trees | None = None
        self._consensus: Consensus | None = None
        self._classes = 0
        self._known: NDArray[np.int64] = np.arange(0)

    def fit(
        self, inputs: Inputs, beats: Beats, classes: int, seed: int, progress: Progress = SILENT
    ) -> None:
        """See `Estimator`."""
        labels, unreadable = beats.known_labels, _are_copies(beats, "unreadable")
        own = np.flatnonzero(~unreadable)
        counts = np.bincount(labels[own], minlength=classes)
        self._classes, self._known = classes, np.flatnonzero(counts >= _TOO_FEW)
        if len(self._known) < 2:
            raise DataError(
                f"found {', '.join(map(str, counts))} beats of the classes; this model needs two "
                f"classes of at least {_TOO_FEW}"
            )
        rows = own[self._rows(labels[own])]
        not_beats = unreadable & (labels == _Q)
        rounds = self.boosters * self.trees + (_ROUNDS_OF_NOT_BEATS if not_beats.any() else 0)
        steps = _Steps(progress, rounds)
        features, labels = inputs[0][rows], labels[rows]
        weights = self._weights(labels, _owners(beats)[rows])
        self._fitted = self._fit_classes(features, labels, weights, seed, steps)
        self._consensus = Consensus.of_training(
            features, self._gains(), np.bincount(labels, weights)[self._known] / weights.sum()
        )
        self._not_beats = (
            _fit_not_beats(inputs[0], not_beats, seed, steps) if not_beats.any() else None
        )

    def _fit_classes(
        self,
        features: Features,
        labels: NDArray[np.int64],
        weights: NDArray[np.float64],
        seed: int,
        steps: _Steps,
    ) -> list[Trees]:
        import lightgbm

        data = _data(features, np.searchsorted(self._known, labels), weights)
        parameters = _OF_ALL | {
            "objective": "multiclass",
            "num_class": len(self._known),
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "feature_fraction": self.features,
        }
        return [
            Trees(
                lightgbm.train(
                    parameters | {"seed": self.boosters * seed + number},
                    data,
                    num_boost_round=self.trees,
                    callbacks=[steps],
                ).model_to_string()
            )
            for number in range(self.boosters)
        ]

    def _rows(self, labels: NDArray[np.int64]) -> NDArray[np.intp]:
        kept = np.isin(labels, self._known)
        kept &= (labels != 0) | (np.arange(len(labels)) % self.every_normal == 0)
        return np.flatnonzero(kept)

    def _weights(self, labels: NDArray[np.int64], owners: NDArray[np.int64]) -> NDArray[np.float64]:
        """The weight of each beat, with a mean of 1."""
        pairs = labels * (owners.max() + 1) + owners
        _, place, counts = np.unique(pairs, return_inverse=True, return_counts=True)
        weights = np.asarray(counts[place] ** (self.patient_power - 1.0), np.float64)
        for label in self._known:
            own = labels == label
            share = own.sum() ** self.class_power * (self.normal_weight if label == 0 else 1.0)
            weights[own] *= share / weights[own].sum()
        return np.asarray(weights / weights.mean(), np.float64)

    def probabilities(self, inputs: Inputs) -> NDArray[np.float32]:
        """See `Estimator`; a class without training beats has probability 0."""
        mean = np.mean([trees.probabilities(inputs[0]) for trees in self._fitted], axis=0)
        if self._consensus is not None:
            mean = self._consensus(mean, inputs[0], inputs[1][:, 0])
        probabilities = np.zeros((len(mean), self._classes), np.float32)
        probabilities[:, self._known] = mean
        if self._not_beats is not None:
            share = 1 / (1 + np.exp(-self._not_beats.raw_scores(inputs[0])))
            probabilities *= 1 - share
            probabilities[:, [_Q]] += share
        return probabilities

    def importances(self) -> dict[str, float]:
        """The share of each feature in the gain of all splits."""
        shares = zip(feature_names(), self._gains(), strict=True)
        return {name: float(share) for name, share in sorted(shares, key=lambda item: -item[1])}

    def _gains(self) -> NDArray[np.float64]:
        """The share of each feature in the gain of all splits, ``(features,)``."""
        boosters = [trees.booster() for trees in self._fitted]
        gains = np.sum([booster.feature_importance("gain") for booster in boosters], axis=0)
        return np.asarray(gains / max(gains.sum(), 1e-12), np.float64)

    def state(self) -> Tensors:
        """See `Estimator`: the trees as LightGBM's text, compressed."""
        texts = [trees.text for trees in self._fitted]
        facts = {"classes": self._classes, "known": self._known.tolist(), "boosters": texts}
        if self._not_beats is not None:
            facts["no_beat"] = self._not_beats.text
        state = {"trees": packed(json.dumps(facts))}
        return state if self._consensus is None else state | self._consensus.state()

    def restore(self, state: Tensors) -> None:
        """See `Estimator`.

        Raises:
            CheckpointError: the trees were fitted to other features than this version computes.
        """
        facts = json.loads(unpacked(state["trees"]))
        self._classes, self._known = facts["classes"], np.array(facts["known"], np.int64)
        self._fitted = [Trees(text) for text in facts["boosters"]]
        self._not_beats = Trees(facts["no_beat"]) if "no_beat" in facts else None
        widths = {trees.width for trees in (*self._fitted, self._not_beats) if trees is not None}
        if widths != {len(feature_names())}:
            raise CheckpointError(
                f"its trees read {', '.join(map(str, sorted(widths)))} features of a beat, this "
                f"version of ecg computes {len(feature_names())}; train again, or install the ecg "
                "it was written with"
            )
        self._consensus = Consensus.restored(state)

    def check_state(self, state: Tensors) -> None:
        """See `Estimator`."""
        facts = json.loads(unpacked(state["trees"]))
        for text in facts["boosters"]:
            check_booster(text)
        if "no_beat" in facts:
            check_booster(facts["no_beat"], binary=True)
        if (consensus := Consensus.restored(state)) is not None:
            consensus.check(len(feature_names()), len(facts["known"]))


class _Steps:
    """Reports the rounds of all boosters as one task; LightGBM calls it after each."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._done, self._total = progress, 0, total

    def __call__(self, _: Any) -> None:
        self._done += 1
        self._progress.update("fitting", self._done, self._total)


def _data(features: Features, labels: NDArray[Any], weights: NDArray[np.float64]) -> Dataset:
    import lightgbm

    return lightgbm.Dataset(
        features,
        labels,
        weight=weights,
        feature_name=[f"f{number}" for number in range(features.shape[1])],
        params=_OF_DATA,
        free_raw_data=False,
    )


def _fit_not_beats(
    features: Features, is_not_beat: NDArray[np.bool_], seed: int, steps: _Steps
) -> Trees:
    """A booster of two classes, beats and deflections that are not; both weigh the same."""
    import lightgbm

    shares = np.array([1 - is_not_beat.mean(), is_not_beat.mean()])
    data = _data(features, is_not_beat, 0.5 / shares[is_not_beat.astype(np.int64)])
    booster = lightgbm.train(
        _OF_NOT_BEATS | {"seed": seed},
        data,
        num_boost_round=_ROUNDS_OF_NOT_BEATS,
        callbacks=[steps],
    )
    return Trees(booster.model_to_string())


def _are_copies(beats: Beats, kind: Copy) -> NDArray[np.bool_]:
    """Which beats are of copies of this kind; ``(beats,)``."""
    if beats.info is None:
        return np.zeros(len(beats), bool)
    return (beats.info["copy"] == kind).to_numpy(bool)


def _owners(beats: Beats) -> NDArray[np.int64]:
    """The patient of each beat, as a number, apart in simulated rhythms; all 0 if unknown."""
    if beats.info is None:
        return np.zeros(len(beats), np.int64)
    made_up = np.where(_are_copies(beats, "fibrillation"), " fibrillation", "")
    names = beats.info["patient"] + made_up
    return np.unique(names.to_numpy(str), return_inverse=True)[1].astype(np.int64)
