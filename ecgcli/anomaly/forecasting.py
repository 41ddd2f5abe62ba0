"""Forecaster and the first samples of a beat -> the rest of it, with 50% and 90% bands."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ecgcli.anomaly.bands import BANDS, Bands, forecast
from ecgcli.anomaly.figures import Trace, draw_traces
from ecgcli.anomaly.forecaster import Forecaster
from ecgcli.anomaly.model import AnomalyModel
from ecgcli.beats import read_beats, within_beats
from ecgcli.beats.reader import BEAT_LENGTH, SAMPLING_RATE
from ecgcli.beats.rows import choose_rows
from ecgcli.beats.segmentation import signal_reader
from ecgcli.errors import CheckpointError, ConfigError, DataError
from ecgcli.files import atomic_write
from ecgcli.progress import SILENT, Progress
from ecgcli.recordings import NO_OPTIONS, ReadOptions, Recording, read_recording
from ecgcli.recordings.peaks import with_known_beats
from ecgcli.schema import versioned
from ecgcli.wording import counted

#: A forecast is cut, or no longer drawn, where the beat has ended in more than this share of
#: its futures.
MOST_ENDED = 0.75
#: The most beats in one picture.
DRAWN = 6


@dataclass(frozen=True)
class Forecast:
    """Forecasts of the rest of beats.

    Attributes:
        beats: ``(beats,)`` their numbers in the file.
        starts: ``(beats,)`` the time of each R peak in s; zeros for a beats CSV.
        observed: number of observed samples of each beat.
        values: ``(beats, samples)`` the observed samples and the true samples after them; NaN
            where the recording has ended.
        compared: ``(beats, samples)`` which values are compared with the bands: the true
            samples after ``observed``, without zero padding.
        bands: of ``(beats, samples - observed)``.
        unit: of the values: the beat's height, or mV.
        labels: class names ``(beats,)``, or None.
        notes: what a reader should know of how the recording was read.
    """

    beats: NDArray[np.intp]
    starts: NDArray[np.float64]
    observed: int
    values: NDArray[np.float32]
    compared: NDArray[np.bool_]
    bands: Bands
    unit: str
    labels: NDArray[np.str_] | None = None
    notes: tuple[str, ...] = ()

    def coverage(self) -> dict[str, dict[str, float]]:
        """The share of compared samples within each band: for all beats, and for each class."""
        kinds = {"all": np.ones(len(self.beats), bool)}
        if self.labels is not None:
            kinds |= {name: self.labels == name for name in dict.fromkeys(self.labels)}
        compared, truth = self.compared[:, self.observed :], self.values[:, self.observed :]
        inside = {band: self.bands.holds(truth, band) for band in BANDS}
        return {
            str(kind): {
                str(band): float(inside[band][rows][compared[rows]].mean()) for band in BANDS
            }
            for kind, rows in kinds.items()
            if compared[rows].any()
        }

    def table(self) -> pa.Table:
        """A row for each sample forecast: beat, sample, time in s, and its values in `Bands`.

        These are the share of futures in which the beat has ended, and the median and each
        band's low and high of the others.
        """
        horizon = self.bands.median.shape[1]
        samples = np.arange(self.observed, self.observed + horizon)
        times = self.starts[:, None] + samples / SAMPLING_RATE
        columns: dict[str, Any] = {
            "beat": np.repeat(self.beats, horizon),
            "sample": np.tile(samples, len(self.beats)),
            "time": times.ravel().round(4),
            "ended": self.bands.ended.ravel(),
            "median": self.bands.median.ravel(),
        }
        for band in BANDS:
            columns |= {
                f"low_{band}": self.bands.low[band].ravel(),
                f"high_{band}": self.bands.high[band].ravel(),
            }
        rounded = {
            name: values.astype(np.float64).round(4) if values.dtype == np.float32 else values
            for name, values in columns.items()
        }
        return pa.table(rounded)

    def draw(self, target: Path) -> None:
        """Draw the first beats: the samples given, the bands, and the true samples."""
        traces = [self._trace(row) for row in range(min(DRAWN, len(self.beats)))]
        across = "s" if self.starts.any() else "s after the R peak"
        draw_traces(target, traces, across, self.unit, "median")

    def _trace(self, row: int) -> Trace:
        length = self.observed + self.bands.median.shape[1]
        times = self.starts[row] + np.arange(length) / SAMPLING_RATE

        def from_start(values: NDArray[np.float32]) -> NDArray[np.float32]:
            """The values from the beat's start, NaN where the beat has most likely ended."""
            before = np.full(self.observed, np.nan, np.float32)
            foreseen = np.where(self.bands.ended[row] <= MOST_ENDED, values[row], np.nan)
            return np.concatenate([before, foreseen])

        title = f"beat {self.beats[row]}"
        if self.labels is not None:
            title += f", class {self.labels[row]}"
        return Trace(
            title,
            times,
            np.where(
                self.compared[row] | (np.arange(length) < self.observed), self.values[row], np.nan
            ),
            from_start(self.bands.median),
            {b: (from_start(self.bands.low[b]), from_start(self.bands.high[b])) for b in BANDS},
            since=self.starts[row] + self.observed / SAMPLING_RATE,
        )


