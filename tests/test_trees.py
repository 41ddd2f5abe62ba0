"""Trees evaluated by NumPy give LightGBM's scores to the last bit."""

from __future__ import annotations

import re

import lightgbm
import numpy as np
import pytest

from ecgcli.beats import intervals
from ecgcli.trees import MOST_LEAVES, Trees

RANDOM = np.random.default_rng(1)
ROWS = RANDOM.normal(size=(3000, 6)).astype(np.float32)
LABELS = (np.abs(ROWS[:, 0]) + ROWS[:, 1] > 1).astype(int) + (ROWS[:, 2] > 0.5)


def fitted(rows: np.ndarray = ROWS, **more: object) -> lightgbm.Booster:
    settings = {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1}
    return lightgbm.train(settings | more, lightgbm.Dataset(rows, LABELS), num_boost_round=4)


def assert_equal(booster: lightgbm.Booster, rows: np.ndarray) -> None:
    trees = Trees(booster.model_to_string())
    scores = trees.raw_scores(rows)
    assert np.array_equal(scores, booster.predict(rows, raw_score=True).reshape(scores.shape))
    if trees.outputs > 1:
        assert np.allclose(trees.probabilities(rows), booster.predict(rows), rtol=0, atol=1e-12)


@pytest.mark.parametrize("leaves", [2, 3, 31, MOST_LEAVES, MOST_LEAVES + 1])
def test_trees_of_any_size(leaves: int) -> None:
    assert_equal(fitted(num_leaves=leaves, min_data_in_leaf=1), ROWS)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_values_at_the_thresholds_and_next_to_them(kind: type) -> None:
    booster = fitted()
    thresholds = re.findall("\nthreshold=(.+)", booster.model_to_string())
    values = np.array(" ".join(thresholds).split(), np.float64).astype(kind)
    values = np.concatenate([values, np.nextafter(values, kind(9)), np.nextafter(values, kind(-9))])
    assert_equal(booster, RANDOM.choice(values, (3000, 6)))


@pytest.mark.parametrize("settings", [{}, {"zero_as_missing": True}, {"use_missing": False}])
def test_missing_values(settings: dict[str, bool]) -> None:
    holes = ROWS.copy()
    holes[RANDOM.random(holes.shape) < 0.2] = np.nan
    holes[RANDOM.random(holes.shape) < 0.1] = 0
    for rows in (ROWS, holes):
        assert_equal(fitted(rows, **settings), holes)


def test_forests_binary_trees_and_trees_without_a_split() -> None:
    assert_equal(fitted(boosting="rf", bagging_freq=1, bagging_fraction=0.6), ROWS)
    assert_equal(fitted(objective="binary", num_class=1), ROWS)
    assert_equal(fitted(np.zeros_like(ROWS)), ROWS)


def test_the_bundled_trees() -> None:
    times = np.cumsum(RANDOM.uniform(0.4, 1.2, 500))
    features = intervals.interval_features(times)
    trees = intervals._trees()
    assert np.array_equal(
        trees.raw_scores(features), trees.booster().predict(features, raw_score=True)
    )


@pytest.mark.parametrize(
    ("pattern", "damaged", "problem"),
    [
        ("end of trees", "end", "the text has no end"),
        (r"num_leaves=\d+", "num_leaves=99", "the trees are cut off"),
        (r"left_child=-?\d+", "left_child=0", "the nodes of a tree do not form a tree"),
        (r"right_child=-?\d+", "right_child=-999", "the nodes of a tree do not form a tree"),
        (r"decision_type=\d+", "decision_type=1", "a split by category"),
        ("max_feature_idx=5", "max_feature_idx=", "max_feature_idx is missing"),
    ],
)
def test_a_damaged_text_is_refused(pattern: str, damaged: str, problem: str) -> None:
    text = re.sub(pattern, damaged, fitted().model_to_string(), count=1)
    with pytest.raises(ValueError, match=problem):
        Trees(text)
