"""Many recordings: the files about all of them, shards, lists and addresses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pyarrow.parquet as papq
import pytest
import wfdb
from typer.testing import Result

from ecgcli.errors import ConfigError, MissingExtraError, OutputError
from ecgcli.locking import locked
from ecgcli.prediction.results import Folder, open_results
from ecgcli.prediction.shards import Shard, parse_shard

Ecg = Callable[..., Result]
#: How the recordings of these tests are read.
READ = ("--fs", 360, "--units", "mV", "-m", "beats", "--jobs", 1)


def make_recordings(folder: Path, mitdb: Path, count: int) -> None:
    """Half-minute pieces of record 208, which has ectopic beats, in two subfolders."""
    signal = wfdb.rdrecord(str(mitdb / "208"), channels=[0]).p_signal[:, 0]
    for number in range(count):
        place = folder / f"ward{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / f"day{number}.npy", signal[number * 1000 :][: 360 * 30])


@pytest.fixture
def cohort(mitdb: Path, tmp_path: Path) -> Path:
    """Six recordings and one that cannot be read."""
    make_recordings(tmp_path / "cohort", mitdb, 6)
    (tmp_path / "cohort" / "ward1" / "broken.npy").write_bytes(b"no array")
    return tmp_path / "cohort"


@pytest.fixture
def patterns(cohort: Path) -> tuple[str, str]:
    """Arguments that find all of them: folders are not searched for arrays."""
    return f"{cohort}/ward0/*.npy", f"{cohort}/ward1/*.npy"


def summary_in(folder: str, name: str = "summary.json") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(folder, name).read_text())
    return document


def test_a_table_has_a_row_for_each_recording_and_a_file_what_failed(
    patterns: tuple[str, str], ecg: Ecg
) -> None:
    result = ecg("predict", *patterns, *READ, "-o", "out")
    assert result.exit_code == 2
    assert "1 of 7 recordings could not be read" in result.stderr
    document = json.loads(Path("out/summary.json").read_text())
    table = pd.read_parquet("out/cohort.parquet").set_index("recording")
    assert len(table) == len(document["recordings"]) == 6
    for summary in document["recordings"]:
        row = table.loc[summary["recording"]]
        assert row["beats"] == summary["beats"]
        assert row["mean_rate"] == summary["mean_rate"]
        assert row["v_percent"] == summary["burdens"]["V"]["percent"]
        assert row["noise_share"] == summary["noise_share"]
        assert row["seconds"] == 30.0
        assert row["model_sha256"] == summary["made_with"]["model_sha256"]
    assert table["v_beats"].sum() > 10
    assert (table["processing_seconds"] > 0).all()
    failures = pd.read_csv("out/failures.csv")
    assert failures["recording"].map(os.path.basename).tolist() == ["broken.npy"]
    assert document["failures"] == dict(failures.itertuples(index=False))


def test_no_name_in_a_table_is_a_formula(ecg: Ecg) -> None:
    """Neither that of a file, nor the reason, which begins with it."""
    for name in ("=1+1.npy", "@x.npy", "-1.npy"):
        Path(name).write_bytes(b"no array")
    ecg("predict", "*.npy", *READ, "-o", "out")
    cells = pd.read_csv("out/failures.csv", dtype=str)
    assert sorted(cells["recording"]) == ["'-1.npy", "'=1+1.npy", "'@x.npy"]
    assert cells["reason"].str.match("'[-=@]").all()


def test_the_beats_of_all_recordings_are_one_data_set(patterns: tuple[str, str], ecg: Ecg) -> None:
    ecg("predict", *patterns, *READ, "-o", "out", "--beats-parquet")
    beats = pd.read_parquet("out/beats.parquet")
    by_recording = dict(list(beats.groupby("recording", observed=True)))
    assert set(by_recording) == {f"ward{number % 2}/day{number}" for number in range(6)}
    for name, rows in by_recording.items():
        assert rows["time"].tolist() == pd.read_csv(f"out/{name}.csv")["time"].tolist()


def test_the_data_set_is_added_to_results_that_lack_it(patterns: tuple[str, str], ecg: Ecg) -> None:
    ecg("predict", *patterns, *READ, "-o", "out")
    added = ecg("predict", *patterns, *READ, "-o", "out", "--beats-parquet")
    assert "done before" not in added.stderr
    again = ecg("predict", *patterns, *READ, "-o", "out", "--beats-parquet")
    assert "6 recordings (6 done before)" in again.stderr
    assert "earlier runs" not in again.stderr


@pytest.mark.parametrize("out", ["out", "memory://ward/two-runs"])
def test_beats_of_earlier_runs_are_noted(out: str, patterns: tuple[str, str], ecg: Ecg) -> None:
    ecg("predict", *patterns, *READ, "-o", out, "--beats-parquet")
    one = ecg("predict", patterns[0], *READ, "-o", out, "--beats-parquet")
    assert "beats.parquet also has 6 recordings of earlier runs" in one.stderr


def test_shards_are_merged_by_a_run_without_them(patterns: tuple[str, str], ecg: Ecg) -> None:
    whole = ecg("predict", *patterns, *READ, "-o", "whole")
    names: list[str] = []
    for number in (1, 2, 3):
        ecg("predict", *patterns, *READ, "-o", "out", "--shard", f"{number}/3")
        part = summary_in("out", f"summary.{number}-of-3.json")
        names += [summary["recording"] for summary in part["recordings"]]
        assert Path(f"out/cohort.{number}-of-3.parquet").exists()
    assert sorted(names) == [f"day{number}" for number in range(6)]
    merged = ecg("predict", *patterns, *READ, "-o", "out")
    assert "6 recordings (6 done before)" in merged.stderr
    assert merged.exit_code == whole.exit_code
    assert summary_in("out") == summary_in("whole")
    assert not list(Path("out").glob("*-of-3*"))


def test_shards_of_another_number_are_refused(patterns: tuple[str, str], ecg: Ecg) -> None:
    ecg("predict", *patterns, *READ, "-o", "out", "--shard", "1/3")
    refused = ecg("predict", *patterns, *READ, "-o", "out", "--shard", "1/4")
    assert refused.exit_code == 2
    assert "is of a shard of 3, and shards of 4 would overlap with it" in refused.stderr


def test_each_recording_is_in_exactly_one_shard_and_stays_there() -> None:
    places = [f"ward{number % 7}/day{number}" for number in range(1000)]
    shards = [Shard(number, 50) for number in range(1, 51)]
    owners = {place: [shard.number for shard in shards if shard.has(place)] for place in places}
    assert all(len(owner) == 1 for owner in owners.values())
    assert max(sum(shard.has(place) for place in places) for shard in shards) < 45
    assert owners["ward0/day0"] == [6]  # as in a run of years ago


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "-1/3", "1/3/5"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"valid: 1/50 to 50/50"):
        parse_shard(text)


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [("", "", False), ("1-of-3", "2-of-3", True), ("1-of-3", "1-of-3", False),
     ("1-of-3", "", False), ("", "1-of-3", False), ("1-of-3", "1-of-4", False)],
)  # fmt: skip
def test_runs_that_overlap_exclude_each_other(
    first: str, second: str, together: bool, tmp_path: Path
) -> None:
    results = Folder(tmp_path / "out")
    with results.locked(first):
        if together:
            with results.locked(second):
                pass
        else:
            with pytest.raises(OutputError, match="another ecg predict"), results.locked(second):
                pass
    with results.locked(second):
        pass
    assert not (tmp_path / "out").exists()


def test_the_lock_of_a_killed_run_excludes_nobody(tmp_path: Path) -> None:
    (tmp_path / ".lock.1-of-3").write_text("process 1 on a machine that is gone\n")
    with Folder(tmp_path).locked():
        pass
    with locked(tmp_path / ".lock", "", ""):
        pass


def test_a_list_names_the_recordings(patterns: tuple[str, str], cohort: Path, ecg: Ecg) -> None:
    Path("list.txt").write_text(f"# of ward 0\n{cohort}/ward0/day0.npy\n\n{patterns[0]}\n")
    result = ecg("predict", "@list.txt", *READ, "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert "3 recordings" in result.stderr
    for name, text, message in (
        ("none.txt", None, "none.txt: cannot be read: No such file"),
        ("empty.txt", "# nothing\n", "empty.txt: this list names no recordings"),
        ("lost.txt", "lost.npy\n", "lost.npy: no such file"),
    ):
        if text is not None:
            Path(name).write_text(text)
        refused = ecg("predict", f"@{name}", *READ, "-o", "other")
        assert refused.exit_code == 2
        assert message in refused.stderr


def test_results_go_to_an_address(patterns: tuple[str, str], ecg: Ecg) -> None:
    files = fsspec.filesystem("memory")
    options = ("-o", "memory://ward/results", "--beats-parquet")
    result = ecg("predict", *patterns, *READ, *options)
    assert result.stdout == "memory://ward/results\n"
    with files.open("memory://ward/results/cohort.parquet") as stream:
        assert papq.read_table(stream).num_rows == 6
    parts = files.glob("memory://ward/results/beats.parquet/*/beats.parquet")
    assert len(parts) == 6
    again = ecg("predict", *patterns, *READ, *options)
    assert "6 recordings (6 done before)" in again.stderr
    ecg("predict", *patterns, *READ, "-o", "out", "--beats-parquet")
    at_address = json.loads(files.cat("memory://ward/results/summary.json"))
    in_folder = summary_in("out")
    for row, same in zip(at_address["recordings"], in_folder["recordings"], strict=True):
        assert row.pop("results").keys() == same.pop("results").keys()
    assert at_address == in_folder
    with files.open("memory://ward/results/ward0/day0.csv", "ab") as stream:
        stream.write(b"edited\n")
    edited = ecg("predict", *patterns, *READ, *options)
    assert "ward0/day0.csv: changed; it was made again" in edited.stderr
    assert "6 recordings (5 done before)" in edited.stderr


def test_a_result_at_an_address_is_written_whole_or_not_at_all() -> None:
    results = open_results("memory://ward/broken")
    with suppress(KeyboardInterrupt), results.writing("a.csv") as stream:
        stream.write(b"half")
        raise KeyboardInterrupt
    assert not results.has("a.csv")


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("nosuch://bucket", ConfigError, "there are no addresses of nosuch://"),
        ("gs://bucket", MissingExtraError, "gcsfs is not installed: pip install gcsfs"),
    ],
)
def test_an_address_that_cannot_be_reached(
    address: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        open_results(address)


def test_options_for_several_recordings(cohort: Path, ecg: Ecg) -> None:
    day = cohort / "ward0" / "day0.npy"
    for options, message in (
        (("--cluster", "auto"), "--cluster is for several recordings"),
        (("--shard", "1/2"), "--shard is for several recordings"),
        (("-o", "memory://ward/x.csv"), "an address is for several recordings; name a file"),
    ):
        refused = ecg("predict", day, *READ[:-2], *options)
        assert refused.exit_code == 2
        assert message in refused.stderr
