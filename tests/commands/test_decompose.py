"""``ecg decompose``: figures, a table of samples, a picture."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from typer.testing import Result

Ecg = Callable[..., Result]


def test_figures_table_and_picture(mitdb: Path, ecg: Ecg) -> None:
    arguments = ("decompose", mitdb / "103.hea", "--seconds", 10, "-o", "p.csv", "--png", "p.png")
    result = ecg(*arguments)
    assert result.exit_code == 0
    assert "noise share" in result.stdout
    assert result.stderr == "Parts: p.csv\nPicture: p.png\n"
    table = pd.read_csv("p.csv")
    assert list(table) == ["time", "signal", "trend", "periodic", "residual"]
    total = table[["trend", "periodic", "residual"]].sum(axis=1)
    assert np.abs(total - table["signal"]).max() < 1e-9
    assert imread("p.png").shape[:2] == (1200, 1650)
    document = json.loads(ecg(*arguments, "--json").stdout)
    assert document["files"] == ["p.csv", "p.png"]
    share = table["residual"].var() / (table["signal"] - table["trend"]).var()
    assert document["noise_share"] == pytest.approx(share, rel=1e-4)
    assert f"{document['noise_share']:.1%}" in result.stdout
    assert f"{document['wander_mv']:.3f} mV" in result.stdout


def test_quiet_and_multiplicative(mitdb: Path, ecg: Ecg) -> None:
    arguments = ("decompose", mitdb / "103.hea", "--seconds", 10, "--model", "multiplicative")
    assert "103: raised by" in ecg(*arguments).stderr
    assert "103: the file states 360 Hz; --fs 250 is used" in ecg(*arguments, "--fs", 250).stderr
    assert ecg(*arguments, "-q").stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "4000"], "--from: found 4000; 103 runs from 0 to"),
        (["--from", "60", "--seconds", "1"], "s; at least 3 are needed"),
        (["--lead", "V9"], "there is no lead V9"),
        (["--detector", "none", "--annotations", "none"], "there is no detector none"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], message: str, mitdb: Path, ecg: Ecg) -> None:
    result = ecg("decompose", mitdb / "103.hea", *arguments, "-o", "p.csv")
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not Path("p.csv").exists()


def test_without_statsmodels_a_line_says_how_to_install_it(
    mitdb: Path, ecg: Ecg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels.tsa.seasonal", None)
    result = ecg("decompose", mitdb / "103.hea", "-o", "p.csv", "-q")
    assert result.exit_code == 2
    expected = "error: ecg decompose needs the package statsmodels: "
    assert result.stderr == f"{expected}pip install 'ecgcli[decompose]'\n"
    assert not Path("p.csv").exists()
