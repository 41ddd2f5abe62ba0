"""Answers as evidence."""

from __future__ import annotations

import time

import numpy as np

from ecgcli.review.relearning import Evidence, relearn


def evidence(rows: list[int], labels: list[int]) -> Evidence:
    return Evidence(np.array(rows), np.array(labels), np.arange(len(rows)))


def two_groups() -> tuple[np.ndarray, np.ndarray]:
    """Forty beats in two places far from each other; the model calls all N, not surely."""
    random = np.random.default_rng(0)
    places = random.normal(0, 0.1, (40, 4)).astype(np.float32)
    places[20:] += 20
    shipped = np.tile(np.float32([0.7, 0.15, 0.05, 0.05, 0.05]), (40, 1))
    return places, shipped


def test_beats_alike_follow_an_answer_and_those_far_away_do_not() -> None:
    places, shipped = two_groups()
    learnt = relearn(shipped, places, evidence([0, 1, 2], [2, 2, 2]))
    assert (learnt[:20].argmax(axis=1) == 2).all()
    assert learnt[:20, 2].min() > 0.8
    np.testing.assert_allclose(learnt[20:], shipped[20:], atol=1e-4)


def test_answers_that_agree_are_sharper_than_those_that_differ() -> None:
    places, shipped = two_groups()
    agreed = relearn(shipped, places, evidence([0, 1, 2, 3], [2, 2, 2, 2]))
    differing = relearn(shipped, places, evidence([0, 1, 2, 3], [2, 0, 2, 0]))
    assert agreed[10].max() > differing[10].max()


def test_without_answers_nothing_changes() -> None:
    places, shipped = two_groups()
    assert relearn(shipped, places, evidence([], [])) is shipped


def test_every_answer_keeps_some_of_its_beats_when_there_are_too_many() -> None:
    many = Evidence(np.arange(100), np.zeros(100, np.int64), np.repeat([0, 1], [95, 5]))
    assert np.bincount(many.thinned(10).answers).tolist() == [5, 5]


def test_a_day_takes_less_than_a_second() -> None:
    random = np.random.default_rng(0)
    places = random.standard_normal((110_000, 17)).astype(np.float32)
    shipped = random.dirichlet(np.ones(5), 110_000).astype(np.float32)
    rows = random.choice(110_000, 1200, replace=False)
    given = Evidence(rows, random.integers(0, 5, 1200), np.repeat(np.arange(50), 24))
    began = time.process_time()
    relearn(shipped, places, given)
    assert time.process_time() - began < 3  # of one core, with room for a slow machine
