"""``ecg view`` and ``ecg predict --report``: the files they write, and what they refuse."""

from __future__ import annotations

import datetime
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import edfio
import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

Ecg = Callable[..., Result]


def data_of(page: Path) -> dict[str, object]:
    """What the scripts of a page read."""
    block = page.read_text().partition('id="page-data">')[2].partition("</script>")[0]
    document: dict[str, object] = json.loads(block)
    return document


def test_a_page_of_a_recording(mitdb: Path, ecg: Ecg) -> None:
    result = ecg("view", mitdb / "208.hea", "--model", "recordings", "--annotations", "none")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "208.html\n"
    assert re.search(r"208: 2,941 beats; couplet 1\d\d", result.stderr)
    text = Path("208.html").read_text()
    assert len(text) < 3_000_000
    for words in ("MLII, V1", "360 Hz", "2,941, detected", "Not a medical device", "ODC-By 1.0"):
        assert words in text
    pauses = [event for event in data_of(Path("208.html"))["events"] if event["kind"] == "pause"]
    longest = max(pauses, key=lambda event: event["stop"] - event["start"])
    assert longest["detail"] == "RR 4.73 s"
    assert "missed" in longest["doubt"]


def test_the_summary_of_predict_marks_the_pause_that_may_be_a_missed_beat(
    mitdb: Path, ecg: Ecg
) -> None:
    arguments = ("predict", mitdb / "208.hea", "--model", "recordings", "-o", "208.csv")
    result = ecg(*arguments, "--annotations", "none")
    assert "longest RR  4.73 s at 0:23:03, perhaps a missed beat\n" in result.stderr


def test_a_table_of_predictions_gives_the_same_beats(mitdb: Path, ecg: Ecg) -> None:
    record = mitdb / "119.hea"
    for peaks in ("auto", "none"):  # the second is found out by the table's times
        ecg("predict", record, "-m", "recordings", "-o", "119.csv", "--annotations", peaks)
        ecg("view", record, "-m", "recordings", "-o", "by-model.html", "--annotations", peaks)
        result = ecg("view", record, "--predictions", "119.csv", "-o", "by-table.html", "--json")
        assert json.loads(result.stdout)["page"] == "by-table.html"
        by_model, by_table = data_of(Path("by-model.html")), data_of(Path("by-table.html"))
        assert by_model["beats"] == by_table["beats"]
        assert by_model["events"] == by_table["events"]


def test_fibrillation_in_a_table_is_shown(mitdb: Path, ecg: Ecg) -> None:
    ecg("predict", mitdb / "100.hea", "-m", "recordings", "-o", "100.csv")
    table = pd.read_csv("100.csv")
    table["rhythm"] = np.where((table["time"] > 60) & (table["time"] < 120), "AFIB", "N")
    table.to_csv("100.csv", index=False)
    ecg("view", mitdb / "100.hea", "--predictions", "100.csv")
    ((start, stop),) = data_of(Path("100.html"))["fibrillation"]
    assert 60 < start < 61.5
    assert 118.5 < stop < 120


@pytest.fixture
def predictions(mitdb: Path, ecg: Ecg) -> Path:
    ecg("predict", mitdb / "100.hea", "-m", "recordings", "-o", "100.csv")
    return Path("100.csv")


def test_predictions_of_another_recording_are_refused(
    mitdb: Path, predictions: Path, ecg: Ecg
) -> None:
    result = ecg("view", mitdb / "101.hea", "--predictions", predictions, "-o", "x.html")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: 100.csv, row 2: there is no R peak at 0.2139 s in ")
    assert not Path("x.html").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="time"), "there is no column named time"),
        (lambda table: table.iloc[::-1], "row 3: found time"),
        (lambda table: table.assign(V=np.nan), "row 2: column V holds no number"),
        (lambda table: table.assign(time=table["time"] + 4000), "row 2: there is no R peak at"),
        (lambda table: table.assign(**{"class": "X"}), "row 2: found class 'X'"),
    ],
)
def test_damaged_predictions_are_refused(
    change: Callable[[pd.DataFrame], pd.DataFrame],
    message: str,
    mitdb: Path,
    predictions: Path,
    ecg: Ecg,
) -> None:
    change(pd.read_csv(predictions)).to_csv("damaged.csv", index=False)
    result = ecg("view", mitdb / "100.hea", "--predictions", "damaged.csv")
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not Path("100.html").exists()


