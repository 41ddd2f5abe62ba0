"""Clock times of positions in a recording."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path

import numpy as np
import pyedflib
import pyedflib.highlevel

from ecgcli.recordings import read_recording
from ecgcli.recordings.clock import clock_time, clock_times


def test_clock_times_go_on_after_midnight() -> None:
    start = datetime(2004, 2, 28, 23, 59, 59, 500_000)
    assert clock_times(start, [0, 0.5004, 86400]).tolist() == [
        "2004-02-28T23:59:59.500", "2004-02-29T00:00:00.000", "2004-02-29T23:59:59.500",
    ]  # fmt: skip


def test_a_start_without_a_date_has_times_of_day() -> None:
    assert clock_time(time(23, 59, 59), 1.25) == "00:00:00.250"
    assert clock_times(time(1, 2, 3), []).tolist() == []


def test_the_start_of_an_edf_file_of_another_program(tmp_path: Path) -> None:
    file = str(tmp_path / "holter.edf")
    with pyedflib.EdfWriter(file, 1) as writer:
        writer.setStartdatetime(datetime(2005, 5, 2, 22, 30, 1))
        writer.setSignalHeader(
            0,
            pyedflib.highlevel.make_signal_header(
                "ECG II", "mV", 250, physical_min=-5, physical_max=5
            ),
        )
        writer.writeSamples([np.zeros(2500)])
    start = read_recording(tmp_path / "holter.edf").start
    assert start == datetime(2005, 5, 2, 22, 30, 1)
