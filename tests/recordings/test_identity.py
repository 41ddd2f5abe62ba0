"""A recording's identity changes with every file that it is read from, and with no other file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ecgcli.recordings.identity import content_sha256


@pytest.fixture
def record(mitdb: Path, tmp_path: Path) -> Path:
    for ending in ("hea", "dat", "atr"):
        shutil.copy(mitdb / f"100.{ending}", tmp_path)
    return tmp_path / "100.hea"


@pytest.mark.parametrize("ending", ["hea", "dat", "atr"])
def test_each_file_of_a_record_counts(ending: str, record: Path) -> None:
    before = content_sha256(record)
    with record.with_suffix(f".{ending}").open("ab") as file:
        file.write(b"\n")
    assert content_sha256(record) != before


def test_results_beside_a_record_do_not_count(record: Path) -> None:
    before = content_sha256(record)
    record.with_suffix(".csv").write_text("beat,class\n")
    assert content_sha256(record) == before
    assert content_sha256(record.with_suffix("")) == before


def test_equal_recordings_are_equal_wherever_they_are(record: Path, mitdb: Path) -> None:
    assert content_sha256(record) == content_sha256(mitdb / "100.hea")
    assert content_sha256(record) != content_sha256(mitdb / "101.hea")


def test_without_annotations_the_annotation_file_does_not_count(record: Path) -> None:
    before = content_sha256(record, "none")
    record.with_suffix(".atr").write_bytes(b"\0\0")
    assert content_sha256(record, "none") == before


def test_an_annotation_file_of_another_name_counts(record: Path, tmp_path: Path) -> None:
    reviewed = Path(shutil.copy(record.with_suffix(".atr"), tmp_path / "reviewed.ecg"))
    before = content_sha256(record, str(reviewed))
    reviewed.write_bytes(b"\0\0")
    assert content_sha256(record, str(reviewed)) != before


def test_segments_count(record: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.hea"
    whole.write_text("whole/2 2 360 1300000\n100 650000\n~ 650000\n")
    before = content_sha256(whole)
    with record.with_suffix(".dat").open("ab") as file:
        file.write(b"\n")
    assert content_sha256(whole) != before


def test_a_plain_file_counts_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(b"1")
    before = content_sha256(path)
    path.write_bytes(b"2")
    assert content_sha256(path) != before


@pytest.mark.parametrize(
    "header", ["", "#", "x/1 1 360 100\nx 100\n", "x/1 1 360 100\nsub/q 100\n"]
)
def test_a_damaged_header_is_left_to_its_reader(header: str, tmp_path: Path) -> None:
    """Such as one that names itself as its segment, or a segment in another folder."""
    (tmp_path / "x.hea").write_text(header)
    assert content_sha256(tmp_path / "x.hea")
