"""Recording -> baseline wander, the beat that repeats, and the residual.

Decomposition methods for time series need a constant period, which a heart does not have. So
each RR interval is warped to the same number of samples, the library decomposes the warped
signal, and its parts are warped back to time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ecgcli.arrays import Signal
from ecgcli.choices import DecompositionModel
from ecgcli.errors import ConfigError, DataError, MissingExtraError
from ecgcli.files import atomic_write
from ecgcli.recordings import NO_OPTIONS, ReadOptions, Recording, read_recording
from ecgcli.recordings.figures import draw_decomposition
from ecgcli.recordings.peaks import with_known_beats
from ecgcli.recordings.quality import Stretch, unusable
from ecgcli.wording import counted

#: Seconds decomposed by default.
DEFAULT_SECONDS = 30.0
#: The smallest number of R peaks between which a beat repeats.
FEWEST_BEATS = 3
#: Samples that each RR interval is warped to: those of a beat of 0.8 s at 250 Hz.
SAMPLES_A_BEAT = 200
#: Seconds before and after an R peak that keep their length: a QRS complex does not last longer
#: when the next beat is later. Only the time between QRS complexes is stretched.
_QRS_REACH = 0.08
#: Beats over which the repeated beat may change its shape, and samples (in warped time) over
#: which the trend may turn: the fewest the method allows, as wander is as fast as breathing.
_SHAPE_BEATS, _TREND_SAMPLES = 61, SAMPLES_A_BEAT + 1
#: Beats that can be named in a picture without overlapping names.
_MOST_NAMED = 80
#: The lowest sample, in mV, after the signal is raised for the logarithm.
_LOWEST = 1.0


@dataclass(frozen=True)
class Decomposition:
    """A window of a recording and its three parts, sample by sample.

    Additive: ``signal = trend + periodic + residual``, all in mV. Multiplicative:
    ``signal + offset = trend * periodic * residual``, signal, offset and trend in mV,
    the other two factors. Parts are NaN where no ECG was recorded.

    Attributes:
        name, lead, sampling_rate: of the recording.
        model: ``additive`` or ``multiplicative``.
        times: ``(samples,)`` s from the recording's start.
        signal, trend, periodic, residual: ``(samples,)``.
        beats: ``(beats,)`` times of the R peaks in the window, in s.
        symbols: their annotation symbols; empty when they were detected.
        offset: mV added before the logarithm; 0 when additive.
        notes: remarks for the reader, one sentence each.
    """

    name: str
    lead: str
    sampling_rate: float
    model: DecompositionModel
    times: Signal
    signal: Signal
    trend: Signal
    periodic: Signal
    residual: Signal
    beats: Signal
    symbols: tuple[str, ...]
    offset: float
    notes: tuple[str, ...]

    @property
    def noise_share(self) -> float:
        """Share of the residual in the detrended signal, by variance: 0 to about 1.

        ``var(residual) / var(signal - trend)``; with the multiplicative model, of the
        logarithms. It is 1 minus the seasonal strength of Wang, Smith, Hyndman (Data Min
        Knowl Discov 13:335-364, 2006). Everything that does not repeat from beat to beat
        counts, ectopic beats as well as noise.
        """
        residual, beat = self.residual, self.periodic
        if self.model == "multiplicative":
            residual, beat = np.log(residual), np.log(beat)
        return float(np.nanvar(residual) / np.nanvar(beat + residual))

    @property
    def wander(self) -> float:
        """Amplitude of the baseline wander in mV: the range of the middle 95% of the trend."""
        low, high = np.nanpercentile(self.trend, (2.5, 97.5))
        return float(high - low)

    @property
    def heart_rate(self) -> float:
        """Beats per minute, between the first and the last R peak."""
        return float(60 * (len(self.beats) - 1) / (self.beats[-1] - self.beats[0]))

    def summary(self) -> dict[str, Any]:
        """The figures as a document of plain values."""
        return {
            "recording": self.name,
            "lead": self.lead,
            "model": self.model,
            "from": round(float(self.times[0]), 4),
            "to": round(float(self.times[-1]), 4),
            "beats": len(self.beats),
            "heart_rate": round(self.heart_rate, 2),
            "noise_share": round(self.noise_share, 6),
            "wander_mv": round(self.wander, 6),
            "offset_mv": round(self.offset, 6),
            "notes": list(self.notes),
        }

    def write(self, target: Path) -> None:
        """Write a CSV with a row per sample: time in s, signal, trend, periodic, residual."""
        import pyarrow.csv as pacsv

        parts = ("signal", "trend", "periodic", "residual")
        columns = {"time": self.times.round(6)} | {name: getattr(self, name) for name in parts}
        table = pa.table({name: pa.array(v, from_pandas=True) for name, v in columns.items()})
        with atomic_write(target) as stream:
            stream.write(",".join(columns).encode() + b"\n")
            pacsv.write_csv(table, stream, pacsv.WriteOptions(include_header=False))

    def draw(self, target: Path) -> None:
        """Draw signal and parts above each other as a PNG.

        Beats annotated other than N are named, in windows short enough to read the names.
        """
        unit = "mV" if self.model == "additive" else "factor"
        marks = [
            (float(time), symbol)
            for time, symbol in zip(self.beats, self.symbols, strict=False)
            if symbol != "N"
        ]
        draw_decomposition(
            target,
            self.times,
            {
                "signal, mV": self.signal,
                "trend, mV": self.trend,
                f"periodic, {unit}": self.periodic,
                f"residual, {unit}": self.residual,
            },
            marks if len(marks) <= _MOST_NAMED else [],
            f"{self.name}, lead {self.lead}, {self.model}: noise share {self.noise_share:.1%}",
        )


def decompose_recording(
    path: Path,
    options: ReadOptions = NO_OPTIONS,
    *,
    model: DecompositionModel = "additive",
    start: float | None = None,
    seconds: float = DEFAULT_SECONDS,
) -> Decomposition:
    """Read a recording and decompose a window of it; see `decompose`.

    Its beats are the annotated ones, else those that the detector finds.

    Raises:
        DataError: the recording cannot be read, or the window has too few beats.
        ConfigError: the window is invalid, or there is no such detector.
        MissingExtraError: statsmodels is not installed.
    """
    recording = with_known_beats(read_recording(path, options), options.detector, path)
    try:
        return decompose(recording, model=model, start=start, seconds=seconds)
    except DataError as error:
        raise DataError(str(error), file=path) from error


def decompose(
    recording: Recording,
    *,
    model: DecompositionModel = "additive",
    start: float | None = None,
    seconds: float = DEFAULT_SECONDS,
) -> Decomposition:
    """Split a window of a recording with known R peaks into trend, repeated beat and residual.

    STL (Cleveland et al., J Off Stat 6:3-73, 1990), as implemented in statsmodels, in its robust
    form, so that ectopic beats do not shape the repeated beat. The multiplicative model
    is the additive one of the logarithm; as that needs positive values, the signal is
    first raised until its lowest sample is 1 mV.

    The parts run between R peaks, so they begin at the first beat and end at the last one
    where the window reaches the recording's ends.

    Args:
        recording: with its R peaks, annotated or detected.
        model: ``additive`` or ``multiplicative``.
        start: of the window, in s; None is the first place with ECG of that length.
        seconds: the window's length; 0 is everything from its start.

    Raises:
        DataError: there are no beats, or fewer than `FEWEST_BEATS`.
        ConfigError: the window does not lie in the recording.
        MissingExtraError: statsmodels is not installed.
    """
    rate = recording.sampling_rate
    stretches = unusable(recording.signal, rate)
    first, last = _window(recording, stretches, start, seconds)
    peaks = _peaks_of(recording, first, last)
    samples = np.arange(max(first, round(peaks[0])), min(last, round(peaks[-1]) + 1))
    scaled, offset = recording.filled, 0.0
    if model == "multiplicative":
        low = float(scaled[int(peaks[0]) : int(np.ceil(peaks[-1])) + 1].min())
        offset = max(0.0, _LOWEST - low)
        scaled = np.log(scaled.clip(min=low) + offset)  # what is lower lies outside the window
    trend, periodic = _trend_and_beat(scaled, rate, peaks, samples)
    for stretch in stretches:
        trend[(samples >= stretch.start) & (samples < stretch.stop)] = np.nan
    gaps = np.isnan(trend)
    periodic[gaps] = np.nan
    if gaps.all():
        raise DataError("no ECG was recorded in this window; choose another with --from")
    residual = scaled[samples] - trend - periodic
    if model == "multiplicative":
        trend, periodic, residual = np.exp(trend), np.exp(periodic), np.exp(residual)
    beats = np.flatnonzero(recording.is_beat & np.isin(recording.positions.round(), samples))
    return Decomposition(
        name=recording.name,
        lead=recording.lead,
        sampling_rate=rate,
        model=model,
        times=samples / rate,
        signal=recording.signal[samples],
        trend=trend,
        periodic=periodic,
        residual=residual,
        beats=recording.positions[beats] / rate,
        symbols=tuple(recording.symbols[k] for k in beats if recording.annotated),
        offset=offset,
        notes=(*recording.notes, *_notes(offset, int(gaps.sum()) / rate)),
    )


def _window(
    recording: Recording, stretches: list[Stretch], start: float | None, seconds: float
) -> tuple[int, int]:
    """The first sample of the window, and the one after its last."""
    total, rate = len(recording.signal), recording.sampling_rate
    if not 0 <= seconds < np.inf:
        raise ConfigError(f"--seconds: found {seconds:g}; valid: more than 0, or 0 for all")
    if start is not None and not 0 <= start < recording.seconds:
        raise ConfigError(
            f"--from: found {start:g}; {recording.name} runs from 0 to {recording.seconds:g} s"
        )
    length = round(seconds * rate) if seconds else total
    if start is not None:
        first = round(start * rate)
    elif not seconds:
        first = 0
    else:
        first = _first_room(stretches, length, total)
    return first, min(first + length, total)


def _first_room(stretches: list[Stretch], length: int, total: int) -> int:
    """The start of the first ``length`` samples of unbroken ECG, else of the longest stretch."""
    starts = [0, *(stretch.stop for stretch in stretches)]
    stops = [*(stretch.start for stretch in stretches), total]
    room = np.array(stops) - np.array(starts)
    return starts[int(np.argmax(room >= length if (room >= length).any() else room))]


def _peaks_of(recording: Recording, first: int, last: int) -> Signal:
    """The R peaks in the window, and one on either side of it where there is one."""
    peaks = np.unique(recording.beat_positions)
    if not len(peaks):
        raise DataError("no beats were found, so there is nothing that repeats")
    begin, end = np.searchsorted(peaks, (first, last))
    if end - begin < FEWEST_BEATS:
        raise DataError(
            f"found {counted(end - begin, 'beat')} in the "
            f"{(last - first) / recording.sampling_rate:.1f} s from "
            f"{first / recording.sampling_rate:.1f} s; at least {FEWEST_BEATS} are needed: choose "
            "with --from and --seconds"
        )
    return peaks[max(0, begin - 1) : end + 1]


def _trend_and_beat(
    signal: Signal, sampling_rate: float, peaks: Signal, samples: NDArray[np.intp]
) -> tuple[Signal, Signal]:
    """Trend and repeated beat ``(samples,)`` of a signal at ``samples``."""
    try:
        from statsmodels.tsa.seasonal import STL
    except ImportError as error:
        raise MissingExtraError(
            "ecg decompose needs the package statsmodels: pip install 'ecgcli[decompose]'"
        ) from error

    places, phases = _warp(sampling_rate, peaks)
    grid = np.arange((len(peaks) - 1) * SAMPLES_A_BEAT + 1) / SAMPLES_A_BEAT
    warped = np.interp(np.interp(grid, phases, places), np.arange(len(signal)), signal)
    fitted = STL(
        warped,
        period=SAMPLES_A_BEAT,
        seasonal=_SHAPE_BEATS,
        seasonal_deg=0,
        trend=_TREND_SAMPLES,
        robust=True,
        # computed at every tenth of a window and joined by lines, as the paper advises
        seasonal_jump=_SHAPE_BEATS // 10,
        trend_jump=_TREND_SAMPLES // 10,
        low_pass_jump=_TREND_SAMPLES // 10,
    ).fit(inner_iter=2, outer_iter=5)
    sample_phases = np.interp(samples, places, phases)
    return np.interp(sample_phases, grid, fitted.trend), np.interp(
        sample_phases, grid, fitted.seasonal
    )


def _warp(sampling_rate: float, peaks: Signal) -> tuple[Signal, Signal]:
    """Places in samples and their phases in beats: R peaks are whole numbers.

    QRS complexes keep their length, up to a third of an RR interval.
    """
    intervals = np.diff(peaks)
    reach = np.minimum(_QRS_REACH * sampling_rate, intervals / 3)
    part = min(_QRS_REACH * sampling_rate / np.median(intervals), 1 / 3)
    nth = np.arange(len(intervals))
    places = np.stack([peaks[:-1], peaks[:-1] + reach, peaks[1:] - reach], axis=1).ravel()
    phases = np.stack([nth, nth + part, nth + 1 - part], axis=1).ravel()
    return np.append(places, peaks[-1]), np.append(phases, len(intervals))


def _notes(offset: float, without: float) -> list[str]:
    notes = []
    if offset:
        notes.append(f"raised by {offset:.3f} mV first: logarithms need positive values")
    if without:
        notes.append(f"{without:.1f} s without ECG have no parts")
    return notes
