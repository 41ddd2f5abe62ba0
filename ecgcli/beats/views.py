"""What a model takes as input: the samples of a beat, RR intervals, context features, recordings.

A model declares the names of its views, a checkpoint's card repeats them, and
`inputs_of` returns them, or raises an error that names what the beats lack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import Beats
from ecgcli.beats.context import feature_names
from ecgcli.beats.reader import BEAT_LENGTH
from ecgcli.errors import DataError

#: Arrays ``(beats, width)`` of float32, one a view.
Inputs = tuple[NDArray[np.float32], ...]

#: The columns of the view of samples.
SAMPLE_COLUMNS = tuple(f"sample_{n}" for n in range(BEAT_LENGTH))

#: The ratios of `rr_ratios`, in order; the natural logarithm of each.
RR_RATIOS = (
    "previous_rr/mean_rr",
    "next_rr/mean_rr",
    "previous_rr/local_rr",
    "next_rr/local_rr",
    "next_rr/previous_rr",
)


def rr_ratios(beats: Beats) -> NDArray[np.float32]:
    """Logarithms of `RR_RATIOS`, ``(beats, 5)``: how early the beat is, and how late the next.

    Ratios measure prematurity relative to the patient's own rhythm, at any heart rate. Where an
    interval is unknown, at the ends of a recording, the ratio is taken as 1.

    Raises:
        DataError: the beats have no sidecar.
    """
    if beats.info is None:
        raise DataError(
            "this model uses RR intervals, and the beats have no sidecar (NAME.info.csv); "
            "use beats written by ecg prepare, or a model that uses the samples alone"
        )
    intervals = {name: beats.info[name].to_numpy(np.float64) for name in _columns()}
    ratios = [intervals[over] / intervals[under] for over, _, under in map(_parts, RR_RATIOS)]
    logs = np.log(np.stack(ratios, axis=1, dtype=np.float64).clip(1 / 16, 16))
    finite: NDArray[np.float32] = np.nan_to_num(logs).astype(np.float32)
    return finite


def _parts(ratio: str) -> tuple[str, str, str]:
    return ratio.partition("/")


def _columns() -> list[str]:
    return sorted({part for ratio in RR_RATIOS for part in ratio.split("/")})


@dataclass(frozen=True)
class View:
    """What a view means, its column names, and the function that returns it, ``(beats, width)``."""

    meaning: str
    columns: Callable[[], Sequence[str]]
    of: Callable[[Beats], NDArray[np.float32]]


def context(beats: Beats) -> NDArray[np.float32]:
    """Features of each beat relative to its recording, ``(beats, features)``.

    Raises:
        DataError: the beats have no such features, or those of another version.
    """
    if beats.context is None:
        raise DataError(
            "this model uses features of each beat relative to its recording, which these beats "
            "do not have; use the recordings, beats written by ecg prepare --context, or a model "
            "that uses the samples alone (--model beats)"
        )
    if beats.context.shape[1] != len(feature_names()):
        raise DataError(
            f"the context of these beats has {beats.context.shape[1]} features, and this version "
            f"of ecg has {len(feature_names())}; create it again with ecg prepare --context"
        )
    return beats.context


def recording(beats: Beats) -> NDArray[np.float32]:
    """Which beats follow one another in one recording, ``(beats, 1)``: a number for each recording.

    Beats without a sidecar count as those of one recording.
    """
    names = beats.records
    changes = np.append(False, names[1:] != names[:-1])[: len(beats)]
    return changes.cumsum(dtype=np.float32)[:, None]


VIEWS = {
    "samples": View("the beat's 187 samples", lambda: SAMPLE_COLUMNS, lambda beats: beats.samples),
    "rr": View("RR intervals", lambda: RR_RATIOS, rr_ratios),
    "context": View("beat relative to recording", feature_names, context),
    "recording": View("beats of one recording together", lambda: ("recording",), recording),
}


def width_of(view: str) -> int:
    """How many columns a view has."""
    return len(VIEWS[view].columns())


def inputs_of(beats: Beats, views: Sequence[str]) -> Inputs:
    """The views of the beats, in the order of the names.

    Raises:
        DataError: the beats lack the data of a view.
    """
    return tuple(VIEWS[name].of(beats) for name in views)
