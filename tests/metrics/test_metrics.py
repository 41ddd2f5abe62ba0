"""Scores against scikit-learn, and against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from ecgcli import metrics

#: true N: 8 as N, 2 as S; true S: 1 as N, 3 as S; true V: 5 as V, 1 as N.
MATRIX = metrics.as_matrix([[8, 2, 0], [1, 3, 0], [1, 0, 5]])


def test_by_hand() -> None:
    assert metrics.accuracy(MATRIX) == pytest.approx(16 / 20)
    assert metrics.recall(MATRIX) == pytest.approx([8 / 10, 3 / 4, 5 / 6])
    assert metrics.precision(MATRIX) == pytest.approx([8 / 10, 3 / 5, 1])
    assert metrics.f1(MATRIX) == pytest.approx([16 / 20, 6 / 9, 10 / 11])
    assert metrics.specificity(MATRIX) == pytest.approx([8 / 10, 14 / 16, 1])
    chance = (10 * 10 + 4 * 5 + 6 * 5) / 400
    assert metrics.kappa(MATRIX) == pytest.approx((0.8 - chance) / (1 - chance))


def test_agrees_with_scikit_learn_on_random_labels() -> None:
    random = np.random.default_rng(0)
    truth, predicted = random.integers(0, 5, (2, 3000))
    matrix = metrics.confusion_matrix(truth, predicted, 5)
    assert np.array_equal(matrix, reference.confusion_matrix(truth, predicted))
    assert metrics.accuracy(matrix) == pytest.approx(reference.accuracy_score(truth, predicted))
    precision, recall, f1, _ = reference.precision_recall_fscore_support(truth, predicted)
    assert metrics.precision(matrix) == pytest.approx(precision)
    assert metrics.recall(matrix) == pytest.approx(recall)
    assert metrics.f1(matrix) == pytest.approx(f1)
    assert metrics.macro_f1(matrix) == pytest.approx(
        reference.f1_score(truth, predicted, average="macro")
    )
    assert metrics.kappa(matrix) == pytest.approx(reference.cohen_kappa_score(truth, predicted))


def test_a_class_without_beats_is_undefined_and_left_out_of_means() -> None:
    matrix = metrics.as_matrix([[8, 1, 1], [0, 0, 0], [0, 0, 10]])
    assert np.isnan(metrics.recall(matrix)[1])
    assert metrics.macro(matrix, metrics.recall(matrix)) == pytest.approx((0.8 + 1) / 2)


def test_a_class_never_predicted_counts_as_zero_precision_in_the_mean() -> None:
    matrix = metrics.as_matrix([[8, 0], [2, 0]])
    assert np.isnan(metrics.precision(matrix)[1])
    assert metrics.macro(matrix, metrics.precision(matrix)) == pytest.approx((0.8 + 0) / 2)
    assert metrics.f1(matrix)[1] == 0


def test_normalized_over_rows_columns_and_all() -> None:
    assert metrics.normalized(MATRIX, "true").sum(1) == pytest.approx([1, 1, 1])
    assert metrics.normalized(MATRIX, "pred").sum(0) == pytest.approx([1, 1, 1])
    assert metrics.normalized(MATRIX, "all").sum() == pytest.approx(1)
    assert metrics.normalized(MATRIX, "true")[0] == pytest.approx([0.8, 0.2, 0])


def test_bootstrap_draws_scatter_as_the_binomial_does() -> None:
    matrix = metrics.as_matrix([[900, 100], [0, 0]])
    draws = metrics.accuracy(metrics.bootstrap(matrix, draws=4000))
    assert draws.mean() == pytest.approx(0.9, abs=0.002)
    assert draws.std() == pytest.approx(np.sqrt(0.9 * 0.1 / 1000), rel=0.1)


def test_stacks_of_matrices_give_stacks_of_figures() -> None:
    stack = np.stack([MATRIX, 2 * MATRIX])
    for figure in (metrics.accuracy, metrics.macro_f1, metrics.kappa):
        assert figure(stack) == pytest.approx([float(figure(MATRIX))] * 2)
    assert metrics.f1(stack).shape == (2, 3)
