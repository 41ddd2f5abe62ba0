"""Features of each beat relative to its recording: rhythm, shape, similarity, P wave, family.

The last four are learnt: what the RR intervals alone say of the beat (`intervals.evidence`).

They need one lead and its R peaks, and no other annotation. Each is measured relative to the
recording itself (its mean RR intervals, its typical normal beat, its families of QRS shapes),
so that patients can be compared. Amplitudes are in units of the typical beat's QRS height;
RR intervals are logarithms of ratios.

Two choices suit recordings in which most beats are ectopic. RR intervals are compared with
*means*, not medians. The typical beat is the median of the beats that are *not* premature:
an ectopic beat is premature, and the beat after its pause is normal.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Floats
from ecgcli.beats import Beats
from ecgcli.beats.intervals import ORIGINS, evidence
from ecgcli.recordings import Recording
from ecgcli.recordings.filtering import zero_phase

#: Beats are read at this rate (Hz), from ``_START`` to ``_STOP`` seconds around the R peak.
RATE = 120.0
_START, _STOP = -0.4, 0.6
_OFFSETS = np.arange(round(_START * RATE), round(_STOP * RATE) + 1) / RATE


def _part(start: float, stop: float) -> slice:
    """The columns of a beat from ``start`` to ``stop`` seconds after its R peak."""
    first = round(_START * RATE)
    return slice(round(start * RATE) - first, round(stop * RATE) - first + 1)


_QRS, _WIDE, _P, _T = (
    _part(-0.08, 0.08),
    _part(-0.12, 0.16),
    _part(-0.24, -0.075),
    _part(0.13, 0.45),
)
_PARTS = {"qrs": _QRS, "wide": _WIDE, "p": _P, "t": _T}
_P_LINE = _part(-0.26, -0.06)
_BEFORE_QRS = _part(-0.36, -0.075)

#: Seconds by which an R peak is moved to the highest deflection near it.
_REACH = 0.06
#: log RR ratios: below, a beat is early; two intervals whose ratio is within are steady.
_EARLY, _STEADY = -0.12, 0.06
_FAMILIES = 10
#: Beats before and after a beat by which the typical beat nearby is known.
_NEARBY = 20
#: Samples beyond which a sample has no part in a cubic spline, to the last bit.
_SPLINE = 100
#: Beats, and columns of beats, that are computed at a time, so that they stay in the cache.
_AT_A_TIME, _COLUMNS = 1024, 8
#: R peaks below which a recording has no rhythm to compare a beat with.
_FEWEST = 3


@cache
def feature_names() -> tuple[str, ...]:
    """The features, in the order of `context_features`' columns."""
    random = np.random.default_rng(0)
    signal, peaks = random.standard_normal(2400), np.arange(100.0, 2300, 100)
    return (*_relative_features(signal, RATE, peaks), *(f"rr_{name}" for name in ORIGINS))


def with_context(recording: Recording, beats: Beats) -> Beats:
    """Beats cut from a recording, with the context that all of the recording gives them.

    For a recording of fewer than three beats, all are zeros.

    Raises:
        DataError: the beats were read from a file, and not cut from this recording.
    """
    peaks = recording.beat_positions
    if not len(beats) or len(peaks) < _FEWEST:
        return replace(beats, context=np.zeros((len(beats), len(feature_names())), np.float32))
    _, context = context_features(recording.filled, recording.sampling_rate, peaks)
    return replace(beats, context=np.take(context.T, beats.known_peak, axis=1).T)


