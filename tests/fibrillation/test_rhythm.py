"""From the rhythm of RR intervals to that of beats, and to episodes; worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ecgcli.fibrillation import AtrialRhythm, Episode, rhythm_of_intervals, unknown_rhythm


def rhythm(states: str, times: list[float] | None = None) -> AtrialRhythm:
    """Intervals in fibrillation (A), in another rhythm (N), unknown (.); a second each."""
    beats = np.arange(len(states) + 1.0) if times is None else np.array(times)
    letters = np.array(list(states))
    return rhythm_of_intervals(beats, letters == "A", letters != ".")


def test_episodes_begin_and_end_at_beats() -> None:
    result = rhythm("NNAAANAN..A")
    assert result.episodes == (Episode(2, 5, 4), Episode(6, 7, 2), Episode(10, 11, 2))
    assert result.rhythms.tolist() == ["N", "N", *["AFIB"] * 3, "N", "AFIB", "N", "", "",
                                       "AFIB", "AFIB"]  # fmt: skip
    assert result.known_seconds == 9
    assert result.burden == pytest.approx(5 / 9)


def test_a_gap_ends_an_episode_and_belongs_to_no_rhythm() -> None:
    result = rhythm("AAAA", [0.0, 1.0, 2.0, 600.0, 601.0])
    assert result.episodes == (Episode(0, 2, 3), Episode(600, 601, 2))
    assert (result.known_seconds, result.burden) == (3, 1)


def test_the_summary_has_samples() -> None:
    summary = rhythm("NAAN").summary(360)
    assert summary["episodes"] == [
        {"start": 1, "end": 3, "beats": 3, "start_sample": 360, "end_sample": 1080}
    ]
    assert (summary["episode_count"], summary["burden"], summary["known_seconds"]) == (1, 0.5, 4)


def test_nothing_known() -> None:
    nothing = unknown_rhythm(3, "too short")
    assert nothing.rhythms.tolist() == ["", "", ""]
    assert nothing.burden is None
