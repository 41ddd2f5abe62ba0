"""Events, on beats made for them."""

from __future__ import annotations

import numpy as np
import pytest

from ecgcli.view import Event, PageBeats
from ecgcli.view.events import MOST_DOUBTFUL, find_events
from tests.view.pages import beats_of, beats_with


def events(beats: PageBeats, kind: str, missed: list[int] | None = None) -> list[Event]:
    intervals = np.zeros(max(len(beats) - 1, 0), bool)
    intervals[missed or []] = True
    return [event for event in find_events(beats, intervals) if event.kind == kind]


def test_a_run_has_three_beats_and_a_couplet_two() -> None:
    beats = beats_with("NVVNNVVVVN", 0.5)
    (couplet,) = events(beats, "couplet")
    (run,) = events(beats, "run")
    assert (couplet.beat, couplet.beats, couplet.letter) == (1, 2, "V")
    assert (run.beat, run.beats, run.rate) == (5, 4, pytest.approx(120))
    assert (run.start, run.stop) == (beats.peaks[5], beats.peaks[8])


@pytest.mark.parametrize(
    ("letters", "kind", "beat", "count"),
    [
        ("NNVNVNVN", "bigeminy", 1, 6),
        ("NNNSNNSNNSNN", "trigeminy", 1, 9),
        ("NVNVNN", "bigeminy", None, 0),
        ("NVVNVNVVNV", "bigeminy", None, 0),
    ],
)
def test_patterns_need_three_repeats(letters: str, kind: str, beat: int | None, count: int) -> None:
    runs = events(beats_with(letters), kind)
    assert [(event.beat, event.beats) for event in runs] == (
        [] if beat is None else [(beat, count)]
    )


def test_a_gap_ends_a_pattern() -> None:
    whole, gap = [0.8] * 8, [0.8, 0.8, 0.8, 60.0, 0.8, 0.8, 0.8, 0.8]
    assert events(beats_with("NVNVNVNV", whole), "bigeminy")[0].beats == 8
    assert events(beats_with("NVNVNVNV", gap), "bigeminy") == []


def test_a_pause_may_be_a_missed_beat_and_a_gap_is_none() -> None:
    beats = beats_with("NNNNNN", [0.8, 2.5, 0.8, 3.0, 60.0])
    real, doubtful = events(beats, "pause", missed=[3])
    assert (real.beat, real.detail, real.doubt) == (1, "RR 2.50 s", "")
    assert doubtful.detail == "RR 3.00 s"
    assert "missed" in doubtful.doubt


def test_a_run_over_a_missed_beat_is_marked() -> None:
    beats = beats_with("NVVVVN", [0.8, 0.5, 1.4, 0.5, 0.8])
    assert "missed" in events(beats, "run", missed=[2])[0].doubt
    assert events(beats, "run", missed=[0, 4])[0].doubt == ""


def test_the_fastest_and_the_slowest_minute() -> None:
    beats = beats_with("N" * 300, [1.0] * 100 + [0.5] * 150 + [0.8] * 50)
    (fastest,), (slowest,) = events(beats, "fastest minute"), events(beats, "slowest minute")
    assert fastest.rate == pytest.approx(120)
    assert slowest.rate == pytest.approx(60)
    assert beats.peaks[100] <= fastest.start <= beats.peaks[100] + 16
    assert events(beats_with("N" * 30), "fastest minute") == []


def test_the_most_doubtful_come_first_and_say_what_else_they_may_be() -> None:
    beats = beats_with("N" * 9 + "V")
    (event,) = events(beats, "doubtful beat")
    assert event.beat == 9
    assert event.detail.startswith("V 0.55 or ")
    assert len(events(beats_with("V" * 1000), "doubtful beat")) == MOST_DOUBTFUL


def test_fibrillation_is_an_event_with_its_rate() -> None:
    beats = beats_with("N" * 100, 0.6)
    all_events = find_events(beats, np.zeros(99, bool), [(10.0, 40.0)])
    (event,) = [each for each in all_events if each.kind == "fibrillation"]
    assert event.rate == pytest.approx(100)
    assert (event.start, event.stop) == (10.0, 40.0)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_beats_have_no_events(count: int) -> None:
    beats = beats_of(np.arange(count) + 0.5, np.zeros(count, np.uint8))
    assert find_events(beats, np.zeros(max(count - 1, 0), bool)) == ()
