"""Nearest neighbours: a vote of the most similar training beats."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ecgcli.arrays import Tensors
from ecgcli.beats import Beats
from ecgcli.beats.views import Inputs
from ecgcli.errors import ConfigError
from ecgcli.models import Estimator, Size, register
from ecgcli.models.warping import WarpedNeighbors, warping_matrix
from ecgcli.progress import SILENT, Progress

#: Beats whose neighbours are looked for at a time.
_AT_A_TIME = 1024


Search = Callable[[NDArray[np.float32], int], tuple[NDArray[np.floating], NDArray[np.integer]]]


def _straight(samples: NDArray[np.float32]) -> Search:
    """Looks for neighbours by the Euclidean distance, as one matrix product."""
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(algorithm="brute").fit(samples)

    def search(
        queries: NDArray[np.float32], count: int
    ) -> tuple[NDArray[np.floating], NDArray[np.integer]]:
        distances, rows = index.kneighbors(queries, count)
        return distances, rows

    return search


@register("knn")
class Knn(Estimator):
    """The k nearest training beats, weighted by inverse distance.

    Args:
        neighbors: number of neighbours.
        metric: euclidean, or dtw: dynamic time warping within a Sakoe-Chiba band.
        band: maximum shift, in samples, of the alignment by dtw.
    """

    def __init__(
        self,
        *,
        neighbors: Size = 3,
        metric: Literal["euclidean", "dtw"] = "euclidean",
        band: Annotated[int, Field(ge=0, le=186)] = 4,
    ) -> None:
        if metric == "dtw":
            warping_matrix()
        self.neighbors, self.metric, self.band = neighbors, metric, band

    def fit(
        self, inputs: Inputs, beats: Beats, classes: int, seed: int, progress: Progress = SILENT
    ) -> None:
        """See `Estimator`; the training beats are stored."""
        del seed
        (samples,) = inputs
        if self.neighbors > len(samples):
            raise ConfigError(
                f"model.neighbors: found {self.neighbors}, but there are only {len(samples)} "
                "training beats"
            )
        self._remember(samples, beats.known_labels, classes)
        progress.update("fitting", 1, 1)

    def _remember(
        self, samples: NDArray[np.float32], labels: NDArray[np.int64], classes: int
    ) -> None:
        self._samples, self._labels, self._classes = samples, labels, classes
        self._search: Search = (
            WarpedNeighbors(samples, self.band).nearest
            if self.metric == "dtw"
            else _straight(samples)
        )

    def probabilities(self, inputs: Inputs) -> NDArray[np.float32]:
        """See `Estimator`: the share of each class in the weights."""
        (samples,) = inputs
        parts = [samples[at : at + _AT_A_TIME] for at in range(0, len(samples), _AT_A_TIME)]
        return np.concatenate([self._votes(part) for part in parts])

    def _votes(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        distances, rows = self._search(samples, self.neighbors)
        weights = 1 / np.maximum(distances, 1e-6)
        cast = np.eye(self._classes)[self._labels[rows]] * weights[..., None]
        votes = cast.sum(1)
        shares: NDArray[np.float32] = (votes / votes.sum(1, keepdims=True)).astype(np.float32)
        return shares

    def state(self) -> Tensors:
        """See `Estimator`: the training beats."""
        facts = json.dumps({"classes": self._classes})
        return {
            "samples": self._samples,
            "labels": self._labels.astype(np.int8),
            "facts": np.frombuffer(facts.encode(), np.uint8),
        }

    def restore(self, state: Tensors) -> None:
        """See `Estimator`."""
        classes = int(json.loads(state["facts"].tobytes())["classes"])
        samples, labels = state["samples"], state["labels"].astype(np.int64)
        if not (0 <= labels.min() <= labels.max() < classes and len(labels) == len(samples)):
            raise ValueError("the labels are not those of the samples")
        self._remember(samples, labels, classes)
