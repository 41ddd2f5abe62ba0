"""``ecg confusion``: in the terminal, as a picture, as a document."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ecgcli.weights import bundled_checkpoint

Ecg = Callable[..., Result]


def test_terminal_picture_and_document_agree(run_copy: Path, demo: Path, ecg: Ecg) -> None:
    truth = demo / "synthetic_test.csv"
    result = ecg("confusion", run_copy, "--truth", truth, "--png", "c.png")
    assert result.exit_code == 0
    assert result.stderr == "Picture: c.png\n"
    assert Path("c.png").read_bytes().startswith(b"\x89PNG")
    document = json.loads(ecg("confusion", run_copy, "--truth", truth, "--json").stdout)
    words = result.stdout.split()
    for row, shares in zip(document["confusion_matrix"], document["normalized"], strict=True):
        for count, share in zip(row, shares, strict=True):
            assert f"{count:,}" in words
            assert f"{share:.1%}" in words


@pytest.mark.parametrize("over", ["true", "pred", "all"])
def test_normalize(over: str, run_copy: Path, demo: Path, ecg: Ecg) -> None:
    arguments = ("--truth", demo / "synthetic_test.csv", "--normalize", over, "--json")
    shares = json.loads(ecg("confusion", run_copy, *arguments).stdout)["normalized"]
    sums = {
        "true": [sum(row) for row in shares],
        "pred": [sum(column) for column in zip(*shares, strict=True)],
        "all": [sum(map(sum, shares))],
    }[over]
    assert sums == pytest.approx([1.0] * len(sums), abs=1e-5)


def test_predictions_and_the_last_evaluation(run_copy: Path, demo: Path, ecg: Ecg) -> None:
    truth = demo / "synthetic_test.csv"
    ecg("predict", truth, "--model", run_copy, "-o", "p.csv")
    ecg("evaluate", run_copy, "--data", truth)
    matrices = [
        json.loads(ecg("confusion", *arguments, "--json").stdout)["confusion_matrix"]
        for arguments in (["p.csv", "--data", truth], [run_copy], [run_copy, "--truth", truth])
    ]
    assert matrices[0] == matrices[1] == matrices[2]


def test_it_names_the_evaluation_that_it_shows(run_copy: Path, demo: Path, ecg: Ecg) -> None:
    ecg("evaluate", run_copy, "--data", demo / "synthetic_test.csv")
    report = run_copy / "evaluation-synthetic_test" / "report.json"
    shown = ecg("confusion", run_copy)
    assert shown.stderr == f"The last evaluation: {report}; for another: --data TEST.csv\n"
    assert json.loads(ecg("confusion", run_copy, "--json").stdout)["report"] == str(report)
    computed = ecg("confusion", run_copy, "-d", demo / "synthetic_test.csv", "--json")
    assert json.loads(computed.stdout)["report"] is None
    assert computed.stderr == ""


def test_the_evaluation_of_another_model_in_the_same_folder_is_not_shown(
    run_copy: Path, demo: Path, ecg: Ecg
) -> None:
    best, other = run_copy / "best.safetensors", run_copy / "other.safetensors"
    shutil.copy(bundled_checkpoint("beats"), other)
    truth = demo / "synthetic_test.csv"
    assert "replaces" not in ecg("evaluate", best, "--data", truth).stderr
    assert "replaces" not in ecg("evaluate", best, "--data", truth).stderr
    replaced = f"It replaces the report of {best} on {truth}."
    assert replaced in ecg("evaluate", other, "--data", truth).stderr.splitlines()
    assert ecg("confusion", other).exit_code == 0
    for command in (("confusion",), ("models", "show")):
        result = ecg(*command, best)
        assert "evaluat" in result.stderr + result.stdout
        assert "evaluation-synthetic_test" not in result.stderr + result.stdout
    shutil.copy(other, best)
    assert ecg("confusion", best).exit_code == 0  # what counts is what it contains


@pytest.mark.parametrize("command", [("confusion",), ("evaluate",), ("models", "show")])
def test_a_run_that_there_is_not(command: tuple[str, ...], ecg: Ecg) -> None:
    Path("runs/cnn").mkdir(parents=True)
    result = ecg(*command, "runs/cmn")
    assert result.exit_code == 2
    assert result.stderr == ("error: runs/cmn: no such run or checkpoint; did you mean runs/cnn?\n")


def test_predictions_without_the_truth_are_refused(ecg: Ecg) -> None:
    result = ecg("confusion", "p.csv")
    assert result.exit_code == 2
    assert "add --data TEST.csv" in result.stderr
