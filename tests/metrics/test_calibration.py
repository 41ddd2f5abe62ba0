"""Calibration: worked by hand, and on simulated probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import accuracy_score, f1_score

from ecgcli.metrics.calibration import (
    coverage_table,
    error_interval,
    fit_temperature,
    reliability,
)


def draw_logits(
    beats: int, temperature: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from the probabilities they have at a temperature."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 3, (beats, 5))
    chances = softmax(logits / temperature, axis=1).cumsum(axis=1)
    return logits, (random.random(beats)[:, None] > chances).sum(axis=1).clip(max=4)


def test_the_error_by_hand() -> None:
    confidence = np.array([0.62, 0.65, 0.9, 0.92, 0.91, 1.0])
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    truth = np.array([0, 1, 0, 0, 1, 0])
    bins = reliability(probabilities, truth, bins=10)
    assert bins.beats.tolist() == [0, 0, 0, 0, 0, 0, 2, 0, 1, 3]
    assert bins.accuracy[[6, 8]].tolist() == [0.5, 1.0]
    assert bins.confidence[6] == pytest.approx(0.635)
    assert np.isnan(bins.accuracy[0])
    gaps = 2 * abs(0.5 - 0.635) + 1 * abs(1 - 0.9) + 3 * abs(2 / 3 - (0.92 + 0.91 + 1) / 3)
    assert bins.error == pytest.approx(gaps / 6)


def test_true_probabilities_have_no_error_and_overconfident_ones_do() -> None:
    logits, truth = draw_logits(20_000)
    right = softmax(logits, axis=1)
    low, high = error_interval(right, truth)
    assert low < 0.002
    assert high < 0.015
    sure = softmax(logits / 0.3, axis=1)
    error = reliability(sure, truth).error
    low, high = error_interval(sure, truth)
    assert 0.05 < low < error < high
    assert high - low < 0.03


def test_the_interval_covers_the_score_on_more_beats() -> None:
    logits, truth = draw_logits(200_000, temperature=2.0)
    whole = reliability(softmax(logits, axis=1), truth).error
    hits = 0
    for part in np.split(np.arange(200_000), 100):
        low, high = error_interval(softmax(logits[part], axis=1), truth[part], draws=200)
        hits += low <= whole <= high
    assert hits >= 87  # of 100; 95 are meant to be


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_of_simulated_logits_is_recovered(temperature: float) -> None:
    logits, truth = draw_logits(20_000, temperature)
    assert fit_temperature(logits, truth) == pytest.approx(temperature, rel=0.05)
    log_probabilities = np.log(softmax(logits, axis=1))
    assert fit_temperature(log_probabilities, truth) == pytest.approx(temperature, rel=0.05)
    corrected = softmax(logits / fit_temperature(logits, truth), axis=1)
    assert reliability(corrected, truth).error < 0.02
    assert (corrected.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_coverage_is_that_of_scikit_learn_on_the_kept_beats() -> None:
    logits, truth = draw_logits(3000)
    probabilities = softmax(logits, axis=1)
    rows = coverage_table(probabilities, truth, (0.0, 0.6, 0.9))
    for row in rows:
        kept = probabilities.max(axis=1) >= row.threshold
        predicted = probabilities.argmax(axis=1)[kept]
        assert row.beats == kept.sum()
        assert row.coverage == pytest.approx(kept.mean())
        assert row.accuracy == pytest.approx(accuracy_score(truth[kept], predicted))
        assert row.macro_f1 == pytest.approx(f1_score(truth[kept], predicted, average="macro"))
        assert row.classes == len(set(truth[kept]))
    assert rows[0].coverage == 1
    assert rows[0].accuracy < rows[1].accuracy < rows[2].accuracy


def test_nothing_kept_has_no_accuracy() -> None:
    probabilities = np.full((10, 2), 0.5)
    (row,) = coverage_table(probabilities, np.zeros(10, int), (0.9,))
    assert (row.beats, row.coverage) == (0, 0)
    assert np.isnan([row.accuracy, row.macro_f1]).all()
