"""Beats and their sidecar travel together."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgcli.beats import (
    CHECKSUMS,
    INFO_COLUMNS,
    TEXTS,
    Beats,
    beat_lengths,
    concatenate,
    context_path,
    info_path,
    read_beats,
    read_labelled,
    write_beats,
)
from ecgcli.classes import AAMI_CLASSES, CLASS_SETS
from ecgcli.errors import DataError, OutputError


def with_info(beats: Beats) -> Beats:
    rows = len(beats)
    info = pd.DataFrame(
        {
            "record": [f"10{n % 3}" for n in range(rows)],
            "patient": [f"10{n % 3}" for n in range(rows)],
            "lead": "NA",  # must not turn into a missing value
            "time": np.arange(rows) * 0.8,
            "symbol": "N",
            "previous_rr": [np.nan, *[0.8] * (rows - 1)],
            "next_rr": 0.8,
            "mean_rr": 0.8,
            "local_rr": 0.8,
            "copy": ["inverted" if n > 15 else "" for n in range(rows)],
        }
    )
    return Beats(beats.samples, beats.labels, info)


@pytest.mark.parametrize("name", ["beats.csv", "beats.csv.gz"])
def test_beats_and_sidecar_read_back_equal(name: str, beats: Beats, tmp_path: Path) -> None:
    written = with_info(beats)
    write_beats(tmp_path / name, written)
    read = read_beats(tmp_path / name)
    assert np.array_equal(read.samples, written.samples)
    assert np.array_equal(read.known_labels, written.known_labels)
    assert info_path(tmp_path / name) == tmp_path / "beats.info.csv"
    assert read.info is not None
    pd.testing.assert_frame_equal(read.info, written.info, check_dtype=False)
    assert read.patients == ["100", "101", "102"]


def text_of(texts: list[str]) -> Beats:
    """A beat for each text, which is in all columns of text."""
    samples = np.full((len(texts), 187), 0.5, np.float32)
    info = pd.DataFrame(dict.fromkeys(INFO_COLUMNS, 0.8), index=range(len(texts)))
    return Beats(
        samples, np.zeros(len(texts), np.int64), info.assign(**dict.fromkeys(TEXTS, texts))
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("=+-@\t\r\n'\",a1 ") | st.text(), min_size=1, max_size=8))
def test_any_text_of_the_sidecar_reads_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    texts = [text.replace("\0", "") for text in texts]
    path = tmp_path_factory.getbasetemp() / "texts.csv"
    write_beats(path, text_of(texts))
    info = read_beats(path, AAMI_CLASSES).info
    assert info is not None
    for name in TEXTS:
        assert info[name].tolist() == texts


def test_no_text_of_the_sidecar_is_a_formula(tmp_path: Path) -> None:
    write_beats(tmp_path / "b.csv", text_of(["=1+1", "@x", "-aVR", "100"]))
    cells = pd.read_csv(tmp_path / "b.info.csv", dtype=str)
    for name in TEXTS:
        assert cells[name].tolist() == ["'=1+1", "'@x", "'-aVR", "100"]


def test_writing_without_info_removes_the_sidecar_of_the_old_file(
    beats: Beats, tmp_path: Path
) -> None:
    write_beats(tmp_path / "beats.csv", with_info(beats))
    write_beats(tmp_path / "beats.csv", beats)
    assert read_beats(tmp_path / "beats.csv").info is None


def test_a_sidecar_that_does_not_fit_is_refused(beats: Beats, tmp_path: Path) -> None:
    path = tmp_path / "beats.csv"
    write_beats(path, with_info(beats))
    sidecar = info_path(path)
    whole = sidecar.read_text()
    sidecar.write_text("\n".join(whole.splitlines()[:-1]))
    with pytest.raises(DataError, match="19 rows for 20 beats"):
        read_beats(path)
    sidecar.write_text(whole.replace("patient", "person"))
    with pytest.raises(DataError, match="lacks patient"):
        read_beats(path)
    sidecar.write_text(whole.replace("0.8", "soon"))
    with pytest.raises(DataError, match="cannot be read"):
        read_beats(path)


def with_context(beats: Beats, value: float) -> Beats:
    return replace(with_info(beats), context=np.full((len(beats), 2), value, np.float32))


def test_a_sidecar_or_context_of_other_beats_is_refused(beats: Beats, tmp_path: Path) -> None:
    """Of the same number of beats, so nothing but the content differs."""
    path, other = tmp_path / "beats.csv", tmp_path / "other.csv"
    write_beats(path, with_context(beats, 1))
    write_beats(other, with_context(replace(beats, samples=beats.samples[::-1]), 2))
    context_path(other).replace(context_path(path))
    with pytest.raises(DataError, match=r"beats\.context\.npy: the context was .* other beats"):
        read_beats(path)
    context_path(path).unlink()
    assert read_beats(path).info is not None
    info_path(other).replace(info_path(path))
    with pytest.raises(DataError, match=r"beats\.info\.csv: the sidecar was .* other beats"):
        read_beats(path)
    info = pd.read_csv(info_path(path), dtype=str, keep_default_na=False)
    info.drop(columns=[*CHECKSUMS]).to_csv(info_path(path), index=False)
    assert read_beats(path).info is not None  # an earlier version's is not checked


def test_another_form_of_the_same_beats_keeps_the_sidecar(beats: Beats, tmp_path: Path) -> None:
    path = tmp_path / "beats.csv"
    write_beats(path, with_context(beats, 1))
    pd.read_csv(path, header=None).to_csv(path, sep=";", decimal=",")
    for normalized in (False, True):
        assert read_beats(path, normalize=normalized).info is not None


def test_a_sidecar_of_an_earlier_version_has_no_copies(beats: Beats, tmp_path: Path) -> None:
    path = tmp_path / "beats.csv"
    write_beats(path, with_info(beats))
    info = pd.read_csv(info_path(path), dtype=str, keep_default_na=False)
    info.drop(columns=["copy", *CHECKSUMS]).to_csv(info_path(path), index=False)
    beats = read_beats(path)
    assert beats.info is not None
    assert list(beats.info.columns) == INFO_COLUMNS
    assert (beats.info["copy"] == "").all()


def two_classes(beats: Beats) -> Beats:
    return Beats(beats.samples, beats.known_labels % 2, classes=CLASS_SETS["ptb"])


def test_beats_know_the_names_of_their_classes(beats: Beats, tmp_path: Path) -> None:
    write_beats(tmp_path / "two.csv", two_classes(beats))
    beats = read_beats(tmp_path / "two.csv", CLASS_SETS["ptb"])
    assert beats.counts() == {"normal": 12, "abnormal": 8}
    assert beats.take(np.array([1, 0])).label_names.tolist() == ["abnormal", "normal"]
    assert concatenate([beats, beats]).counts() == {"normal": 24, "abnormal": 16}
    assert beats.counts(np.arange(5)) == {"normal": 3, "abnormal": 2}


def test_labels_that_may_mean_several_classes_are_refused(beats: Beats, tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    write_beats(path, two_classes(beats))
    with pytest.raises(DataError, match=r"no label is above 1.*--classes aami.*--classes ptb"):
        read_beats(path)
    write_beats(path, with_info(two_classes(beats)))  # its annotation symbols say which
    assert read_beats(path).classes == AAMI_CLASSES
    write_beats(path, beats)  # and so does a label that is in one set only
    assert read_beats(path).classes == AAMI_CLASSES
    write_beats(path, Beats(beats.samples))
    assert read_beats(path).labels is None


def test_beats_of_different_classes_are_not_joined(beats: Beats) -> None:
    with pytest.raises(DataError, match="N S V F Q and beats of the classes normal abnormal"):
        concatenate([beats, two_classes(beats)])


def test_beats_of_a_file_do_not_know_their_peaks(beats: Beats) -> None:
    with pytest.raises(DataError, match="does not store their R peaks"):
        _ = beats.known_peak


def test_unlabelled_beats_are_refused_where_classes_are_needed(
    beats: Beats, tmp_path: Path
) -> None:
    write_beats(tmp_path / "beats.csv", Beats(beats.samples))
    with pytest.raises(DataError, match="column 188"):
        read_labelled(tmp_path / "beats.csv")


def test_a_failed_write_keeps_beats_and_sidecar_that_were_there(
    beats: Beats, tmp_path: Path
) -> None:
    target = tmp_path / "beats.csv"
    write_beats(target, with_info(beats))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "folder").mkdir()
    info_path(target).unlink()
    info_path(target).mkdir()  # the sidecar cannot be written over a folder
    with pytest.raises(OutputError):
        write_beats(target, with_info(beats.take(np.arange(5))))
    assert target.read_bytes() == before[target]


@pytest.mark.parametrize(("first", "second"), [("x.csv", "x.csv.gz"), ("x.csv.gz", "x.csv")])
def test_a_sidecar_is_not_taken_from_the_file_it_belongs_to(
    first: str, second: str, beats: Beats, tmp_path: Path
) -> None:
    write_beats(tmp_path / first, with_info(beats))
    with pytest.raises(OutputError, match=r"its sidecar would replace that of .*x\.info\.csv"):
        write_beats(tmp_path / second, beats)
    assert read_beats(tmp_path / first).info is not None
    assert not (tmp_path / second).exists()
    (tmp_path / first).unlink()
    write_beats(tmp_path / second, beats)
    assert read_beats(tmp_path / second).info is None


@pytest.mark.parametrize("moment", range(6))
def test_a_killed_write_never_leaves_the_sidecar_of_another_file(
    moment: int, beats: Beats, tmp_path: Path
) -> None:
    """Both files have the same number of beats, so only their content differs."""
    new, target = with_info(beats), tmp_path / "beats.csv"
    assert new.info is not None
    old = replace(new, samples=new.samples[::-1], info=new.info.assign(record="old"))
    write_beats(tmp_path / "new.csv", new)
    write_beats(target, old)
    program = (
        "import os, pathlib, signal, sys\n"
        "from ecgcli.beats import read_beats, write_beats\n"
        "new, left = read_beats(sys.argv[1]), int(sys.argv[3])\n"
        "def counted(change):\n"
        "    def call(*arguments, **options):\n"
        "        global left; left -= 1\n"
        "        if left < 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return change(*arguments, **options)\n"
        "    return call\n"
        "os.replace, pathlib.Path.unlink = counted(os.replace), counted(pathlib.Path.unlink)\n"
        "write_beats(pathlib.Path(sys.argv[2]), new)"
    )
    arguments = [str(tmp_path / "new.csv"), str(target), str(moment)]
    subprocess.run([sys.executable, "-c", program, *arguments], check=False)
    left = read_beats(target, AAMI_CLASSES)
    if left.info is not None:
        assert (left.info["record"] == "old").all() == np.array_equal(left.samples, old.samples)


def test_a_device_gets_no_sidecar(beats: Beats) -> None:
    write_beats(Path("/dev/null"), with_info(beats))
    assert not info_path("/dev/null").exists()


def test_the_fingerprint_is_of_the_content(beats: Beats, tmp_path: Path) -> None:
    write_beats(tmp_path / "a.csv", beats)
    write_beats(tmp_path / "b.csv.gz", with_info(beats))
    assert read_beats(tmp_path / "a.csv").fingerprint() == beats.fingerprint()
    assert read_beats(tmp_path / "b.csv.gz").fingerprint() == beats.fingerprint()
    assert beats.take(np.arange(19)).fingerprint() != beats.fingerprint()
    relabelled = Beats(beats.samples, (beats.known_labels + 1) % 5)
    assert relabelled.fingerprint() != beats.fingerprint()


def test_concatenate_keeps_info_only_when_every_part_has_it(beats: Beats) -> None:
    both = concatenate([with_info(beats), with_info(beats)])
    assert len(both) == 40
    assert both.info is not None
    assert list(both.info.columns) == INFO_COLUMNS
    assert len(both.info) == 40
    assert concatenate([with_info(beats), beats]).info is None


def test_a_beat_lasts_until_its_padding() -> None:
    samples = np.zeros((3, 187), np.float32)
    samples[0, :100] = 0.5
    samples[0, 40] = 0  # a zero inside a beat is not padding
    samples[1] = 1
    assert beat_lengths(samples).tolist() == [100, 187, 0]
