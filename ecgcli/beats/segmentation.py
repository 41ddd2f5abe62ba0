"""Recording -> Beats, by the recipe the public heartbeat files were really made with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgcli.beats import INFO_COLUMNS, TIMES, Beats
from ecgcli.beats.reader import BEAT_LENGTH, SAMPLING_RATE
from ecgcli.classes import LABEL_OF_SYMBOL
from ecgcli.recordings import Recording
from ecgcli.recordings.filtering import zero_phase
from ecgcli.recordings.quality import Stretch, touches

RECIPE = (
    "From each annotated beat's R peak to the next annotation (beat or not) plus a fifth of the "
    "interval after that one, of the record's first lead, every third sample of 360 Hz without a "
    "filter: 120 Hz. Scaled to 0..1 by its own minimum and maximum, then cut or zero-padded to "
    "187 samples. A beat without two later annotations (the record's end counts as one) is left "
    "out."
)

Reader = Callable[[NDArray[np.float64]], NDArray[np.float64]]

#: Beats cut at a time, which bounds the memory.
_AT_A_TIME = 10_000

#: Seconds to each side of a beat over which its local RR interval is a mean.
_AROUND = 5.0

#: Hz. The public files are 360 Hz thinned out without a filter; so is what has this rate.
_PUBLIC_RATE = 360.0


def cut_beats(
    recording: Recording,
    skip: Sequence[Stretch] = (),
    *,
    to_the_end: bool = False,
    samples: bool = True,
) -> Beats:
    """Cut every beat of a recording by `RECIPE`, at any sampling rate.

    The piece of annotation ``k`` at sample ``a[k]`` is
    ``x[a[k] : int(a[k+1] + 0.2 * (a[k+2] - a[k+1]))]`` at 120 Hz, with the recording's
    length as the last ``a``. Every third sample of 360 Hz is taken as it stands when
    the annotations stand on samples; any other recording is freed of what 120 Hz
    cannot hold and read between its samples, beginning exactly at the R peak.

    A recording whose positions have no symbols (they were detected) gives unlabelled
    beats. Beats whose piece overlaps a stretch of ``skip`` are left out.

    With ``to_the_end`` the last beat is cut too: its piece ends with the recording. Without
    ``samples`` the beats have none, ``(beats, 0)``: reading them takes most of the time.
    """
    length = len(recording.signal)
    bounds = np.append(recording.positions, [length, length] if to_the_end else [length])
    beats = np.flatnonzero(recording.is_beat)
    beats = beats[beats + 2 < len(bounds)]
    if skip:
        beats = beats[~touches(skip, *_piece_bounds(bounds, beats))]
    peak = np.cumsum(recording.is_beat)[beats] - 1
    symbols = [recording.symbols[k] for k in beats] if recording.annotated else []
    labels = [LABEL_OF_SYMBOL[symbol] for symbol in symbols]
    if samples:
        pieces = _pieces(recording, *_piece_bounds(bounds, beats))
    else:
        pieces = np.empty((len(beats), 0), np.float32)
    return Beats(
        pieces,
        np.array(labels, np.int64) if recording.annotated else None,
        _info(recording, beats, peak),
        peak=peak,
    )


def _piece_bounds(
    bounds: NDArray[np.float64], beats: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the pieces of the annotations ``beats`` start and stop, in samples."""
    start, after, later = bounds[beats], bounds[beats + 1], bounds[beats + 2]
    return start, np.floor(after + 0.2 * (later - after))


def _pieces(
    recording: Recording, start: NDArray[np.float64], stop: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Beats ``(beats, 187)``: the pieces at 120 Hz, scaled, cut or padded."""
    samples = np.zeros((len(start), BEAT_LENGTH), np.float32)
    read, step = signal_reader(recording, start), recording.sampling_rate / SAMPLING_RATE
    for first in range(0, len(start), _AT_A_TIME):
        rows = slice(first, first + _AT_A_TIME)
        _fill(samples[rows], read, start[rows], stop[rows], step)
    return samples


def _fill(
    samples: NDArray[np.float32],
    read: Reader,
    start: NDArray[np.float64],
    stop: NDArray[np.float64],
    step: float,
) -> None:
    """Put the pieces ``start[k] : stop[k] : step``, scaled, into the rows of ``samples``."""
    lengths = np.maximum(np.ceil((stop - start) / step), 0).astype(np.intp)
    rows = np.flatnonzero(lengths)  # a piece is empty when annotations share a sample
    if not len(rows):
        return
    start, lengths = start[rows], lengths[rows]
    first = np.cumsum(lengths) - lengths
    within = np.arange(lengths.sum()) - np.repeat(first, lengths)
    values = read(np.repeat(start, lengths) + within * step)
    low = np.minimum.reduceat(values, first)
    span = np.maximum.reduceat(values, first) - low
    span[span == 0] = 1.0
    values = (values - np.repeat(low, lengths)) / np.repeat(span, lengths)
    fits = within < BEAT_LENGTH
    samples[np.repeat(rows, lengths)[fits], within[fits]] = values[fits]


def signal_reader(recording: Recording, start: NDArray[np.float64]) -> Reader:
    """Reads the signal at positions in samples, between them by a cubic spline."""
    if recording.sampling_rate == _PUBLIC_RATE and not (start % 1).any():
        return lambda positions: recording.signal[positions.astype(np.intp)]
    from scipy.ndimage import map_coordinates, spline_filter1d

    signal = _band_limited(recording.filled, recording.sampling_rate)
    spline = spline_filter1d(signal, order=3, mode="nearest")

    def read(positions: NDArray[np.float64]) -> NDArray[np.float64]:
        values: NDArray[np.float64] = map_coordinates(
            spline, positions[None], order=3, mode="nearest", prefilter=False
        )
        return values

    return read


def _band_limited(signal: NDArray[np.float64], sampling_rate: float) -> NDArray[np.float64]:
    """Without what 120 Hz cannot hold: a zero-phase Butterworth low-pass at 50 Hz."""
    if sampling_rate <= SAMPLING_RATE:
        return signal
    from scipy.signal import butter

    low_pass = butter(6, 50.0, fs=sampling_rate, output="sos")
    return zero_phase(low_pass, signal)


def _info(recording: Recording, beats: NDArray[np.intp], peak: NDArray[np.int64]) -> pd.DataFrame:
    """The sidecar's rows; RR intervals run between beats, past other annotations."""
    peaks = recording.beat_positions / recording.sampling_rate
    intervals = np.diff(peaks)
    rows = {
        "record": recording.name,
        "patient": recording.patient,
        "lead": recording.lead,
        "time": recording.positions[beats] / recording.sampling_rate,
        "symbol": [recording.symbols[k] for k in beats] if recording.annotated else "",
        "previous_rr": np.append(np.nan, intervals)[peak],
        "next_rr": np.append(intervals, np.nan)[peak],
        "mean_rr": intervals.mean() if len(intervals) else np.nan,
        "local_rr": _local_mean(peaks, intervals)[peak],
        "copy": recording.copy,
    }
    return pd.DataFrame(rows, columns=INFO_COLUMNS).round(dict.fromkeys(TIMES, 4))


def _local_mean(peaks: NDArray[np.float64], intervals: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the RR intervals within `_AROUND` s of each peak; NaN where there is none."""
    total = np.append(0.0, intervals.cumsum())
    first = np.searchsorted(peaks, peaks - _AROUND)
    last = np.searchsorted(peaks, peaks + _AROUND, side="right") - 1
    counts = last - first
    return np.where(counts > 0, (total[last] - total[first]) / np.maximum(counts, 1), np.nan)
