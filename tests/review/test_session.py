"""A review: answers change beats, are learnt from, and leave results that other commands read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from ecgcli.beats.preparation import prepare_recording
from ecgcli.errors import ConfigError, DataError, OutputError
from ecgcli.prediction.beats import read_predictions
from ecgcli.recordings import ReadOptions
from ecgcli.review.answers import Answer
from ecgcli.review.corrections import Misplaced
from ecgcli.review.results import write_results
from ecgcli.review.session import Analysis, Review, apply_file


def wide(review: Review) -> np.ndarray:
    """The times of every fifth beat, which is wide; those at the ends left out."""
    return review.analysis.prepared.peaks[3:55:5]


def test_answers_to_some_wide_beats_reach_the_others(review: Review) -> None:
    assert set(review.beats().letters[:-1]) == {"N"}
    times = wide(review)
    review.answer(Answer("class", tuple(times[:3].tolist()), "V"))
    beats = review.beats()
    letters = dict(zip(beats.times.tolist(), beats.letters.tolist(), strict=True))
    assert {letters[time] for time in times.tolist()} == {"V"}
    assert (beats.letters == "V").sum() == len(review.analysis.prepared.peaks[3:58:5])
    assert (beats.readers == "anna").sum() == 3


def test_undo_brings_everything_back(review: Review) -> None:
    before = review.beats()
    review.answer(Answer("class", tuple(wide(review)[:3].tolist()), "V"))
    review.answer(Answer("delete", (float(review.analysis.prepared.peaks[5]),)))
    review.undo()
    review.undo()
    np.testing.assert_array_equal(review.beats().probabilities, before.probabilities)
    assert review.version == 4
    assert not review.answers
    with pytest.raises(ConfigError, match="no answer to undo"):
        review.undo()


def test_a_review_is_continued_where_it_was(analysis: Analysis, tmp_path: Path) -> None:
    file = tmp_path / "made.review.csv"
    with Review(analysis, file, "anna") as review:
        review.answer(Answer("class", tuple(wide(review)[:3].tolist()), "V"))
        review.answer(Answer("add", (4.35,), "S"))
        left = review.beats()
    with Review(analysis, file, "bob") as review:
        again = review.beats()
        for name in ("times", "letters", "probabilities", "readers"):
            np.testing.assert_array_equal(getattr(again, name), getattr(left, name))
        with pytest.raises(OutputError, match="another ecg review"):
            Review(analysis, file, "anna")


def test_answers_to_other_peaks_are_refused(analysis: Analysis, tmp_path: Path) -> None:
    file = tmp_path / "made.review.csv"
    with Review(analysis, file, "anna") as review:
        review.answer(Answer("add", (4.35,), "V"))
        review.answer(Answer("class", (4.35,), "S"))
    text = file.read_text().replace("add,4.35", "class,4.35")
    file.write_text(text)
    with pytest.raises(DataError, match="answer 1 does not fit the beats"):
        Review(analysis, file, "anna")


def test_an_answer_that_does_not_fit_is_not_kept(review: Review) -> None:
    with pytest.raises(Misplaced):
        review.answer(Answer("class", (500.0,), "V"))
    assert review.version == 0
    assert not review.journal.path.exists()


def test_questions_end(review: Review) -> None:
    for _ in range(100):
        question = review.question()
        if question is None:
            break
        times = review.analysis.prepared.peaks[list(question.beats)]
        review.answer(Answer("class", tuple(times.tolist()), "N"))
    assert review.question() is None
    assert (review.beats().readers[:-1] == "anna").all()


def test_an_unreadable_stretch_is_not_asked_about(review: Review) -> None:
    review.answer(Answer("unreadable", (0.0,), to=review.analysis.prepared.seconds - 0.1))
    assert review.question() is None
    assert not (review.beats().letters != "").any()


def test_results_are_read_as_predictions_and_as_annotations(review: Review, tmp_path: Path) -> None:
    times = wide(review)
    review.answer(Answer("class", tuple(times.tolist()), "V"))
    review.answer(Answer("fibrillation", (10.0,), to=14.0))
    review.answer(Answer("unreadable", (20.0,), to=22.0))
    table, annotated = write_results(review, tmp_path, "made")
    labels, _ = read_predictions(table)
    beats = review.beats()
    assert (labels == 2).sum() == (beats.letters == "V").sum()
    assert pd.read_csv(table)["reader"].notna().sum() == (beats.readers != "").sum()
    read = wfdb.rdann(str(annotated.with_suffix("")), "reviewed")
    marks = list(zip(read.symbol, read.aux_note, read.subtype.tolist(), strict=True))
    assert [mark for mark in marks if mark[0] in "+~"] == [
        ("+", "(AFIB", 0), ("+", "(N", 0), ("~", "", -1), ("~", "", 0),
    ]  # fmt: skip
    seconds = read.sample / read.fs
    inside = (seconds > 20.01) & (seconds < 21.99)
    assert not inside.any()
    prepared = prepare_recording(tmp_path / "made.hea", ReadOptions(annotations="reviewed"))
    assert prepared.beats.counts()["V"] == (labels[:-1] == 2).sum()


def test_a_file_of_answers_is_applied(review: Review, tmp_path: Path) -> None:
    times = wide(review)[:3]
    file = tmp_path / "answers.csv"
    file.write_text("time,class\n" + "".join(f"{time + 0.05:.2f},V\n" for time in times))
    assert apply_file(review, file) == 3
    assert (review.beats().letters == "V").sum() > 3


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("time,class\n900,V\n", "row 2, column 1", "outside the recording"),
        ("time,class\n{a},V\n{b},V\n", "row 3", "answered in row 2 already"),
        ("time,class\n{a},V\n{gap},V\n", "row 3, column 1", "there is no beat within"),
        ("time,class,reader\n{a},V,bob\n", "row 2", "is of the reader bob"),
        ("number,time,class\n1,{a},V\n1,{a},S\n", "row 3", "answer 1 is in row 2 already"),
        ("time,class,action\n,,undo\n", "row 2", "there is no answer to undo"),
    ],
)
def test_a_file_that_does_not_fit_changes_nothing(
    text: str, place: str, problem: str, review: Review, tmp_path: Path
) -> None:
    a, b = review.analysis.prepared.peaks[4:6]
    file = tmp_path / "answers.csv"
    file.write_text(text.format(a=a, b=a + 0.03, gap=(a + b) / 2))
    with pytest.raises(DataError, match=problem) as refused:
        apply_file(review, file, only="anna")
    assert f"{file}, {place}: " in str(refused.value)
    assert review.version == 0


def test_a_review_file_of_elsewhere_is_applied(analysis: Analysis, tmp_path: Path) -> None:
    here, there = tmp_path / "made.review.csv", tmp_path / "there.review.csv"
    with Review(analysis, there, "anna") as review:
        review.answer(Answer("class", tuple(wide(review)[:3].tolist()), "V"))
        review.answer(Answer("class", (float(wide(review)[0]),), "F"))
        review.undo()
        left = review.beats()
    with Review(analysis, here, "bob") as review:
        assert apply_file(review, there) == 1
        np.testing.assert_array_equal(review.beats().letters, left.letters)
        assert set(review.beats().readers) == {"", "anna"}


def test_ten_answers_correct_a_real_record(mitdb: Path, tmp_path: Path) -> None:
    """Record 119 has 444 V beats in two forms of bigeminy; the model calls every beat N."""
    from ecgcli.classes import LABEL_OF_SYMBOL
    from ecgcli.review.session import find_beats
    from tests.review.recordings import Guessing

    analysis = find_beats(mitdb / "119.hea", Guessing())  # type: ignore[arg-type]
    truth = np.array(["NSVFQ"[LABEL_OF_SYMBOL[symbol]] for symbol in analysis.symbols])
    with Review(analysis, tmp_path / "119.review.csv", "anna") as review:
        assert not (review.beats().letters == "V").any()
        for _ in range(10):
            question = review.question()
            assert question is not None
            rows = np.array(question.beats)
            letters, counts = np.unique(truth[rows], return_counts=True)
            own = rows[truth[rows] == letters[counts.argmax()]]
            times = analysis.prepared.peaks[own]
            review.answer(Answer("class", tuple(times.tolist()), letters[counts.argmax()]))
        called = review.beats().letters
        rest = review.beats().readers == ""
    for some in (np.ones(len(truth), bool), rest):
        hits = ((called == "V") & (truth == "V"))[some].sum()
        assert hits >= 0.98 * (truth == "V")[some].sum()
        assert hits >= 0.98 * (called == "V")[some].sum()
