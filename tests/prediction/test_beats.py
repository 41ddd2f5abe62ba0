"""A row for each beat, in order, in any format, from files of any size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecgcli.beats import read_beats
from ecgcli.beats.reader import BeatsReader
from ecgcli.choices import format_for
from ecgcli.classes import AAMI_CLASSES, CLASS_SETS
from ecgcli.errors import ConfigError, DataError
from ecgcli.prediction import Classifier, load
from ecgcli.prediction.beats import Summary, predict_file, read_predictions
from tests.helpers import Watcher


@pytest.fixture(scope="module")
def classifier(trained: Path) -> Classifier:
    return load(trained)


def predict(source: Path, target: Path, classifier: Classifier) -> Summary:
    table_format = format_for(target, None, ("csv", "json", "parquet"))
    return predict_file(classifier, source, target, table_format=table_format)


READERS = {"csv": pd.read_csv, "json": pd.read_json, "parquet": pd.read_parquet}


@pytest.mark.parametrize("ending", READERS)
def test_every_format_holds_the_engines_probabilities(
    ending: str, classifier: Classifier, demo: Path, tmp_path: Path
) -> None:
    source, target = demo / "synthetic_test.csv", tmp_path / f"out.{ending}"
    summary = predict(source, target, classifier)
    expected = classifier.probabilities(read_beats(source))
    table = READERS[ending](target)
    assert list(table.columns) == ["beat", "class", *AAMI_CLASSES]
    assert table["beat"].tolist() == list(range(len(expected)))
    assert np.abs(table[list(AAMI_CLASSES)].to_numpy() - expected).max() < 2e-6
    assert [AAMI_CLASSES[label] for label in expected.argmax(1)] == table["class"].tolist()
    assert summary.counts == {name: int((table["class"] == name).sum()) for name in AAMI_CLASSES}
    assert summary.labels_ignored
    assert summary.beats == len(table)


def test_the_block_size_does_not_change_the_table(
    classifier: Classifier, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = demo / "synthetic_test.csv"
    predict(source, tmp_path / "whole.csv", classifier)
    monkeypatch.setattr(BeatsReader.__init__, "__kwdefaults__", {
        **BeatsReader.__init__.__kwdefaults__, "block_bytes": 10_000,
    })  # fmt: skip
    watcher = Watcher()
    predict_file(
        classifier, source, tmp_path / "pieces.csv",
        table_format="csv", progress=watcher,
    )  # fmt: skip
    whole, pieces = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("whole", "pieces"))
    assert pieces[["beat", "class"]].equals(whole[["beat", "class"]])
    assert np.abs(pieces[list(AAMI_CLASSES)] - whole[list(AAMI_CLASSES)]).to_numpy().max() < 2e-6
    assert len(watcher.steps) > 20
    assert watcher.steps == sorted(watcher.steps)
    assert watcher.steps[-1] == ("predicting", *(source.stat().st_size,) * 2)


def test_an_error_far_into_the_file_leaves_the_old_table(
    classifier: Classifier, demo: Path, tmp_path: Path
) -> None:
    rows = (demo / "synthetic_test.csv").read_text().splitlines()
    cells = rows[-1].split(",")
    cells[3] = "x"
    (tmp_path / "bad.csv").write_text("\n".join([*rows * 4, ",".join(cells)]))
    target = tmp_path / "out.csv"
    target.write_text("old")
    with pytest.raises(DataError, match=rf"row {4 * len(rows) + 1}, column 4: found 'x'"):
        predict(tmp_path / "bad.csv", target, classifier)
    assert target.read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"bad.csv", "out.csv"}


@pytest.mark.parametrize("ending", READERS)
def test_predictions_are_read_back_as_labels(
    ending: str, classifier: Classifier, demo: Path, tmp_path: Path
) -> None:
    target = tmp_path / f"out.{ending}"
    predict(demo / "synthetic_test.csv", target, classifier)
    expected = classifier.probabilities(read_beats(demo / "synthetic_test.csv")).argmax(1)
    labels, classes = read_predictions(target)
    assert np.array_equal(labels, expected)
    assert classes == AAMI_CLASSES


def test_unsure_beats_have_no_class_and_keep_their_probabilities(
    classifier: Classifier, demo: Path, tmp_path: Path
) -> None:
    source, target = demo / "synthetic_test.csv", tmp_path / "p.csv"
    summary = predict_file(classifier, source, target, table_format="csv", abstain=0.9)
    table = pd.read_csv(target)
    highest = classifier.probabilities(read_beats(source)).max(axis=1)
    assert 0 < summary.abstained < summary.beats == len(table)
    assert ((table["class"] == "?") == (highest < np.float32(0.9))).all()
    assert table[list("NSVFQ")].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)
    labels, _ = read_predictions(target)
    assert (labels == 5).sum() == summary.abstained


@pytest.mark.parametrize("wrong", [-0.1, 1.5, float("nan")])
def test_a_threshold_that_is_not_a_probability(
    wrong: float, classifier: Classifier, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="valid: a probability from 0 to 1"):
        predict_file(classifier, "-", tmp_path / "p.csv", table_format="csv", abstain=wrong)


def test_predictions_of_the_two_ptb_classes_are_recognised_by_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("beat,class,normal,abnormal\n0,abnormal,0.1,0.9\n1,normal,0.8,0.2\n")
    labels, classes = read_predictions(path)
    assert labels.tolist() == [1, 0]
    assert classes == CLASS_SETS["ptb"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.csv", "a,b\n1,2\n", "no column named class"),
        ("p.csv", "beat,class,N,S,V,F,Q\n0,N,1,0,0,0,0\n1,X,1,0,0,0,0\n", "row 3: found class 'X'"),
        ("p.csv", "beat,class\n0,N\n", "no columns of probabilities"),
        ("p.csv", "", "cannot be read as predictions"),
        ("p.json", '[{"N": 1}, 1.5]', "cannot be read as predictions"),
        ("p.json", json.dumps([1]), "no column named class"),
        ("p.parquet", "not parquet", "cannot be read as predictions"),
    ],
)
def test_tables_that_are_not_predictions(
    name: str, content: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        read_predictions(tmp_path / name)
    with pytest.raises(DataError, match="no such file"):
        read_predictions(tmp_path / "none.csv")
