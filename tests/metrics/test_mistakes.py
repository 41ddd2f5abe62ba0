"""What a model gets wrong: which errors and records are shown, and how they are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.image import imread

from ecgcli.beats import INFO_COLUMNS, TIMES, Beats
from ecgcli.metrics.figures import draw_mistakes
from ecgcli.metrics.mistakes import (
    NO_MISTAKES,
    find_mistakes,
    join_mistakes,
    matrices_of_records,
    worst_records_table,
)

CLASSES = ("N", "S", "V")


def beats(truth: list[int], records: list[str] | None) -> Beats:
    """Beats whose samples are their number in hundredths, then zeros."""
    samples = np.zeros((len(truth), 187), np.float32)
    samples[:, :100] = 0.01 * np.arange(1, len(truth) + 1)[:, None]
    info = None
    if records is not None:
        info = pd.DataFrame({name: [""] * len(truth) for name in INFO_COLUMNS})
        info["record"] = records
        for name in TIMES:
            info[name] = np.arange(len(truth)) * 60.0
    return Beats(samples, np.array(truth), info=info, classes=CLASSES)


def called(labels: list[int], chances: list[float]) -> np.ndarray:
    probabilities = np.repeat((1 - np.array(chances, np.float32)[:, None]) / 2, 3, axis=1)
    probabilities[np.arange(len(labels)), labels] = chances
    return probabilities


def test_the_most_confident_errors_come_first_with_their_record_and_time() -> None:
    some = beats([0, 1, 2, 0], ["a", "a", "b", "b"])
    mistakes = find_mistakes(some, some.known_labels, called([0, 0, 0, 2], [0.9, 0.6, 0.8, 0.7]))
    shown = [(e.row, e.record, e.time, e.true, e.predicted) for e in mistakes.surest]
    assert shown == [
        (2, "b", 120.0, "V", "N"), (3, "b", 180.0, "N", "V"), (1, "a", 60.0, "S", "N"),
    ]  # fmt: skip
    np.testing.assert_array_equal(mistakes.surest[0].samples, some.samples[2])
    assert [error.row for error in mistakes.of("b")] == [2, 3]
    assert mistakes.of("c") == ()


def test_a_detection_without_a_beat_is_an_error() -> None:
    some = beats([0, 0], ["a", "a"])
    (error,) = find_mistakes(some, np.array([0, 3]), called([0, 0], [0.9, 0.8])).surest
    assert (error.true, error.predicted) == ("no beat", "N")


def test_mistakes_of_recordings_are_joined() -> None:
    parts = [
        find_mistakes(some, some.known_labels, called([1, 1], chances))
        for some, chances in (
            (beats([0, 0], ["a", "a"]), [0.6, 0.9]), (beats([0, 0], ["b", "b"]), [0.7, 0.8]),
        )
    ]  # fmt: skip
    joined = join_mistakes(parts)
    assert [error.record for error in joined.surest] == ["a", "b", "b", "a"]
    assert len(joined.of("a")) == len(joined.of("b")) == 2


def test_records_have_their_own_matrices() -> None:
    some = beats([0, 1, 2, 0], ["a", "a", "b", "b"])
    records = matrices_of_records(some, np.array([0, 0, 2, 2]))
    assert records["a"].tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert records["b"].tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 1]]
    assert matrices_of_records(beats([0], None), np.array([0])) == {}


def test_the_worst_records_come_first() -> None:
    good, bad = np.zeros((4, 4), np.int64), np.zeros((4, 4), np.int64)
    good[0, 0], good[2, 0] = 99, 1
    bad[0, 0], bad[1, 0], bad[3, 0] = 7, 1, 2
    names = [*CLASSES, "no beat"]
    perfect = np.diag([5] * 4)
    table = worst_records_table({"100": good, "101": bad, "102": perfect}, names)
    assert table.rows == [
        ["101", "3", "30.0%", "no beat called N"],
        ["100", "1", "1.0%", "V called N"],
    ]
    assert not worst_records_table({"101": bad}, names).rows


def test_padding_is_not_drawn_and_pictures_without_errors_go(tmp_path: Path) -> None:
    """A beat of 100 samples of one level has no line where its padding is."""
    some = beats([0] * 60, ["a"] * 60)
    probabilities = called([0] * 59 + [1], [0.9] * 60)
    draw_mistakes(tmp_path, find_mistakes(some, some.known_labels, probabilities), None)
    picture = imread(tmp_path / "errors.png")[..., :3]
    blue = np.abs(picture - np.array([0x0B, 0x6E, 0x99]) / 255).max(axis=2) < 0.1
    rows, columns = np.nonzero(blue)
    assert len(columns) > 50
    assert np.ptp(rows) < 10
    draw_mistakes(tmp_path, NO_MISTAKES, None)
    assert not list(tmp_path.iterdir())
