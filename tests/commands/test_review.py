"""``ecg review``, from a file of answers and as a server that is killed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pytest
import wfdb
from typer.testing import Result

from ecgcli.errors import DataError
from ecgcli.training.recordings import read_training_recordings
from tests.helpers import ecg_process
from tests.review.recordings import write_recording

Ecg = Callable[..., Result]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write_recording(tmp_path)


@contextmanager
def serving(recording: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running ``ecg review`` and its address."""
    command = ecg_process("review", recording, "--no-open", "-m", "recordings", *more)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def post(address: str, route: str, document: dict[str, object]) -> dict[str, object]:
    origin = re.sub(r"(://[^/]+)/.*", r"\1", address)
    request = Request(
        address + route,
        json.dumps(document).encode(),
        {"Content-Type": "application/json", "Origin": origin},
    )
    with urlopen(request, timeout=120) as response:
        return json.load(response)  # type: ignore[no-any-return]


def test_answers_are_applied_without_a_browser(ecg: Ecg, recording: Path) -> None:
    answers = recording.with_name("answers.csv")
    answers.write_text("time,class\n2.75,V\n6.9,S\n")
    result = ecg("review", recording, "--answers", answers, "--reader", "anna", "--json", "-q")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["answers"] == document["beats_by_reader"] == 2
    assert Path(document["annotations"]).name == "made.reviewed"
    symbols = wfdb.rdann(str(recording.with_suffix("")), "reviewed").symbol
    assert len(symbols) == document["beats"]
    review = recording.with_name("made.review.csv").read_text()
    assert review.count(",anna,made,") == 2
    again = ecg("review", recording, "--answers", answers)
    assert again.exit_code == 2
    assert "continue with --resume" in again.stderr
    own = recording.with_name("made.review.csv")
    doubled = ecg("review", recording, "--answers", own, "--resume")
    assert doubled.exit_code == 2
    assert f"--answers {own}: this is the review itself" in doubled.stderr
    assert own.read_text() == review


def test_resuming_a_review_that_was_not_begun_is_noted(ecg: Ecg, recording: Path) -> None:
    answers = recording.with_name("answers.csv")
    answers.write_text("time,class\n2.75,V\n")
    result = ecg("review", recording, "--answers", answers, "--resume")
    assert result.exit_code == 0
    assert "made.review.csv: there is no review yet; starting one" in result.stderr


def test_annotations_of_another_program_stay(ecg: Ecg, recording: Path) -> None:
    answers = recording.with_name("answers.csv")
    answers.write_text("time,class\n2.75,V\n")
    arguments = ("review", recording, "--answers", answers, "-q")
    assert ecg(*arguments).exit_code == 0
    own = recording.with_suffix(".reviewed")
    assert ecg(*arguments, "--resume").exit_code == 0  # its own are replaced
    wfdb.wrann(recording.stem, "reviewed", np.array([9]), ["N"], fs=250, write_dir=str(own.parent))
    theirs = own.read_bytes()
    given = recording.with_suffix(".review.csv").read_bytes()
    result = ecg(*arguments, "--resume")
    assert result.exit_code == 2
    assert f"{own}: this file exists, and another program made it" in result.stderr
    assert own.read_bytes() == theirs
    assert recording.with_suffix(".review.csv").read_bytes() == given


def test_answers_that_do_not_fit_leave_nothing_behind(ecg: Ecg, recording: Path) -> None:
    answers = recording.with_name("answers.csv")
    answers.write_text("time,class\n2.75,V\n5000,S\n")
    before = set(recording.parent.rglob("*"))
    for place in ((), ("--out", recording.with_name("reviews"))):
        result = ecg("review", recording, "--answers", answers, *place)
        assert result.exit_code == 2
        assert f"{answers}, row 3, column 1: 5000 s is outside the recording" in result.stderr
        assert set(recording.parent.rglob("*")) == before


def test_reviewed_recordings_are_evaluated(ecg: Ecg, recording: Path) -> None:
    answers = recording.with_name("answers.csv")
    answers.write_text("time,class\n2.75,V\n6.9,S\n")
    assert ecg("review", recording, "--answers", answers).exit_code == 0
    result = ecg(
        "evaluate", "recordings", "--data", recording, "--annotations", "reviewed",
        "-o", "report", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["aami"]["records"]["made"]


def test_reviewed_recordings_are_trained_on(ecg: Ecg, recording: Path) -> None:
    """The classes the model learns are those of the review: the made-up record has no others."""
    answers = recording.with_name("answers.csv")
    peaks = [f"{time:.2f}" for time in (2.75, 6.9, 11.05, 15.2, 19.35)]
    answers.write_text("time,class\n" + "".join(f"{time},V\n" for time in peaks))
    assert ecg("review", recording, "--answers", answers).exit_code == 0
    beats = read_training_recordings([recording.parent], "all", [], 0, "reviewed")
    assert beats.counts()["V"] >= len(peaks)
    with pytest.raises(DataError, match="no annotations to train on"):
        read_training_recordings([recording.parent], "all", [], 0)


def test_answers_survive_a_kill(recording: Path) -> None:
    answer = {"action": "class", "class": "V", "beats": [3, 8]}
    with serving(recording, "--reader", "anna") as (process, address):
        assert post(address, "answer", {"version": 0} | answer)["answers"] == 1
        second = subprocess.run(
            ecg_process("review", recording, "--no-open", "--resume"),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert second.returncode == 2
        assert "another ecg review has this recording open" in second.stderr
        process.send_signal(signal.SIGKILL)
        process.wait()
    with serving(recording, "--resume") as (process, address):
        with urlopen(address + "state", timeout=120) as response:
            state = json.load(response)
        assert state["answers"] == 1
        assert "V: 2 beats" in state["latest"][0]
        assert "anna" in state["latest"][0]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 0
    assert recording.with_name("made.reviewed").exists()
