"""Answers as evidence."""

from __future__ import annotations

import time

import numpy as np
import pytest

from ecgcli.review import relearning
from ecgcli.review.relearning import Correction, Evidence


def evidence(rows: list[int], labels: list[int]) -> Evidence:
    return Evidence(np.array(rows), np.array(labels), np.arange(len(rows)))


def two_groups() -> tuple[np.ndarray, np.ndarray]:
    """Forty beats in two places far from each other; the model calls all N, not surely."""
    random = np.random.default_rng(0)
    places = random.normal(0, 0.1, (40, 4)).astype(np.float32)
    places[20:] += 20
    prior = np.tile(np.float32([0.7, 0.15, 0.05, 0.05, 0.05]), (40, 1))
    return places, prior


def test_beats_alike_follow_an_answer_and_those_far_away_do_not() -> None:
    places, prior = two_groups()
    learnt = Correction(prior, places).by(evidence([0, 1, 2], [2, 2, 2]))
    assert (learnt[:20].argmax(axis=1) == 2).all()
    assert learnt[:20, 2].min() > 0.8
    np.testing.assert_allclose(learnt[20:], prior[20:], atol=1e-4)


def test_answers_that_agree_are_sharper_than_those_that_differ() -> None:
    places, prior = two_groups()
    agreed = Correction(prior, places).by(evidence([0, 1, 2, 3], [2, 2, 2, 2]))
    differing = Correction(prior, places).by(evidence([0, 1, 2, 3], [2, 0, 2, 0]))
    assert agreed[10].max() > differing[10].max()


def test_without_answers_nothing_changes() -> None:
    places, prior = two_groups()
    assert Correction(prior, places).by(evidence([], [])) is prior


def test_every_answer_keeps_some_of_its_beats_when_there_are_too_many() -> None:
    many = Evidence(np.arange(100), np.zeros(100, np.int64), np.repeat([0, 1], [95, 5]))
    assert np.bincount(many.thinned(10).answers).tolist() == [5, 5]


def test_answers_one_after_another_come_to_what_they_come_to_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where more beats are answered than are kept, and after an undo."""
    monkeypatch.setattr(relearning, "MOST_EVIDENCE", 30)
    random = np.random.default_rng(0)
    places = random.standard_normal((500, 5)).astype(np.float32)
    prior = random.dirichlet(np.ones(5), 500).astype(np.float32)
    rows, labels = random.permutation(500)[:60], random.integers(0, 5, 60)
    correction = Correction(prior, places)
    for count in (5, 20, 60, 40):
        given = Evidence(rows[:count], labels[:count], np.arange(count) // 5)
        at_once = Correction(prior, places).by(given)
        np.testing.assert_allclose(correction.by(given), at_once, atol=1e-5)


def test_an_answer_to_a_day_takes_less_than_a_second() -> None:
    """Of which most is for the beats answered now: what is known of the others is kept."""
    random = np.random.default_rng(0)
    places = random.standard_normal((110_000, 17)).astype(np.float32)
    prior = random.dirichlet(np.ones(5), 110_000).astype(np.float32)
    correction = Correction(prior, places)
    rows, labels = random.permutation(110_000)[:360], random.integers(0, 5, 360)
    for count in (336, 360):
        given = Evidence(rows[:count], labels[:count], np.arange(count) // 24)
        began = time.process_time()
        correction.by(given)
        took = time.process_time() - began
    assert took < 0.8  # of one core; 0.05 on an idle machine
