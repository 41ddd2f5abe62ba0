"""Clock times of positions in a recording."""

from __future__ import annotations

from datetime import datetime, time

from ecgcli.recordings.clock import clock_time, clock_times


def test_clock_times_go_on_after_midnight() -> None:
    start = datetime(2004, 2, 28, 23, 59, 59, 500_000)
    assert clock_times(start, [0, 0.5004, 86400]).tolist() == [
        "2004-02-28T23:59:59.500", "2004-02-29T00:00:00.000", "2004-02-29T23:59:59.500",
    ]  # fmt: skip


def test_a_start_without_a_date_has_times_of_day() -> None:
    assert clock_time(time(23, 59, 59), 1.25) == "00:00:00.250"
    assert clock_times(time(1, 2, 3), []).tolist() == []
