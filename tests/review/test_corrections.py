"""Answers applied to beats."""

from __future__ import annotations

import numpy as np
import pytest

from ecgcli.review.answers import Answer
from ecgcli.review.corrections import Corrections, Misplaced


@pytest.fixture
def corrections() -> Corrections:
    return Corrections(10.0, np.array([1.0, 2.0, 3.0]))


def test_beats_are_classed_moved_added_and_deleted(corrections: Corrections) -> None:
    corrections.apply(Answer("class", (1.0, 3.0), "V", reader="anna"))
    corrections.apply(Answer("move", (2.0,), to=2.2))
    assert corrections.apply(Answer("add", (1.5,), "S")) == [3]
    corrections.apply(Answer("delete", (3.0,)))
    assert corrections.times[corrections.order].tolist() == [1.0, 1.5, 2.2]
    assert corrections.answered[corrections.order].tolist() == ["V", "S", ""]


def test_an_unreadable_stretch_has_the_beats_in_it(corrections: Corrections) -> None:
    corrections.apply(Answer("unreadable", (1.5,), to=2.5))
    corrections.apply(Answer("fibrillation", (0.0,), to=9.0))
    assert corrections.unreadable(corrections.times).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("answer", "problem", "column"),
    [
        (Answer("class", (1.2,), "V"), "there is no beat within 0.15 s of 1.2 s", "time"),
        (Answer("class", (11.0,), "V"), "11 s is outside the recording", "time"),
        (Answer("class", (1.0, 1.01), "V"), "two of the times are of one beat", "time"),
        (Answer("move", (1.0,), to=2.05), "there is a beat at 2 s already", "to"),
        (Answer("move", (1.0,), to=12.0), "12 s is outside the recording", "to"),
        (Answer("add", (1.1,), "V"), "there is a beat at 1 s already", "time"),
        (Answer("unreadable", (3.0,), to=2.0), "before it starts", "to"),
        (Answer("delete", (5.0,)), "there is no beat", "time"),
    ],
)
def test_what_does_not_fit_changes_nothing(
    answer: Answer, problem: str, column: str, corrections: Corrections
) -> None:
    with pytest.raises(Misplaced, match=problem) as refused:
        corrections.apply(answer)
    assert refused.value.name == column
    assert corrections.times.tolist() == [1.0, 2.0, 3.0]
    assert not corrections.stretches
    assert not corrections.answered.any()


def test_a_copy_is_changed_on_its_own(corrections: Corrections) -> None:
    corrections.copy().apply(Answer("delete", (1.0,)))
    assert corrections.present.all()
