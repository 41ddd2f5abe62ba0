"""Annotations that do not fit their recording: which are left out, and which are refused."""

from __future__ import annotations

import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgcli.classes import LABEL_OF_SYMBOL
from ecgcli.errors import DataError
from ecgcli.recordings import Recording, read_recording

RATE, SAMPLES = 250, 2500


def annotated(folder: Path, steps: list[int], symbols: str = "") -> Recording:
    """A made-up record whose annotations are ``steps`` apart, with these symbols."""
    signal = np.linspace(-1, 1, SAMPLES)[:, None]
    wfdb.wrsamp("x", RATE, ["mV"], ["II"], signal, fmt=["16"], write_dir=str(folder))
    codes = {"N": 1, "V": 5, "|": 16}
    content = b"".join(
        struct.pack("<HHH", 59 << 10, (step >> 16) & 0xFFFF, step & 0xFFFF)
        + struct.pack("<H", codes[symbol] << 10)
        for step, symbol in zip(steps, symbols or "N" * len(steps), strict=True)
    )
    (folder / "x.atr").write_bytes(content + b"\0\0")
    return read_recording(folder / "x.hea")


@pytest.mark.parametrize(
    ("steps", "kept", "note"),
    [
        ([100, 2399], [100, 2499], ()),
        ([100, 2400], [100], ("1 annotation beyond the end of the recording left out",)),
        ([100, 2400, 37], [100], ("2 annotations beyond the end of the recording left out",)),
    ],
)
def test_just_beyond_the_end_is_left_out(
    steps: list[int], kept: list[int], note: tuple[str, ...], tmp_path: Path
) -> None:
    recording = annotated(tmp_path, steps)
    assert recording.positions.tolist() == kept
    assert recording.notes == note


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([100, 2438], r"at sample 2538, beyond the end.*\(2500 samples\)"),
        ([100, 10**9], "at sample 1000000100, beyond the end"),
        ([100, 10**9, -(10**9)], "at sample 1000000100, beyond the end"),  # the last one fits
        ([-5, 100], "at sample -5, before the start"),
        ([100, -300], "at sample -200, before the start"),
    ],
)
def test_far_outside_is_of_another_recording(
    steps: list[int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        annotated(tmp_path, steps)


def test_of_two_marks_on_one_beat_the_first_is_kept(tmp_path: Path) -> None:
    recording = annotated(tmp_path, [100, 0, 0, 300, 37, 38], "N|VNVN")
    assert recording.positions.tolist() == [100, 100, 400, 475]
    assert recording.symbols == ("N", "|", "N", "N")
    assert recording.notes == ("2 annotations less than 0.15 s after another beat left out",)


@pytest.mark.parametrize(
    ("record", "lost"), [("800", {}), ("804", {}), ("860", {"N": 1}), ("865", {"Q": 2})]
)
def test_real_records_keep_every_annotated_beat(
    record: str, lost: dict[str, int], svdb: Path
) -> None:
    symbols = wfdb.rdann(str(svdb / record), "atr").symbol
    beats = Counter(symbol for symbol in symbols if symbol in LABEL_OF_SYMBOL)
    recording = read_recording(svdb / f"{record}.hea")
    kept = Counter(np.array(recording.symbols)[recording.is_beat].tolist())
    assert beats - kept == Counter(lost)
