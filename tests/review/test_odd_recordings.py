"""Reviews of recordings that are short, flat, fast, or of many leads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from scipy.signal import resample

from ecgcli.errors import DataError
from ecgcli.review.answers import Answer
from ecgcli.review.results import write_results
from ecgcli.review.session import Review
from tests.review.recordings import RATE, analyse, write_recording


def written(folder: Path, signals: np.ndarray, rate: float = RATE) -> Path:
    """A record of ``signals (samples, leads)`` in mV."""
    leads = signals.shape[1]
    wfdb.wrsamp(
        "odd", rate, ["mV"] * leads, [f"L{number}" for number in range(leads)], signals,
        fmt=["16"] * leads, adc_gain=[1000] * leads, baseline=[0] * leads, write_dir=str(folder),
    )  # fmt: skip
    return folder / "odd.hea"


@pytest.fixture
def signal(tmp_path: Path) -> np.ndarray:
    record: np.ndarray = wfdb.rdrecord(str(write_recording(tmp_path).with_suffix(""))).p_signal
    return record


@pytest.mark.parametrize("kind", ["5 s", "12 leads", "1000 Hz"])
def test_a_beat_is_answered(kind: str, signal: np.ndarray, tmp_path: Path) -> None:
    signals, rate = {
        "5 s": (signal[: 5 * RATE], RATE),
        "12 leads": (np.repeat(signal, 12, axis=1), RATE),
        "1000 Hz": (resample(signal, 4 * len(signal)), 4 * RATE),
    }[kind]
    analysis = analyse(written(tmp_path, signals, rate))
    assert len(analysis.leads) == signals.shape[1]
    peak = float(analysis.prepared.peaks[2])
    assert peak == pytest.approx(2.2, abs=0.05)
    with Review(analysis, tmp_path / "odd.review.csv", "anna") as review:
        assert review.question() is not None
        review.answer(Answer("class", (peak,), "V"))
        assert review.beats().letters[2] == "V"
        assert [path.name for path in write_results(review, tmp_path, "odd")] == [
            "odd.reviewed.csv", "odd.reviewed",
        ]  # fmt: skip


@pytest.mark.parametrize("level", [0.0, np.nan])
def test_without_a_beat_nothing_is_asked_and_no_result_is_written(
    level: float, tmp_path: Path
) -> None:
    analysis = analyse(written(tmp_path, np.full((20 * RATE, 1), level)))
    with Review(analysis, tmp_path / "odd.review.csv", "anna") as review:
        assert review.question() is None
        assert not len(review.beats())
        with pytest.raises(DataError, match="no beats"):
            write_results(review, tmp_path, "odd")
        review.answer(Answer("add", (4.0,), "N"))
        assert len(review.beats()) == 1
