"""``ecg anomaly``: fitting and scoring, and which command takes which model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from ecgcli.beats import Beats, read_beats, write_beats
from ecgcli.checkpoints.runs import ANOMALY

Ecg = Callable[..., Result]


def test_fit_then_score(demo: Path, ecg: Ecg) -> None:
    data = demo / "synthetic_train.csv"
    result = ecg("anomaly", "fit", "--data", data, "--method", "autoencoder", "--epochs", 1)
    assert result.exit_code == 0
    assert result.stdout == "runs/anomaly\n"
    assert "Next: ecg anomaly score" in result.stderr
    files = {path.name for path in Path("runs/anomaly").iterdir()}
    assert files == {ANOMALY, "environment.json", "report.json"}
    scored = ecg("anomaly", "score", demo / "synthetic_test.csv")
    assert scored.exit_code == 0
    folder = Path("runs/anomaly/anomalies-synthetic_test")
    assert {path.name for path in folder.iterdir()} == {
        "scores.csv", "report.json", "histogram.png", "roc.png", "beats.png",
    }  # fmt: skip


def test_the_table_the_report_and_stdout_agree(anomaly_run: Path, demo: Path, ecg: Ecg) -> None:
    data = demo / "synthetic_test.csv"
    result = ecg("anomaly", "score", data, "--model", anomaly_run, "-o", "out", "--json")
    document = json.loads(result.stdout)
    assert document == {"schema": 1} | json.loads(Path("out/report.json").read_text())
    table = pd.read_csv("out/scores.csv")
    assert len(table) == document["beats"]
    assert table["anomalous"].sum() == document["anomalous"]
    assert (table["score"] > document["threshold"]).sum() == pytest.approx(
        document["anomalous"], abs=2
    )
    for name, row in document["by_class"].items():
        assert table.loc[table["class"] == name, "anomalous"].sum() == row["anomalous"]
    assert document["roc_auc"]["the rest"]["value"] > 0.9
    assert "Synthetic beats" in document["statement"]


def test_the_quantile_moves_the_threshold(anomaly_run: Path, demo: Path, ecg: Ecg) -> None:
    def count_anomalous(*more: object) -> int:
        arguments = ("--model", anomaly_run, "-o", "out", "--json", *more)
        result = ecg("anomaly", "score", demo / "synthetic_test.csv", *arguments)
        return int(json.loads(result.stdout)["anomalous"])

    assert (
        count_anomalous("--quantile", 0.8)
        > count_anomalous()
        > count_anomalous("--quantile", 0.995)
    )


def test_a_recording(anomaly_run: Path, mitdb: Path, ecg: Ecg) -> None:
    result = ecg("anomaly", "score", mitdb / "208.hea", "--model", anomaly_run, "-o", "out", "-q")
    assert result.exit_code == 0
    table = pd.read_csv("out/scores.csv")
    assert list(table) == ["beat", "time", "class", "score", "percentile", "anomalous"]
    assert table["time"].is_monotonic_increasing
    assert table["time"].max() > 1700


def test_unlabelled_beats_are_scored_without_a_roc(anomaly_run: Path, demo: Path, ecg: Ecg) -> None:
    samples = read_beats(demo / "synthetic_test.csv").samples[:30]
    write_beats(Path("beats.csv"), Beats(samples))
    result = ecg("anomaly", "score", "beats.csv", "--model", anomaly_run, "-o", "out")
    assert result.exit_code == 0
    assert not Path("out/roc.png").exists()
    assert list(pd.read_csv("out/scores.csv")) == ["beat", "score", "percentile", "anomalous"]


@pytest.mark.parametrize(("label", "message"), [(None, "no labels"), (0, "only normal beats")])
def test_a_required_area_needs_normal_and_other_beats(
    label: int | None, message: str, anomaly_run: Path, ecg: Ecg
) -> None:
    samples = np.random.default_rng(0).random((30, 187), np.float32)
    write_beats(Path("b.csv"), Beats(samples, None if label is None else np.zeros(30, np.int64)))
    arguments = ("--model", anomaly_run, "--require", "roc_auc=0.9")
    result = ecg("anomaly", "score", "b.csv", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "needs labelled beats, both normal and others" in result.stderr


def test_a_missed_requirement_is_3(anomaly_run: Path, demo: Path, ecg: Ecg) -> None:
    data, model = demo / "synthetic_test.csv", ("--model", anomaly_run, "-o", "out")
    assert ecg("anomaly", "score", data, *model, "--require", "roc_auc=0.5").exit_code == 0
    result = ecg("anomaly", "score", data, *model, "--require", "roc_auc=1.0")
    assert result.exit_code == 3
    assert "required 1" in result.stderr


def test_a_recording_too_short_for_a_beat(anomaly_run: Path, ecg: Ecg) -> None:
    pd.DataFrame({"II": np.sin(np.arange(100) / 10)}).to_csv("short.csv", index=False)
    arguments = ("--fs", 360, "--units", "mV", "--model", anomaly_run)
    result = ecg("anomaly", "score", "short.csv", *arguments)
    assert result.exit_code == 2
    assert "short" in result.stderr
    assert result.stderr.count("\n") == 1


def test_each_command_names_the_command_for_the_other_kind_of_model(
    anomaly_run: Path, trained: Path, demo: Path, ecg: Ecg
) -> None:
    data = demo / "synthetic_test.csv"
    for model in (anomaly_run, anomaly_run / ANOMALY):
        result = ecg("predict", data, "--model", model)
        assert result.exit_code == 2
        assert "an anomaly model, which ecg anomaly score and ecg forecast take" in result.stderr
    for command in (["anomaly", "score"], ["forecast"]):
        result = ecg(*command, data, "--model", trained)
        assert result.exit_code == 2
        assert "a classifier, which ecg predict takes" in result.stderr
        assert "ecg anomaly fit" in result.stderr


def test_without_a_model_the_command_that_makes_one_is_named(ecg: Ecg) -> None:
    result = ecg("anomaly", "score", "beats.csv")
    assert result.exit_code == 2
    assert "no anomaly model under runs/; fit one with ecg anomaly fit" in result.stderr


def test_prediction_does_not_take_an_anomaly_run_for_the_newest(
    anomaly_run: Path, run_copy: Path, demo: Path, ecg: Ecg
) -> None:
    Path("runs").mkdir()
    run_copy.rename("runs/classifier")
    Path("runs/anomaly").symlink_to(anomaly_run)
    result = ecg("predict", demo / "synthetic_test.csv", "-o", "p.csv")
    assert result.exit_code == 0
    assert "runs/classifier" in result.stderr
