"""Episodes of atrial fibrillation compared as ANSI/AAMI EC57 asks: by episode and by duration.

The rules are those of ``epicmp`` of the WFDB software (PhysioNet, WFDB Applications Guide): an
episode is detected if the other side has fibrillation at any time of it, however short; durations
are those of the overlap. Specificity is not in the standard, but in most publications. In the
reference, atrial flutter is not fibrillation; with the option ``-x`` of ``epicmp``, what is called
fibrillation during flutter counts neither as right nor as false, and both figures are given here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.metrics import Figures, Metric, ratio, rounded
from ecgcli.metrics.aami import Figure, Stretches, over_records

#: What is counted in a record: episodes, then seconds.
COUNTS = (
    "true_episodes",
    "true_episodes_detected",
    "episodes",
    "episodes_right",
    "episodes_outside_flutter",
    "episodes_outside_flutter_right",
    "true_seconds",
    "true_seconds_detected",
    "seconds",
    "seconds_outside_flutter",
    "other_seconds",
    "other_seconds_called",
)

#: `COUNTS` of a record, ``(len(COUNTS),)``, or of several, with leading axes.
Counts = NDArray[np.float64]


def compare_episodes(
    truth: Stretches,
    called: Stretches,
    period: tuple[float, float],
    *,
    flutter: Stretches = (),
) -> Counts:
    """Count the episodes and seconds of a record.

    Args:
        truth: episodes of the reference, from and to, in s.
        called: episodes under test.
        period: from and to, in s; what lies outside is not compared. Nothing is where it ends
            before it begins.
        flutter: atrial flutter in the reference.
    """
    true, test, excluded = (_within(stretches, period) for stretches in (truth, called, flutter))
    true_overlap, test_overlap = _overlaps(true, test), _overlaps(test, true)
    outside = np.diff(test)[:, 0] - _overlaps(test, excluded)
    kept = outside > 0
    true_seconds, seconds = np.diff(true).sum(), np.diff(test).sum()
    counts = {
        "true_episodes": len(true),
        "true_episodes_detected": (true_overlap > 0).sum(),
        "episodes": len(test),
        "episodes_right": (test_overlap > 0).sum(),
        "episodes_outside_flutter": kept.sum(),
        "episodes_outside_flutter_right": (test_overlap[kept] > 0).sum(),
        "true_seconds": true_seconds,
        "true_seconds_detected": true_overlap.sum(),
        "seconds": seconds,
        "seconds_outside_flutter": outside.sum(),
        "other_seconds": max(period[1] - period[0], 0.0) - true_seconds,
        "other_seconds_called": seconds - true_overlap.sum(),
    }
    return np.array([counts[name] for name in COUNTS], np.float64)


def _share(part: str, whole: str, meaning: str) -> Callable[[Counts], Figures]:
    def figure(counts: Counts) -> Figures:
        return ratio(counts[..., COUNTS.index(part)], counts[..., COUNTS.index(whole)])

    figure.__doc__ = meaning
    return figure


def specificity(counts: Counts) -> Figures:
    """Of the time without fibrillation, the share that is not called fibrillation."""
    called, other = (COUNTS.index(name) for name in ("other_seconds_called", "other_seconds"))
    return 1 - ratio(counts[..., called], counts[..., other])


#: The figures by name, in the order of tables.
FIGURES = {
    metric.name: metric
    for metric in (
        Metric(
            "af_episode_sensitivity",
            "AF episode sensitivity",
            _share(
                "true_episodes_detected",
                "true_episodes",
                "Of the true episodes, the share in which fibrillation was detected at any time.",
            ),
        ),
        Metric(
            "af_episode_positive_predictivity",
            "AF episode positive predictivity",
            _share(
                "episodes_right",
                "episodes",
                "Of the episodes detected, the share in which there is fibrillation at any time.",
            ),
        ),
        Metric(
            "af_episode_positive_predictivity_without_flutter",
            "AF episode positive predictivity, flutter excluded",
            _share(
                "episodes_outside_flutter_right",
                "episodes_outside_flutter",
                "The same, without episodes detected in atrial flutter.",
            ),
        ),
        Metric(
            "af_duration_sensitivity",
            "AF duration sensitivity",
            _share(
                "true_seconds_detected",
                "true_seconds",
                "Of the time in fibrillation, the share that was detected.",
            ),
        ),
        Metric("af_duration_specificity", "AF duration specificity", specificity),
        Metric(
            "af_duration_positive_predictivity",
            "AF duration positive predictivity",
            _share(
                "true_seconds_detected",
                "seconds",
                "Of the time called fibrillation, the share that is.",
            ),
        ),
        Metric(
            "af_duration_positive_predictivity_without_flutter",
            "AF duration positive predictivity, flutter excluded",
            _share(
                "true_seconds_detected",
                "seconds_outside_flutter",
                "The same, without the time in atrial flutter.",
            ),
        ),
    )
}


@dataclass(frozen=True)
class EpisodeFigures:
    """The figures over records, and the counts of each."""

    records: dict[str, Counts]
    figures: dict[str, Figure]
    skipped_seconds: float

    def scores(self) -> dict[str, float]:
        """Every gross figure by its name."""
        return {name: figure.gross for name, figure in self.figures.items()}

    def as_json(self) -> dict[str, Any]:
        """A document of plain values; an undefined figure is null."""
        return {
            "rules": "ANSI/AAMI EC57 as epicmp applies them",
            "interval": "95%, bootstrap over records",
            "skipped_seconds": self.skipped_seconds,
            "figures": {name: figure.as_json() for name, figure in self.figures.items()},
            "records": {
                record: dict(zip(COUNTS, counts.round(3).tolist(), strict=True))
                | {name: rounded(float(FIGURES[name].function(counts))) for name in FIGURES}
                for record, counts in self.records.items()
            },
        }


def summarize_episodes(records: dict[str, Counts], skipped_seconds: float = 0.0) -> EpisodeFigures:
    """Every figure over records, given each record's counts."""
    return EpisodeFigures(records, over_records(records, FIGURES), skipped_seconds)


def _within(stretches: Stretches, period: tuple[float, float]) -> NDArray[np.float64]:
    """The parts of stretches that lie in a period, ``(stretches, 2)``."""
    parts = np.clip(np.array(stretches, np.float64).reshape(-1, 2), *period)
    return parts[parts[:, 1] > parts[:, 0]]


def _overlaps(stretches: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many seconds of each stretch the others cover."""
    start = np.maximum(stretches[:, None, 0], others[None, :, 0])
    stop = np.minimum(stretches[:, None, 1], others[None, :, 1])
    seconds: NDArray[np.float64] = np.clip(stop - start, 0, None).sum(axis=1)
    return seconds
