"""The printed summary of a recording."""

from __future__ import annotations

from datetime import datetime, time
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ecgcli.classes import AAMI_CLASSES
from ecgcli.commands.rhythm_summary import print_summary
from ecgcli.fibrillation import rhythm_of_intervals
from ecgcli.prediction.recordings import Classified
from ecgcli.recordings.clock import clock_time


def classified(hours: float, start: datetime | time | None) -> Classified:
    """Beats each second, ten V from 1:00:00 on, fibrillation in the second half of hour one."""
    peaks = np.arange(0.5, hours * 3600, 1.0) + 0.02 * (np.arange(hours * 3600) % 2)
    kinds = np.where((peaks > 3600) & (peaks < 3610), "V", "N")
    between = peaks[:-1]
    atrial = rhythm_of_intervals(
        peaks, (between >= 1800) & (between < 3600), np.ones(len(between), bool)
    )
    return Classified(
        path=Path("day.hea"), name="day", sampling_rate=250.0, seconds=hours * 3600,
        classes=AAMI_CLASSES, times=peaks, intervals=np.append(np.nan, np.diff(peaks)),
        probabilities=np.zeros((len(peaks), 5), np.float32),
        labels=np.where(kinds == "V", 2, 0), rhythms=atrial.rhythms, peaks=peaks, kinds=kinds,
        atrial=atrial, unusable=((0.0, 360.0),), notes=(),
        missed=np.zeros(len(between), bool), annotated=False, start=start,
    )  # fmt: skip


def printed(summary: dict[str, object]) -> str:
    console = Console(file=StringIO(), width=200)
    print_summary(summary, console)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_a_long_recording_is_printed_by_the_hour_and_the_clock() -> None:
    lines = printed(classified(3, datetime(2005, 5, 2, 22, 30)).summary()).splitlines()
    rows = [line.split() for line in lines if line.startswith("  2005")]
    assert rows[0] == ["2005-05-02", "22:30:00", "60", "60", "60", "0", "0", "10.0%", "50.0%"]
    assert rows[1] == ["2005-05-02", "23:30:00", "60", "60", "60", "10", "0", "0.0%", "0.0%"]
    assert rows[2][:2] == ["2005-05-03", "00:30:00"]
    assert "    10 V at 1:00:01 (2005-05-02 23:30:01), 60 a minute" in lines
    assert any(line.startswith("  HRV         SDNN 20 ms, SDANN 0 ms, RMSSD 40") for line in lines)


@pytest.mark.parametrize(
    ("start", "shown"),
    [
        (datetime(2005, 5, 2, 23, 59), "0:01:00 (2005-05-03 00:00:00)"),
        (time(23, 59), "0:01:00 (00:00:00)"),
    ],
)
def test_a_time_and_its_clock_time_are_rounded_alike(start: datetime | time, shown: str) -> None:
    summary = classified(1, start).summary()
    summary |= {"longest_rr_at": 59.6, "longest_rr_clock": clock_time(start, 59.6)}
    assert f"  longest RR  1.02 s at {shown}" in printed(summary).splitlines()


def test_a_short_recording_without_start_has_neither() -> None:
    document = classified(1, None).summary()
    assert document["start"] is None
    assert "hour from" not in printed(document)
    assert "clock" not in str(document)


def test_variability_is_of_sinus_rhythm_and_states_its_limits() -> None:
    figures = classified(1, None).summary()["variability"]
    assert figures["nn_share"] < 0.52  # the other half is atrial fibrillation
    assert "detected" in figures["limits"][1]
