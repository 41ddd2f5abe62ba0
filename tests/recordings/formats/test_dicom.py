"""DICOM waveforms: the 12-lead ECG that comes with pydicom, changed."""

from __future__ import annotations

import sys
import tracemalloc
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import DeflatedExplicitVRLittleEndian

from ecgcli.errors import DataError, MissingExtraError
from ecgcli.recordings import ReadOptions, read_recording
from ecgcli.recordings.search import find_recordings


@pytest.fixture
def document() -> Any:
    """12 leads of 10 s at 1000 Hz and their mean beats, as a data set that may be changed."""
    return pydicom.dcmread(str(get_testdata_file("waveform_ecg.dcm", download=False)))


def saved(document: Any, folder: Path) -> Path:
    document.save_as(folder / "ecg.dcm")
    return folder / "ecg.dcm"


def test_leads_scale_rate_and_start(document: Any, tmp_path: Path) -> None:
    recording = read_recording(saved(document, tmp_path))
    names = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    assert recording.leads == names
    assert (recording.lead, recording.sampling_rate, recording.seconds) == ("II", 1000.0, 10.0)
    assert recording.start == datetime(2013, 1, 25, 10, 59, 19)
    stored = np.frombuffer(document.WaveformSequence[0].WaveformData, "<i2").reshape(-1, 12)
    assert recording.signal == pytest.approx(stored[:, 1] * 1.25e-3)  # 1.25 µV
    v5 = read_recording(tmp_path / "ecg.dcm", ReadOptions(lead="V5"))
    assert v5.signal == pytest.approx(stored[:, 10] * 1.25e-3)
    assert recording.notes == (
        "the file has 2 groups of leads; read the longest (10 s, the others have 1.2 s)",
    )
    other = read_recording(tmp_path / "ecg.dcm", ReadOptions(sampling_rate=500, units="mV"))
    assert other.notes[1:] == (
        "the file states 1000 Hz; --fs 500 is used",
        "the file states the unit 'uV'; --units mV is used",
    )


def test_the_scale_of_each_channel(document: Any, tmp_path: Path) -> None:
    plain = read_recording(saved(document, tmp_path)).signal
    channel = document.WaveformSequence[0].ChannelDefinitionSequence[1]
    channel.ChannelSensitivityCorrectionFactor = "2"
    channel.ChannelBaseline = "100"
    changed = read_recording(saved(document, tmp_path)).signal
    assert changed == pytest.approx(2 * plain + 0.1)
    channel.ChannelSensitivityUnitsSequence[0].CodeValue = "mV"
    assert read_recording(saved(document, tmp_path)).signal == pytest.approx(1000 * changed)


def test_padding_is_missing(document: Any, tmp_path: Path) -> None:
    group = document.WaveformSequence[0]
    stored = np.frombuffer(group.WaveformData, "<i2").reshape(-1, 12).copy()
    stored[100:200, 1] = -32768
    group.WaveformData = stored.tobytes()
    group.add_new("WaveformPaddingValue", "OW", np.array([-32768], "<i2").tobytes())
    missing = np.isnan(read_recording(saved(document, tmp_path)).signal)
    assert np.flatnonzero(missing).tolist() == list(range(100, 200))


def test_the_time_offset_of_a_group_and_a_time_zone(document: Any, tmp_path: Path) -> None:
    document.AcquisitionDateTime = "20050502223000.5+0200"
    document.WaveformSequence[0].MultiplexGroupTimeOffset = "1500"
    start = read_recording(saved(document, tmp_path)).start
    assert start == datetime(2005, 5, 2, 22, 30, 2)
    del document.AcquisitionDateTime
    assert read_recording(saved(document, tmp_path)).start is None


def test_what_is_refused(document: Any, tmp_path: Path) -> None:
    channel = document.WaveformSequence[0].ChannelDefinitionSequence[1]
    unit = channel.ChannelSensitivityUnitsSequence[0]
    unit.CodeValue = "mm[Hg]"
    assert "lead II is in 'mm[Hg]'" in refusal(saved(document, tmp_path))
    unit.CodeValue = "uV"
    document.WaveformSequence[0].SamplingFrequency = "0"
    assert "a sampling rate of 0 Hz" in refusal(saved(document, tmp_path))
    del channel.ChannelSensitivity
    assert "the unit of lead II is not stated" in refusal(saved(document, tmp_path))
    del document.WaveformSequence
    assert "it holds no waveform; it is a 12-lead ECG" in refusal(saved(document, tmp_path))


@pytest.mark.parametrize("size", [0, 100, 200, 5000, 100_000])
def test_a_file_that_is_cut_off(size: int, document: Any, tmp_path: Path) -> None:
    file = saved(document, tmp_path)
    file.write_bytes(file.read_bytes()[:size])
    assert refusal(file)


def test_lengths_and_compression_do_not_take_memory(document: Any, tmp_path: Path) -> None:
    file = saved(document, tmp_path)
    content = bytearray(file.read_bytes())
    place = content.index(document.WaveformSequence[0].WaveformData)
    content[place - 4 : place] = (2**32 - 2).to_bytes(4, "little")
    file.write_bytes(content)
    tracemalloc.start()
    assert refusal(file)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
    document.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert "it is compressed as a whole (deflated)" in refusal(saved(document, tmp_path))


def test_a_folder_is_searched_for_them(document: Any, tmp_path: Path) -> None:
    assert find_recordings([str(tmp_path)] if saved(document, tmp_path) else []).paths == [
        tmp_path / "ecg.dcm"
    ]


def test_without_pydicom_its_extra_is_named(
    document: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved(document, tmp_path)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(MissingExtraError, match=r"ecgcli\[dicom\]"):
        read_recording(file)


def refusal(path: Path) -> str:
    """Why a file is not read, in one line that names it."""
    with pytest.raises(DataError) as caught:
        read_recording(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)
