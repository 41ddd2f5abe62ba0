"""The history of training, and the warning of overfitting."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from ecgcli.training.history import Epoch, best_epoch, overfitting, slow_epoch, write_history


def course(train_loss: list[float], validation_loss: list[float]) -> list[Epoch]:
    return [
        Epoch(n, 0.001, train, 0.9, 0.8, validation, 0.9, 0.9 - validation / 10, 1.0)
        for n, (train, validation) in enumerate(zip(train_loss, validation_loss, strict=True), 1)
    ]


def test_overfitting_is_reported_with_its_epoch() -> None:
    sentence = overfitting(course([0.5, 0.3, 0.2, 0.1], [0.5, 0.4, 0.45, 0.6]))
    assert sentence is not None
    assert sentence.startswith("Overfitting since epoch 2")
    assert "0.4000 to 0.6000" in sentence
    assert "of epoch 2, were kept" in sentence


def test_without_overfitting_there_is_no_sentence() -> None:
    assert overfitting(course([0.5, 0.3, 0.2], [0.5, 0.4, 0.41])) is None
    assert overfitting(course([0.5, 0.3, 0.4], [0.5, 0.4, 0.6])) is None  # training got worse too


def test_the_earliest_of_equal_epochs_is_the_best() -> None:
    assert best_epoch(course([0.5, 0.4, 0.3], [0.4, 0.3, 0.3])).epoch == 2


def test_metrics_csv_has_a_row_for_each_epoch(tmp_path: Path) -> None:
    write_history(tmp_path / "metrics.csv", course([0.5, 0.25], [0.5, 0.4]))
    with (tmp_path / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert rows[1]["train_loss"] == "0.25"


def test_an_epoch_five_times_as_slow_as_the_first_is_reported() -> None:
    first, second, third = course([0.5, 0.4, 0.3], [0.5, 0.4, 0.3])
    assert slow_epoch([first]) is None
    assert slow_epoch([first, replace(second, seconds=4.9)]) is None
    assert slow_epoch([first, second, replace(third, seconds=5.2)]) == (
        "epoch 3 took 5 times as long as epoch 1; other programs are using the cores"
    )
    quick = replace(first, seconds=0.01)
    assert slow_epoch([quick, replace(second, seconds=0.9)]) is None
