"""What the RR intervals around a beat say of it: evidence learnt from day-long recordings.

Whether a beat that comes early is supraventricular, ventricular, or one of the irregular
normal beats of atrial fibrillation shows in the pattern of intervals around it. Boosted trees
learnt that pattern from the annotations of 84 day-long recordings, which have no signal
(`benchmarks/intervals.py`, `ecgcli/weights/intervals.md`). Their probabilities are features of
the beat beside those of its shape.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ecgcli import weights
from ecgcli.arrays import Features, Floats
from ecgcli.recordings.irregularity import FEATURES, WINDOW, irregularity, valid_intervals
from ecgcli.trees import Trees

#: What the trees distinguish: normal, supraventricular and ventricular beats, and the normal
#: beats of atrial fibrillation.
ORIGINS = ("normal", "supraventricular", "ventricular", "fibrillation")
#: The file of the trees, in the folder of the weights.
FILE = "intervals.txt.gz"

#: Intervals before and after the beat's own that are features each.
_REACH = 9
#: Odd numbers of intervals around the beat's own over which means are taken.
_SPANS = (11, 41, 121, 241)
_LOCAL = 41
#: log ratio to a mean beyond which an interval is short or long.
_DIFFERENT = 0.12
_LEAST = 1e-4


def evidence(times: Floats) -> dict[str, Floats]:
    """The log-probability of each origin of each beat, by the RR intervals alone.

    Args:
        times: ``(beats,)`` R peaks in s, ascending; at least 2.

    Returns:
        ``rr_ORIGIN`` for each of `ORIGINS`: ``(beats,)``.
    """
    probabilities = _trees().probabilities(interval_features(times))
    logarithms = np.log(probabilities + _LEAST)
    return {f"rr_{name}": logarithms[:, k] for k, name in enumerate(ORIGINS)}


def interval_features(times: Floats) -> Features:
    """The RR intervals around each beat, relative to medians and means around it.

    The beat's own interval is the one before it. In this order: logarithms of the 19 intervals
    around, relative to their local median; for spans of 11 to 241 intervals, the logarithm of
    the mean, of the beat's own and its next interval relative to it, and the shares of short
    and of long intervals; the next interval relative to the own, and both to the median; and
    the irregularity of the rhythm (`irregularity.FEATURES`; NaN with fewer intervals than its
    window). Beyond the ends, the intervals are reflected.

    Args:
        times: ``(beats,)`` R peaks in s, ascending; at least 2.

    Returns:
        ``(beats, features)``.
    """
    intervals = np.clip(np.diff(times), 0.2, 5.0)
    own = np.log(np.concatenate([[np.median(intervals)], intervals]))
    following = np.append(own[1:], own[-1])
    local = _local_median(own)
    columns = [
        _around(own, 2 * _REACH + 1) - local[:, None],
        *(_relative_to_mean(own, following, span) for span in _SPANS),
        (following - own)[:, None],
        (np.log((np.exp(own) + np.exp(following)) / 2) - local)[:, None],
        _irregularity(times),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _relative_to_mean(own: Floats, following: Floats, span: int) -> Floats:
    mean = np.log(_mean_around(np.exp(own), span))
    relative = own - mean
    return np.stack(
        [
            mean,
            relative,
            following - mean,
            _mean_around((relative < -_DIFFERENT).astype(float), span),
            _mean_around((relative > _DIFFERENT).astype(float), span),
        ],
        axis=1,
    )


def _irregularity(times: Floats) -> Features:
    """Of the window around the interval before each beat."""
    if len(times) <= WINDOW:
        return np.full((len(times), len(FEATURES)), np.nan, np.float32)
    windows = irregularity(valid_intervals(times, np.zeros(len(times), bool)))
    return np.concatenate([windows[:1], windows])


def _around(values: Floats, span: int) -> NDArray[np.float64]:
    """``(beats, span)``: the values around each."""
    windows: NDArray[np.float64] = sliding_window_view(_padded(values, span), span)
    return windows


def _local_median(values: Floats) -> NDArray[np.float64]:
    """The median of the values around each."""
    from scipy.ndimage import median_filter

    half = _LOCAL // 2
    median: NDArray[np.float64] = median_filter(_padded(values, _LOCAL), _LOCAL)[half:-half]
    return median


def _mean_around(values: Floats, span: int) -> Floats:
    sums = np.concatenate([[0.0], np.cumsum(_padded(values, span))])
    mean: Floats = (sums[span:] - sums[:-span]) / span
    return mean


def _padded(values: Floats, span: int) -> Floats:
    """The values, reflected at both ends by half a span; few values are repeated instead."""
    mode: Literal["reflect", "edge"] = "reflect" if len(values) > span // 2 else "edge"
    return np.pad(values, span // 2, mode=mode)


@cache
def _trees() -> Trees:
    """The trees that come with the package."""
    packed = files(weights).joinpath(FILE).read_bytes()
    return Trees(gzip.decompress(packed).decode("ascii"))
