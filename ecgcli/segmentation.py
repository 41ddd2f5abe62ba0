"""Recording -> Beats, by the recipe the public heartbeat files were really made with."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgcli.beats import INFO_COLUMNS, Beats
from ecgcli.beats_csv import BEAT_LENGTH, SAMPLING_RATE
from ecgcli.classes import LABEL_OF_SYMBOL
from ecgcli.errors import DataError
from ecgcli.recordings import Recording

RECIPE = (
    "From each annotated beat's R peak to the next annotation (beat or not) plus a fifth of the "
    "interval after that one, of the record's first lead, every third sample of 360 Hz without a "
    "filter: 120 Hz. Scaled to 0..1 by its own minimum and maximum, then cut or zero-padded to "
    "187 samples. A beat without two later annotations (the record's end counts as one) is left "
    "out."
)


def cut_beats(recording: Recording) -> Beats:
    """Cut every annotated beat of a recording's first lead, as `RECIPE` says.

    The piece of annotation ``k`` at sample ``a[k]`` is
    ``x[a[k] : int(a[k+1] + 0.2 * (a[k+2] - a[k+1])) : step]``, with the record's
    length as the last ``a``.

    Raises:
        DataError: the sampling rate is no multiple of 120 Hz.
    """
    step, rest = divmod(recording.sampling_rate, SAMPLING_RATE)
    if rest or not step:
        raise DataError(
            f"record {recording.name} has {recording.sampling_rate:g} Hz; "
            f"the public recipe needs a multiple of {SAMPLING_RATE:g} Hz"
        )
    signal = recording.signal[:, 0]
    bounds = np.append(recording.positions, len(signal))
    beats = [
        k
        for k, symbol in enumerate(recording.symbols)
        if symbol in LABEL_OF_SYMBOL and k + 2 < len(bounds)
    ]
    samples = np.zeros((len(beats), BEAT_LENGTH), np.float32)
    for row, k in enumerate(beats):
        start, after, later = bounds[k : k + 3]
        piece = _scaled(signal[start : int(after + 0.2 * (later - after)) : int(step)])
        samples[row, : len(piece)] = piece[:BEAT_LENGTH]
    symbols = [recording.symbols[k] for k in beats]
    labels = np.array([LABEL_OF_SYMBOL[symbol] for symbol in symbols], np.int64)
    return Beats(samples, labels, _info(recording, bounds[beats], symbols))


def _scaled(piece: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = piece.min(initial=np.inf), piece.max(initial=-np.inf)
    return (piece - low) / (high - low) if high > low else np.zeros_like(piece)


def _info(recording: Recording, peaks: NDArray[np.int64], symbols: list[str]) -> pd.DataFrame:
    """The sidecar's rows; RR intervals run between beats, whatever else is annotated."""
    is_beat = np.array([symbol in LABEL_OF_SYMBOL for symbol in recording.symbols], bool)
    all_peaks = recording.positions[is_beat] / recording.sampling_rate
    intervals = np.diff(all_peaks)
    nth = np.arange(len(peaks))
    rows = {
        "record": recording.name,
        "patient": recording.patient,
        "lead": recording.leads[0],
        "time": peaks / recording.sampling_rate,
        "symbol": symbols,
        "previous_rr": np.concatenate([[np.nan], intervals])[nth],
        "next_rr": np.concatenate([intervals, [np.nan]])[nth],
    }
    return pd.DataFrame(rows, columns=INFO_COLUMNS).round(
        {"time": 4, "previous_rr": 4, "next_rr": 4}
    )
