"""The whole chain on the real records: download over HTTP -> confusion."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from ecgcli.beats import read_labelled
from tests.conftest import ROOT
from tests.sources.mirror import serve

Ecg = Callable[..., Result]


def test_from_the_mirror_to_the_confusion_matrix(mitdb: Path, ecg: Ecg) -> None:
    with serve(mitdb) as mirror:
        mirror.faults["105.dat"] = ("half a file", 1)
        mirror.faults["207.dat"] = ("wrong byte", 1)
        mirror.faults["213.atr"] = ("404", 1)
        interrupted = ecg("download", "--from", mirror.url)
        assert interrupted.exit_code == 2
        assert "213.atr: the server answers 404" in interrupted.stderr
        assert not list(Path("data").glob("*.csv"))
        fetched = {path.name for path in Path("data/mitdb").glob("*.*")}
        mirror.requested.clear()
        downloaded = ecg("download", "--from", mirror.url)
        assert downloaded.exit_code == 0, downloaded.stderr
        assert "213.atr" in mirror.requested
        assert not fetched & set(mirror.requested)  # what was there is not fetched again
    assert downloaded.stdout.split() == ["data/mitbih_train.csv", "data/mitbih_test.csv"]
    assert len(read_labelled("data/mitbih_test.csv")) == 21892

    resampled = ecg("resample", "data/mitbih_train.csv", "-o", "small.csv", "--majority", 4000)
    assert resampled.exit_code == 0

    config = ROOT / "configs" / "cnn.yaml"
    overrides = ("data.train=small.csv", "data.resample=null", "training.epochs=3")
    trained = ecg("train", "--config", config, *overrides)
    assert trained.exit_code == 0, trained.stderr
    assert trained.stdout == "runs/cnn\n"

    # a quarter of the recipe's beats for a third of its epochs still reach this
    required = ("--require", "accuracy=0.9", "--require", "macro_f1=0.7")
    evaluated = ecg("evaluate", *required)
    assert evaluated.exit_code == 0, evaluated.stderr
    assert "47 of the 47 test patients were also trained on" in evaluated.stdout

    predicted = ecg("predict", "data/mitbih_test.csv", "-o", "predictions.parquet")
    assert predicted.exit_code == 0, predicted.stderr
    report = json.loads(Path("runs/cnn/evaluation-mitbih_test/report.json").read_text())
    labels = pd.Categorical(pd.read_parquet("predictions.parquet")["class"], list("NSVFQ")).codes
    truth = read_labelled("data/mitbih_test.csv").known_labels
    assert (labels == truth).mean() == pytest.approx(report["overall"]["accuracy"]["value"])

    shown = ecg(
        "confusion", "predictions.parquet", "--truth", "data/mitbih_test.csv", "--json",
        "--png", "confusion.png",
    )  # fmt: skip
    matrix = np.array(json.loads(shown.stdout)["confusion_matrix"])
    assert matrix.tolist() == report["confusion_matrix"]
    assert matrix.sum(1).tolist() == [18118, 556, 1448, 162, 1608]
    assert Path("confusion.png").exists()