def context_features(
    signal: Floats, sampling_rate: float, peaks: Floats
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """The features of every beat of a recording.

    Args:
        signal: ``(samples,)`` one lead in mV, without missing values.
        sampling_rate: Hz.
        peaks: ``(beats,)`` R peaks in samples, ascending, at least 3.

    Returns:
        The features' names and their values ``(beats, features)``.
    """
    with ThreadPoolExecutor(1) as beside:
        learnt = beside.submit(evidence, peaks / sampling_rate)
        features = _relative_features(signal, sampling_rate, peaks)
    features |= learnt.result()
    by_feature = np.array(list(features.values()), np.float32)  # as trees read them
    return tuple(features), by_feature.T


def _relative_features(signal: Floats, sampling_rate: float, peaks: Floats) -> dict[str, Floats]:
    """All features but those of `evidence`; ``(beats,)`` each."""
    clean = band_passed(signal, sampling_rate)
    peaks = at_the_peak(clean, sampling_rate, peaks)
    times = peaks / sampling_rate
    features = _rhythm(times)
    regular = _not_early(times, features["pre/30s"])
    beats = windows(clean, sampling_rate, peaks)
    del clean  # of a day, it has 90 MB
    typical = np.median(_some(beats[regular]), axis=0)
    height = max(float(np.ptp(typical[_WIDE])), 1e-3)
    beats /= height  # in place: of a day, they have 50 MB
    typical = typical / height
    nearby = _typical_nearby(beats, regular, typical)
    features |= _likeness(beats, typical, nearby)
    features |= _shape(beats, regular)
    features |= _p_wave(beats, typical, regular)
    for name in (
        "d_p_normal",
        "d_p_local",
        "d_qrs_local",
        "d_wide_normal",
        "d_t_local",
        "d_pre_local",
    ):
        usual = np.median(features[name][regular])
        features[f"{name}_rel"] = np.log((features[name] + 1e-3) / (usual + 1e-3))
    features |= _steadiness(features, times)
    return features | _family(beats, nearby, regular, features)


def band_passed(signal: Floats, sampling_rate: float) -> Floats:
    """0.5 to 40 Hz, zero phase (Butterworth, second order, forwards and backwards)."""
    from scipy.signal import butter

    edges = [0.5, min(40.0, 0.45 * sampling_rate)]
    return zero_phase(butter(2, edges, "bandpass", fs=sampling_rate, output="sos"), signal)


def at_the_peak(clean: Floats, sampling_rate: float, peaks: Floats) -> Floats:
    """The highest deflection near each peak, in samples; so detectors and annotators agree."""
    reach = round(_REACH * sampling_rate)
    near = np.round(peaks).astype(np.intp)[:, None] + np.arange(-reach, reach + 1)
    near = np.clip(near, 0, len(clean) - 1)
    best = near[np.arange(len(near)), np.abs(clean[near]).argmax(axis=1)]
    return np.maximum.accumulate(best).astype(np.float64)


def windows(clean: Floats, sampling_rate: float, peaks: Floats) -> Floats:
    """``(beats, 121)``: each beat from -0.4 to 0.6 s at 120 Hz, by cubic interpolation."""
    from scipy.ndimage import map_coordinates, spline_filter1d

    beats = np.empty((len(peaks), len(_OFFSETS)), np.float32)
    for first in range(0, len(peaks), _AT_A_TIME):
        rows = slice(first, first + _AT_A_TIME)
        positions = peaks[rows, None] + _OFFSETS * sampling_rate
        start = max(0, int(positions[0, 0]) - _SPLINE)
        piece = clean[start : int(positions[-1, -1]) + _SPLINE]
        spline = spline_filter1d(piece, order=3, mode="nearest")
        map_coordinates(
            spline, [positions - start], beats[rows], order=3, mode="nearest", prefilter=False
        )
    return beats


def _rhythm(times: Floats) -> dict[str, Floats]:
    """The RR intervals before and after each beat, against means around, and how steady they are.

    ``pre`` and ``post`` are the intervals before and after the beat, ``before`` and
    ``before2`` those before them, ``later`` the one after ``post``; ``a/b`` is log(a / b).
    """
    intervals = np.clip(np.diff(times), 0.2, 5.0)
    usual = [np.median(intervals)]
    pre, post = np.concatenate([usual, intervals]), np.concatenate([intervals, usual])
    before, later = _shifted(pre, -1), _shifted(post, 1)
    last = np.stack([_shifted(pre, -k) for k in range(1, 9)])
    following = np.stack([_shifted(post, k) for k in range(1, 6)])
    spans = {"10s": 10, "30s": 30, "5min": 300}
    means = {name: around(pre, times, seconds) for name, seconds in spans.items()}
    means |= {"rec": np.full(len(pre), pre.mean()), "med": _rolling_median(pre, 11)}
    half_minute = means["30s"]
    features = {f"pre/{name}": np.log(pre / mean) for name, mean in means.items()}
    features |= {f"post/{name}": np.log(post / mean) for name, mean in means.items()}
    step = np.abs(np.log(pre / before))
    steady, early = (step < _STEADY).astype(float), (features["pre/30s"] < _EARLY).astype(float)
    squares = around(pre**2, times, 30) / half_minute**2
    return features | {
        "before/30s": np.log(before / half_minute),
        "before2/30s": np.log(_shifted(pre, -2) / half_minute),
        "later/30s": np.log(later / half_minute),
        "post/pre": np.log(post / pre),
        "pre/before": np.log(pre / before),
        "later/post": np.log(later / post),
        "sum/30s": np.log((pre + post) / 2 / half_minute),
        "pre/last5max": np.log(pre / last[:5].max(0)),
        "pre/last5min": np.log(pre / last[:5].min(0)),
        "pre/last8mean": np.log(pre / last.mean(0)),
        "post/next5max": np.log(post / following.max(0)),
        "rate30": half_minute,
        "steady10": around(steady, times, 10),
        "steady30": around(steady, times, 30),
        "steady5min": around(steady, times, 300),
        "medstep": _rolling_median(step, 31),
        "rmssd30": np.sqrt(around((pre - before) ** 2, times, 30)) / half_minute,
        "cv30": np.sqrt(np.maximum(squares - 1, 0)),
        "early30": around(early, times, 30),
    }


def _not_early(times: Floats, pre: Floats) -> NDArray[np.bool_]:
    """Beats whose RR interval is at least the recording's mean; all if there are few."""
    intervals = np.clip(np.diff(times), 0.2, 5.0)
    intervals = np.concatenate([[np.median(intervals)], intervals])
    against_mean = np.log(intervals / intervals.mean())
    regular = (against_mean >= min(0.0, float(np.median(against_mean)))) & (pre > -0.1)
    return regular if regular.sum() >= 10 else np.ones(len(times), bool)


def _typical_nearby(beats: Floats, regular: NDArray[np.bool_], typical: Floats) -> Floats:
    """``(beats, 121)`` mean of the regular beats up to 20 before and after, without the beat."""
    before, after = _NEARBY + 1, _NEARBY
    sums = np.zeros(before + len(beats) + after)

    def without_itself(values: Floats) -> Floats:
        """The sum of the values around each, without its own."""
        np.cumsum(values, dtype=float, out=sums[before:-after])
        sums[-after:] = sums[-after - 1]
        around: Floats = sums[before + after :] - sums[: -before - after] - values
        return around

    count = without_itself(regular.astype(float)) + 2  # the recording's typical beat counts as 2
    nearby = np.empty(beats.shape, np.float32)
    for first in range(0, beats.shape[1], _COLUMNS):
        columns = slice(first, first + _COLUMNS)
        own = np.ascontiguousarray(beats[:, columns].T) * regular
        twice = 2 * typical[columns]
        nearby[:, columns] = np.transpose(
            [(without_itself(values) + k) / count for values, k in zip(own, twice, strict=True)]
        )
    return nearby


def _likeness(beats: Floats, typical: Floats, nearby: Floats) -> dict[str, Floats]:
    """Correlation ``r`` with and distance ``d`` to other beats, by the parts of the beat.

    Against the recording's ``normal`` beat, the ``local`` one, the ``prev`` and the ``next`` beat.
    """
    compared = {
        part: _compare_with_four(beats[:, columns], typical[None, columns], nearby[:, columns])
        for part, columns in _PARTS.items()
    }
    features = {}
    for number, name in enumerate(("normal", "local", "prev", "next")):
        for part, with_four in compared.items():
            features[f"r_{part}_{name}"], features[f"d_{part}_{name}"] = with_four[number]
    features["r_pre_local"], features["d_pre_local"] = _compare(
        beats[:, _BEFORE_QRS], nearby[:, _BEFORE_QRS]
    )
    moved = [
        _compare(beats[:, _WIDE.start + k : _WIDE.stop + k], typical[None, _WIDE])
        for k in range(-3, 4)
    ]
    features["r_best"] = np.max([r for r, _ in moved], axis=0)
    features["d_best"] = np.min([d for _, d in moved], axis=0)
    return features


def _shape(beats: Floats, regular: NDArray[np.bool_]) -> dict[str, Floats]:
    """Height, polarity, area, width and slope of the QRS and level of the T wave.

    Names ending in ``_ref`` are differences to the median of the regular beats.
    """
    level = np.median(beats[:, _part(-0.12, -0.06)], axis=1, keepdims=True)
    qrs, t_wave = beats[:, _WIDE] - level, beats[:, _T] - level
    slope = np.gradient(beats[:, _part(-0.17, 0.22)], axis=1) * RATE / 10
    top, bottom, size = qrs.max(1), qrs.min(1), np.abs(qrs)
    steep = np.abs(slope[:, 2:-2])
    steep = (steep[:, :-2] + steep[:, 1:-1] + steep[:, 2:]) / 3
    share = np.cumsum(steep, axis=1) / (steep.sum(1, keepdims=True) + 1e-6)
    features = {
        "ptp": np.log(np.maximum(top - bottom, 1e-3)),
        "up": top,
        "down": bottom,
        "polarity": (top + bottom) / (top - bottom + 1e-6),
        "area": size.mean(1),
        "sarea": qrs.mean(1),
        "width90": ((share >= 0.1) & (share < 0.9)).sum(1) / RATE,
        "width50": ((share >= 0.25) & (share < 0.75)).sum(1) / RATE,
        "width_thr": (steep > 0.25 * steep.max(1, keepdims=True)).sum(1) / RATE,
        "width_amp": (size > 0.4 * size.max(1, keepdims=True)).sum(1) / RATE,
        "slope_max": np.log(steep.max(1) + 1e-3),
        "slope_up": slope.max(1),
        "slope_down": slope.min(1),
        "slope_sharp": np.log(steep.max(1) / (top - bottom + 1e-3) + 1e-3),
        "t_up": t_wave.max(1),
        "t_down": t_wave.min(1),
        "t_sum": t_wave.mean(1),
        "t_opp": t_wave.mean(1) * qrs.mean(1),
    }
    against = (
        "polarity",
        "width90",
        "width50",
        "width_thr",
        "width_amp",
        "area",
        "sarea",
        "ptp",
        "slope_max",
        "t_sum",
    )
    return features | {f"{k}_ref": features[k] - np.median(features[k][regular]) for k in against}


def _p_wave(beats: Floats, typical: Floats, regular: NDArray[np.bool_]) -> dict[str, Floats]:
    """What rises over the straight line from 260 to 60 ms before the R peak."""
    bump, usual = _over_the_line(beats[:, _P_LINE]), _over_the_line(typical[None, _P_LINE])[0]
    projected = (bump @ usual) / max(float(usual @ usual), 1e-6)
    features = {
        "p_bump": bump.max(1),
        "p_dip": bump.min(1),
        "p_at": bump.argmax(1) / RATE,
        "p_mean": bump.mean(1),
        "p_energy": np.log(beats[:, _P_LINE].std(1) + 1e-3),
    }
    features |= {
        f"{k}_ref": features[k] - np.median(features[k][regular])
        for k in ("p_bump", "p_mean", "p_energy", "p_at")
    }
    return features | {
        "p_proj": projected,
        "p_rest": np.sqrt(((bump - projected[:, None] * usual) ** 2).mean(1)),
        "pre_line": beats[:, _P_LINE.stop - 1] - beats[:, _P_LINE.start],
    }


def _steadiness(features: dict[str, Floats], times: Floats) -> dict[str, Floats]:
    """How alike P waves and QRS complexes are in the half minute around; low in fibrillation."""
    return {
        "p_steady30": around(features["r_p_local"], times, 30),
        "p_same30": around(features["r_p_prev"], times, 30),
        "p_noise30": np.log(around(features["d_p_local"], times, 30) + 1e-3),
        "qrs_noise30": np.log(around(features["d_qrs_local"], times, 30) + 1e-3),
    }


def _family(
    beats: Floats,
    nearby: Floats,
    regular: NDArray[np.bool_],
    features: dict[str, Floats],
) -> dict[str, Floats]:
    """The family of QRS shapes of a beat, and its mixture of the normal and another shape.

    ``c_x`` is the mean of feature ``x`` over the family: ectopic beats come in families that
    are early as a whole. A fusion beat lies between (``mix``) the normal beat, 0, and the
    recording's most distant family, 1; ``mix_rest`` is what no mixture explains.
    """
    shape = _level(beats[:, _WIDE][:, ::2]).astype(np.float64)
    member, centres = families(shape)
    count = np.bincount(member, minlength=len(centres))
    size = np.maximum(count, 1)

    def mean(values: Floats) -> Floats:
        sums = np.bincount(member, np.asarray(values, np.float64), minlength=len(centres))
        return np.asarray((sums / size)[member])

    averaged = ("pre/rec", "pre/30s", "post/30s", "post/pre", "pre/last5max", "r_wide_normal",
             "width90_ref", "d_wide_normal", "d_p_local", "p_proj")  # fmt: skip
    early = features["pre/30s"]
    family_features = {f"c_{name}": mean(features[name]) for name in averaged}
    away = np.sqrt(((centres - np.median(_some(shape[regular]), axis=0)) ** 2).mean(1))
    score = away * np.minimum(size / len(beats), 0.02) ** 0.25
    score[count < min(4, count.max())] = -1.0  # not an artefact or two
    normal = _level(nearby[:, _WIDE][:, ::2])
    towards = shape[member == score.argmax()].mean(0) - normal
    mix = ((shape - normal) * towards).sum(1) / ((towards**2).sum(1) + 1e-6)
    rest = np.sqrt(((shape - normal - mix[:, None] * towards) ** 2).mean(1))
    unexplained = rest / (features["d_wide_local"] + 0.02)
    return family_features | {
        "c_share": np.log(size[member] / len(beats)),
        "c_early": mean((early < _EARLY).astype(float)),
        "c_spread": np.sqrt(np.maximum(mean(early**2) - family_features["c_pre/30s"] ** 2, 0)),
        "c_dist": np.sqrt(((shape - centres[member]) ** 2).mean(1)),
        "mix": mix,
        "mix_rest": rest,
        "mix_frac": unexplained,
        "mix_far": np.sqrt((towards**2).mean(1)),
        "c_mix": mean(mix),
        "c_frac": mean(unexplained),
    }


def families(shape: Floats, rounds: int = 8) -> tuple[NDArray[np.intp], Floats]:
    """k-means from far-away starting points: each beat's family and the families' centres.

    Starts are drawn at the 99.8th percentile of the distance to those before: far, and not
    the single worst artefact. Deterministic.
    """
    centre = np.median(_some(shape), axis=0)
    centres, distance = [centre], ((shape - centre) ** 2).sum(1)
    place = int(0.998 * (len(shape) - 1))
    for _ in range(min(_FAMILIES, len(shape)) - 1):
        centres.append(shape[np.argpartition(distance, place)[place]])
        distance = np.minimum(distance, ((shape - centres[-1]) ** 2).sum(1))
    means = np.array(centres)
    for _ in range(rounds):
        member = _nearest(shape, means)
        for k in np.unique(member):
            means[k] = shape[member == k].mean(0)
    return _nearest(shape, means), means


def _nearest(shape: Floats, centres: Floats) -> NDArray[np.intp]:
    nearest: NDArray[np.intp] = ((centres**2).sum(1) - shape @ (2 * centres.T)).argmin(1)
    return nearest


def around(values: Floats, times: Floats, seconds: float) -> Floats:
    """Each beat's mean of a value over the beats no more than ``seconds / 2`` away."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    start = np.searchsorted(times, times - seconds / 2)
    stop = np.searchsorted(times, times + seconds / 2, side="right")
    mean: Floats = (sums[stop] - sums[start]) / (stop - start)
    return mean


def _compare(beats: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """Correlation with, and root mean square distance to, another beat, both without level."""
    a, b = _level(beats), _level(reference)
    return _r_and_d(_products(a, b), _products(a, a), _products(b, b), a.shape[1])


def _compare_with_four(
    beats: Floats, typical: Floats, nearby: Floats
) -> list[tuple[Floats, Floats]]:
    """`_compare` with the typical beat, the nearby one, the previous and the next beat."""
    a, normal, local = _level(beats), _level(typical), _level(nearby)
    width, aa, with_next = a.shape[1], _products(a, a), _products(a[:-1], a[1:])
    return [
        _r_and_d(_products(a, normal), aa, _products(normal, normal), width),
        _r_and_d(_products(a, local), aa, _products(local, local), width),
        _r_and_d(np.append(aa[0], with_next), aa, _shifted(aa, -1), width),
        _r_and_d(np.append(with_next, aa[-1]), aa, _shifted(aa, 1), width),
    ]


def _products(a: Floats, b: Floats) -> Floats:
    """The sum of the products of each row with that of the other, or with its only row."""
    sums: Floats = np.einsum("ij,ij->i", a, b)
    return sums


def _r_and_d(ab: Floats, aa: Floats, bb: Floats, width: int) -> tuple[Floats, Floats]:
    """Correlation and root mean square distance, from the products of two beats of this width."""
    r = ab / np.sqrt(np.maximum(aa * bb, 1e-12))
    d = np.sqrt(np.maximum(aa - 2 * ab + bb, 0) / width)
    return r, d


def _level(pieces: Floats) -> Floats:
    """Each row without its mean."""
    levelled: Floats = pieces - pieces.mean(1, keepdims=True)
    return levelled


def _over_the_line(pieces: Floats) -> Floats:
    """Each row without the straight line from its first to its last value."""
    ramp = np.linspace(0, 1, pieces.shape[1], dtype=np.float32)
    above: Floats = pieces - pieces[:, :1] * (1 - ramp) - pieces[:, -1:] * ramp
    return above


def _some(rows: Floats, most: int = 600) -> Floats:
    """About ``most`` of the rows, evenly: enough for a median."""
    return rows[:: max(1, len(rows) // most)]


def _shifted(values: Floats, by: int) -> Floats:
    """The value ``by`` beats later (earlier when negative); the ends repeat."""
    return values[np.clip(np.arange(len(values)) + by, 0, len(values) - 1)]


def _rolling_median(values: Floats, beats: int) -> Floats:
    """Median over an odd number of beats around each."""
    from scipy.ndimage import median_filter

    middle: Floats = median_filter(values, beats, mode="nearest")
    return middle
