"""``ecg predict`` on one recording: its table, its rhythm, odd ones, and ones without beats."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import edfio
import numpy as np
import pandas as pd
import pytest
import wfdb
from typer.testing import Result

from ecgcli.beats import read_beats

Ecg = Callable[..., Result]


def test_predictions_of_a_record_have_times_and_a_rhythm(
    trained: Path, mitdb: Path, ecg: Ecg
) -> None:
    result = ecg("predict", mitdb / "119.hea", "--model", trained)
    assert result.exit_code == 0
    table = pd.read_csv(io.StringIO(result.stdout))
    assert list(table.columns) == ["beat", "time", "class", *"NSVFQ", "rhythm", "rr"]
    annotated = wfdb.rdann(str(mitdb / "119"), "atr").sample / 360
    assert np.isin(table["time"], annotated.round(4)).all()
    assert "trained on synthetic beats; for real ones: --model recordings" in result.stderr
    assert "119: 0:30:06, 1,987 beats" in result.stderr
    assert "heart rate  mean 66" in result.stderr
    assert "V burden" in result.stderr


def test_noise_is_said_to_be_doubtful_and_has_no_atrial_rhythm(nstdb: Path, ecg: Ecg) -> None:
    result = ecg("predict", nstdb / "ma.hea", "-o", "p.csv")
    assert result.exit_code == 0
    assert re.search(r"ma: 9\d% of the beats are Q: paced beats, or noise in which", result.stderr)
    assert "AF burden   unknown" in result.stderr


def test_a_lead_without_ecg_is_reported_with_the_other_leads(mitdb: Path, ecg: Ecg) -> None:
    two = wfdb.rdrecord(str(mitdb / "100"), sampto=20_000).p_signal
    two[:, 0] = 0
    wfdb.wrsamp("flat", 360, ["mV"] * 2, ["MLII", "V5"], two, fmt=["16"] * 2)
    result = ecg("predict", "flat.hea", "-o", "p.csv")
    assert result.exit_code == 0
    assert "lead MLII has no ECG for most of the time; valid for --lead: MLII, V5, or all" in (
        " ".join(result.stderr.split())
    )


def test_the_classes_are_those_of_its_prepared_beats(trained: Path, mitdb: Path, ecg: Ecg) -> None:
    ecg("prepare", mitdb / "208", "-o", "beats.csv")
    by_beats = pd.read_csv(
        io.StringIO(ecg("predict", "beats.csv", "--model", trained, "-q").stdout)
    )
    direct = pd.read_csv(
        io.StringIO(ecg("predict", mitdb / "208", "--model", trained, "-q").stdout)
    )
    info = read_beats("beats.csv").info
    assert info is not None
    assert direct["time"].tolist() == info["time"].tolist()
    assert direct["class"].tolist() == by_beats["class"].tolist()


def test_detected_beats_of_an_edf_at_another_rate(trained: Path, mitdb: Path, ecg: Ecg) -> None:
    from scipy.signal import resample_poly

    record = wfdb.rdrecord(str(mitdb / "103"))
    signal = resample_poly(record.p_signal[: 360 * 300, 0], 25, 36)
    lead = edfio.EdfSignal(signal, 250, label="ECG II", physical_dimension="mV")
    edfio.Edf([lead]).write("holter.edf")
    result = ecg("predict", "holter.edf", "--lead", "II", "--model", trained, "--json")
    document = json.loads(result.stdout)
    truth = wfdb.rdann(str(mitdb / "103"), "atr").sample / 360
    inside = truth[(truth > 1) & (truth < 298)]
    times = np.array([row["time"] for row in document["beats"]])
    assert all(np.abs(times - beat).min() < 0.02 for beat in inside)
    assert document["summary"]["beats"] == pytest.approx(len(truth[truth < 300]), abs=2)
    assert any("detected (envelope)" in note for note in document["summary"]["notes"])


@pytest.mark.parametrize(
    ("options", "origin"), [((), "annotated"), (("--annotations", "none"), "detected")]
)
def test_the_result_states_whether_r_peaks_were_annotated_or_detected(
    options: tuple[str, ...], origin: str, trained: Path, mitdb: Path, ecg: Ecg
) -> None:
    result = ecg("predict", mitdb / "100", "--model", trained, "--json", *options)
    assert json.loads(result.stdout)["summary"]["r_peaks"] == origin
    assert f"  R peaks     {origin}\n" in result.stderr


def test_clock_times_and_rr_intervals_in_the_table_and_the_summary(
    trained: Path, records: Path, ecg: Ecg
) -> None:
    """Record 208, as if it had begun when record 00 of ltafdb did."""
    header = records / "208.hea"
    header.chmod(0o600)
    header.write_text(header.read_text().replace("650000", "650000 23:50:00 02/05/2005", 1))
    result = ecg("predict", header, "--model", trained, "-o", "208.json")
    document = json.loads(Path("208.json").read_text())
    summary, beats = document["summary"], document["beats"]
    assert summary["start"] == "2005-05-02T23:50:00"
    first, second = beats[:2]
    assert first["clock"] == f"2005-05-02T23:50:{first['time']:06.3f}"
    assert beats[-1]["clock"].startswith("2005-05-03T00:20:0")
    assert first["rr"] is None
    assert second["rr"] == pytest.approx(second["time"] - first["time"], abs=2e-4)
    assert all(run["clock"] > summary["start"] for run in summary["runs"])
    assert [hour["clock"] for hour in summary["hours"]] == ["2005-05-02T23:50:00.000"]
    assert "starts      2005-05-02 23:50:00" in result.stderr
    ecg("predict", header, "--model", trained, "-o", "208.csv", "-q")
    header = Path("208.csv").read_text().partition("\n")[0]
    assert header.startswith("beat,time,class,")
    assert header.endswith(",rhythm,rr,clock")


def test_a_wfdb_annotation_file_reads_back(trained: Path, mitdb: Path, ecg: Ecg) -> None:
    ecg("predict", mitdb / "208", "--model", trained, "-o", "208.ecg", "-q")
    table = pd.read_csv(io.StringIO(ecg("predict", mitdb / "208", "-m", trained, "-q").stdout))
    annotations = wfdb.rdann("208", "ecg")
    beats = np.array(annotations.symbol) != "+"
    assert np.array(annotations.symbol)[beats].tolist() == table["class"].tolist()
    assert np.abs(annotations.sample[beats] / 360 - table["time"]).max() < 1e-3


def test_fibrillation_in_every_form_of_result(mitdb: Path, ecg: Ecg) -> None:
    """Record 202: fibrillation begins in its twentieth minute."""
    arguments = ("predict", mitdb / "202", "-m", "recordings", "--annotations", "none")
    result = ecg(*arguments, "--json")
    document = json.loads(result.stdout)
    fibrillation = document["summary"]["fibrillation"]
    assert fibrillation["burden"] == pytest.approx(586 / 1805, abs=0.06)
    assert fibrillation["episode_count"] == len(fibrillation["episodes"]) > 0
    first = fibrillation["episodes"][0]
    assert first["start_sample"] == round(first["start"] * 360)
    assert "AF burden   3" in result.stderr
    assert "    from 0:" in result.stderr
    rows = document["beats"]
    assert {row["rhythm"] for row in rows} == {"AFIB", "N"}
    inside = [row for row in rows if first["start"] <= row["time"] < first["end"] - 0.001]
    assert {row["rhythm"] for row in inside} == {"AFIB"}

    ecg(*arguments, "-o", "202.ecg", "-q")
    rhythms = rhythm_marks_in("202.ecg")
    assert [(text, time) for text, time in rhythms if text == "(AFIB"] == [
        ("(AFIB", pytest.approx(each["start"], abs=0.01)) for each in fibrillation["episodes"]
    ]
    assert {text for text, _ in rhythms} == {"(AFIB", "(N"}


def rhythm_marks_in(path: str) -> list[tuple[str, float]]:
    annotations = wfdb.rdann(path.removesuffix(".ecg"), "ecg")
    marks = zip(annotations.symbol, annotations.aux_note, annotations.sample, strict=True)
    return [(text.rstrip("\0"), sample / 360) for symbol, text, sample in marks if symbol == "+"]


def test_a_recording_too_short_for_an_episode_says_so(mitdb: Path, ecg: Ecg) -> None:
    np.save("short.npy", wfdb.rdrecord(str(mitdb / "100")).p_signal[: 360 * 20, 0])
    arguments = ("predict", "short.npy", "--fs", 360, "--units", "mV", "-m", "recordings")
    result = ecg(*arguments, "-o", "short.csv")
    assert result.exit_code == 0, result.stderr
    assert "beats are too few to look for atrial fibrillation in; at least 62" in result.stderr
    assert "AF burden   unknown" in result.stderr
    assert pd.read_csv("short.csv")["rhythm"].isna().all()
    ecg(*arguments, "-o", "short.ecg")
    assert "+" not in wfdb.rdann("short", "ecg").symbol


def test_a_wrong_checksum_is_an_error_that_can_be_ignored(
    trained: Path, records: Path, ecg: Ecg
) -> None:
    header = records / "119.hea"
    header.chmod(0o600)
    header.write_text(header.read_text().replace(" 2943 ", " 2944 "))
    arguments = ("predict", records, "--model", trained, "-o", "results", "--jobs", 1)
    assert "119.hea: the checksum of lead MLII is not the header's" in ecg(*arguments).stderr
    ignoring = (*arguments, "--ignore-checksums", "--json")
    summaries = json.loads(ecg(*ignoring).stdout)["recordings"]
    assert ["checksum" in " ".join(each["notes"]) for each in summaries] == [False, True, False]
    again = ecg(*arguments)  # what was read nevertheless is not done for whoever does not ask
    assert again.exit_code == 2
    assert "--ignore-checksums" in again.stderr


def test_no_beats_is_a_clean_result(trained: Path, ecg: Ecg) -> None:
    np.save("flat.npy", np.zeros(5000))
    options = ("--fs", 250, "--units", "mV", "--model", trained)
    result = ecg("predict", "flat.npy", *options)
    assert result.exit_code == 0
    assert result.stdout == "beat,time,class,N,S,V,F,Q,rhythm,rr\n"
    assert "0:00:20, 0 beats" in result.stderr
    assert "no ECG      100.0% of the time" in result.stderr


def test_an_annotation_file_needs_beats(trained: Path, ecg: Ecg) -> None:
    np.save("flat.npy", np.zeros(5000))
    options = ("--fs", 250, "--units", "mV", "--model", trained)
    result = ecg("predict", "flat.npy", *options, "-o", "flat.ecg")
    assert result.exit_code == 2
    assert "flat.npy: no beats were found" in result.stderr.splitlines()[-1]
    assert not Path("flat.ecg").exists()


@pytest.mark.parametrize("seconds", [1.0, 5.0])
def test_a_few_seconds_are_read_or_refused(
    seconds: float, trained: Path, mitdb: Path, ecg: Ecg
) -> None:
    np.save("short.npy", wfdb.rdrecord(str(mitdb / "100")).p_signal[: int(360 * seconds), 0])
    result = ecg("predict", "short.npy", "--fs", 360, "--units", "mV", "--model", trained)
    if seconds < 2:
        assert result.exit_code == 2
        assert "1.0 s are too short to find beats in; at least 2 s" in result.stderr
        assert result.stdout == ""
    else:
        assert result.exit_code == 0
        assert len(result.stdout.splitlines()) - 1 in (4, 5, 6)


def test_a_record_of_paced_beats_alone(trained: Path, mitdb: Path, ecg: Ecg) -> None:
    result = ecg("predict", mitdb / "107", "--model", trained, "--annotations", "none")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == pytest.approx(2136, abs=6)


def test_a_saturated_stretch_is_skipped(trained: Path, mitdb: Path, ecg: Ecg) -> None:
    signal = wfdb.rdrecord(str(mitdb / "100")).p_signal[:36_000, 0].copy()
    signal[10_000:10_100] = 5.0
    np.save("high.npy", signal)
    result = ecg("predict", "high.npy", "--fs", 360, "--units", "mV", "--model", trained)
    assert "0.3 s without ECG skipped (1 saturated)" in result.stderr
    times = pd.read_csv(io.StringIO(result.stdout))["time"]
    assert not times.between(10_000 / 360, 10_100 / 360).any()


def test_one_lead_and_a_name_in_all_kinds_of_letters(trained: Path, mitdb: Path, ecg: Ecg) -> None:
    signal = wfdb.rdrecord(str(mitdb / "100")).p_signal[:36_000, 0]
    lead = edfio.EdfSignal(signal, 360, label="ECG", physical_dimension="mV")
    edfio.Edf([lead]).write("Patient 7, été, 心電図.edf")
    result = ecg("predict", "Patient 7, été, 心電図.edf", "--model", trained)
    assert result.exit_code == 0
    assert "no lead II or MLII; read lead ECG" in result.stderr


def test_unsure_beats_of_a_recording_are_not_classified(
    trained: Path, mitdb: Path, ecg: Ecg
) -> None:
    arguments = ("predict", mitdb / "208", "--model", trained)
    plain = json.loads(ecg(*arguments, "--json").stdout)
    result = ecg(*arguments, "--abstain", 0.9, "--json")
    document = json.loads(result.stdout)
    unsure = sum(row["class"] == "?" for row in document["beats"])
    summary = document["summary"]
    assert summary["abstained"] == unsure > 0
    assert summary["unclassified"] == plain["summary"]["unclassified"] + unsure
    assert sum(summary["counts"].values()) == len(document["beats"]) - unsure
    assert f"{unsure:,} of them abstained" in result.stderr
    assert plain["summary"]["abstained"] == 0
    assert [row["V"] for row in document["beats"]] == [row["V"] for row in plain["beats"]]
    ecg(*arguments, "--abstain", 0.9, "-o", "208.ecg", "-q")
    symbols = [symbol for symbol in wfdb.rdann("208", "ecg").symbol if symbol != "+"]
    assert symbols == [row["class"] for row in document["beats"]]