def test_a_model_and_predictions_are_one_too_many(ecg: Ecg) -> None:
    result = ecg("view", "x.hea", "--predictions", "x.csv", "--model", "recordings")
    assert result.exit_code == 2
    assert "leave out --model" in result.stderr


def test_clock_times_other_signals_and_names_of_an_edf(ecg: Ecg) -> None:
    time = np.arange(250 * 60) / 250
    lead = np.where(time % 1 < 0.03, 1.0, 0.0) + 0.01 * np.sin(time)
    edfio.Edf(
        [
            edfio.EdfSignal(lead, 250, label="ECG <b>I</b>", physical_dimension="mV"),
            edfio.EdfSignal(lead, 250, label="ECG II", physical_dimension="mV"),
            edfio.EdfSignal(lead[::2], 125, label="ECG slow", physical_dimension="mV"),
            edfio.EdfSignal(lead, 250, label="Resp", physical_dimension="l"),
        ],
        recording=edfio.Recording(startdate=datetime.date(2024, 3, 1)),
        starttime=datetime.time(23, 58, 30),
    ).write("night.edf")
    result = ecg("view", "night.edf", "-m", "recordings", "--lead", "II")
    assert result.exit_code == 0, result.stderr
    data = data_of(Path("night.html"))
    assert [lead["name"] for lead in data["leads"]] == ["ECG II", "ECG <b>I</b>"]
    assert data["offset"] == 23 * 3600 + 58 * 60 + 30
    text = Path("night.html").read_text()
    assert "2024-03-01 23:58:30" in text
    assert "signal Resp is left out" in text
    assert "signal ECG slow is left out: it has 125 Hz" in text
    assert "<b>I</b>" not in text


def test_pages_of_a_folder_with_a_list(mitdb: Path, ecg: Ecg) -> None:
    Path("records").mkdir()
    for name in ("100", "208"):
        for ending in ("hea", "dat", "atr"):
            shutil.copy(mitdb / f"{name}.{ending}", "records")
    arguments = ("predict", "records", "-m", "recordings", "-o", "results", "--jobs", 1)
    ecg(*arguments)
    result = ecg(*arguments, "--report", "pages")
    assert result.exit_code == 0, result.stderr
    assert "done before" not in result.stderr  # the tables were there, the pages were not
    assert {path.name for path in Path("pages").iterdir()} == {"100.html", "208.html", "index.html"}
    index = Path("pages/index.html").read_text()
    assert '<a href="208.html">208</a>' in index
    assert "(2 done before)" in ecg(*arguments, "--report", "pages").stderr
    Path("pages/100.html").unlink()
    assert "(1 done before)" in ecg(*arguments, "--report", "pages").stderr


def test_a_recording_whose_page_would_be_the_list_is_refused(mitdb: Path, ecg: Ecg) -> None:
    for ending in ("hea", "dat", "atr"):
        shutil.copy(mitdb / f"100.{ending}", f"index.{ending}")
    header = Path("index.hea").read_text().replace("100.dat", "index.dat")
    header = header.replace("100 ", "index ", 1)
    Path("index.hea").chmod(0o600)
    Path("index.hea").write_text(header)
    result = ecg("predict", "index.hea", "-m", "recordings", "-o", "x.csv", "--report", "pages")
    assert result.exit_code == 2
    assert "lists all pages" in result.stderr


def test_report_is_for_recordings(demo: Path, ecg: Ecg) -> None:
    result = ecg("predict", demo / "synthetic_test.csv", "--report", "pages")
    assert result.exit_code == 2
    assert "--report" in result.stderr


@pytest.mark.parametrize("arguments", [["view", "x.hea"], ["predict", "x.hea", "--report", "p"]])
def test_without_bokeh_a_line_says_how_to_install_it(
    arguments: list[str], ecg: Ecg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bokeh", None)
    result = ecg(*arguments, "-m", "recordings")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].endswith("pip install 'ecgcli[view]'")


def test_a_place_that_cannot_be_written_is_a_line(mitdb: Path, ecg: Ecg) -> None:
    result = ecg("view", mitdb / "100.hea", "-m", "recordings", "-o", "/dev/full")
    assert result.exit_code == 2
    assert "cannot write /dev/full" in result.stderr
