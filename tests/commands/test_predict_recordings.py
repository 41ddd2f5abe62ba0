"""``ecg predict`` on recordings: one, many, damaged ones, and ones without beats."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import edfio
import numpy as np
import pandas as pd
import pytest
import wfdb
from typer.testing import Result

from ecgcli.beats import read_beats
from ecgcli.locking import locked
from tests.helpers import ecg_process

Ecg = Callable[..., Result]


@pytest.fixture
def records(mitdb: Path, tmp_path: Path) -> Path:
    """A folder with three real records."""
    folder = tmp_path / "records"
    folder.mkdir()
    for name in ("100", "119", "208"):
        for ending in ("hea", "dat", "atr"):
            shutil.copy(mitdb / f"{name}.{ending}", folder)
    return folder


def test_predictions_of_a_record_have_times_and_a_rhythm(
    trained: Path, mitdb: Path, ecg: Ecg
) -> None:
    result = ecg("predict", mitdb / "119.hea", "--model", trained)
    assert result.exit_code == 0
    table = pd.read_csv(io.StringIO(result.stdout))
    assert list(table.columns) == ["beat", "time", "class", *"NSVFQ", "rhythm", "rr"]
    annotated = wfdb.rdann(str(mitdb / "119"), "atr").sample / 360
    assert np.isin(table["time"], annotated.round(4)).all()
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


def test_a_summary_without_its_figures_is_made_again(
    trained: Path, records: Path, ecg: Ecg
) -> None:
    arguments = ("predict", records, "--model", trained, "-o", "results", "--jobs", 1)
    ecg(*arguments)
    note = Path("results/100.summary.json")
    whole = json.loads(note.read_text())
    for damage in (
        whole | {"beats": "many"}, [], {"made_with": whole["made_with"]},
        whole | {"mean_rate": "fast"}, whole | {"recording": None},
    ):  # fmt: skip
        note.write_text(json.dumps(damage))
        again = ecg(*arguments)
        assert again.exit_code == 0
        assert "(2 done before)" in again.stderr
        assert json.loads(note.read_text()) == whole


def test_results_of_another_model_or_detector_are_made_again(
    trained: Path, run_copy: Path, records: Path, ecg: Ecg
) -> None:
    arguments = ("predict", records, "-o", "results", "--jobs", 1, "--annotations", "none")
    ecg(*arguments, "--model", trained)
    assert "(3 done before)" in ecg(*arguments, "--model", trained).stderr
    assert "done before" not in ecg(*arguments, "--model", run_copy).stderr
    again = ecg(*arguments, "--model", run_copy, "--detector", "sleepecg")
    assert "done before" not in again.stderr
    made_with = json.loads(Path("results/100.summary.json").read_text())["made_with"]
    assert made_with["detector"] == "sleepecg"
    assert made_with["model"].startswith(str(run_copy))


@pytest.fixture
def days(records: Path, tmp_path: Path) -> None:
    """The folders dayA and dayB, each with a recording named holter, of two people."""
    for day, record in (("dayA", "100"), ("dayB", "208")):
        folder = tmp_path / day
        folder.mkdir()
        header = (records / f"{record}.hea").read_text().replace(f"{record}.dat", "holter.dat")
        (folder / "holter.hea").write_text(header.replace(record, "holter", 1))
        for ending in ("dat", "atr"):
            shutil.copy(records / f"{record}.{ending}", folder / f"holter.{ending}")


@pytest.mark.usefixtures("days")
def test_the_result_of_another_recording_of_the_same_name_is_kept(trained: Path, ecg: Ecg) -> None:
    assert ecg("predict", "dayA", "--model", trained, "-o", "res").exit_code == 0
    first = Path("res/holter.csv").read_bytes()
    second = ecg("predict", "dayB", "--model", trained, "-o", "res")
    assert second.exit_code == 2
    assert "holter.csv is the result of" in second.stderr
    assert "choose another folder" in second.stderr
    assert Path("res/holter.csv").read_bytes() == first
    assert ecg("predict", "dayB", "--model", trained, "-o", "other").exit_code == 0
    assert Path("other/holter.csv").read_bytes() != first


@pytest.mark.usefixtures("days")
def test_recordings_of_one_name_keep_their_folders(trained: Path, tmp_path: Path, ecg: Ecg) -> None:
    alone = {
        day: ecg("predict", f"{day}/holter.hea", "--model", trained, "-q").stdout
        for day in ("dayA", "dayB")
    }
    (tmp_path / "holters").mkdir()
    for day in ("dayA", "dayB"):
        shutil.move(day, tmp_path / "holters" / day)
    arguments = ("predict", "holters", "--model", trained, "-o", "res", "--jobs", 2)
    result = ecg(*arguments)
    assert result.exit_code == 0, result.stderr
    for day in ("dayA", "dayB"):
        assert Path(f"res/{day}/holter.csv").read_text() == alone[day]
        assert Path(f"res/{day}/holter.summary.json").exists()
    summary = json.loads(Path("res/summary.json").read_text())
    assert [result["recording"] for result in summary["recordings"]] == [
        "dayA/holter",
        "dayB/holter",
    ]
    assert "(2 done before)" in ecg(*arguments).stderr
    assert json.loads(Path("res/summary.json").read_text()) == summary


@pytest.mark.usefixtures("days")
def test_a_changed_recording_is_done_again(trained: Path, ecg: Ecg) -> None:
    assert ecg("predict", "dayA", "--model", trained, "-o", "res").exit_code == 0
    first = Path("res/holter.csv").read_bytes()
    shutil.copy("dayB/holter.dat", "dayA/holter.dat")
    header = Path("dayB/holter.hea").read_text()
    Path("dayA/holter.hea").write_text(header)
    shutil.copy("dayB/holter.atr", "dayA/holter.atr")
    again = ecg("predict", "dayA", "--model", trained, "-o", "res")
    assert again.exit_code == 0, again.stderr
    assert Path("res/holter.csv").read_bytes() != first


@pytest.mark.usefixtures("days")
def test_results_in_several_formats_are_each_of_the_recording_as_it_is(
    trained: Path, ecg: Ecg
) -> None:
    arguments = ("predict", "dayA", "--model", trained, "-o", "res", "-j", 1)
    part = Path("res/beats.parquet/recording=holter/beats.parquet")
    ecg(*arguments, "--beats-parquet")
    ecg(*arguments, "--format", "json")
    assert "(1 done before)" in ecg(*arguments, "--beats-parquet").stderr
    shutil.copytree("dayB", "dayA", dirs_exist_ok=True)
    ecg(*arguments, "--format", "json")
    beats = len(json.loads(Path("res/holter.json").read_text())["beats"])
    assert len(pd.read_csv("res/holter.csv")) != beats
    assert "done before" not in ecg(*arguments).stderr
    assert len(pd.read_csv("res/holter.csv")) == beats
    assert "done before" not in ecg(*arguments, "--beats-parquet").stderr
    assert len(pd.read_parquet(part)) == beats


@pytest.mark.usefixtures("days")
def test_another_format_does_not_replace_the_result_of_another_recording(
    trained: Path, ecg: Ecg
) -> None:
    ecg("predict", "dayA", "--model", trained, "-o", "res")
    before = {path: path.read_bytes() for path in Path("res").glob("holter*")}
    refused = ecg("predict", "dayB", "--model", trained, "-o", "res", "--format", "json")
    assert refused.exit_code == 2
    assert "holter.summary.json is the result of" in refused.stderr
    assert {path: path.read_bytes() for path in Path("res").glob("holter*")} == before


@pytest.mark.usefixtures("days")
def test_the_result_of_another_version_is_made_again(
    trained: Path, ecg: Ecg, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("predict", "dayA", "--model", trained, "-o", "res", "-j", 1)
    ecg(*arguments)
    monkeypatch.setattr("ecgcli.prediction.cohort.__version__", "99")
    assert "done before" not in ecg(*arguments).stderr
    assert "(1 done before)" in ecg(*arguments).stderr


@pytest.mark.usefixtures("days")
@pytest.mark.parametrize(
    "damage", ["", "{", "[1]", '"text"', "\0", "not finite", "a key", "a name"]
)
def test_a_damaged_summary_is_made_again(damage: str, trained: Path, ecg: Ecg) -> None:
    ecg("predict", "dayA", "--model", trained, "-o", "res")
    note = Path("res/holter.summary.json")
    whole = note.read_text()
    changed = {
        "not finite": re.sub('"mean_rate": [0-9.]+', '"mean_rate": NaN', whole),
        "a key": whole.replace('"known_seconds"', '"known"'),
        "a name": whole.replace('"holter.csv"', "[1]"),
    }
    note.write_text(changed.get(damage, damage))
    again = ecg("predict", "dayA", "--model", trained, "-o", "res")
    assert again.exit_code == 0, again.stderr
    assert "res/holter.summary.json: damaged; it was made again" in again.stderr
    assert note.read_text() == whole


@pytest.mark.usefixtures("days")
def test_a_name_that_no_file_can_have_is_a_failure_among_others(trained: Path, ecg: Ecg) -> None:
    result = ecg("predict", "dayA", "a\0b", "--model", trained, "-o", "res")
    assert result.exit_code == 2
    assert "a\\x00b" in result.stderr
    assert Path("res/dayA/holter.csv").exists()


def test_an_annotation_file_needs_beats(trained: Path, ecg: Ecg) -> None:
    np.save("flat.npy", np.zeros(5000))
    options = ("--fs", 250, "--units", "mV", "--model", trained)
    result = ecg("predict", "flat.npy", *options, "-o", "flat.ecg")
    assert result.exit_code == 2
    assert "flat.npy: no beats were found" in result.stderr.splitlines()[-1]
    assert not Path("flat.ecg").exists()


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


def test_results_of_another_threshold_are_made_again(
    trained: Path, records: Path, ecg: Ecg
) -> None:
    arguments = ("predict", records, "-o", "results", "--jobs", 1, "--model", trained)
    ecg(*arguments)
    result = ecg(*arguments, "--abstain", 0.9)
    assert "done before" not in result.stderr
    summary = json.loads(Path("results/summary.json").read_text())
    assert all(row["abstained"] > 0 for row in summary["recordings"])
    assert "?" in set(pd.read_csv("results/208.csv")["class"])


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
