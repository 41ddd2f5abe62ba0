"""The review file: on disk when it says so, held by one process, whole after a kill."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecgcli.errors import DataError, OutputError
from ecgcli.review.answers import Answer, Owner
from ecgcli.review.journal import Journal, journal_of, require_new

OWNER = Owner("100", "abc")


def opened(path: Path) -> Journal:
    return Journal(path, OWNER, "anna")


def test_answers_are_there_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "100.review.csv"
    with opened(path) as journal:
        journal.append([Answer("class", (1.5,), "V"), Answer("undo")])
        written = journal.answers
        assert path.read_text().count("\n") == 3
    with opened(path) as journal:
        assert journal.answers == written
        assert [answer.number for answer in written] == [1, 2]
        assert {answer.reader for answer in written} == {"anna"}


def test_a_torn_row_is_cut_off_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "100.review.csv"
    with opened(path) as journal:
        journal.append([Answer("class", (1.5,), "V")])
    whole = path.read_bytes()
    path.write_bytes(whole + b"2,2026-01-01,anna,100,abc,cla")
    with opened(path) as journal:
        assert len(journal.answers) == 1
        journal.append([Answer("class", (2.5,), "S")])
    with opened(path) as journal:
        assert [answer.letter for answer in journal.answers] == ["V", "S"]


@pytest.mark.parametrize("left", [b"", b"number,ti"])
def test_a_file_without_a_whole_line_is_begun_anew(left: bytes, tmp_path: Path) -> None:
    path = tmp_path / "100.review.csv"
    path.write_bytes(left)
    with opened(path) as journal:
        assert journal.answers == ()
        journal.append([Answer("class", (1.5,), "V")])
    with opened(path) as journal:
        assert len(journal.answers) == 1


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "100.review.csv"
    code = (
        "import sys; from pathlib import Path; from ecgcli.review.answers import Owner; "
        "from ecgcli.review.journal import Journal; "
        "Journal(Path(sys.argv[1]), Owner('100', 'abc'), 'b')"
    )
    with opened(path):
        other = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
        )
        assert "another ecg review has this recording open" in other.stderr
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0


def test_a_killed_process_loses_nothing_it_had_reported(tmp_path: Path) -> None:
    path = tmp_path / "100.review.csv"
    code = """
import os, signal, sys
from pathlib import Path
from ecgcli.review.answers import Answer, Owner
from ecgcli.review.journal import Journal
journal = Journal(Path(sys.argv[1]), Owner("100", "abc"), "anna")
for k in range(10):
    journal.append([Answer("class", (float(k),), "V")])
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -9
    with opened(path) as journal:
        assert len(journal.answers) == 10


def test_a_full_disk_leaves_the_earlier_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "100.review.csv"
    with opened(path) as journal:
        journal.append([Answer("class", (1.5,), "V")])
        before = path.read_bytes()

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="No space left"):
            journal.append([Answer("class", (2.5,), "V")])
        monkeypatch.undo()
        assert path.read_bytes() == before
        assert len(journal.answers) == 1
        journal.append([Answer("class", (3.5,), "S")])
    with opened(path) as journal:
        assert [answer.letter for answer in journal.answers] == ["V", "S"]


def test_a_file_of_another_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "100.review.csv"
    with Journal(path, Owner("101", "abc"), "anna") as journal:
        journal.append([Answer("class", (1.5,), "V")])
    with pytest.raises(DataError, match="of another recording"):
        opened(path)


def test_a_review_is_continued_only_when_asked(tmp_path: Path) -> None:
    path = journal_of(Path("data/100.hea"), tmp_path)
    assert path == tmp_path / "100.review.csv"
    require_new(path)
    with opened(path) as journal:
        require_new(path)
        journal.append([Answer("class", (1.5,), "V")])
    with pytest.raises(DataError, match="--resume"):
        require_new(path)
