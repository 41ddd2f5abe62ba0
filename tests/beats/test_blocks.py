"""Blocks of beats that keep the beats of a recording together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ecgcli.beats import Beats, concatenate
from ecgcli.beats.blocks import whole_recordings


def beats_of(names: str) -> Beats:
    """A beat for each letter, which is the name of its recording; they differ in their samples."""
    samples = np.linspace(0, 1, 187 * len(names), dtype=np.float32).reshape(-1, 187)
    info = pd.DataFrame({"record": list(names)})
    return Beats(samples, info=info, context=samples[:, :3])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("aaaaaaaa", ["aaaaaaaa"]),
        ("aaabbbbb", ["aaa", "bbbbb"]),
        ("abcdefgh", ["a", "b", "c", "d", "e", "f", "g", "h"]),
        ("aaaaabaa", ["aaaaa", "b", "aa"]),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_no_recording_is_split(names: str, expected: list[str], size: int) -> None:
    whole = beats_of(names)
    rows = np.split(np.arange(len(names)), range(size, len(names), size))
    parts = list(whole_recordings(whole.take(each) for each in rows))
    joined = concatenate(parts)
    assert np.array_equal(joined.samples, whole.samples)
    assert np.array_equal(joined.context, whole.context)
    ends = np.cumsum([len(part) for part in parts])
    assert {*ends} <= {*np.cumsum([len(run) for run in expected])}


def test_a_block_is_given_once_its_last_recording_has_ended() -> None:
    blocks = iter([beats_of("aab"), beats_of("bbb"), beats_of("c")])
    parts = whole_recordings(blocks)
    assert "".join(next(parts).info["record"]) == "aa"
    assert "".join(next(parts).info["record"]) == "bbbb"
    assert "".join(next(parts).info["record"]) == "c"
    assert next(parts, None) is None


def test_beats_without_a_sidecar_are_those_of_one_recording() -> None:
    blocks = [Beats(np.zeros((n, 187), np.float32)) for n in (4, 0, 2)]
    assert [len(part) for part in whole_recordings(blocks)] == [6]
