"""Reading the public format: forgiving about form, strict about content."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ecgcli.beats import Beats
from ecgcli.beats.reader import BeatsReader, normalize, write_rows
from ecgcli.errors import DataError
from ecgcli.wording import counted


def as_text(beats: Beats, labelled: bool = True) -> str:
    stream = io.BytesIO()
    write_rows(stream, beats.samples, beats.labels if labelled else None)
    return stream.getvalue().decode()


def read(path: Path, **options: object) -> Beats:
    with BeatsReader(path, **options) as reader:  # type: ignore[arg-type]
        blocks = list(reader)
    labels = [block.labels for block in blocks if block.labels is not None]
    samples = np.concatenate([block.samples for block in blocks])
    return Beats(samples, np.concatenate(labels) if labels else None)


def numbered(text: str) -> str:
    return "".join(f"{row},{line}\n" for row, line in enumerate(text.splitlines()))


def with_names(text: str) -> str:
    names = [*(f"sample_{n}" for n in range(187)), "class"]
    return ",".join(names) + "\n" + text


def with_pandas_numbers(text: str) -> str:
    return ",".join(str(n) for n in range(188)) + "\n" + text


FORMS = {
    "as written": str.encode,
    "no last line end": lambda text: text.rstrip("\n").encode(),
    "blank lines": lambda text: text.replace("\n", "\n\n").encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "BOM": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "decimal commas": lambda text: text.replace(",", ";").replace(".", ",").encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "spaces after commas": lambda text: text.replace(",", ", ").encode(),
    "header of names": lambda text: with_names(text).encode(),
    "header of numbers, as pandas writes": lambda text: with_pandas_numbers(text).encode(),
    "header in Latin-1": lambda text: with_names(text).replace("class", "klässe").encode("latin1"),
    "leading index": lambda text: numbered(text).encode(),
    "header and index, as pandas writes": lambda text: (
        "," + with_pandas_numbers(text).split("\n")[0] + "\n" + numbered(text)
    ).encode(),
    "public notation": lambda text: "\n".join(
        ",".join(f"{float(cell):.18e}" for cell in line.split(",")) for line in text.splitlines()
    ).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_reads_every_form_to_the_same_beats(form: str, beats: Beats, tmp_path: Path) -> None:
    path = tmp_path / "beats.csv"
    path.write_bytes(FORMS[form](as_text(beats)))
    result = read(path)
    assert np.array_equal(result.samples, beats.samples)
    assert np.array_equal(result.labels, beats.labels)


def test_unlabelled_files_have_no_labels(beats: Beats, tmp_path: Path) -> None:
    path = tmp_path / "beats.csv"
    path.write_text(as_text(beats, labelled=False))
    result = read(path)
    assert result.labels is None
    assert np.array_equal(result.samples, beats.samples)


def test_unlabelled_with_an_index_is_not_taken_for_labelled(beats: Beats, tmp_path: Path) -> None:
    path = tmp_path / "beats.csv"
    path.write_text(numbered(as_text(beats, labelled=False)))
    result = read(path)
    assert result.labels is None
    assert np.array_equal(result.samples, beats.samples)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    samples=arrays(np.float32, (7, 187), elements=st.floats(0, 1, width=32)),
    labels=st.lists(st.integers(0, 4), min_size=7, max_size=7),
    block_bytes=st.integers(1, 20_000),
    packed=st.booleans(),
)
def test_what_is_written_reads_back_bit_for_bit_however_it_is_blocked(
    samples: np.ndarray, labels: list[int], block_bytes: int, packed: bool, tmp_path: Path
) -> None:
    written = Beats(samples, np.array(labels, np.int64))
    path = tmp_path / "beats.csv"
    content = as_text(written).encode()
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    result = read(path, block_bytes=block_bytes)
    assert np.array_equal(result.samples, samples)
    assert result.labels is not None
    assert result.labels.tolist() == labels


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    row=st.integers(0, 19),
    column=st.integers(0, 187),
    cell=st.sampled_from(["", "abc", "nan", "inf", "-inf", "1.5", "-0.1", "7", "0.5.1", "1_0"]),
    block_bytes=st.integers(1, 60_000),
)
def test_a_wrong_cell_is_named_by_row_and_column(
    row: int, column: int, cell: str, block_bytes: int, beats: Beats, tmp_path: Path
) -> None:
    lines = as_text(beats).splitlines()
    cells = lines[row].split(",")
    cells[column] = cell
    lines[row] = ",".join(cells)
    path = tmp_path / "beats.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError) as caught:
        read(path, block_bytes=block_bytes)
    assert (caught.value.row, caught.value.column) == (row + 1, column + 1)
    assert cell in str(caught.value)
    assert str(path) in str(caught.value)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(row=st.integers(1, 19), columns=st.integers(1, 400).filter(lambda n: n != 188))
def test_a_ragged_row_is_named(row: int, columns: int, beats: Beats, tmp_path: Path) -> None:
    lines = as_text(beats).splitlines()
    lines[row] = ",".join((lines[row].split(",") * 3)[:columns])
    path = tmp_path / "beats.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=f"found {counted(columns, 'column')} where") as caught:
        read(path)
    assert caught.value.row == row + 1


@pytest.mark.parametrize("columns", [1, 186, 189, 400])
def test_a_wrong_number_of_columns_is_refused(columns: int, beats: Beats, tmp_path: Path) -> None:
    lines = [",".join((line.split(",") * 3)[:columns]) for line in as_text(beats).splitlines()]
    path = tmp_path / "beats.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(
        DataError, match=f"found {counted(columns, 'column')}; a beat is 187 samples"
    ):
        read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n\n", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "binary file"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"PAR1rest", "parquet"),
        ("0,5".encode("utf-16"), "UTF-16"),
        (b"just a note\n", "found 1 column; .*if this is a recording, give --fs and --units"),
        (b"0." + b"1" * 100 + b",", "found 2 columns"),
    ],
)
def test_other_files_are_refused_by_what_they_are(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "beats.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(path)


def test_a_header_without_beats_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "beats.csv"
    path.write_text(with_names("").split("\n")[0])
    with pytest.raises(DataError, match="no beats below the header"):
        read(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="this is a folder"):
        read(tmp_path)


@pytest.mark.parametrize("keep", [5, 30, 2000])
def test_a_truncated_gzip_is_refused(keep: int, beats: Beats, tmp_path: Path) -> None:
    path = tmp_path / "beats.csv.gz"
    path.write_bytes(gzip.compress(as_text(beats).encode())[:keep])
    with pytest.raises(DataError, match="gzip stream is cut off or damaged"):
        read(path)


def test_a_damaged_gzip_is_refused(beats: Beats, tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(as_text(beats).encode()))
    packed[len(packed) // 2] ^= 0xFF
    path = tmp_path / "beats.csv.gz"
    path.write_bytes(packed)
    with pytest.raises(DataError, match=r"gzip stream is cut off or damaged|row \d+"):
        read(path)


def test_labels_are_those_of_the_class_set(beats: Beats, tmp_path: Path) -> None:
    path = tmp_path / "beats.csv"
    path.write_text(as_text(beats))
    with pytest.raises(DataError, match="found 2; a class is one of 0 to 1") as caught:
        read(path, classes=2)
    assert (caught.value.row, caught.value.column) == (3, 188)


def test_raw_amplitudes_are_refused_with_the_option_that_reads_them(
    beats: Beats, tmp_path: Path
) -> None:
    raw = Beats(np.where(beats.samples > 0, beats.samples * 3 - 1, 0).astype(np.float32))
    path = tmp_path / "raw.csv"
    path.write_text(as_text(raw, labelled=False))
    with pytest.raises(DataError, match="--normalize"):
        read(path)
    scaled = read(path, normalize=True).samples
    assert scaled[:, :150].min(axis=1) == pytest.approx(0)
    assert scaled[:, :150].max(axis=1) == pytest.approx(1)
    assert not scaled[:, 150:].any()


def test_normalize_leaves_padding_and_constant_beats_at_zero() -> None:
    rows = np.zeros((2, 187), np.float32)
    rows[0, :4] = [2, 4, 0, 6]
    rows[1, :3] = 5
    scaled = normalize(rows)
    assert scaled[0, :6] == pytest.approx([2 / 6, 4 / 6, 0, 1, 0, 0])
    assert not scaled[1].any()
