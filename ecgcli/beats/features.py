"""Named features of a beat: what a person would measure, and simple statistics.

A beat begins at its R peak, spans 0..1 and is zero-padded, so its length shows when
the next beat came. Every feature is taken over the beat alone, without the padding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Floats, Samples
from ecgcli.beats import Beats, beat_lengths
from ecgcli.beats.reader import SAMPLING_RATE

if TYPE_CHECKING:
    import pandas as pd


_QUANTILES = (5, 25, 50, 75, 95)
_LAGS = (1, 3, 6, 12, 24, 48)
#: Samples of a rolling window: 50 ms, about half a QRS complex.
_WINDOW = 6
#: Rolling windows cover the first second; the rest is often padding.
_WINDOWS = 20
_LEVELS = (75, 50, 25)


@dataclass(frozen=True)
class Feature:
    """A feature's name, its group and its meaning."""

    name: str
    group: str
    meaning: str


def list_features() -> list[Feature]:
    """Every feature, in the order of `beat_features`' columns."""
    return [feature for feature, _ in _all(np.zeros((1, 187), np.float32))]


def beat_features(samples: Samples) -> NDArray[np.float32]:
    """Features ``(beats, features)`` of beats ``(beats, 187)``; all finite."""
    columns = [column for _, column in _all(samples)]
    return np.nan_to_num(np.stack(columns, axis=1)).astype(np.float32)


def feature_table(beats: Beats) -> pd.DataFrame:
    """A row for each beat: `beat_features` by name, and the class as last column if it is known."""
    import pandas as pd

    names = [feature.name for feature in list_features()]
    table = pd.DataFrame(beat_features(beats.samples), columns=names)
    if beats.labels is not None:
        table["class"] = beats.label_names
    return table


def _all(samples: Samples) -> Iterator[tuple[Feature, Floats]]:
    lengths = np.maximum(beat_lengths(samples), 1)
    inside = np.arange(samples.shape[1]) < lengths[:, None]
    beats = np.where(inside, samples, np.nan).astype(np.float64)
    groups = {
        "statistical": _statistical(beats, lengths),
        "morphological": _morphological(samples.astype(np.float64), lengths),
        "lag": _lagged(beats),
        "rolling": _rolling(samples.astype(np.float64)),
    }
    for group, columns in groups.items():
        for name, meaning, column in columns:
            yield Feature(name, group, meaning), column


_Columns = Iterator[tuple[str, str, Floats]]


def _statistical(beats: Floats, lengths: NDArray[np.intp]) -> _Columns:
    mean = np.nanmean(beats, axis=1)
    deviation = beats - mean[:, None]
    spread = np.sqrt(np.nanmean(deviation**2, axis=1))
    safe = np.maximum(spread, 1e-6)
    yield "length", "seconds from the R peak to the end of the beat", lengths / SAMPLING_RATE
    yield "mean", "mean of the samples", mean
    yield "deviation", "standard deviation of the samples", spread
    yield "skewness", "third standardised moment", np.nanmean(deviation**3, axis=1) / safe**3
    yield "kurtosis", "fourth standardised moment", np.nanmean(deviation**4, axis=1) / safe**4
    yield "energy", "mean of the squared samples", np.nanmean(beats**2, axis=1)
    levels = np.nanpercentile(beats, _QUANTILES, axis=1)
    for percent, level in zip(_QUANTILES, levels, strict=True):
        yield f"quantile_{percent}", f"value that {percent}% of the samples stay below", level


def _morphological(samples: Floats, lengths: NDArray[np.intp]) -> _Columns:
    rows, rate = np.arange(len(samples)), SAMPLING_RATE
    yield "r_amplitude", "the first sample, at the R peak", samples[:, 0]
    for level in _LEVELS:
        below = samples[:, :60] < samples[:, :1] * level / 100
        width = np.where(below.any(1), below.argmax(1), 60) / rate
        yield f"r_fall_{level}", f"seconds until {level}% of the R peak's height", width
    early = samples[:, :18]
    yield "s_depth", "lowest sample in the first 150 ms", early.min(1)
    yield "s_time", "seconds to that sample", early.argmin(1) / rate
    yield "s_slope", "steepest fall in the first 150 ms, per sample", np.diff(early).min(1)
    yield "s_rise", "steepest rise in the first 150 ms, per sample", np.diff(early).max(1)
    middle = samples[:, 12:60]
    peak = middle.argmax(1)
    yield "t_height", "highest sample from 100 to 500 ms, mostly the T wave", middle.max(1)
    yield "t_time", "seconds to that sample", (peak + 12) / rate
    yield "t_depth", "lowest sample from 100 to 500 ms", middle.min(1)
    yield "t_area", "mean of the samples from 100 to 500 ms", middle.mean(1)
    at = np.clip(lengths[:, None] - np.arange(48, 0, -1), 0, samples.shape[1] - 1)
    late = samples[rows[:, None], at]
    yield "end_height", "highest sample of the last 400 ms: the next QRS complex", late.max(1)
    yield "end_time", "seconds of that sample before the end", (48 - late.argmax(1)) / rate
    yield "end_depth", "lowest sample of the last 400 ms", late.min(1)
    yield "end_slope", "steepest rise of the last 400 ms, per sample", np.diff(late).max(1)
    turns = (np.diff(np.sign(np.diff(samples)), axis=1) != 0).sum(1) / lengths
    yield "turns", "changes between rise and fall, per sample", turns


def _lagged(beats: Floats) -> _Columns:
    deviation = beats - np.nanmean(beats, axis=1, keepdims=True)
    power = np.maximum(np.nanmean(deviation**2, axis=1), 1e-12)
    for lag in _LAGS:
        product = _mean_of_finite(deviation[:, lag:] * deviation[:, :-lag])
        shown = f"{lag / SAMPLING_RATE * 1000:.0f} ms"
        yield f"autocorrelation_{lag}", f"autocorrelation at {shown}", product / power
        step = _mean_of_finite(np.abs(beats[:, lag:] - beats[:, :-lag]))
        yield f"step_{lag}", f"mean absolute change over {shown}", step


def _mean_of_finite(values: Floats) -> Floats:
    """The mean of each row's values that are not NaN; 0 where all are."""
    finite = np.isfinite(values)
    mean: Floats = np.where(finite, values, 0).sum(1) / np.maximum(finite.sum(1), 1)
    return mean


def _rolling(samples: Floats) -> _Columns:
    windows = samples[:, : _WINDOW * _WINDOWS].reshape(len(samples), _WINDOWS, _WINDOW)
    means, ranges = windows.mean(2), np.ptp(windows, axis=2)
    for number in range(_WINDOWS):
        start = number * _WINDOW / SAMPLING_RATE * 1000
        where = f"in the 50 ms from {start:.0f} ms on"
        yield f"mean_{start:.0f}ms", f"mean {where}", means[:, number]
        yield f"range_{start:.0f}ms", f"highest minus lowest sample {where}", ranges[:, number]
