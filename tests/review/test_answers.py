"""Files of answers: what is read, and what is refused with file, row and column."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from ecgcli.errors import DataError
from ecgcli.review.answers import Answer, Owner, header, in_effect, read_answers, row_of

OWNER = Owner("100", "abc")


def read(tmp_path: Path, text: str) -> list[Answer]:
    path = tmp_path / "answers.csv"
    path.write_text(text)
    return [row.answer for row in read_answers(path, OWNER)]


def test_a_file_made_by_hand_needs_two_columns(tmp_path: Path) -> None:
    answers = read(tmp_path, "time,class\n1.5,V\n2.5 3.5,S\n")
    assert answers == [Answer("class", (1.5,), "V"), Answer("class", (2.5, 3.5), "S")]


@pytest.mark.parametrize(
    "answer",
    [
        Answer("class", (1.25, 2.5), "V", before=("N", ""), reader="anna", when="now", number=1),
        Answer("move", (1.25,), to=1.5, reader='an "odd", name', when="now", number=2),
        Answer("add", (1.25,), "S", reader="anna", when="now", number=3),
        Answer("fibrillation", (1.0,), to=9.0, reader="anna", when="now", number=4),
        Answer("undo", reader="anna", when="now", number=5),
        Answer("class", (1.25, 2.5), "V", before=("", "N"), reader="=1+1", when="now", number=6),
    ],
)
def test_what_is_written_is_read(answer: Answer, tmp_path: Path) -> None:
    assert read(tmp_path, header() + row_of(answer, OWNER)) == [answer]


def test_no_name_is_a_formula(tmp_path: Path) -> None:
    answer = Answer("class", (1.25,), "V", reader="@anna", when="now", number=1)
    owner = Owner("=1+1\rb", "abc")
    text = header() + row_of(answer, owner)
    cells = list(csv.reader(io.StringIO(text, newline="")))[1]
    assert cells[2:4] == ["'@anna", "'=1+1\rb"]
    path = tmp_path / "answers.csv"
    path.write_bytes(text.encode())
    assert [row.answer for row in read_answers(path, owner)] == [answer]


def test_a_cell_of_megabytes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"answers\.csv: cannot be read as a file of answers: field"
    ):
        read(tmp_path, f"time,class\n{'1' * 200_000},V\n")


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("time\n1\n", "row 1", "there is no column class"),
        ("time,class,clas\n1,V,\n", "row 1, column 3", "did you mean class"),
        ("time,class,time\n1,V,1\n", "row 1, column 3", "is there twice"),
        ("time,class\n1.5,V\n2.5,X\n", "row 3, column 2", "valid: N, S, V, F, Q"),
        ("time,class\nsoon,V\n", "row 2, column 1", "expected seconds"),
        ("time,class\nnan,V\n", "row 2, column 1", "expected seconds"),
        ("time,class\n-1,V\n", "row 2, column 1", "expected seconds"),
        ("time,class\n1\n", "row 2", "found 1 values; the header has 2"),
        ("time,class,action\n1,V,give\n", "row 2, column 3", "found action 'give'"),
        ("time,class,action\n1 2,,move\n", "row 2, column 1", "found 2 times; move needs one"),
        ("time,class,action\n1,,move\n", "row 2", "needs a second time"),
        ("time,class,recording\n1,V,101\n", "row 2, column 3", "of another recording"),
        ("time,class,content\n1,V,abd\n", "row 2, column 3", "of another recording"),
    ],
)
def test_a_wrong_row_is_refused_with_its_place(
    text: str, place: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as refused:
        read(tmp_path, text)
    assert str(refused.value).startswith(f"{tmp_path / 'answers.csv'}, {place}: ")
    assert problem in str(refused.value)


def test_undo_takes_back_the_last_answer_that_stands() -> None:
    one, two, three = (Answer("class", (time,), "V") for time in (1.0, 2.0, 3.0))
    undo = Answer("undo")
    assert in_effect([one, two, undo, three, undo, undo]) == []
    assert in_effect([one, two, undo, three]) == [one, three]
