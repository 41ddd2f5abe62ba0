"""The deletion test: whether a predicted class depends on the samples an explanation ranks first.

It removes these samples and measures the fall in the probability of the class.
"""

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

#: The most beats that are tested.
TESTED_BEATS = 500
#: Number of random removals for each beat.
DRAWS = 10


@dataclass(frozen=True)
class Drop:
    """The fall of the class's probability after a removal: its median and mean over beats."""

    median: float
    mean: float


@dataclass(frozen=True)
class DeletionTest:
    """The effect of removing a tenth of each beat on the probability of its predicted class.

    Attributes:
        beats: the number of beats tested.
        method: the attribution that ranked their samples.
        highest: the fall when the tenth ranked highest is removed.
        random_samples: the fall when a tenth is drawn sample by sample; mean of `DRAWS` draws
            for each beat.
        random_place: the fall when the stretches of the highest tenth are moved elsewhere in
            the beat; mean of `DRAWS` draws for each beat. This comparison is the harder one:
            as many samples, in gaps of the same length.
        ratio: the median of ``highest`` over that of ``random_place``; None when the latter
            is not above 0.
        interval: 95% bootstrap interval of the ratio, over beats.
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
    """Test whether the predicted class depends on the samples that `explain` ranks highest.

    From up to `TESTED_BEATS` beats the tenth of samples ranked highest is removed, and as many
    at random (Samek et al., IEEE Trans Neural Netw Learn Syst 28:2660-2673, 2017).
    Removed samples are replaced by a straight line between their neighbours, which leaves a
    beat with a smoothed stretch. Only samples before the padding count.

    Args:
        classifier: a model that is a network.
        beats: labelled or not; the class is always the predicted one.
        method: the attribution that ranks the samples.
        seed: of the choice of beats and of the random removals.
        progress: called with the number of beats explained.

    Raises:
        ConfigError: the classifier is not a network.
    """
    random = np.random.default_rng(seed)
    tested = min(len(beats), TESTED_BEATS)
    rows = np.sort(random.choice(len(beats), tested, replace=False))
    explanation = explain(classifier, beats, rows, method, progress)
    lengths = beat_lengths(explanation.beats.samples)
    highest = highest_tenth(explanation.attributions, lengths)
    model = load_probability_network(classifier.checkpoint)
    by_rank = _fall(model, explanation, highest)
    by_sample = np.mean(
        [
            _fall(model, explanation, highest_tenth(random.random(highest.shape), lengths))
            for _ in range(DRAWS)
        ],
        axis=0,
    )
    by_place = np.mean(
        [_fall(model, explanation, _moved(highest, lengths, random)) for _ in range(DRAWS)],
        axis=0,
    )
    return DeletionTest(
        tested, method, _drop(by_rank), _drop(by_sample), _drop(by_place),
        *_ratio(by_rank, by_place, random),
    )  # fmt: skip


def highest_tenth(ranked: NDArray[np.floating[Any]], lengths: NDArray[np.intp]) -> Mask:
    """The tenth of each beat's samples, at least one, with the highest values in ``ranked``."""
    mask = np.zeros(ranked.shape, bool)
    for chosen, values, length in zip(mask, ranked, lengths, strict=True):
        count = max(1, round(TENTH * length))
        chosen[np.argsort(-values[:length], kind="stable")[:count]] = True
    return mask


def _fall(model: nn.Module, explanation: Explanation, mask: Mask) -> Samples:
    """The fall of each beat's probability without the samples in ``mask``; ``(beats,)``."""
    beats = explanation.beats
    left = Beats(remove(beats.samples, mask), info=beats.info)
    rows = np.arange(len(left))
    return explanation.probabilities - classify(model, left)[rows, explanation.predicted]


def _moved(mask: Mask, lengths: NDArray[np.intp], random: np.random.Generator) -> Mask:
    """Each beat's removed stretches rotated along the beat by a random number of samples."""
    moved = np.zeros_like(mask)
    for target, removed, length in zip(moved, mask, lengths, strict=True):
        if length:
            target[:length] = np.roll(removed[:length], random.integers(length))
    return moved


def _drop(drops: Samples) -> Drop:
    return Drop(float(np.median(drops)), float(np.mean(drops)))


def _ratio(
    highest: Samples, elsewhere: Samples, random: np.random.Generator
) -> tuple[float | None, tuple[float, float] | None]:
    """The ratio of the medians, and its 95% bootstrap interval over beats."""
    if np.median(elsewhere) <= 0:
        return None, None
    drawn = random.integers(len(elsewhere), size=(1000, len(elsewhere)))
    below = np.median(elsewhere[drawn], axis=1)
    ratios = np.median(highest[drawn], axis=1)[below > 0] / below[below > 0]
    low, high = np.percentile(ratios, (2.5, 97.5))
    return float(np.median(highest)) / float(np.median(elsewhere)), (float(low), float(high))
