"""Tables of predictions of a recording, and the beats they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.errors import DataError
from ecgcli.prediction.beats import read_predictions, read_table

#: Seconds between a row's time, which is rounded, and its R peak.
TOLERANCE = 0.001


@dataclass(frozen=True)
class Predictions:
    """Rows of a table that ``ecg predict`` wrote for a recording.

    ``times`` (s), ``labels``, ``probabilities`` and ``rhythm`` (empty if the table has none) are
    in the order of the rows; labels are one past the last class where the model abstained.
    """

    file: Path
    times: NDArray[np.float64]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    classes: tuple[str, ...]
    rhythm: Sequence[str]

    def of_another_recording(self, peaks: NDArray[np.float64], recording: Path) -> DataError:
        """The error that says which row has no beat in a recording with these R peaks (s)."""
        row = int(np.argmax(_distances(self.times, peaks) > TOLERANCE))
        return DataError(
            f"there is no R peak at {self.times[row]:.4f} s in {recording}; these are predictions "
            "of another recording, or of R peaks found otherwise (--annotations, --detector, "
            "--lead)",
            file=self.file,
            row=row + 2,
        )


def read_timed_predictions(path: Path) -> Predictions:
    """Read a table of predictions that has the time of each beat (CSV or parquet).

    Raises:
        DataError: it is no such table.
    """
    labels, classes = read_predictions(path)
    table = read_table(path)
    if "time" not in table:
        raise DataError(
            "there is no column named time; these are predictions of beats. Predict the "
            "recording: ecg predict RECORDING -o predictions.csv",
            file=path,
        )
    numbers = table[["time", *classes]].to_numpy(np.float64)
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        row, column = (int(place) for place in np.argwhere(wrong)[0])
        name = ["time", *classes][column]
        raise DataError(f"column {name} holds no number", file=path, row=row + 2)
    times = numbers[:, 0]
    if (np.diff(times) <= 0).any():
        row = int(np.argmax(np.diff(times) <= 0)) + 1
        raise DataError(
            f"found time {times[row]:g} s after {times[row - 1]:g} s; times must ascend",
            file=path,
            row=row + 2,
        )
    rhythm = table["rhythm"].astype(str).tolist() if "rhythm" in table else []
    return Predictions(path, times, labels, numbers[:, 1:].astype(np.float32), classes, rhythm)


def place_predictions(
    predictions: Predictions, peaks: NDArray[np.float64]
) -> NDArray[np.intp] | None:
    """The number of each row's beat, ``(rows,)``; None when a row has none of these R peaks (s)."""
    if not len(predictions.times):
        return np.empty(0, np.intp)
    if (_distances(predictions.times, peaks) > TOLERANCE).any():
        return None
    rows = beats_at(predictions.times, peaks)
    return rows if (np.diff(rows) > 0).all() else None


def beats_at(times: NDArray[np.float64], peaks: NDArray[np.float64]) -> NDArray[np.intp]:
    """The numbers of the beats at these times (s), which are rounded; ``(times,)``."""
    return np.searchsorted(peaks, times - TOLERANCE)


def _distances(times: NDArray[np.float64], peaks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds from each time to the nearest peak."""
    padded = np.concatenate([[-np.inf], peaks, [np.inf]])
    after = np.searchsorted(padded, times)
    distances: NDArray[np.float64] = np.minimum(times - padded[after - 1], padded[after] - times)
    return distances
