"""Rhythms as annotated: worked by hand, and those of real records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgcli.errors import DataError
from ecgcli.recordings import read_recording
from ecgcli.recordings.annotated_rhythm import read_annotated_rhythm
from ecgcli.recordings.rhythm_annotations import RhythmSpan, rhythm_spans


def test_a_rhythm_lasts_until_the_next() -> None:
    times = np.array([0.1, 1.0, 2.0, 3.0, 3.5, 4.0, 5.0, 9.0])
    symbols = ["+", "N", "+", "N", "+", '"', "+", "N"]
    texts = ["(N", "", "(AFIB", "", "(AFIB", "(a comment", "(N", ""]
    assert rhythm_spans(times, symbols, texts) == (
        RhythmSpan("(N", 0.1, 2.0),
        RhythmSpan("(AFIB", 2.0, 5.0),
        RhythmSpan("(N", 5.0, 9.0),
    )
    assert rhythm_spans(times[1:2], ["N"], [""]) == ()


def test_rhythms_of_a_real_record(mitdb: Path) -> None:
    recording = read_recording(mitdb / "201")
    assert recording.rhythms[0].rhythm == "(AFIB"
    assert recording.rhythms[-1].stop == recording.beat_positions[-1] / 360
    fibrillation = sum(s.stop - s.start for s in recording.rhythms if s.rhythm == "(AFIB")
    assert fibrillation == pytest.approx(606, abs=1)
    without_signal = read_annotated_rhythm(mitdb / "201.hea")
    assert without_signal.rhythms == recording.rhythms
    np.testing.assert_allclose(without_signal.times * 360, recording.beat_positions)
    assert without_signal.ectopic.sum() == 198 + 2  # V and F


def test_records_without_signals(ltafdb: Path) -> None:
    """The beats of record 11 end hours before its signal, an annotation of 30 hours after it."""
    record = read_annotated_rhythm(ltafdb / "00")
    assert len(record.times) == 106_247
    assert {span.rhythm for span in record.rhythms} >= {"(AFIB", "(N"}
    assert read_annotated_rhythm(ltafdb / "30.hea").rhythms[-1].stop < 2_826_240 / 128
    assert read_annotated_rhythm(ltafdb / "11").rhythms[-1].stop < 21 * 3600


def test_what_is_refused(svdb: Path, mitdb: Path) -> None:
    with pytest.raises(DataError, match=r"800: there are no rhythm annotations \(such as \(AFIB"):
        read_annotated_rhythm(svdb / "800")
    with pytest.raises(DataError, match=r"100\.ecg: no such annotation file"):
        read_annotated_rhythm(mitdb / "100", "ecg")
