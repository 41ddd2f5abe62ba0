"""``ecg prepare``: recordings in, a beats CSV with its sidecar out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from ecgcli.beats import Beats, read_beats, write_beats
from tests.helpers import some_beats

Ecg = Callable[..., Result]


@pytest.fixture
def records(mitdb: Path, tmp_path: Path) -> Path:
    """A folder with four short-named real records."""
    folder = tmp_path / "records"
    folder.mkdir()
    for name in ("100", "119", "201", "202"):
        for ending in ("hea", "dat", "atr"):
            shutil.copy(mitdb / f"{name}.{ending}", folder)
    return folder


def test_a_record_with_annotations_gives_its_rows_of_the_public_files(
    mitdb: Path, mitbih: Path, ecg: Ecg
) -> None:
    result = ecg("prepare", mitdb / "119.hea", "-o", "beats.csv")
    assert result.exit_code == 0
    assert result.stdout == "beats.csv\n"
    beats = read_beats("beats.csv")
    public = {row.tobytes() for half in ("train", "test")
              for row in read_beats(mitbih / f"mitbih_{half}.csv").samples}  # fmt: skip
    assert all(row.tobytes() in public for row in beats.samples)
    assert beats.counts() == {"N": 1542, "S": 0, "V": 444, "F": 0, "Q": 0}
    assert result.stderr.splitlines()[-1].startswith("Next: ecg train")


def test_detected_beats_are_unlabelled_and_lead_to_predict(mitdb: Path, ecg: Ecg) -> None:
    result = ecg("prepare", mitdb / "100", "-o", "beats.csv", "--annotations", "none")
    beats = read_beats("beats.csv")
    assert beats.labels is None
    assert len(beats) == pytest.approx(2271, abs=3)
    assert "R peaks detected (envelope); no beat has an annotated class" in result.stderr
    assert result.stderr.splitlines()[-1] == "Next: ecg predict beats.csv"
    assert beats.info is not None
    assert np.median(beats.info["next_rr"].dropna()) == pytest.approx(0.79, abs=0.02)


def test_a_folder_on_several_processes_is_the_same_as_one_by_one(records: Path, ecg: Ecg) -> None:
    assert ecg("prepare", records, "-o", "many.csv", "--jobs", 2).exit_code == 0
    assert ecg("prepare", f"{records}/*.hea", "-o", "one.csv", "--jobs", 1).exit_code == 0
    assert Path("many.csv").read_bytes() == Path("one.csv").read_bytes()
    info = read_beats("many.csv").info
    assert info is not None
    # 201 and 202 are one person
    assert info.groupby("record")["patient"].first().tolist() == ["100", "119", "201", "201"]


@pytest.mark.parametrize("rule", ["random", "patient", "ds1-ds2"])
def test_splits_are_saved(rule: str, records: Path, ecg: Ecg) -> None:
    fraction = () if rule == "ds1-ds2" else ("--test-fraction", 0.4)
    result = ecg("prepare", records, "-o", "b.csv", "--split", rule, *fraction)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.split() == ["b_train.csv", "b_test.csv"]
    document = json.loads(Path("b.split.json").read_text())
    assert document["rule"] == rule
    for side in ("train", "test"):
        beats = read_beats(f"b_{side}.csv")
        assert document[side]["beats"] == len(beats)
        assert document[side]["patient"] == beats.patients
    if rule == "patient":
        again = ecg("prepare", records, "-o", "again.csv", "--split", "b.split.json")
        assert again.exit_code == 0
        assert set(read_beats("again_test.csv").patients) == set(document["test"]["patient"])


def test_a_bad_file_is_reported_and_skipped_and_the_exit_code_is_2(records: Path, ecg: Ecg) -> None:
    (records / "119.dat").chmod(0o600)
    (records / "119.dat").write_bytes(b"\0" * 999)
    result = ecg("prepare", records, "-o", "b.csv", "--json")
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert document["recordings"] == 3
    (failed,) = document["failures"]
    assert failed == str(records / "119.hea")
    assert "skipped" in result.stderr
    assert result.stderr.splitlines()[-1] == "error: 1 of 4 recordings could not be read"
    assert set(read_beats("b.csv").patients) == {"100", "201"}


def test_a_single_recording_that_cannot_be_read_is_named_once(records: Path, ecg: Ecg) -> None:
    (records / "119.dat").chmod(0o600)
    (records / "119.dat").write_bytes(b"\0" * 999)
    result = ecg("prepare", records / "119.hea", "-o", "b.csv")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {records / '119.hea'}: ")


def test_gaps_are_skipped_and_reported(mitdb: Path, ecg: Ecg) -> None:
    import wfdb

    signal = wfdb.rdrecord(str(mitdb / "100")).p_signal[:36_000, :1]
    signal[9_000:18_000] = np.nan
    signal[30_000:31_000] = signal[30_000]
    wfdb.wrsamp("gaps", 360, ["mV"], ["II"], signal, fmt=["16"])
    result = ecg("prepare", "gaps.hea", "-o", "b.csv")
    assert "27.8 s without ECG skipped (1 missing, 1 flat)" in result.stderr
    info = read_beats("b.csv").info
    assert info is not None
    assert not info["time"].between(25, 50).any()


def test_an_inverted_lead_is_warned_of(mitdb: Path, ecg: Ecg) -> None:
    import wfdb

    signal = -wfdb.rdrecord(str(mitdb / "100")).p_signal[:72_000, :1]
    wfdb.wrsamp("down", 360, ["mV"], ["II"], signal, fmt=["16"])
    assert "lead II looks inverted" in ecg("prepare", "down.hea", "-o", "b.csv").stderr
    upright = ecg("prepare", mitdb / "100", "-o", "b.csv")
    assert "inverted" not in upright.stderr


@pytest.mark.parametrize(
    ("lead", "noted"),
    [
        ("ECG II", False),
        ("mlii", False),
        ("EKG Lead II", False),
        ("II-ECG", False),
        ("ECG1", True),
        ("III", True),
    ],
)
def test_lead_ii_under_another_name_is_not_reported_as_missing(
    lead: str, noted: bool, mitdb: Path, ecg: Ecg
) -> None:
    import wfdb

    signal = wfdb.rdrecord(str(mitdb / "100")).p_signal[:36_000, :1]
    wfdb.wrsamp("x", 360, ["mV"], [lead], signal, fmt=["16"])
    result = ecg("prepare", "x.hea", "-o", "b.csv")
    assert (f"no lead II or MLII; read lead {lead}" in result.stderr) == noted


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        (np.zeros(1250), "no beats"),
        (np.full(1250, 3.0), "no beats"),
        (np.full(1250, np.nan), "no beats"),
        (np.ones(100), "0.4 s are too short to find beats in"),
    ],
)
def test_recordings_without_beats(signal: np.ndarray, message: str, ecg: Ecg) -> None:
    np.save("x.npy", signal)
    result = ecg("prepare", "x.npy", "-o", "b.csv", "--fs", 250, "--units", "mV")
    assert result.exit_code == 2
    assert message in result.stderr.splitlines()[-1]
    assert not Path("b.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.edf"], "no such file"),
        (["."], "no recordings"),
        (["*.edf"], "nothing matches this pattern"),
    ],
)
def test_places_without_recordings(arguments: list[str], message: str, ecg: Ecg) -> None:
    result = ecg("prepare", *arguments, "-o", "b.csv")
    assert result.exit_code == 2
    assert message in result.stderr


def test_of_all_files_of_a_record_the_header_is_taken(records: Path, ecg: Ecg) -> None:
    result = ecg("prepare", f"{records}/100.*", "-o", "all.csv")
    assert result.exit_code == 0
    assert (
        "2 files left out, because the header of the same name is read: "
        f"{records / '100.atr'}, {records / '100.dat'}\n"
    ) in result.stderr
    ecg("prepare", records / "100.hea", "-o", "one.csv")
    assert Path("all.csv").read_bytes() == Path("one.csv").read_bytes()
    refused = ecg("prepare", f"{records}/100.[ad]*", "-o", "none.csv")
    assert refused.exit_code == 2
    assert "give one file per recording" in refused.stderr
    assert not Path("none.csv").exists()


def test_recordings_of_one_name_are_told_apart_by_their_folders(records: Path, ecg: Ecg) -> None:
    for day, record in (("a", "100"), ("b", "119")):
        (records / day).mkdir()
        for file in records.glob(f"{record}.*"):
            ending, content = file.suffix, file.read_bytes()
            (records / day / f"holter{ending}").write_bytes(
                content.replace(record.encode(), b"holter") if ending == ".hea" else content
            )
    result = ecg("prepare", records, "-o", "b.csv", "--json", "-q")
    assert result.exit_code == 0, result.stderr
    info = read_beats("b.csv").info
    assert info is not None
    names = ["100", "119", "201", "202", "a/holter", "b/holter"]
    assert info["record"].unique().tolist() == names
    assert info["patient"].unique().tolist() == names


def test_options_that_are_wrong(records: Path, ecg: Ecg) -> None:
    for options, message in (
        (["--split", "half"], "--split: found half; valid: random, patient, ds1-ds2"),
        (["--detector", "xqr", "--annotations", "none"], "did you mean xqrs"),
        (["--lead", "aVR"], "there is no lead aVR; valid: MLII, V5\n"),
    ):
        result = ecg("prepare", records / "100.hea", "-o", "b.csv", *options)
        assert result.exit_code == 2
        assert message in result.stderr
        assert not Path("b.csv").exists()


def test_recordings_become_the_same_beats_as_parquet_and_as_csv(records: Path, ecg: Ecg) -> None:
    two = (records / "119.hea", records / "201.hea")
    for name in ("beats.csv", "beats.parquet"):
        assert ecg("prepare", *two, "-o", name, "--context", "--jobs", 1).exit_code == 0
    csv, parquet = read_beats("beats.csv"), read_beats("beats.parquet")
    assert parquet.fingerprint() == csv.fingerprint()
    assert csv.info is not None
    assert csv.info.equals(parquet.info)
    assert np.array_equal(csv.context, parquet.context)
    result = ecg("prepare", "beats.parquet", "-o", "again.csv", "--json")
    assert json.loads(result.stdout)["classes"] == csv.counts()
    assert Path("again.csv").read_bytes() == Path("beats.csv").read_bytes()


def test_parquet_is_split_into_parquet(beats: Beats, ecg: Ecg) -> None:
    write_beats(Path("beats.csv"), replace(beats, info=some_beats(len(beats)).info))
    result = ecg("prepare", "beats.csv", "-o", "b.parquet", "--split", "random")
    assert result.stdout == "b_train.parquet\nb_test.parquet\n"
    assert [len(read_beats(name, beats.classes)) for name in result.stdout.split()] == [15, 5]
    assert Path("b.split.json").exists()


@pytest.mark.parametrize(
    ("out", "begins"),
    [("b.csv.gz", b"\x1f\x8b"), ("b.CSV", b"0."), ("b.PARQUET", b"PAR1"), ("b.csv", b"0.")],
)
def test_the_ending_is_the_format_of_every_file(
    out: str, begins: bytes, beats: Beats, ecg: Ecg
) -> None:
    write_beats(Path("beats.csv"), replace(beats, info=some_beats(len(beats)).info))
    ending = out.removeprefix("b")
    assert ecg("prepare", "beats.csv", "-o", out).stdout == f"{out}\n"
    assert ecg("resample", "beats.csv", "-o", f"less{ending}").stdout == f"less{ending}\n"
    split = ecg("prepare", "beats.csv", "-o", out, "--split", "random")
    assert split.stdout == f"b_train{ending}\nb_test{ending}\n"
    for name in (out, f"less{ending}", f"b_train{ending}", f"b_test{ending}"):
        assert Path(name).read_bytes().startswith(begins)
        assert read_beats(name, beats.classes).info is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("beats.csv --samples uint8 -o out.csv", "--samples is for parquet"),
        ("beats.csv --shards -o out.parquet", "--shards takes the name of a folder"),
        ("beats.csv --shards --split patient -o out", "--shards writes one folder"),
        ("beats.csv 100.hea -o out.csv", "name recordings or files of beats, not both"),
        ("beats.csv --lead V1 -o out.csv", "--lead is for recordings"),
        ("beats.csv --context -o out.csv", "--context is for recordings"),
        ("beats.csv -o out.parquet.gz", "found the ending .gz; valid: .csv, .parquet"),
        ("100.hea --classes ptb -o out.csv", "--classes is for files of beats"),
        ("shards -o shards --shards", "part-00000.parquet: this file is read by the same command"),
    ],
)
def test_what_does_not_apply_to_beats_is_refused(
    beats: Beats, ecg: Ecg, arguments: str, message: str
) -> None:
    write_beats(Path("beats.csv"), beats)
    assert ecg("prepare", "beats.csv", "-o", "shards", "--shards").exit_code == 0
    result = ecg("prepare", *arguments.split())
    assert result.exit_code == 2
    assert message in result.stderr
    assert not list(Path().glob("out*"))
