"""The distance of a beat from the normal beats most similar to it.

This is a nearest-neighbour score, half corrected for the local density of the normal beats.
The distance itself (Ramaswamy, Rastogi & Shim, SIGMOD 2000) makes every beat of a noisy
recording unusual. Its ratio to the distances among the neighbours (the local outlier factor
of Breunig et al., SIGMOD 2000) makes beats just outside a dense group too unusual. The
geometric mean of both does better than either on validation beats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Features, Tensors

#: Principal directions kept; fewer if there are fewer features or beats.
DIRECTIONS = 40
#: Direction ``i`` with standard deviation ``s_i`` is divided by ``s_i ** WHITENING``: 0 leaves
#: the features as they are, 1 makes every direction count the same.
WHITENING = 0.75
#: Number of neighbours in a score, and of neighbours that measure the local density.
NEAREST, SURROUNDING = 3, 5
#: The most reference beats kept; of more, a random selection is kept.
MOST = 100_000

_LEAST = 1e-6


@dataclass(frozen=True)
class Neighbours:
    """Normal beats as a reference.

    Attributes:
        mean: ``(features,)``, subtracted first.
        directions: ``(features, directions)``, principal and scaled.
        reference: ``(beats, directions)`` the normal beats.
        surrounding: ``(beats,)`` the logarithm of each one's distance to the last of its
            `SURROUNDING` neighbours.
    """

    mean: Features
    directions: Features
    reference: Features
    surrounding: Features

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together.

        Raises:
            ValueError: their shapes do not fit, or a value is not finite.
        """
        beats, directions = self.reference.shape
        features = len(self.mean)
        fit = (
            self.mean.shape == (features,)
            and self.directions.shape == (features, directions)
            and self.surrounding.shape == (beats,)
            and beats > SURROUNDING
        )
        if not fit or not all(np.isfinite(values).all() for values in vars(self).values()):
            raise ValueError("the arrays of the normal beats do not fit together")

    @classmethod
    def fit(cls, features: Features, seed: int = 0) -> Neighbours:
        """Make the reference from the features ``(beats, features)`` of normal beats."""
        from sklearn.decomposition import PCA

        if len(features) > MOST:
            features = features[np.random.default_rng(seed).permutation(len(features))[:MOST]]
        principal = PCA(min(DIRECTIONS, *features.shape), random_state=seed).fit(features)
        spread = np.maximum(np.sqrt(principal.explained_variance_), _LEAST)
        directions = (principal.components_.T / spread**WHITENING).astype(np.float32)
        mean = principal.mean_.astype(np.float32)
        reference = (features - mean) @ directions
        distances, _ = _search(reference).kneighbors(n_neighbors=SURROUNDING)  # not itself
        return cls(mean, directions, reference, _log(distances[:, -1]))

    def score(self, features: Features) -> NDArray[np.float64]:
        """The anomaly score of each row of ``(beats, features)``; higher is more unusual."""
        distances, nearest = _search(self.reference).kneighbors(
            (features - self.mean) @ self.directions, n_neighbors=SURROUNDING
        )
        own = _log(distances[:, :NEAREST]).mean(1)
        score: NDArray[np.float64] = own - 0.5 * self.surrounding[nearest].mean(1)
        return score.astype(np.float64)

    def tensors(self) -> Tensors:
        """The arrays for a checkpoint, by attribute."""
        return {name: np.ascontiguousarray(values) for name, values in vars(self).items()}


def _search(reference: Features) -> Any:
    """scikit-learn's exact search, which computes distances in large blocks."""
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(algorithm="brute").fit(reference)


def _log(distances: NDArray[Any]) -> Features:
    logarithms: Features = np.log(np.maximum(distances, _LEAST)).astype(np.float32)
    return logarithms
