"""Beats in parquet: what is written is read again, and what is wrong is named with its place."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as papq
import pytest

from ecgcli.beats import Beats, beat_lengths, read_beats, read_labelled, write_beats
from ecgcli.beats.conversion import convert
from ecgcli.beats.parquet_writer import writing_parquet
from ecgcli.choices import Storage
from ecgcli.errors import DataError


@pytest.fixture
def real(mitbih: Path) -> Beats:
    """2,000 real beats with their sidecar, and features of no meaning as context."""
    beats = read_beats(mitbih / "mitbih_test.csv").take(np.arange(2000))
    features = np.random.default_rng(0).random((len(beats), 7), np.float32)
    return replace(beats, context=features)


def test_parquet_holds_exactly_what_a_csv_holds(real: Beats, tmp_path: Path) -> None:
    write_beats(tmp_path / "beats.csv", real)
    write_beats(tmp_path / "beats.parquet", real)
    csv, parquet = (read_beats(tmp_path / f"beats.{ending}") for ending in ("csv", "parquet"))
    assert parquet.fingerprint() == csv.fingerprint() == real.fingerprint()
    assert parquet.classes == csv.classes
    pd.testing.assert_frame_equal(parquet.info, csv.info)
    assert np.array_equal(parquet.context, real.context)


@pytest.mark.parametrize(("storage", "error"), [("float16", 2**-12), ("uint8", 0.0031)])
def test_rounded_samples_are_near_and_beats_keep_their_length(
    real: Beats, tmp_path: Path, storage: Storage, error: float
) -> None:
    write_beats(tmp_path / "beats.parquet", real, storage)
    beats = read_beats(tmp_path / "beats.parquet")
    assert 0 < np.abs(beats.samples - real.samples).max() <= error
    assert np.array_equal(beat_lengths(beats.samples), beat_lengths(real.samples))
    assert beats.samples.dtype == np.float32


def test_pandas_reads_the_samples_of_a_beat_as_a_row(beats: Beats, tmp_path: Path) -> None:
    write_beats(tmp_path / "beats.parquet", beats)
    table = pd.read_parquet(tmp_path / "beats.parquet")
    assert np.array_equal(np.stack(table["samples"]), beats.samples)
    assert table["label"].tolist() == list(beats.known_labels)


def write_shards(folder: Path, beats: Beats) -> None:
    with writing_parquet(folder, info=beats.info is not None, shard_beats=700) as writer:
        for first in range(0, len(beats), 300):
            writer.write(beats.take(np.arange(first, min(first + 300, len(beats)))))


def test_shards_are_filled_in_order_whatever_the_pieces(real: Beats, tmp_path: Path) -> None:
    write_shards(tmp_path / "shards", real)
    files = sorted((tmp_path / "shards").iterdir())
    assert [papq.read_metadata(file).num_rows for file in files] == [700, 700, 600]
    assert read_beats(tmp_path / "shards").fingerprint() == real.fingerprint()


def test_fewer_shards_than_before_leave_none_of_the_earlier(real: Beats, tmp_path: Path) -> None:
    write_shards(tmp_path, real)
    write_shards(tmp_path, real.take(np.arange(800)))
    assert len(read_beats(tmp_path)) == 800


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_missing_shard_is_named(real: Beats, tmp_path: Path, missing: int) -> None:
    write_shards(tmp_path, real)
    (tmp_path / f"part-0000{missing}.parquet").unlink()
    with pytest.raises(DataError, match=f"part-0000{missing}.parquet is missing"):
        read_beats(tmp_path)


def test_writing_that_fails_leaves_no_file(beats: Beats, tmp_path: Path) -> None:
    others = replace(beats, classes=("normal", "abnormal"))

    def write_both() -> None:
        with writing_parquet(tmp_path / "beats.parquet", info=False) as writer:
            writer.write(beats)
            writer.write(others)

    with pytest.raises(DataError, match="cannot be joined"):
        write_both()
    assert not list(tmp_path.iterdir())


def changed(path: Path, column: str, values: Any) -> None:
    """Write a file again with another column, or without it, as another program would."""
    table = papq.read_table(path)
    columns = {name: table.column(name).combine_chunks() for name in table.column_names}
    columns[column] = values
    papq.write_table(pa.table({k: v for k, v in columns.items() if v is not None}), path)


def lists(rows: Any, kind: pa.DataType) -> pa.Array:
    return pa.array(list(rows), pa.list_(kind))


SAMPLES = np.full((20, 187), 0.5)


@pytest.mark.parametrize(
    ("column", "values", "problem"),
    [
        ("samples", None, "there is no column samples, only label"),
        ("samples", pa.array(range(20)), "column samples: found int64; a beat is a list of 187"),
        (
            "samples",
            lists(SAMPLES.astype(int), pa.int64()),
            "column samples: found list<element: int64>; a beat",
        ),
        (
            "samples",
            pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(20 * 186)), 186),
            "column samples: found 186 samples in a beat; a beat has 187",
        ),
        (
            "samples",
            lists([*SAMPLES[:6], SAMPLES[6, :100], *SAMPLES[7:]], pa.float32()),
            "row 7, column samples: found 100 samples; a beat has 187",
        ),
        (
            "samples",
            lists(np.where(np.arange(20)[:, None] == 3, 1.5, SAMPLES), pa.float64()),
            "row 4, column samples: sample 0 is 1.5; samples are numbers in 0..1",
        ),
        (
            "samples",
            lists([*SAMPLES[:19], [None, *SAMPLES[19, 1:]]], pa.float32()),
            "row 20, column samples: sample 0 is missing",
        ),
        ("label", pa.array([0] * 9 + [5] * 11), "row 10, column label: found 5; a class is one of"),
        ("label", pa.array(["N"] * 20), "column label: found string; a label is a whole number"),
        ("label", pa.array([0] * 19 + [None]), "not every beat has a class, in the column label"),
        ("record", pa.array(["100"] * 20), "there is no column patient; with information on"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    beats: Beats, tmp_path: Path, column: str, values: Any, problem: str
) -> None:
    path = tmp_path / "beats.parquet"
    write_beats(path, beats)
    changed(path, column, values)
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}.*{re.escape(problem)}"):
        read_labelled(path, ("N", "S", "V", "F", "Q"))


@pytest.mark.parametrize("place", [0.3, 0.999])
def test_a_damaged_file_is_reported(real: Beats, tmp_path: Path, place: float) -> None:
    path = tmp_path / "beats.parquet"
    write_beats(path, real)
    whole = bytearray(path.read_bytes())
    whole[int(place * len(whole))] ^= 255
    path.write_bytes(whole)
    with pytest.raises(DataError, match=r"cannot be read as parquet|metadata are damaged"):
        read_beats(path)


def test_other_classes_than_those_stated_are_refused(beats: Beats, tmp_path: Path) -> None:
    normal = Beats(beats.samples, beats.known_labels % 2, classes=("normal", "abnormal"))
    write_beats(tmp_path / "ptb.parquet", normal)
    assert read_beats(tmp_path / "ptb.parquet").classes == ("normal", "abnormal")
    with pytest.raises(DataError, match="its labels mean normal abnormal, and N S V F Q are asked"):
        read_beats(tmp_path / "ptb.parquet", beats.classes)


def test_files_are_joined_and_converted_both_ways(real: Beats, tmp_path: Path) -> None:
    halves = [real.take(np.arange(n, len(real), 2)) for n in (0, 1)]
    for number, half in enumerate(halves):
        write_beats(tmp_path / f"{number}.csv", half)
    names = [str(tmp_path / f"{number}.csv") for number in (0, 1)]
    output = convert(names, tmp_path / "both.parquet")
    back = convert([str(tmp_path / "both.parquet")], tmp_path / "both.csv")
    assert output.counts == back.counts == real.counts()
    both = read_beats(tmp_path / "both.csv")
    assert np.array_equal(both.samples, np.concatenate([half.samples for half in halves]))
    assert both.info is not None
    assert both.info.equals(read_beats(tmp_path / "both.parquet").info)


def test_a_csv_says_its_classes_as_before(beats: Beats, tmp_path: Path) -> None:
    write_beats(tmp_path / "two.csv", Beats(beats.samples, beats.known_labels % 2))
    source = str(tmp_path / "two.csv")
    with pytest.raises(DataError, match="no label is above 1, so the classes may be"):
        convert([source], tmp_path / "two.parquet")
    assert not (tmp_path / "two.parquet").exists()
    convert([source], tmp_path / "two.parquet", ("normal", "abnormal"))
    assert read_beats(tmp_path / "two.parquet").classes == ("normal", "abnormal")
