"""Families of beats: those of one class and one shape, as the readers of Holter recordings sort.

Each class is sorted by templates: the beat that most others resemble is the first template, all
beats like it are its family, and what remains is sorted again. Two beats are alike when their
samples correlate and neither is much the larger.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Signal
from ecgcli.classes import ABSTAINED
from ecgcli.view import NO_FAMILY, Family, PageBeats

#: Seconds before and after the R peak that make a beat's shape.
BEFORE, AFTER = 0.25, 0.45
#: Points of a shape: one each 10 ms.
POINTS = 71
#: The most families of a class; what is left joins the family it resembles most.
MOST = 4
#: The fewest beats of a family, unless it is the only one of its class.
FEWEST = 3
#: The lowest correlation of beats that are alike, and the highest ratio of their sizes.
_CORRELATION, _SIZES = 0.9, 1.8
#: Beats among which the template is searched for; all pairs of them are compared.
_CANDIDATES = 300

Shapes = NDArray[np.float32]


def find_families(
    beats: PageBeats, signal: Signal, sampling_rate: float
) -> tuple[tuple[Family, ...], NDArray[np.uint8]]:
    """The families of a recording's beats, and the number of each beat's family.

    Args:
        beats: classified or not; those without a class, or too near the ends, are in no family.
        signal: ``(samples,)`` the lead in mV, without missing values.
        sampling_rate: Hz.
    """
    members = np.full(len(beats), NO_FAMILY, np.uint8)
    families: list[Family] = []
    complete = _complete(beats.peaks, len(signal) / sampling_rate)
    letters = beats.letters
    for letter in (*beats.classes, ABSTAINED):
        rows = np.flatnonzero(complete & (letters == letter))
        if not len(rows):
            continue
        shapes = cut_shapes(signal, sampling_rate, beats.peaks[rows])
        groups = sort_by_shape(shapes)
        for number, group in enumerate(groups, 1):
            name = letter if len(groups) == 1 else f"{letter} shape {number}"
            members[rows[group]] = len(families)
            families.append(_family(name, letter, shapes[group], rows[group], beats))
    return tuple(families), members


def cut_shapes(signal: Signal, sampling_rate: float, peaks: NDArray[np.float64]) -> Shapes:
    """The shape of the beats with these R peaks (s), ``(beats, POINTS)`` in mV.

    Each is moved to the median of its own level before the QRS complex.
    """
    times = peaks[:, None] + np.linspace(-BEFORE, AFTER, POINTS)
    samples = np.clip(np.round(times * sampling_rate).astype(np.intp), 0, len(signal) - 1)
    shapes = signal[samples].astype(np.float32)
    before_qrs = shapes[:, : POINTS // 5]
    level: Shapes = shapes - np.median(before_qrs, axis=1, keepdims=True)
    return level


def sort_by_shape(shapes: Shapes) -> list[NDArray[np.intp]]:
    """The rows of each family, the largest family first.

    Args:
        shapes: ``(beats, points)``.
    """
    left = np.arange(len(shapes))
    groups: list[NDArray[np.intp]] = []
    templates: list[Shapes] = []
    while len(left) and len(groups) < MOST:
        template = _template(shapes[left])
        alike = _alike(shapes[left], template[None])[:, 0]
        if alike.sum() < (FEWEST if groups else 1):
            break
        groups.append(left[alike])
        templates.append(template)
        left = left[~alike]
    if not groups:
        return [left]
    if len(left):
        nearest = _correlations(shapes[left], np.array(templates)).argmax(axis=1)
        groups = [
            np.sort(np.append(group, left[nearest == number]))
            for number, group in enumerate(groups)
        ]
    return sorted(groups, key=len, reverse=True)


def _complete(peaks: NDArray[np.float64], seconds: float) -> NDArray[np.bool_]:
    """Which beats are whole: not cut off by an end of the recording."""
    return (peaks > BEFORE / 2) & (peaks < seconds - AFTER / 2)


def _template(shapes: Shapes) -> Shapes:
    """The shape that most of the others resemble; among many beats, those spread over them."""
    candidates = shapes[np.linspace(0, len(shapes) - 1, min(len(shapes), _CANDIDATES)).astype(int)]
    template: Shapes = candidates[_alike(candidates, candidates).sum(axis=0).argmax()]
    return template


def _alike(shapes: Shapes, templates: Shapes) -> NDArray[np.bool_]:
    """Which shapes resemble which templates, ``(shapes, templates)``; flat ones resemble none."""
    sizes, others = np.ptp(shapes, axis=1)[:, None], np.ptp(templates, axis=1)[None]
    similar = (sizes <= _SIZES * others) & (others <= _SIZES * sizes)
    return np.asarray(similar & (_correlations(shapes, templates) >= _CORRELATION))


def _correlations(shapes: Shapes, templates: Shapes) -> NDArray[np.float32]:
    """The correlation of each shape with each template; 0 for a flat one."""
    return _unit(shapes) @ _unit(templates).T


def _unit(shapes: Shapes) -> Shapes:
    centred = shapes - shapes.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: Shapes = centred / np.where(lengths > 0, lengths, 1)
    return unit


def _family(
    name: str, letter: str, shapes: Shapes, rows: NDArray[np.intp], beats: PageBeats
) -> Family:
    mean = shapes.mean(axis=0)
    nearest = int(np.abs(shapes - mean).sum(axis=1).argmin())
    return Family(
        name=name,
        letter=letter,
        shape=mean,
        beats=len(rows),
        doubtful=float(beats.doubtful[rows].mean()),
        example=int(rows[nearest]),
    )
