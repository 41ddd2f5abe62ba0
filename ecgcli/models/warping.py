"""Exact nearest neighbours under dynamic time warping, mostly without computing it.

The distance is that of Sakoe & Chiba (IEEE Trans ASSP 26:43-49, 1978) within their
band, computed by dtaidistance in C. Two lower bounds exclude nearly all beats
first: the distance of segment means to the query's envelope, then that of every
sample (LB_PAA and LB_Keogh; Keogh & Ratanamahatana, Knowl Inf Syst 7:358-386, 2005).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.errors import MissingExtraError

#: Samples in a segment of the first bound; 187 is 17 of them.
_SEGMENT = 11
#: Beats warped at a time, by rising lower bound; after each the bar is higher.
_AT_A_TIME = 32


class WarpedNeighbors:
    """The nearest of beats ``(beats, samples)`` under dynamic time warping.

    Args:
        samples: the beats to find; a multiple of 11 samples each.
        band: largest shift of two aligned samples, in samples.

    Raises:
        MissingExtraError: dtaidistance is not installed.
    """

    def __init__(self, samples: NDArray[np.float32], band: int) -> None:
        self._warp = warping_matrix()
        self._samples, self._band = samples, band
        self._means = _segments(samples).mean(2)

    def nearest(
        self, queries: NDArray[np.float32], count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Distances and rows of the ``count`` nearest beats, nearest first; ``(queries, count)``.

        The distance is the root of the summed squares along the best path.
        """
        results = [self._nearest(query, count) for query in queries]
        return np.stack([d for d, _ in results]), np.stack([rows for _, rows in results])

    def _nearest(
        self, query: NDArray[np.float32], count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        low, high = self._envelope(query)
        rough = self._rough_bound(low, high)
        # the best by the rough bound set the bar that the others must pass
        best = np.argpartition(rough, count - 1)[:count] if count < len(rough) else _all(rough)
        rows, distances = best, self._warped(query, best)
        bar = distances.max()
        remaining = np.setdiff1d(np.flatnonzero(rough < bar), best, assume_unique=True)
        bounds = _beyond(self._samples[remaining], low, high)
        order = np.argsort(bounds)
        remaining, bounds = remaining[order], bounds[order]
        at = 0
        while at < len(remaining) and bounds[at] < bar:
            block = remaining[at : at + _AT_A_TIME]
            rows = np.append(rows, block)
            distances = np.append(distances, self._warped(query, block))
            kept = np.argpartition(distances, count - 1)[:count]
            rows, distances = rows[kept], distances[kept]
            bar, at = distances.max(), at + _AT_A_TIME
        nearest = np.lexsort((rows, distances))
        return distances[nearest], rows[nearest]

    def _warped(self, query: NDArray[np.float32], rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The distance of the query to each of some beats."""
        beats = np.concatenate([query[None], self._samples[rows]]).astype(np.float64)
        distances: NDArray[np.float64] = self._warp(
            beats,
            block=((0, 1), (1, len(beats))),
            compact=True,
            parallel=False,
            window=self._band + 1,  # the library counts shifts smaller than this
        )
        return np.asarray(distances)

    def _envelope(
        self, query: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The lowest and highest the query is within the band around each sample."""
        from scipy.ndimage import maximum_filter1d, minimum_filter1d

        size = 2 * self._band + 1
        return minimum_filter1d(query, size), maximum_filter1d(query, size)

    def _rough_bound(
        self, low: NDArray[np.float32], high: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        lowest, highest = _segments(low[None])[0].min(1), _segments(high[None])[0].max(1)
        bound: NDArray[np.float32] = np.sqrt(_SEGMENT) * _beyond(self._means, lowest, highest)
        return bound


def _segments(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return samples.reshape(len(samples), -1, _SEGMENT)


def _beyond(
    values: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]
) -> NDArray[np.float32]:
    """How far each row of values lies outside an envelope, as a Euclidean distance."""
    outside = values - np.clip(values, low, high)
    distance: NDArray[np.float32] = np.sqrt(np.einsum("ij,ij->i", outside, outside))
    return distance


def _all(values: NDArray[np.float32]) -> NDArray[np.intp]:
    return np.arange(len(values))


def warping_matrix() -> Any:
    """The function that computes distances.

    Raises:
        MissingExtraError: its package is not installed.
    """
    try:
        from dtaidistance import dtw
    except ImportError as error:
        raise MissingExtraError(
            "model.metric=dtw needs dtaidistance: pip install 'ecgcli[dtw]'"
        ) from error
    return dtw.distance_matrix_fast
