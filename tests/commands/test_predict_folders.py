"""``ecg predict`` on many recordings: a folder of results, continued after whatever ended it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import edfio
import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from ecgcli.locking import locked
from tests.helpers import ecg_process

Ecg = Callable[..., Result]


def test_a_folder_is_written_to_a_folder_and_continues_where_it_stopped(
    trained: Path, records: Path, ecg: Ecg
) -> None:
    arguments = ("predict", records, "--model", trained, "-o", "results", "--jobs", 2)
    first = ecg(*arguments)
    assert first.exit_code == 0
    assert first.stdout == "results\n"
    names = {path.name for path in Path("results").iterdir()}
    assert names == {"summary.json", "cohort.parquet", "failures.csv"} | {
        f"{record}{ending}" for record in (100, 119, 208) for ending in (".csv", ".summary.json")
    }
    summary = json.loads(Path("results/summary.json").read_text())
    assert [row["recording"] for row in summary["recordings"]] == ["100", "119", "208"]
    one_by_one = ecg("predict", records / "119.hea", "--model", trained, "-q").stdout
    together = pd.read_csv("results/119.csv")
    alone = pd.read_csv(io.StringIO(one_by_one))
    assert together["class"].equals(alone["class"])

    Path("results/119.csv").unlink()
    written = Path("results/100.csv").stat().st_mtime_ns
    again = ecg(*arguments)
    assert "(2 done before)" in again.stderr
    assert Path("results/119.csv").exists()
    assert Path("results/100.csv").stat().st_mtime_ns == written
    assert json.loads(Path("results/summary.json").read_text()) == summary


def test_a_bad_file_is_reported_and_skipped(trained: Path, records: Path, ecg: Ecg) -> None:
    (records / "119.dat").chmod(0o600)
    (records / "119.dat").write_bytes(b"\0" * 100)
    result = ecg("predict", records, "--model", trained, "-o", "results", "--jobs", 1)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "error: 1 of 3 recordings could not be read"
    summary = json.loads(Path("results/summary.json").read_text())
    assert len(summary["recordings"]) == 2
    assert list(summary["failures"]) == [str(records / "119.hea")]


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("summary", "100"), ("--format", "json")),
        (("100.summary", "100"), ("--format", "json")),
        (("summary.1-of-2", "100"), ("--format", "json")),
        (("beats", "100"), ("--format", "parquet", "--beats-parquet")),
    ],
)
def test_no_result_replaces_another(
    names: tuple[str, str], options: tuple[str, ...], trained: Path, ecg: Ecg
) -> None:
    """With --format json, a recording called summary would be the list of all recordings.

    A run without a shard removes what shards wrote, by its name.
    """
    paths = [Path(f"{name}.edf") for name in names]
    for path in paths:
        signal = np.sin(np.arange(5000) / 40)
        edfio.Edf([edfio.EdfSignal(signal, 250, label="II", physical_dimension="mV")]).write(path)
    arguments = ("predict", *paths, "--model", trained, "-o", "results", "--jobs", 1)
    refused = ecg(*arguments, *options)
    assert refused.exit_code == 2
    assert "its result would be results/" in refused.stderr.splitlines()[-1]
    assert not Path("results").exists()
    assert ecg(*arguments).exit_code == 0
    assert {f"{name}.csv" for name in names} <= {path.name for path in Path("results").iterdir()}


def test_arguments_that_are_refused(trained: Path, records: Path, demo: Path, ecg: Ecg) -> None:
    beats = demo / "synthetic_test.csv"
    for arguments, message in (
        ((records,), "add -o FOLDER for the results of"),
        ((beats, beats), "name one file of beats; only recordings may be several"),
        ((beats, "--format", "wfdb"), "--format wfdb is for recordings"),
        ((records / "100.hea", "--lead", "aVL"), "there is no lead aVL"),
        (("none.edf",), "no such file"),
    ):
        result = ecg("predict", *arguments, "--model", trained)
        assert result.exit_code == 2, arguments
        assert message in result.stderr
        assert result.stdout == ""


@pytest.mark.parametrize(
    ("send", "number", "code"),
    [(os.killpg, signal.SIGINT, 130), (os.kill, signal.SIGTERM, 143)],
    ids=["as a terminal does: to all of its processes", "to the parent process alone"],
)
def test_a_signal_keeps_finished_files_and_the_next_run_continues(
    send: Callable[[int, int], None],
    number: signal.Signals,
    code: int,
    trained: Path,
    records: Path,
    tmp_path: Path,
    ecg: Ecg,
) -> None:
    for copy in range(12):
        header = (records / "100.hea").read_text().replace("100", f"c{copy:02}", 1)
        (records / f"c{copy:02}.hea").write_text(header)
    command = ecg_process(
        "predict", records, "--model", trained, "-o", "results", "--annotations", "none", "-j", 2
    )
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("results/*.summary.json")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    send(process.pid, number)
    stdout, stderr = process.communicate(timeout=60)  # until no process has them open any more
    assert process.returncode == code
    assert not [path for path in Path("results").iterdir() if path.name.startswith(".")]
    assert stdout == ""
    assert stderr.splitlines()[-1].startswith("interrupted:")
    assert "Traceback" not in stderr
    done = len(list(tmp_path.glob("results/*.summary.json")))
    assert 0 < done < 15
    again = ecg("predict", records, "--model", trained, "-o", "results", "--annotations", "none")
    assert again.exit_code == 0
    assert f"15 recordings ({done} done before)" in again.stderr


def test_results_are_written_by_one_process_at_a_time(
    trained: Path, records: Path, ecg: Ecg
) -> None:
    with locked(Path("results/.lock"), "in use", "wait"):
        result = ecg("predict", records, "--model", trained, "-o", "results", "-j", 1)
        assert result.exit_code == 2
        assert "error: results: another ecg predict writes its results here" in result.stderr
        assert f"(process {os.getpid()} on " in result.stderr
        assert [path.name for path in Path("results").iterdir()] == [".lock"]
    assert ecg("predict", records, "--model", trained, "-o", "results", "-j", 1).exit_code == 0
    assert not Path("results/.lock").exists()


def test_two_models_at_once_leave_the_results_of_one(
    trained: Path, records: Path, tmp_path: Path
) -> None:
    """The one that comes second is refused, or does all of it again once the first has ended."""
    together = [
        subprocess.Popen(
            ecg_process("predict", records, "--model", model, "-o", tmp_path / "res", "-j", 1),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for model in (trained, "beats")
    ]  # fmt: skip
    errors = [process.communicate(timeout=300)[1] for process in together]
    codes = [process.returncode for process in together]
    assert sorted(codes) in ([0, 2], [0, 0])
    for code, error in zip(codes, errors, strict=True):
        assert not code or "another ecg predict writes its results here" in error
    summaries = json.loads((tmp_path / "res" / "summary.json").read_text())["recordings"]
    models = {summary["made_with"]["model"] for summary in summaries}
    assert len(models) == 1
    notes = tmp_path.glob("res/*.summary.json")
    assert {json.loads(note.read_text())["made_with"]["model"] for note in notes} == models
