"""Episodes of atrial fibrillation compared, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ecgcli.evaluation.tables import episodes_table
from ecgcli.metrics.episodes import COUNTS, FIGURES, compare_episodes, summarize_episodes

TRUTH = [(100.0, 200.0), (400.0, 500.0), (900.0, 910.0)]
CALLED = [(110.0, 150.0), (160.0, 230.0), (600.0, 700.0), (905.0, 1000.0)]
WHOLE = (0.0, 1000.0)


def counts_of(counts: np.ndarray) -> dict[str, float]:
    return dict(zip(COUNTS, counts.tolist(), strict=True))


def test_an_example_by_hand() -> None:
    counts = counts_of(compare_episodes(TRUTH, CALLED, WHOLE))
    assert (counts["true_episodes"], counts["true_episodes_detected"]) == (3, 2)
    assert (counts["episodes"], counts["episodes_right"]) == (4, 3)
    assert (counts["true_seconds"], counts["true_seconds_detected"]) == (210, 85)
    assert counts["seconds"] == counts["seconds_outside_flutter"] == 305
    assert (counts["other_seconds"], counts["other_seconds_called"]) == (790, 220)


def test_a_learning_period_cuts_episodes() -> None:
    counts = counts_of(compare_episodes(TRUTH, CALLED, (150.0, 1000.0)))
    assert (counts["true_seconds"], counts["true_seconds_detected"]) == (160, 45)
    assert (counts["episodes"], counts["seconds"]) == (3, 265)
    later = counts_of(compare_episodes(TRUTH, CALLED, (300.0, 1000.0)))
    assert (later["true_episodes"], later["episodes"]) == (2, 2)
    beyond = compare_episodes(TRUTH, CALLED, (2000.0, 1000.0))
    assert not beyond.any()  # a record that is shorter than the period counts for nothing


def test_flutter_is_false_or_excluded() -> None:
    flutter = [(220.0, 260.0), (550.0, 720.0)]
    counts = counts_of(compare_episodes(TRUTH, CALLED, WHOLE, flutter=flutter))
    assert counts["seconds"] == 305
    assert counts["seconds_outside_flutter"] == 305 - 10 - 100
    assert (counts["episodes"], counts["episodes_right"]) == (4, 3)
    assert counts["episodes_outside_flutter"] == counts["episodes_outside_flutter_right"] == 3


def test_gross_and_average() -> None:
    perfect = compare_episodes(TRUTH, TRUTH, WHOLE)
    nothing = compare_episodes([], [(0.0, 100.0)], WHOLE)
    missed = compare_episodes([(0.0, 70.0)], [], WHOLE)
    summary = summarize_episodes({"a": perfect, "b": nothing, "c": missed})
    sensitivity = summary.figures["af_duration_sensitivity"]
    assert sensitivity.gross == pytest.approx(210 / 280)
    assert sensitivity.average == pytest.approx(0.5)  # of the two that have fibrillation
    assert sensitivity.low < sensitivity.gross < sensitivity.high
    assert summary.scores()["af_episode_sensitivity"] == pytest.approx(3 / 4)
    assert summary.scores()["af_episode_positive_predictivity"] == pytest.approx(3 / 4)
    assert summary.scores()["af_duration_positive_predictivity"] == pytest.approx(210 / 310)
    assert summary.scores()["af_duration_specificity"] == pytest.approx(1 - 100 / (3000 - 280))
    assert summary.as_json()["records"]["b"]["af_duration_sensitivity"] is None
    assert set(summary.as_json()["figures"]) == set(FIGURES)


def test_a_figure_that_only_one_record_has_is_without_an_interval() -> None:
    summary = summarize_episodes(
        {"a": compare_episodes(TRUTH, CALLED, WHOLE), "b": compare_episodes([], [], WHOLE)}
    )
    sensitivity = summary.figures["af_duration_sensitivity"]
    assert sensitivity.gross == sensitivity.average
    assert np.isnan([sensitivity.low, sensitivity.high]).all()
    assert sensitivity.as_json()["low"] is None
    specificity = summary.figures["af_duration_specificity"]
    assert specificity.low < specificity.high
    table = {row[0]: row[1] for row in episodes_table(summary).rows}
    assert "(" not in table["AF duration sensitivity"]
    assert "(" in table["AF duration specificity"]
