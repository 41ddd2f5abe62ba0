"""Where each beat of a recording stands among the others: shape, rhythm, P and T wave, model.

Beats that are near each other are alike to a reader. Coordinates have fixed units, so that a
distance means the same in every recording; benchmarks/RESULTS.md states how they were chosen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Features, Floats, Probabilities
from ecgcli.beats.context import (
    RATE,
    at_the_peak,
    band_passed,
    context_features,
    feature_names,
    windows,
)
from ecgcli.recordings import Recording

#: Seconds around the R peak of the QRS complex, in windows that begin `_BEFORE` it.
_FROM, _TO, _BEFORE = -0.12, 0.16, 0.4
#: Principal components of the shapes, and the most beats they are computed from.
_COMPONENTS, _SOME = 6, 3000
#: A shape's units are the height of the typical QRS complex, a rhythm's the logarithm of a ratio.
_SHAPE_SCALE, _SHAPE_LIMIT = 1.5, 4.0
_RHYTHM = {"pre/30s": 6.0, "pre/last8mean": 6.0, "post/30s": 3.0, "post/pre": 3.0}
#: Correlation with the beats around; its distance to 1 is the coordinate.
_LIKENESS = {"r_p_local": 0.75, "r_pre_local": 0.75, "r_t_local": 0.75}
#: The model's view: logarithms of probabilities, no lower than this, with this weight.
LOWEST_PROBABILITY = 1e-3
_MODEL_SCALE, _MODEL_CLASSES = 1.0, 4
#: R peaks below which there is nothing to compare a beat with.
FEWEST = 3


def coordinates(
    recording: Recording, peaks: NDArray[np.float64], probabilities: Probabilities
) -> Features:
    """Where each beat stands, ``(beats, coordinates)``.

    Args:
        recording: the lead that is classified.
        peaks: ``(beats,)`` R peaks in samples, ascending.
        probabilities: ``(beats, classes)`` of the model; zeros where it has none.
    """
    if len(peaks) < FEWEST:
        return np.zeros((len(peaks), 1), np.float32)
    signal, rate = recording.filled, recording.sampling_rate
    clean = band_passed(signal, rate)
    beats = windows(clean, rate, at_the_peak(clean, rate, peaks))
    _, features = context_features(signal, rate, peaks)
    return stand(beats, features, probabilities)


def stand(beats: Floats, features: Features, probabilities: Probabilities) -> Features:
    """`coordinates` of beats whose windows ``(beats, 121)`` and context features are known."""
    column = {name: features[:, number] for number, name in enumerate(feature_names())}
    rhythm = [np.clip(column[name], -1, 1) * scale for name, scale in _RHYTHM.items()]
    alike = [(1 - column[name]) * scale for name, scale in _LIKENESS.items()]
    opinion = log_probabilities(probabilities)[:, :_MODEL_CLASSES]
    opinion = _MODEL_SCALE * (opinion - opinion.mean(axis=1, keepdims=True))
    parts = [_shape(beats), np.stack([*rhythm, *alike], axis=1), opinion]
    return np.concatenate(parts, axis=1).astype(np.float32)


def log_probabilities(probabilities: Probabilities) -> NDArray[np.float64]:
    """Logarithms of probabilities, of which none is taken to be impossible."""
    logs: NDArray[np.float64] = np.log(np.clip(probabilities, LOWEST_PROBABILITY, 1), dtype=float)
    return logs


def _shape(beats: Floats) -> Floats:
    """The QRS complexes in few dimensions, in units of the typical height."""
    first = round((_FROM + _BEFORE) * RATE)
    shapes = np.asarray(beats[:, first : round((_TO + _BEFORE) * RATE) + 1], np.float64)
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    shapes /= max(float(np.median(np.ptp(shapes, axis=1))), 1e-6)
    shapes -= np.median(shapes, axis=0)
    sample = shapes[:: max(1, len(shapes) // _SOME)]
    directions = np.linalg.svd(sample, full_matrices=False)[2][:_COMPONENTS]
    placed: Floats = _SHAPE_SCALE * np.clip(shapes @ directions.T, -_SHAPE_LIMIT, _SHAPE_LIMIT)
    return placed
