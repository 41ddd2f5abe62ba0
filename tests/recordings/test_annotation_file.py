"""WFDB annotation files, compared with the wfdb library, and damaged ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgcli.errors import DataError
from ecgcli.recordings.annotation_file import read_annotation_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Annotations with a text, a channel, and a distance of more than 10 bits."""
    wfdb.wrann(
        "x", "atr", np.array([5, 40, 5000, 5001]), ["N", "+", "V", "~"],
        chan=np.array([0, 0, 1, 0]), aux_note=["", "(AFIB", "", ""], fs=250,
        write_dir=str(tmp_path),
    )  # fmt: skip
    return tmp_path / "x.atr"


def words(*numbers: int) -> bytes:
    return np.array(numbers, "<u2").tobytes()


@pytest.mark.parametrize("name", ["100", "106", "207", "222"])
def test_real_ones_are_read_as_the_library_reads_them(name: str, mitdb: Path) -> None:
    positions, symbols, texts = read_annotation_file(mitdb / f"{name}.atr")
    expected = wfdb.rdann(str(mitdb / name), "atr")
    assert positions.tolist() == expected.sample.tolist()
    assert list(symbols) == expected.symbol
    assert list(texts) == [text.rstrip("\0 ") for text in expected.aux_note]
    assert any(texts)


def test_fields_of_an_annotation_are_no_annotations(file: Path) -> None:
    positions, symbols, _ = read_annotation_file(file)
    assert positions.tolist() == [5, 40, 5000, 5001]
    assert symbols == ("N", "+", "V", "~")


def test_a_distance_may_be_negative(file: Path) -> None:
    file.write_bytes(words(1 << 10 | 500, 59 << 10, 0xFFFF, 0xFF00, 1 << 10 | 6, 0))
    assert read_annotation_file(file)[0].tolist() == [500, 250]


def test_a_first_note_that_nobody_knows_ends(file: Path) -> None:
    """The library reads such a file for ever."""
    note = words(22 << 10, 63 << 10 | 4) + b"## x"
    file.write_bytes(note + file.read_bytes())
    assert read_annotation_file(file)[0].tolist() == [5, 40, 5000, 5001]


@pytest.mark.parametrize("missing", range(2, 20, 2))
def test_a_file_that_is_cut_off_is_refused(missing: int, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-missing])
    with pytest.raises(DataError, match="cut off"):
        read_annotation_file(file)


def test_what_follows_the_end_is_refused_unless_it_is_padding(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole + bytes(500))
    assert len(read_annotation_file(file)[0]) == 4
    file.write_bytes(whole + whole)
    with pytest.raises(DataError, match="after the mark of its end"):
        read_annotation_file(file)


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it is a folder"):
        read_annotation_file(tmp_path)
    with pytest.raises(DataError, match="no such annotation file"):
        read_annotation_file(tmp_path / "x.atr")
