"""ISHNE files: what the specification says, and damaged ones."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path

import numpy as np
import pytest

from ecgcli.errors import DataError
from ecgcli.recordings import ReadOptions, read_recording
from ecgcli.recordings.search import find_recordings
from tests.recordings.formats.holter_files import (
    CHECKSUM,
    ECG_OFFSET,
    LEADS,
    RATE,
    RESOLUTION,
    SAMPLES,
    changed,
    crc_ccitt,
    write_ishne,
)  # fmt: skip


@pytest.fixture
def steps(mitdb: Path) -> np.ndarray:
    """Both leads of a minute of record 100, in steps of 5 µV and of 10 µV: ``(samples, 2)``."""
    leads = [read_recording(mitdb / "100", ReadOptions(lead=number)).signal for number in (0, 1)]
    return np.round(np.array(leads)[:, :21600].T / [0.005, 0.010])


@pytest.fixture
def file(tmp_path: Path, steps: np.ndarray) -> Path:
    path = tmp_path / "holter.ecg"
    write_ishne(path, steps, 360, resolutions=(5000, 10000))
    return path


def test_the_checksum_is_that_of_the_specification() -> None:
    assert crc_ccitt(b"123456789") == 0x29B1  # CRC-CCITT (0xFFFF)


def test_leads_scale_rate_and_start(file: Path, steps: np.ndarray) -> None:
    recording = read_recording(file)
    assert recording.leads == ("II", "V5")
    assert (recording.lead, recording.sampling_rate) == ("II", 360.0)
    assert recording.signal == pytest.approx(steps[:, 0] * 0.005)
    assert read_recording(file, ReadOptions(lead="V5")).signal == pytest.approx(steps[:, 1] * 0.01)
    assert recording.start == datetime(2005, 5, 2, 22, 30)
    assert recording.notes == ()
    assert read_recording(file, ReadOptions(sampling_rate=250, units="uV")).notes == (
        "the file states 360 Hz; --fs 250 is used",
        "the file states its unit; --units is not used",
    )


def test_the_samples_of_all_leads_may_be_counted(file: Path, steps: np.ndarray) -> None:
    """As some recorders write it."""
    assert len(read_recording(changed(file, SAMPLES, steps.size)).signal) == len(steps)


@pytest.mark.parametrize(
    ("recorded", "began", "start"),
    [
        ((-9, -9, -9), (22, 30, 0), time(22, 30)),
        ((0, 0, 0), (0, 0, 0), None),
        ((2, 5, 2005), (-9, -9, -9), None),
    ],
)
def test_what_is_not_stated_of_the_start(
    recorded: tuple[int, int, int], began: tuple[int, int, int], start: time, tmp_path: Path
) -> None:
    write_ishne(tmp_path / "x.ecg", np.zeros((500, 2)), recorded=recorded, began=began)
    assert read_recording(tmp_path / "x.ecg").start == start


def test_leads_without_a_name_have_a_number(tmp_path: Path) -> None:
    write_ishne(tmp_path / "x.ecg", np.zeros((500, 3)), codes=(0, 1, 99), resolutions=(1, 1, 1))
    assert read_recording(tmp_path / "x.ecg").leads == ("unknown 1", "generic 2", "unknown 3")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (LEADS, 0, "the header states 0 leads; valid: 1 to 12"),
        (LEADS, 13, "the header states 13 leads; valid: 1 to 12"),
        (LEADS, 7, "bytes are there; the file is cut off or damaged"),
        (RATE, 0, "found a sampling rate of 0 Hz"),
        (RESOLUTION, 0, "a resolution of 0 nV for lead II"),
        (SAMPLES, 21601, "the header states 21601 samples of 2 leads"),
        (SAMPLES, -1, "the header states -1 samples of 2 leads"),
    ],
)
def test_a_header_that_is_not_valid(
    field: tuple[int, str], value: int, message: str, file: Path
) -> None:
    assert message in refusal(changed(file, field, value))


def test_a_checksum_that_fails_may_be_ignored(file: Path) -> None:
    changed(file, CHECKSUM, 0, fits=False)
    message = refusal(file)
    assert "the checksum of the header is " in message
    assert "read it as it is with --ignore-checksums" in message
    (note,) = read_recording(file, ReadOptions(ignore_checksums=True)).notes
    assert "the file states 0000" in note


@pytest.mark.parametrize("size", [0, 5, 8, 300, 521, 522, 540, 1000, 40001])
def test_a_file_that_is_cut_off(size: int, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:size])
    assert refusal(file)


@pytest.mark.parametrize("offset", [-1, 0, 521, 2**31 - 1])
def test_samples_that_begin_elsewhere(offset: int, file: Path) -> None:
    assert "samples begin at byte" in refusal(changed(file, ECG_OFFSET, offset, fits=False))


def test_annotation_files_with_the_same_ending_are_no_recordings(file: Path) -> None:
    (file.parent / "100.ecg").write_bytes(b"\x12\x04\0\0")
    assert find_recordings([str(file.parent)]).paths == [file]
    assert "if it holds annotations, name it with --annotations" in refusal(file.parent / "100.ecg")


def refusal(path: Path) -> str:
    """Why a file is not read, in one line that names it."""
    with pytest.raises(DataError) as caught:
        read_recording(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message
