"""``ecg forecast``: beats and recordings, as numbers and as a picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from ecgcli.anomaly.fitting import Settings, fit
from ecgcli.progress import SILENT

Ecg = Callable[..., Result]

COLUMNS = ["beat", "sample", "time", "ended", "median", "low_50", "high_50", "low_90", "high_90"]


def test_beats(anomaly_run: Path, demo: Path, ecg: Ecg) -> None:
    arguments = ("--rows", "1,4-5", "--from", 60, "-o", "f.csv", "--png", "f.png")
    result = ecg("forecast", demo / "synthetic_test.csv", "--model", anomaly_run, *arguments)
    assert result.exit_code == 0
    table = pd.read_csv("f.csv")
    assert list(table) == COLUMNS
    assert table["beat"].unique().tolist() == [1, 4, 5]
    assert table["sample"].tolist() == list(range(60, 187)) * 3
    assert table["time"].iloc[0] == pytest.approx(0.5)
    assert (table["low_90"] <= table["median"]).all()
    assert (table["median"] <= table["high_90"]).all()
    assert "the 90% band" in result.stderr
    assert Path("f.png").read_bytes().startswith(b"\x89PNG")


def test_a_seed_repeats_it_and_json_says_the_same(anomaly_run: Path, demo: Path, ecg: Ecg) -> None:
    arguments = ("forecast", demo / "synthetic_test.csv", "--model", anomaly_run, "--samples", 5)
    first, again = ecg(*arguments, "--seed", 1), ecg(*arguments, "--seed", 1)
    assert first.stdout == again.stdout != ecg(*arguments, "--seed", 2).stdout
    document = json.loads(ecg(*arguments, "--seed", 1, "--json").stdout)
    rows = pd.DataFrame(document["rows"])
    assert rows["sample"].tolist() == [40, 41, 42, 43, 44]
    assert np.allclose(rows["median"], [float(r.split(",")[4]) for r in first.stdout.split()[1:]])
    assert set(document["coverage"]["all"]) == {"50", "90"}


def test_a_forecast_of_a_recording_is_in_millivolts(
    anomaly_run: Path, mitdb: Path, ecg: Ecg
) -> None:
    """Record 100: an R peak is at 0.2139 s + …; the beat that has begun at 10 s is forecast."""
    arguments = ("--after", 10, "--samples", 24, "-o", "f.csv", "--png", "f.png")
    result = ecg("forecast", mitdb / "100.hea", "--model", anomaly_run, *arguments)
    assert result.exit_code == 0, result.stderr
    table = pd.read_csv("f.csv")
    assert len(table) == 24
    assert table["time"].iloc[0] == pytest.approx(10, abs=1 / 120)
    assert table["time"].is_monotonic_increasing
    assert table["median"].between(-1.5, 1.5).all()
    assert "the 90% band" in result.stderr


def test_by_default_a_forecast_begins_where_the_recording_ends(
    anomaly_run: Path, mitdb: Path, ecg: Ecg
) -> None:
    result = ecg("forecast", mitdb / "100.hea", "--model", anomaly_run, "-o", "f.csv")
    assert result.exit_code == 0, result.stderr
    assert pd.read_csv("f.csv")["time"].iloc[0] >= 650000 / 360 - 1 / 120
    assert "Share of samples inside" not in result.stderr
    slow = ("--fs", 250, "--model", anomaly_run, "-o", "slow.csv")
    result = ecg("forecast", mitdb / "100.hea", *slow)
    assert "100: the file states 360 Hz; --fs 250 is used" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", 187], "--from: found 187; valid: 1 to 186"),
        (["--rows", "5-2"], "--rows: found '5-2'"),
        (["--rows", "9999999"], "there is no beat 9999999"),
        (["--rows", "first"], "name beats by number, such as 0 or 3,8-12, or all"),
        (["--samples", 0], "--samples: found 0"),
        (["--after", 3], "--after is for recordings"),
    ],
)
def test_what_cannot_be_forecast_of_beats(
    arguments: list[object], message: str, anomaly_run: Path, demo: Path, ecg: Ecg
) -> None:
    result = ecg("forecast", demo / "synthetic_test.csv", "--model", anomaly_run, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", 40], "--from is for beats"),
        (["--after", 0.3], "a forecast needs a whole beat before the one that is forecast"),
        (["--after", 5000], "--after: found 5000 s; the recording has 1805.6 s"),
    ],
)
def test_what_cannot_be_forecast_of_a_recording(
    arguments: list[object], message: str, anomaly_run: Path, mitdb: Path, ecg: Ecg
) -> None:
    result = ecg("forecast", mitdb / "100.hea", "--model", anomaly_run, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_recording_too_short(anomaly_run: Path, ecg: Ecg) -> None:
    pd.DataFrame({"II": np.sin(np.arange(150) / 10)}).to_csv("short.csv", index=False)
    result = ecg("forecast", "short.csv", "--fs", 360, "--units", "mV", "--model", anomaly_run)
    assert result.exit_code == 2
    assert "short" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: short.csv")


def test_an_autoencoder_cannot_forecast(demo: Path, tmp_path: Path, ecg: Ecg) -> None:
    data = demo / "synthetic_train.csv"
    run = fit(data, Settings("autoencoder", epochs=1), tmp_path / "ae", SILENT).run
    result = ecg("forecast", data, "--model", run)
    assert result.exit_code == 2
    assert "an autoencoder cannot forecast" in result.stderr
