"""Whether a class rests on the samples that an explanation names: take them away and see."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ecgcli.arrays import Samples
from ecgcli.beats import Beats, beat_lengths
from ecgcli.checkpoints.networks import load_probability_network
from ecgcli.choices import Attribution
from ecgcli.insight.explanation import (
    TENTH,
    Explanation,
    Mask,
    classify,
    explain,
    remove,
)
from ecgcli.prediction import Classifier
from ecgcli.progress import SILENT, Progress

#: Beats the deletion test looks at.
TESTED_BEATS = 500
#: Random removals a beat.
DRAWS = 10


@dataclass(frozen=True)
class Drop:
    """By how much a removal lowers the probability of the class: over beats."""

    median: float
    mean: float


@dataclass(frozen=True)
class DeletionTest:
    """What removing a tenth of each beat does to the probability of its class.

    Attributes:
        beats: how many were tested.
        method: what ranked their samples.
        highest: the tenth ranked highest is removed.
        random_samples: a tenth drawn sample by sample; mean of `DRAWS` draws a beat.
        random_place: the stretches of the highest tenth, moved elsewhere in the beat; mean
            of `DRAWS` draws a beat. The harder comparison: as many samples in as long gaps.
        ratio: of the medians of highest and random place; None when the latter is not
            above 0, so that there is nothing to compare with.
        interval: 95% of the ratio, bootstrapped over beats.
    """

    beats: int
    method: Attribution
    highest: Drop
    random_samples: Drop
    random_place: Drop
    ratio: float | None
    interval: tuple[float, float] | None

    def as_json(self) -> dict[str, Any]:
        """A document of plain values."""
        return asdict(self)


def deletion_test(
    classifier: Classifier,
    beats: Beats,
    method: Attribution = "gradients",
    seed: int = 0,
    progress: Progress = SILENT,
) -> DeletionTest:
    """Whether the samples that `explanation.explain` ranks highest are those the class rests on.

    Of up to `TESTED_BEATS` beats the tenth of samples ranked highest is removed, and as many
    at random (Samek et al., IEEE Trans Neural Netw Learn Syst 28:2660-2673, 2017).
    Removed samples are replaced by a straight line between those that are left on both
    sides: a beat still, with a piece smoothed away. Only samples before the padding count.

    Args:
        classifier: a model that is a network.
        beats: labelled or not; the class is the one that the model says.
        method: what ranks the samples.
        seed: of the choice of beats, and of what is random.
        progress: of the beats explained.

    Raises:
        ConfigError: the classifier is not a network.
    """
    random = np.random.default_rng(seed)
    tested = min(len(beats), TESTED_BEATS)
    rows = np.sort(random.choice(len(beats), tested, replace=False))
    found = explain(classifier, beats, rows, method, progress)
    lengths = beat_lengths(found.beats.samples)
    highest = highest_tenth(found.attributions, lengths)
    model = load_probability_network(classifier.checkpoint)
    by_rank = _fall(model, found, highest)
    by_sample = np.mean(
        [
            _fall(model, found, highest_tenth(random.random(highest.shape), lengths))
            for _ in range(DRAWS)
        ],
        axis=0,
    )
    by_place = np.mean(
        [_fall(model, found, _moved(highest, lengths, random)) for _ in range(DRAWS)], axis=0
    )
    return DeletionTest(
        tested, method, _drop(by_rank), _drop(by_sample), _drop(by_place),
        *_ratio(by_rank, by_place, random),
    )  # fmt: skip


def highest_tenth(ranked: NDArray[np.floating[Any]], lengths: NDArray[np.intp]) -> Mask:
    """The tenth of each beat's own samples, at least one, that ``ranked`` puts highest."""
    mask = np.zeros(ranked.shape, bool)
    for chosen, values, length in zip(mask, ranked, lengths, strict=True):
        count = max(1, round(TENTH * length))
        chosen[np.argsort(-values[:length], kind="stable")[:count]] = True
    return mask


def _fall(model: nn.Module, found: Explanation, mask: Mask) -> Samples:
    """By how much each beat's probability falls without the samples in ``mask``; ``(beats,)``."""
    left = Beats(remove(found.beats.samples, mask), info=found.beats.info)
    places = np.arange(len(left))
    return found.probabilities - classify(model, left)[places, found.predicted]


def _moved(mask: Mask, lengths: NDArray[np.intp], random: np.random.Generator) -> Mask:
    """Each beat's removed stretches moved along it by a random way, from its end to its start."""
    moved = np.zeros_like(mask)
    for target, gone, length in zip(moved, mask, lengths, strict=True):
        if length:
            target[:length] = np.roll(gone[:length], random.integers(length))
    return moved


def _drop(drops: Samples) -> Drop:
    return Drop(float(np.median(drops)), float(np.mean(drops)))


def _ratio(
    highest: Samples, other: Samples, random: np.random.Generator
) -> tuple[float | None, tuple[float, float] | None]:
    """The ratio of the medians, and its 95% bootstrap interval over beats."""
    if np.median(other) <= 0:
        return None, None
    drawn = random.integers(len(other), size=(1000, len(other)))
    below = np.median(other[drawn], axis=1)
    ratios = np.median(highest[drawn], axis=1)[below > 0] / below[below > 0]
    low, high = np.percentile(ratios, (2.5, 97.5))
    return float(np.median(highest)) / float(np.median(other)), (float(low), float(high))
