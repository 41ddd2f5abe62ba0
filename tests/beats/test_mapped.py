"""Beats whose samples stay on disk: the same as in memory, from an array that is checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as papq
import pytest

from ecgcli.beats import Beats, write_beats
from ecgcli.beats.mapped import map_beats, samples_path
from ecgcli.beats.parquet_writer import writing_parquet
from ecgcli.errors import DataError
from tests.helpers import Watcher, some_beats


@pytest.fixture
def known(beats: Beats) -> Beats:
    """The twenty beats with a sidecar."""
    return replace(beats, info=some_beats(len(beats)).info)


def test_mapped_beats_are_those_in_memory(known: Beats, tmp_path: Path) -> None:
    with writing_parquet(tmp_path / "shards", shard_beats=6) as writer:
        writer.write(known)
    rows = np.random.default_rng(0).permutation(20)[:13]
    mapped = map_beats([tmp_path / "shards"], known.classes)
    assert mapped.fingerprint() == known.fingerprint()
    part, same = mapped.take(rows).take(np.arange(3, 12)), known.take(rows).take(np.arange(3, 12))
    assert part.fingerprint() == same.fingerprint()
    assert np.array_equal(part.samples, same.samples)
    assert np.array_equal(part.known_labels, same.known_labels)
    assert part.info is not None
    assert part.info.equals(same.info)
    assert len(part) == 9


def test_several_files_follow_each_other(beats: Beats, tmp_path: Path) -> None:
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, part in zip(paths, (np.arange(12), np.arange(12, 20)), strict=True):
        write_beats(path, beats.take(part))
    assert map_beats(paths, beats.classes).fingerprint() == beats.fingerprint()


def test_the_array_is_made_once_and_said_to_be_used_again(beats: Beats, tmp_path: Path) -> None:
    path, watcher = tmp_path / "beats.parquet", Watcher()
    write_beats(path, beats)
    map_beats([path], beats.classes, progress=watcher)
    written = samples_path(path).stat().st_mtime_ns
    map_beats([path], beats.classes, progress=watcher)
    assert samples_path(path).stat().st_mtime_ns == written
    first, second = watcher.messages
    assert first == f"Writing the samples of {path} to {samples_path(path)}, to train from"
    assert second == f"The samples of {path} are read from {samples_path(path)}: same checksum"


@pytest.mark.parametrize("damage", ["other beats", "a changed byte", "cut off", "no array"])
def test_an_array_that_is_not_of_the_file_is_made_again(
    beats: Beats, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "beats.parquet"
    array = samples_path(path)
    write_beats(path, beats.take(np.arange(20)[::-1]) if damage == "other beats" else beats)
    map_beats([path], beats.classes)
    content = bytearray(array.read_bytes())
    if damage == "other beats":
        write_beats(path, beats)
    elif damage == "a changed byte":
        content[-187 * 4] ^= 1
        array.write_bytes(content)
    else:
        array.write_bytes(content[:-100] if damage == "cut off" else b"text")
    assert map_beats([path], beats.classes).fingerprint() == beats.fingerprint()


def test_samples_that_are_not_those_written_are_refused(beats: Beats, tmp_path: Path) -> None:
    """A table whose rows another program changed, keeping the metadata."""
    path = tmp_path / "beats.parquet"
    write_beats(path, beats)
    content = papq.read_metadata(path).metadata[b"ecg"]
    table = papq.read_table(path)
    with papq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table.take(list(range(19, -1, -1))))
        writer.add_key_value_metadata({b"ecg": content})
    with pytest.raises(DataError, match="its samples are not those it was written with"):
        map_beats([path], beats.classes)
    assert not samples_path(path).exists()


def test_raw_amplitudes_are_scaled_when_they_are_read(beats: Beats, tmp_path: Path) -> None:
    path = tmp_path / "raw.parquet"
    write_beats(path, replace(beats, samples=beats.samples * 3))
    with pytest.raises(DataError, match=r"row 1, column samples: sample \d+ is .*--normalize"):
        map_beats([path], beats.classes)
    scaled = map_beats([path], beats.classes, normalize=True).samples
    assert scaled.max() == 1
    with pytest.raises(DataError, match="samples are numbers in 0"):
        map_beats([path], beats.classes)  # also where the array is there


def test_a_beat_without_a_class_is_refused(beats: Beats, tmp_path: Path) -> None:
    write_beats(tmp_path / "beats.parquet", replace(beats, labels=None))
    with pytest.raises(DataError, match="not every beat has a class"):
        map_beats([tmp_path / "beats.parquet"], beats.classes)