def forecaster_of(model: AnomalyModel, place: str) -> Forecaster:
    """The model's forecaster.

    Raises:
        CheckpointError: it is an autoencoder, which cannot forecast.
    """
    if not isinstance(model.network, Forecaster):
        raise CheckpointError(
            f"{place}: an autoencoder cannot forecast; fit a forecaster with "
            "ecg anomaly fit --method forecaster"
        )
    return model.network


def forecast_beats(
    model: AnomalyModel,
    place: str,
    data: Path | str,
    *,
    rows: str = "0",
    observed: int = 40,
    horizon: int | None = None,
    normalize: bool = False,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Forecast:
    """Forecast beats of a CSV from their first samples, and compare with the true samples.

    Args:
        model: an anomaly model with a forecaster.
        place: the model's path, for messages.
        data: the beats CSV.
        rows: the beats to continue; see `ecgcli.beats.rows.choose_rows`.
        observed: number of observed samples of each beat, 1 to 186.
        horizon: samples forecast, to the beat's end at most (the default).
        normalize: scale each beat to 0..1 first.
        seed: of the futures drawn.
        progress: called with the number of beats forecast.

    Raises:
        CheckpointError: the model cannot forecast.
        DataError: the file is not valid, or has no such beat.
        ConfigError: the rows or samples are not valid.
    """
    network = forecaster_of(model, place)
    if not 1 <= observed < BEAT_LENGTH:
        raise ConfigError(f"--from: found {observed}; valid: 1 to {BEAT_LENGTH - 1}")
    card = model.card
    beats = read_beats(data, card.classes, normalize=normalize)
    chosen = choose_rows(rows, len(beats), data)
    samples = beats.samples[chosen]
    bands = forecast(network, samples, observed, card.band_factors, seed, progress)
    length = _length(observed, horizon)
    compared = within_beats(samples)[:, :length]
    compared[:, :observed] = False
    return Forecast(
        beats=chosen,
        starts=np.zeros(len(chosen)),
        observed=observed,
        values=samples[:, :length],
        compared=compared,
        bands=_cut(bands, length - observed),
        unit="share of the beat's height",
        labels=None if beats.labels is None else beats.label_names[chosen],
    )


def forecast_recording(
    model: AnomalyModel,
    place: str,
    data: Path,
    *,
    after: float | None = None,
    horizon: int | None = None,
    options: ReadOptions = NO_OPTIONS,
    seed: int = 0,
) -> Forecast:
    """Forecast the rest of the beat that has begun at a time in a recording, in mV.

    Beats are scaled by their height, which is unknown before a beat is complete: the height
    of the previous beat is used. Nothing after the time is used, except that R peaks, where
    they are detected, are detected in the whole recording.

    Args:
        model: an anomaly model with a forecaster.
        place: the model's path, for messages.
        data: the recording.
        after: the time in s; the recording's end by default.
        horizon: samples at 120 Hz, 187 from the R peak at most (the default).
        options: how the recording is read.
        seed: of the futures drawn.

    Raises:
        CheckpointError: the model cannot forecast.
        DataError: the recording cannot be read or is too short, or no beat has begun.
        ConfigError: the time is not in the recording.
    """
    network = forecaster_of(model, place)
    recording = read_recording(data, options)
    after = recording.seconds if after is None else after
    if not 0 < after <= recording.seconds:
        raise ConfigError(
            f"--after: found {after:g} s; the recording has {recording.seconds:.1f} s"
        )
    recording = _with_beats(recording, options.detector, data)
    peaks = recording.beat_positions
    number = int(np.searchsorted(peaks, after * recording.sampling_rate)) - 1
    start, observed = _begun_beat(recording, number, after, data)
    low, height = _scale(recording, peaks[number - 1], start, data)
    values = _read(recording, start)
    scaled = np.nan_to_num((values - low) / height).astype(np.float32)
    bands = forecast(network, scaled[None], observed, model.card.band_factors, seed)
    ends = np.flatnonzero(bands.ended[0] > MOST_ENDED)  # a forecast is of one beat only
    length = min(
        _length(observed, horizon), observed + (int(ends[0]) if len(ends) else BEAT_LENGTH)
    )
    length = max(length, observed + 1)
    values = values[:length]
    compared = np.isfinite(values)
    compared[:observed] = False
    return Forecast(
        beats=np.array([number]),
        starts=np.array([start / recording.sampling_rate]),
        observed=observed,
        values=values[None],
        compared=compared[None],
        bands=_in_millivolts(_cut(bands, length - observed), low, height),
        unit="mV",
        notes=recording.notes,
    )


def write_forecast(
    target: Path | str, result: Forecast, table_format: Literal["csv", "json"]
) -> None:
    """Write a forecast, completely or not at all; ``-`` is standard output."""
    table = result.table()
    with atomic_write(target) as stream:
        if table_format == "json":
            document = {
                "from": result.observed,
                "unit": result.unit,
                "coverage": result.coverage(),
                "rows": table.to_pylist(),
            }
            stream.write(json.dumps(versioned(document), indent=1).encode() + b"\n")
        else:
            import pyarrow.csv as pacsv

            pacsv.write_csv(table, stream, pacsv.WriteOptions(quoting_header="none"))


def _length(observed: int, horizon: int | None) -> int:
    if horizon is not None and horizon < 1:
        raise ConfigError(f"--samples: found {horizon}; valid: 1 or more")
    return BEAT_LENGTH if horizon is None else min(BEAT_LENGTH, observed + horizon)


def _cut(bands: Bands, horizon: int) -> Bands:
    def first(sides: dict[int, NDArray[np.float32]]) -> dict[int, NDArray[np.float32]]:
        return {band: values[:, :horizon] for band, values in sides.items()}

    return Bands(
        bands.median[:, :horizon], first(bands.low), first(bands.high), bands.ended[:, :horizon]
    )


def _in_millivolts(bands: Bands, low: float, height: float) -> Bands:
    def back(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return (low + height * values).astype(np.float32)

    return replace(
        bands,
        median=back(bands.median),
        low={band: back(values) for band, values in bands.low.items()},
        high={band: back(values) for band, values in bands.high.items()},
    )


def _with_beats(recording: Recording, detector: str, path: Path) -> Recording:
    recording = with_known_beats(recording, detector, path)
    if len(recording.beat_positions) < 2:
        raise DataError(
            f"too short: {counted(len(recording.beat_positions), 'R peak')} in "
            f"{recording.seconds:.1f} s; a "
            "forecast needs a whole beat before the one that is forecast",
            file=path,
        )
    return recording


def _begun_beat(recording: Recording, number: int, after: float, path: Path) -> tuple[float, int]:
    """The position of the R peak of the beat that has begun, and its number of samples so far."""
    peaks, rate = recording.beat_positions, recording.sampling_rate
    if number < 1:
        raise DataError(
            ("there is one R peak" if number == 0 else "there are no R peaks")
            + f" before {after:g} s; a forecast needs a whole beat "
            f"before the one that is forecast, so give --after at least {peaks[1] / rate:.2f}",
            file=path,
        )
    since = after - peaks[number] / rate
    observed = max(1, round(since * SAMPLING_RATE))
    if observed >= BEAT_LENGTH:
        raise DataError(
            f"the last R peak before {after:g} s is {since:.1f} s earlier, so no beat has begun "
            f"there (a beat is forecast for {BEAT_LENGTH / SAMPLING_RATE:.1f} s); choose another "
            "time with --after",
            file=path,
        )
    return float(peaks[number]), observed


def _scale(recording: Recording, start: float, stop: float, path: Path) -> tuple[float, float]:
    """The lowest value and the height, in mV, of the signal between two R peaks, both included."""
    piece = recording.signal[int(start) : int(stop) + 1]
    if not np.isfinite(piece).any() or np.nanmax(piece) == np.nanmin(piece):
        rate = recording.sampling_rate
        raise DataError(
            f"no ECG between {start / rate:.2f} and {stop / rate:.2f} s, so the height of the beat "
            "is unknown; choose another time with --after",
            file=path,
        )
    return float(np.nanmin(piece)), float(np.nanmax(piece) - np.nanmin(piece))


def _read(recording: Recording, start: float) -> NDArray[np.float32]:
    """187 samples at 120 Hz from an R peak on, in mV; NaN past the end."""
    read = signal_reader(recording, np.array([start], np.float64))
    positions = start + np.arange(BEAT_LENGTH, dtype=np.float64) * (
        recording.sampling_rate / SAMPLING_RATE
    )
    recorded = positions <= len(recording.signal) - 1
    values = np.full(BEAT_LENGTH, np.nan, np.float32)
    values[recorded] = read(positions[recorded])
    return values
