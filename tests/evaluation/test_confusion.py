"""The same matrix from a run, from its evaluation, and from a table of predictions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats import read_labelled
from ecgcli.checkpoints.runs import BEST
from ecgcli.classes import AAMI_CLASSES
from ecgcli.errors import CheckpointError, ConfigError, DataError
from ecgcli.evaluation.beats import evaluate_file
from ecgcli.evaluation.confusion import Confusion, find_confusion
from ecgcli.evaluation.report import report_folder, write_report
from ecgcli.prediction import load
from ecgcli.prediction.beats import predict_file


def test_every_form_of_input_gives_the_same_matrix(
    run_copy: Path, demo: Path, tmp_path: Path
) -> None:
    truth, table = demo / "synthetic_test.csv", tmp_path / "predictions.csv"
    classifier = load(run_copy)
    predict_file(classifier, truth, table, table_format="csv")
    folder = report_folder(run_copy / BEST, truth)
    write_report(folder, evaluate_file(classifier, truth))
    matrices = [
        find_confusion(run_copy, truth),
        find_confusion(run_copy / BEST, truth),
        find_confusion(table, truth),
        find_confusion(run_copy, None),
    ]
    beats = read_labelled(truth)
    predicted = classifier.probabilities(beats).argmax(1)
    expected = np.zeros((5, 5), int)
    np.add.at(expected, (beats.known_labels, predicted), 1)
    for confusion in matrices:
        assert np.array_equal(confusion.matrix, expected)
        assert confusion.classes == AAMI_CLASSES


def test_pretrained_weights_are_evaluated_outside_the_package(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    classifier, truth = load("beats"), demo / "synthetic_test.csv"
    with pytest.raises(ConfigError, match=r"^beats has not been evaluated"):
        find_confusion(Path("beats"), None)
    folder = report_folder(classifier.path, truth)
    assert folder == Path("runs/pretrained/beats/evaluation-synthetic_test")
    write_report(folder, evaluate_file(classifier, truth))
    found = find_confusion(Path("beats"), None)
    assert found.of == "beats on synthetic_test.csv"
    assert np.array_equal(found.matrix, find_confusion(Path("beats"), truth).matrix)
    assert classifier.place == "beats"
    assert load(classifier.path.parent / "recordings.safetensors").place == "recordings"


def test_shares_and_document() -> None:
    confusion = Confusion(np.array([[8, 2], [0, 0]]), ("normal", "abnormal"), "a on b")
    document = json.loads(json.dumps(confusion.as_json("true"), allow_nan=False))
    assert document["normalized"] == [[0.8, 0.2], [None, None]]
    assert confusion.as_json("pred")["normalized"] == [[1.0, 1.0], [0.0, 0.0]]
    assert confusion.as_json("all")["normalized"] == [[0.8, 0.2], [0.0, 0.0]]
    assert confusion.caption("pred") == "a on b: share of the predicted class"


def test_what_cannot_be_compared(run_copy: Path, demo: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has not been evaluated: add --data"):
        find_confusion(run_copy, None)
    with pytest.raises(ConfigError, match=r"add --data TEST\.csv"):
        find_confusion(Path("predictions.csv"), None)
    table = tmp_path / "p.csv"
    table.write_text("beat,class,N,S,V,F,Q\n0,N,1,0,0,0,0\n")
    with pytest.raises(DataError, match=r"1 prediction for 1,\d{3} beats"):
        find_confusion(table, demo / "synthetic_test.csv")
    folder = run_copy / "evaluation-x"
    folder.mkdir()
    (folder / "report.json").write_text('{"confusion_matrix": ')
    with pytest.raises(CheckpointError, match="cannot be read as a report"):
        find_confusion(run_copy, None)
