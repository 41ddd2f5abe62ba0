"""How irregular a rhythm is, from RR intervals alone: the features of atrial fibrillation.

In atrial fibrillation successive RR intervals are unrelated: they differ by more than a few
percent, their order does not repeat, and no interval predicts the next. Ectopic beats make a
regular rhythm look the same, but for the intervals beside them, which are left out where the
beats are known to be ectopic.

The features are those of the field: the spread of the intervals and of their changes (Moody and
Mark, Computers in Cardiology 10:227-230, 1983; Tateno and Glass, Med Biol Eng Comput 39:664-671,
2001), turning points and entropy (Dash et al., Ann Biomed Eng 37:1701-1709, 2009), and how often
similar pairs of intervals stay similar (sample entropy: Lake and Moorman, Am J Physiol
300:H319-H325, 2011). All but the heart rate are relative to the median interval of the window.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ecgcli.arrays import Features, Floats

#: Intervals in a window, centred on the interval that its features describe.
WINDOW = 61
#: Seconds: an interval outside holds a missed or an extra beat, and is left out.
SHORTEST, LONGEST = 0.2, 3.0

_QUANTILES = (0.1, 0.25, 0.75, 0.9)
#: Relative changes from one interval to the next, below which they are counted.
_SMALL = (0.02, 0.05, 0.1, 0.2)
_LAGS = (1, 2, 3, 4)
#: Relative difference below which two intervals are similar; intervals between two compared.
_SIMILAR, _APART = 0.05, range(2, 12)
#: Edges and number of the bins of the two histograms.
_CHANGE_BINS, _INTERVAL_BINS = (-0.6, 0.6, 16), (0.5, 1.6, 14)
#: Windows computed at a time, so that they stay in the cache.
_BLOCK = 2048

FEATURES = (
    "log_median",
    "spread",
    *(f"quantile_{100 * share:.0f}" for share in _QUANTILES),
    "median_change",
    "mean_change",
    "rms_change",
    *(f"changes_below_{100 * limit:.0f}%" for limit in _SMALL),
    "left_out",
    *(f"autocorrelation_{lag}" for lag in _LAGS),
    "turning_points",
    "change_entropy",
    "interval_entropy",
    "similar_stay_similar",
    "similar",
)


def valid_intervals(times: Floats, ectopic: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The RR intervals in s; NaN where they say nothing of the rhythm.

    That is, beside an ectopic beat and outside `SHORTEST` to `LONGEST`.

    Args:
        times: ``(beats,)`` the R peaks, in s, ascending.
        ectopic: ``(beats,)`` which beats are of ventricular origin.

    Returns:
        ``(beats - 1,)``.
    """
    intervals = np.diff(times).astype(np.float32)
    left_out = ectopic[1:] | ectopic[:-1] | (intervals < SHORTEST) | (intervals > LONGEST)
    intervals[left_out] = np.nan
    return intervals


def irregularity(intervals: NDArray[np.float32], every: int = 1) -> Features:
    """The features of the window around each interval, or around one in ``every``.

    At the ends of a recording the window is completed by its reflection. A window without
    valid intervals has NaN for features.

    Args:
        intervals: ``(intervals,)`` of `valid_intervals`; at least `WINDOW`.
        every: distance between the centres of the windows, in intervals.

    Returns:
        ``(windows, len(FEATURES))``.
    """
    padded = np.pad(intervals, WINDOW // 2, mode="reflect")
    windows = sliding_window_view(padded, WINDOW)[::every]
    blocks = (windows[at : at + _BLOCK] for at in range(0, len(windows), _BLOCK))
    return np.concatenate([np.stack(list(_features(block)), axis=1) for block in blocks])


def _features(windows: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """The columns of `FEATURES` of windows ``(windows, WINDOW)``, each ``(windows,)``."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ordered, count = np.sort(windows, axis=1), _count(~np.isnan(windows))
        median = _quantile(ordered, count, 0.5)
        yield np.log(median)
        relative = windows / median[:, None]
        centred = relative - _mean(relative)[:, None]
        variance = _mean(centred**2)
        yield np.sqrt(variance)
        for share in _QUANTILES:
            yield _quantile(ordered, count, share) / median
        changes = np.diff(relative, axis=1)
        yield from _sizes(np.abs(changes))
        for lag in _LAGS:
            yield _mean(centred[:, lag:] * centred[:, :-lag]) / (variance + np.float32(1e-6))
        yield _share_below(changes[:, 1:] * changes[:, :-1], 0)
        yield _entropy(changes, *_CHANGE_BINS)
        yield _entropy(relative, *_INTERVAL_BINS)
        yield from _repetition(relative)


def _sizes(changes: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Of the relative changes: median, mean, root mean square, small ones, ones left out."""
    count = _count(~np.isnan(changes))
    yield _quantile(np.sort(changes, axis=1), count, 0.5)
    yield _mean(changes)
    yield np.sqrt(_mean(changes**2))
    for limit in _SMALL:
        yield _share_below(changes, limit)
    yield 1 - count / np.float32(changes.shape[1])


def _repetition(relative: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """How often intervals some beats apart are similar, and then followed by similar ones."""
    similar = np.zeros(len(relative), np.float32)
    twice = np.zeros(len(relative), np.float32)
    intervals = np.ascontiguousarray(relative.T)  # so that all windows are compared at once
    for apart in _APART:
        near = np.abs(intervals[apart:] - intervals[:-apart]) < _SIMILAR
        similar += near.sum(axis=0, dtype=np.uint8)
        twice += (near[1:] & near[:-1]).sum(axis=0, dtype=np.uint8)
    yield np.log((twice + 1) / (similar + 2))
    yield similar / np.float32(len(_APART) * WINDOW)


def _count(which: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How many of each row are True; a product of matrices is faster than a sum of rows."""
    count: NDArray[np.float32] = which.astype(np.float32) @ np.ones(which.shape[1], np.float32)
    return count


def _mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of each row's valid values; NaN where it has none."""
    missing = np.isnan(values)
    if missing.any():
        values = np.where(missing, np.float32(0), values)
    mean: NDArray[np.float32] = values.sum(axis=1) / _count(~missing)
    return mean


def _share_below(values: NDArray[np.float32], limit: float) -> NDArray[np.float32]:
    """The share of each row's valid values that are below a limit."""
    return _count(values < limit) / _count(~np.isnan(values))


def _quantile(
    ordered: NDArray[np.float32], count: NDArray[np.float32], share: float
) -> NDArray[np.float32]:
    """A quantile of each row, sorted with its ``count`` valid values first; linear between two."""
    place = np.maximum(count - 1, 0) * np.float32(share)
    lower = place.astype(np.intp)
    rows = np.arange(len(ordered))
    below, above = ordered[rows, lower], ordered[rows, np.ceil(place).astype(np.intp)]
    return below + (place - lower).astype(np.float32) * (above - below)


def _entropy(
    values: NDArray[np.float32], low: float, high: float, bins: int
) -> NDArray[np.float32]:
    """The entropy, in nats, of the histogram of each row's valid values."""
    valid = ~np.isnan(values)
    place = ((np.where(valid, values, low) - low) * (bins / (high - low))).astype(np.int64)
    place = np.clip(place, 0, bins - 1) + bins * np.arange(len(values))[:, None]
    counts = np.bincount(place.ravel(), valid.ravel(), bins * len(values)).reshape(-1, bins)
    shares = counts / counts.sum(axis=1, keepdims=True)
    entropy: NDArray[np.float64] = -(shares * np.log(shares + 1e-12)).sum(axis=1)
    return entropy.astype(np.float32)
