"""The standard's rules, against examples worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st

from ecgcli.metrics import aami
from ecgcli.metrics.aami import FIGURES, compare, of_beats, summarize

N, S, V, F, Q, O, X = range(7)  # noqa: E741

#: Rows: true N S V F Q O X; columns: predicted n s v f q o x.
EXAMPLE = np.array(
    [
        [900, 10, 5, 2, 3, 4, 1],
        [6, 40, 3, 1, 0, 2, 0],
        [7, 2, 80, 4, 1, 3, 1],
        [5, 1, 6, 20, 0, 1, 0],
        [2, 4, 3, 1, 30, 1, 0],
        [8, 2, 3, 1, 1, 0, 0],
        [1, 0, 1, 0, 0, 0, 0],
    ]
)


def test_the_figures_of_an_example_by_hand() -> None:
    values = {name: float(metric.function(EXAMPLE)) for name, metric in FIGURES.items()}
    detected = 900 + 10 + 5 + 2 + 3 + 6 + 40 + 3 + 1 + 7 + 2 + 80 + 4 + 1 + 5 + 1 + 6 + 20
    detected += 2 + 4 + 3 + 1 + 30  # Q
    missed = 4 + 1 + 2 + 3 + 1 + 1 + 1
    extra = 8 + 2 + 3 + 1 + 1 + 1 + 1
    assert values["qrs_sensitivity"] == pytest.approx(detected / (detected + missed))
    assert values["qrs_positive_predictivity"] == pytest.approx(detected / (detected + extra))
    # VEB: true 80 of a row of 98; false are N 5, S 3, extra 3, unreadable 1; not F 6, Q 3.
    assert values["veb_sensitivity"] == pytest.approx(80 / 98)
    assert values["veb_positive_predictivity"] == pytest.approx(80 / (80 + 12))
    not_v = (900 + 10 + 2 + 3) + (6 + 40 + 1) + (5 + 1 + 20) + (2 + 4 + 1 + 30) + 12 + 1
    assert values["veb_false_positive_rate"] == pytest.approx(12 / (12 + not_v))
    # SVEB: true 40 of a row of 52; false are N 10, V 2, F 1, extra 2; not Q 4.
    assert values["sveb_sensitivity"] == pytest.approx(40 / 52)
    assert values["sveb_positive_predictivity"] == pytest.approx(40 / (40 + 15))
    not_s = (900 + 5 + 2 + 3) + (7 + 80 + 4 + 1) + (5 + 6 + 20) + (2 + 3 + 1 + 30) + 13 + 2
    assert values["sveb_false_positive_rate"] == pytest.approx(15 / (15 + not_s))


def test_the_jk_index_by_hand() -> None:
    four = np.array([[50, 5, 5, 0], [10, 20, 0, 0], [0, 0, 30, 0], [0, 0, 0, 10]])
    matrix = of_beats(np.pad(four, (0, 1)))
    observed = 110 / 130
    chance = (60 * 60 + 30 * 25 + 30 * 35 + 10 * 10) / 130**2
    kappa = (observed - chance) / (1 - chance)
    ectopic = 20 / 30 + 30 / 30 + 20 / 25 + 30 / 35
    assert float(aami.jk_index(matrix)) == pytest.approx(kappa / 2 + ectopic / 8)
    f1 = [2 * 50 / 120, 2 * 20 / 55, 2 * 30 / 65, 1.0]
    assert float(aami.nsvf_macro_f1(matrix)) == pytest.approx(np.mean(f1))


def pairs(matrix: np.ndarray) -> dict[str, int]:
    letters = aami.CATEGORIES
    return {
        letters[row] + letters[column].lower(): int(count)
        for (row, column), count in np.ndenumerate(matrix)
        if count
    }


def series(*beats: tuple[float, int]) -> tuple[np.ndarray, np.ndarray]:
    times, labels = zip(*beats, strict=True) if beats else ((), ())
    return np.array(times, float), np.array(labels, np.int64)


class TestPairing:
    def test_within_and_beyond_the_window(self) -> None:
        truth = series((1.0, N), (2.0, V), (3.0, S))
        predicted = series((1.149, N), (2.151, V), (3.0, V))
        assert pairs(compare(truth, predicted)) == {"Nn": 1, "Vo": 1, "Ov": 1, "Sv": 1}

    def test_the_nearer_of_two_detections_is_the_beat(self) -> None:
        predicted = series((0.90, V), (1.02, N))
        assert pairs(compare(series((1.0, N)), predicted)) == {"Ov": 1, "Nn": 1}

    def test_the_nearer_of_two_beats_has_the_detection(self) -> None:
        truth = series((1.0, N), (1.14, V))
        assert pairs(compare(truth, series((1.10, V)))) == {"No": 1, "Vv": 1}

    def test_at_equal_distance_the_next_is_taken(self) -> None:
        """A partner must be nearer than the one that follows, not as near."""
        assert pairs(compare(series((1.0, N)), series((0.875, S), (1.125, V)))) == {
            "Os": 1,
            "Nv": 1,
        }

    def test_extra_beats_in_fibrillation_are_not_counted(self) -> None:
        predicted = series((1.0, N), (5.0, V), (6.0, V), (9.0, N))
        truth = series((1.0, N), (9.0, N))
        assert pairs(compare(truth, predicted, fibrillation=[(4.5, 5.5)])) == {"Nn": 2, "Ov": 1}

    def test_beats_missed_in_unreadable_stretches_are_counted_separately(self) -> None:
        truth = series((1.0, N), (5.0, V), (9.0, N))
        assert pairs(compare(truth, series((1.0, N)), unreadable=[(4.0, 6.0)])) == {
            "Nn": 1, "Vx": 1, "No": 1,
        }  # fmt: skip

    def test_nothing_against_nothing(self) -> None:
        assert not compare(series(), series()).any()
        assert pairs(compare(series((1.0, Q)), series())) == {"Qo": 1}
        assert pairs(compare(series(), series((1.0, Q)))) == {"Oq": 1}

    @given(
        st.lists(st.floats(0, 100), unique=True, max_size=60),
        st.lists(st.floats(0, 100), unique=True, max_size=60),
    )
    def test_every_beat_and_every_detection_is_counted_once(
        self, truth: list[float], predicted: list[float]
    ) -> None:
        true_beats, detections = (
            series(*((time, V) for time in sorted(times))) for times in (truth, predicted)
        )
        matrix = compare(true_beats, detections)
        assert matrix[V].sum() == len(truth)
        assert matrix[:, V].sum() == len(predicted)

    def test_a_real_record_against_itself_moved_by_100_ms(self, mitdb: Path) -> None:
        times = wfdb.rdann(str(mitdb / "119"), "atr").sample / 360
        labels = np.zeros(len(times), np.int64)
        matrix = compare((times, labels), (times + 0.1, labels))
        assert pairs(matrix) == {"Nn": len(times)}


def test_gross_pools_beats_and_average_means_records() -> None:
    first, second = np.zeros((7, 7), int), np.zeros((7, 7), int)
    first[V, V], first[V, N] = 90, 10
    second[V, V], second[V, N], second[N, N] = 1, 3, 50
    summary = summarize({"a": first, "b": second})
    assert summary.figures["veb_sensitivity"].gross == pytest.approx(91 / 104)
    assert summary.figures["veb_sensitivity"].average == pytest.approx((0.9 + 0.25) / 2)
    assert summary.figures["veb_sensitivity"].low == pytest.approx(0.25)
    assert summary.figures["veb_sensitivity"].high == pytest.approx(0.9)
    assert np.isnan(summary.figures["sveb_sensitivity"].gross)  # there is no S at all


def test_s_is_also_reported_without_the_record_with_most_s_beats() -> None:
    records = {name: np.zeros((7, 7), int) for name in "abc"}
    records["a"][S, S] = 100
    records["b"][S, S], records["b"][S, N] = 10, 30
    records["c"][N, N] = 500
    summary = summarize(records)
    assert summary.dominant_s == "a"
    assert summary.figures["sveb_sensitivity"].gross == pytest.approx(110 / 140)
    assert summary.without_dominant_s["sveb_sensitivity"].gross == pytest.approx(10 / 40)
    records["c"][S, S] = 100
    assert summarize(records).dominant_s is None
