"""Boosted trees or a random forest on the named features of a beat."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ecgcli.arrays import Tensors
from ecgcli.beats import Beats
from ecgcli.beats.features import beat_features, list_features
from ecgcli.beats.views import Inputs
from ecgcli.models import Estimator, Size, register
from ecgcli.models.boosters import check_booster, packed, unpacked
from ecgcli.progress import SILENT, Progress
from ecgcli.trees import Trees


@register("features")
class Features(Estimator):
    """Boosted trees or a random forest on the named features.

    Args:
        learner: boosting (Ke et al., LightGBM, NeurIPS 2017) or forest (Breiman, Machine
            Learning 45:5-32, 2001), both by LightGBM. See `ecg features` for the features.
        trees: number of trees per class.
        leaves: maximum number of leaves of a tree.
        learning_rate: learning rate of the boosting.
    """

    def __init__(
        self,
        *,
        learner: Literal["boosting", "forest"] = "boosting",
        trees: Size = 200,
        leaves: Annotated[int, Field(ge=2, le=4096)] = 31,
        learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.1,
    ) -> None:
        self.learner, self.trees = learner, trees
        self.leaves, self.learning_rate = leaves, learning_rate
        self._trees: Trees | None = None

    def fit(
        self, inputs: Inputs, beats: Beats, classes: int, seed: int, progress: Progress = SILENT
    ) -> None:
        """See `Estimator`."""
        import lightgbm

        names = [feature.name for feature in list_features()]
        data = lightgbm.Dataset(beat_features(inputs[0]), beats.known_labels, feature_name=names)
        booster = lightgbm.train(
            self._parameters(classes, seed),
            data,
            num_boost_round=self.trees,
            callbacks=[lambda step: progress.update("fitting", step.iteration + 1, self.trees)],
        )
        self._trees = Trees(booster.model_to_string())

    def _parameters(self, classes: int, seed: int) -> dict[str, Any]:
        shared = {
            "objective": "multiclass",
            "num_class": classes,
            "num_leaves": self.leaves,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
            "bagging_freq": 1,
            "feature_fraction": 0.5,
        }
        if self.learner == "forest":
            return shared | {"boosting": "rf", "bagging_fraction": 0.63, "min_data_in_leaf": 2}
        return shared | {"learning_rate": self.learning_rate, "bagging_fraction": 0.8}

    def probabilities(self, inputs: Inputs) -> NDArray[np.float32]:
        """See `Estimator`."""
        probabilities = self._fitted.probabilities(beat_features(inputs[0]))
        return np.asarray(probabilities, np.float32)

    def importances(self) -> dict[str, float]:
        """The share of each feature in the gain of all splits."""
        booster = self._fitted.booster()
        gains = booster.feature_importance("gain")
        shares = zip(booster.feature_name(), gains / max(gains.sum(), 1e-12), strict=True)
        return {name: float(share) for name, share in sorted(shares, key=lambda item: -item[1])}

    @property
    def _fitted(self) -> Trees:
        if self._trees is None:
            raise AssertionError("fit or restore comes first")
        return self._trees

    def state(self) -> Tensors:
        """See `Estimator`: the trees as LightGBM's text, compressed."""
        return {"trees": packed(self._fitted.text)}

    def restore(self, state: Tensors) -> None:
        """See `Estimator`."""
        self._trees = Trees(unpacked(state["trees"]))

    def check_state(self, state: Tensors) -> None:
        """See `Estimator`."""
        check_booster(unpacked(state["trees"]))
