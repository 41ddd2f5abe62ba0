"""Heart rate variability by the definitions of the Task Force of 1996.

Task Force of the ESC and the NASPE: Heart rate variability, standards of measurement, physiological
interpretation and clinical use, Circulation 93 (1996) 1043-1065.

The libraries for this bring more than they compute: hrv-analysis is under the GPL and needs
astropy, NeuroKit2 needs a pandas before 3, and pyHRV needs biosppy. The
measures in time are a line of NumPy each, and the periodogram is SciPy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ecgcli.recordings.rhythm import rr_intervals
from ecgcli.wording import counted

#: Intervals between normal beats without which nothing is reported.
FEWEST_INTERVALS = 50
#: Seconds of the segments of which SDANN takes the means and the spectrum is computed, and the
#: fewest segments for SDANN: those of an hour.
SEGMENT, FEWEST_SEGMENTS = 300.0, 12
#: Hz: the bands of low and of high frequency, each without its upper end.
LOW, HIGH = (0.04, 0.15), (0.15, 0.4)
#: Hz; at a lower sampling rate, R peaks are too coarse for a spectrum.
LEAST_RATE = 250.0
#: The share of a segment that must lie in NN intervals for a spectrum.
_LEAST_NORMAL = 0.8
#: Seconds; no spectrum is computed of a segment with a longer time between two NN intervals.
_LONGEST_BRIDGE = 5.0
#: Hz at which the intervals are sampled evenly for the spectrum.
_RATE = 4.0
#: Seconds; larger differences between successive intervals count for pNN50.
_FIFTY = 0.05


@dataclass(frozen=True)
class Variability:
    """The variability of the intervals between two normal beats in a row (NN intervals).

    Attributes:
        intervals: the number of NN intervals.
        nn_share: their share of all intervals between beats.
        sdnn: ms, the standard deviation of the NN intervals.
        sdann: ms, that of the means of segments of 5 minutes; None in short recordings.
        rmssd: ms, the root mean square of the differences of successive NN intervals.
        pnn50: percent of these differences that are larger than 50 ms.
        lf, hf: ms², the power between 0.04 and 0.15 Hz, and between 0.15 and 0.4 Hz: means over
            segments of 5 minutes; None where no segment has enough NN intervals.
        lf_hf: their ratio.
        missing: why there are no figures; empty if there are.
    """

    intervals: int
    nn_share: float
    sdnn: float | None = None
    sdann: float | None = None
    rmssd: float | None = None
    pnn50: float | None = None
    lf: float | None = None
    hf: float | None = None
    lf_hf: float | None = None
    missing: str = ""


def heart_rate_variability(
    peaks: NDArray[np.float64],
    normal: NDArray[np.bool_],
    missed: NDArray[np.bool_] | None = None,
) -> Variability:
    """The variability of a recording.

    Args:
        peaks: ``(beats,)`` the R peaks in s, ascending.
        normal: ``(beats,)`` which of them are normal beats in sinus rhythm.
        missed: ``(beats - 1,)`` in which intervals a beat may have been missed, if that is known.
    """
    intervals = rr_intervals(peaks)
    between = normal[1:] & normal[:-1] & ~np.isnan(intervals)
    if missed is not None:
        between &= ~missed
    count, every = int(between.sum()), int((~np.isnan(intervals)).sum())
    share = count / every if every else 0.0
    if count < FEWEST_INTERVALS:
        found = counted(count, "interval")
        return Variability(
            count, share, missing=f"{found} between normal beats; it needs {FEWEST_INTERVALS}"
        )
    changes = np.diff(intervals)[between[1:] & between[:-1]]
    low, high = _powers(peaks, intervals, between)
    return Variability(
        intervals=count,
        nn_share=share,
        sdnn=float(1000 * intervals[between].std(ddof=1)),
        sdann=_sdann(peaks[1:][between], intervals[between]),
        rmssd=float(1000 * np.sqrt(np.mean(changes**2))) if len(changes) else None,
        pnn50=float(100 * np.mean(np.abs(changes) > _FIFTY)) if len(changes) else None,
        lf=low,
        hf=high,
        lf_hf=low / high if low is not None and high else None,
    )


def limits(sampling_rate: float, *, annotated: bool) -> list[str]:
    """What limits the figures of a recording at this rate (Hz), in sentences."""
    sentences = ["which beats are normal is the model's prediction"]
    if not annotated:
        sentences.append(
            "R peaks are detected: a beat that was missed or found twice alters RMSSD, pNN50 and HF"
        )
    if sampling_rate < LEAST_RATE:
        sentences.append(
            f"at {sampling_rate:g} Hz samples are {1000 / sampling_rate:.1f} ms apart; the Task "
            f"Force asks for {LEAST_RATE:g} Hz"
        )
    return sentences


def _sdann(times: NDArray[np.float64], seconds: NDArray[np.float64]) -> float | None:
    """SDANN in ms, from NN intervals that end at ``times`` (s)."""
    _, segments = np.unique(times // SEGMENT, return_inverse=True)
    sizes = np.bincount(segments)
    means = (np.bincount(segments, seconds) / sizes)[sizes >= FEWEST_INTERVALS]
    return float(1000 * means.std(ddof=1)) if len(means) >= FEWEST_SEGMENTS else None


def _powers(
    peaks: NDArray[np.float64], intervals: NDArray[np.float64], between: NDArray[np.bool_]
) -> tuple[float | None, float | None]:
    """The power in both bands in ms², the mean over the segments."""
    edges = np.append(np.arange(peaks[0], peaks[-1], SEGMENT), np.inf)
    powers = []
    for first, last in pairwise(np.searchsorted(peaks[1:], edges).tolist()):
        inside = between[first:last]
        seconds = intervals[first:last][inside]
        times = peaks[1:][first:last][inside]
        if seconds.sum() >= _LEAST_NORMAL * SEGMENT and np.diff(times).max() <= _LONGEST_BRIDGE:
            powers.append(_powers_of(times, 1000 * seconds))
    if not powers:
        return None, None
    low, high = np.mean(powers, axis=0).tolist()
    return low, high


def _powers_of(times: NDArray[np.float64], intervals: NDArray[np.float64]) -> tuple[float, float]:
    """The power in both bands of NN intervals (ms) that end at ``times`` (s).

    A cubic spline through the intervals, also over beats that are not normal, is sampled evenly;
    its trend is removed. (The periodogram of Lomb and Scargle needs no spline, but with every tenth
    beat left out it finds 38% too much power of high frequency, and the spline 14% too little.)
    """
    from scipy.interpolate import CubicSpline
    from scipy.signal import periodogram

    even = CubicSpline(times, intervals)(np.arange(times[0], times[-1], 1 / _RATE))
    frequencies, density = periodogram(even, _RATE, window="hann", detrend="linear")
    low, high = (
        float(density[(frequencies >= first) & (frequencies < last)].sum() * frequencies[1])
        for first, last in (LOW, HIGH)
    )
    return low, high
