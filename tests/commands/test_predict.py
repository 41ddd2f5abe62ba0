"""``ecg predict``: files and streams in, tables out, a summary beside them."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from ecgcli.beats import Beats, read_beats, write_beats
from tests.helpers import ecg_process

Ecg = Callable[..., Result]


@pytest.fixture
def unlabelled(demo: Path, tmp_path: Path) -> Path:
    path = tmp_path / "beats.csv.gz"
    write_beats(path, Beats(read_beats(demo / "synthetic_test.csv").samples[:300]))
    return path


def test_a_table_on_stdout_and_a_summary_on_stderr(
    trained: Path, unlabelled: Path, ecg: Ecg
) -> None:
    result = ecg("predict", unlabelled, "--model", trained)
    assert result.exit_code == 0
    table = pd.read_csv(io.StringIO(result.stdout))
    assert len(table) == 300
    assert result.stdout.splitlines()[1].startswith("0,")
    summary = dict(re.findall(r"^  ([NSVFQ]) +([\d,]+) ", result.stderr, re.MULTILINE))
    counts = table["class"].value_counts()
    assert {name: int(count) for name, count in summary.items()} == {
        name: counts.get(name, 0) for name in "NSVFQ"
    }
    assert f"Model: {trained / 'best.safetensors'}" in result.stderr
    assert "labels were ignored" not in result.stderr


def test_labels_are_ignored_with_a_note(trained: Path, demo: Path, ecg: Ecg) -> None:
    labelled = demo / "synthetic_test.csv"
    result = ecg("predict", labelled, "--model", trained)
    assert "its labels were ignored" in result.stderr
    write_beats(Path("plain.csv"), Beats(read_beats(labelled).samples))
    assert ecg("predict", "plain.csv", "--model", trained).stdout == result.stdout


def test_the_newest_run_is_the_default(trained: Path, unlabelled: Path, ecg: Ecg) -> None:
    Path("runs").mkdir()
    Path("runs/mine").symlink_to(trained)
    result = ecg("predict", unlabelled)
    assert result.exit_code == 0
    first = result.stderr.splitlines()[0]
    assert first.startswith("Model: runs/mine/best.safetensors, trained on synthetic beats; ")
    assert first.endswith("for real ones: --model beats")


@pytest.mark.parametrize("engine", ["openvino", "torch"])
def test_from_stdin_to_stdout(engine: str, trained: Path, unlabelled: Path, ecg: Ecg) -> None:
    by_name = ecg("predict", unlabelled, "--model", trained, "--quiet").stdout
    piped = subprocess.run(
        ecg_process("predict", "-", "--model", trained, "-q", "--engine", engine),
        input=unlabelled.read_bytes(), capture_output=True, check=True,
    )  # fmt: skip
    assert piped.stderr == b""
    from_file, from_pipe = (
        pd.read_csv(io.StringIO(text)) for text in (by_name, piped.stdout.decode())
    )
    assert from_file["class"].equals(from_pipe["class"])
    numbers = list("NSVFQ")
    assert np.abs(from_file[numbers] - from_pipe[numbers]).to_numpy().max() < 1e-5


def test_formats(trained: Path, unlabelled: Path, ecg: Ecg) -> None:
    rows = json.loads(ecg("predict", unlabelled, "--model", trained, "-q", "--json").stdout)
    assert [row["beat"] for row in rows] == list(range(300))
    assert all(abs(sum(row[name] for name in "NSVFQ") - 1) < 1e-5 for row in rows)
    assert ecg("predict", unlabelled, "--model", trained, "-o", "p.parquet").stdout == ""
    table = pd.read_parquet("p.parquet")
    assert table["class"].tolist() == [row["class"] for row in rows]
    ecg("predict", unlabelled, "--model", trained, "-o", "p.txt", "--format", "json")
    assert json.loads(Path("p.txt").read_text()) == rows


def test_abstained_beats_are_counted_and_left_out_of_the_confusion_matrix(
    trained: Path, demo: Path, ecg: Ecg
) -> None:
    truth = demo / "synthetic_test.csv"
    result = ecg("predict", truth, "--model", trained, "--abstain", 0.9, "-o", "p.csv")
    table = pd.read_csv("p.csv")
    unsure = int((table["class"] == "?").sum())
    assert unsure > 0
    assert re.search(rf"^  abstained +{unsure:,} ", result.stderr, re.MULTILINE)
    shown = ecg("confusion", "p.csv", "--truth", truth)
    assert f"{unsure:,} abstained, left out" in " ".join(shown.stdout.split())
    document = json.loads(ecg("confusion", "p.csv", "--truth", truth, "--json").stdout)
    assert document["abstained"] == unsure
    assert sum(map(sum, document["confusion_matrix"])) == len(table) - unsure
    assert "abstained" not in ecg("predict", truth, "--model", trained, "-o", "q.csv").stderr


def test_when_every_beat_is_abstained_from_there_is_no_matrix(demo: Path, ecg: Ecg) -> None:
    truth = demo / "synthetic_test.csv"
    beats = len(read_beats(truth))
    rows = "".join(f"{beat},?,0.3,0.2,0.2,0.2,0.1\n" for beat in range(beats))
    Path("p.csv").write_text(f"beat,class,N,S,V,F,Q\n{rows}")
    result = ecg("confusion", "p.csv", "--truth", truth)
    assert result.exit_code == 2
    assert "every beat was abstained from; predict with a lower --abstain" in result.stderr


@pytest.mark.parametrize("wrong", ["1.5", "-0.1", "nan"])
def test_a_threshold_that_is_not_a_probability(wrong: str, trained: Path, ecg: Ecg) -> None:
    result = ecg("predict", "beats.csv", "--model", trained, f"--abstain={wrong}")
    assert result.exit_code == 2
    expected = f"error: --abstain: found {wrong}; valid: a probability from 0 to 1\n"
    assert result.stderr == expected
