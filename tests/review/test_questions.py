"""What is asked first."""

from __future__ import annotations

import numpy as np

from ecgcli.classes import AAMI_CLASSES
from ecgcli.review.learner import Given, Learner
from ecgcli.review.questions import MOST_BEATS


def learner(doubtful: float = 0.5) -> Learner:
    """Three groups of ten alike beats; the model is in doubt about the second."""
    random = np.random.default_rng(0)
    places = random.normal(0, 0.1, (30, 3)).astype(np.float32)
    places += np.repeat([0, 10, 20], 10)[:, None].astype(np.float32)
    prior = np.full((30, 5), 0.005, np.float32)
    prior[:, 0] = 0.98
    prior[10:20, :2] = doubtful, 0.985 - doubtful
    return Learner(places, prior, AAMI_CLASSES)


def test_a_family_in_doubt_is_asked_first_and_says_why() -> None:
    question = learner().question()
    assert question is not None
    assert question.beats == tuple(range(10, 20))
    assert question.suggested == 0
    assert "10 beats are alike" in question.why
    assert "about 5 are expected to be wrong" in question.why


def test_an_answer_is_not_asked_again_and_spreads() -> None:
    asked = learner()
    asked.learn([Given([10, 11, 12], 1)])
    assert (asked.probabilities[10:20].argmax(axis=1) == 1).all()
    assert (asked.probabilities[10:13, 1] == 1).all()
    question = asked.question()
    assert question is not None
    assert not {10, 11, 12} & set(question.beats)


def test_a_family_without_one_class_is_asked_in_parts() -> None:
    asked = learner()
    asked.learn([], [range(10, 20)])
    question = asked.question()
    assert question is not None
    assert 0 < len(question.beats) < 10
    assert set(question.beats) < set(range(10, 20))


def test_a_single_beat_that_cannot_be_said_is_not_asked_again() -> None:
    asked = learner()
    skipped: list[tuple[int, ...]] = []
    for _ in range(200):
        question = asked.question()
        if question is None:
            break
        assert question.beats not in skipped
        skipped.append(question.beats)
        asked.learn([], skipped)
    assert question is None
    assert all((row,) in skipped for row in range(30))


def test_nothing_is_asked_when_all_is_answered() -> None:
    asked = learner()
    asked.learn([Given(range(30), 0)])
    assert asked.question() is None


def test_a_question_has_no_more_beats_than_can_be_seen() -> None:
    places = np.random.default_rng(0).normal(0, 0.1, (500, 3)).astype(np.float32)
    prior = np.tile(np.float32([0.5, 0.5, 0, 0, 0]), (500, 1))
    question = Learner(places, prior, AAMI_CLASSES).question()
    assert question is not None
    assert 1 < len(question.beats) <= MOST_BEATS


def test_beats_without_probabilities_are_not_asked_about() -> None:
    places = np.zeros((3, 1), np.float32)
    none = Learner(places, np.zeros((3, 5), np.float32), AAMI_CLASSES)
    assert none.question() is None
    assert not none.probabilities.any()
