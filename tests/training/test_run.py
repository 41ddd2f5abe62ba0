"""A finished training: one description for every kind of model, read back from its folder."""

from __future__ import annotations

import base64
import html
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ecgcli.checkpoints import load_checkpoint
from ecgcli.classes import CLASS_MEANINGS
from ecgcli.errors import CheckpointError
from ecgcli.training import train
from ecgcli.training.config import parse_config
from ecgcli.training.reading import describe_curves
from ecgcli.training.run import Run, read_run
from tests.helpers import Watcher, small_config, small_document


@pytest.fixture(scope="module")
def forest(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    document = small_document(demo, tmp_path_factory.mktemp("runs")) | {"training": {}}
    document["model"] = {"name": "features", "trees": 10}
    return train(parse_config(document))


def test_a_network_is_read_back_as_it_was_returned(demo: Path, tmp_path: Path) -> None:
    run = train(small_config(demo, tmp_path, "training.epochs=2"))
    read = read_run(run.path)
    assert (read.best, read.metrics, read.overfitting) == (run.best, run.metrics, run.overfitting)
    assert read.seconds == pytest.approx(run.seconds, abs=0.01)
    for row, original in zip(read.history, run.history, strict=True):
        assert vars(row) == pytest.approx(vars(original), rel=1e-5)
    assert isinstance(read.history[0].epoch, int)
    assert read.checkpoint.exists()
    assert read.picture is not None
    assert read.picture.exists()


def test_an_estimator_is_read_back_as_it_was_returned(forest: Run) -> None:
    read = read_run(forest.path)
    assert read.importances == pytest.approx(forest.importances, abs=1e-5)
    assert read.seconds == pytest.approx(forest.seconds, abs=0.01)
    assert replace(read, importances={}, seconds=0) == replace(forest, importances={}, seconds=0)
    assert forest.metrics == load_checkpoint(forest.checkpoint).card.metrics


def test_both_kinds_of_model_leave_the_same_files(trained: Path, forest: Run) -> None:
    common = {
        "best.safetensors", "config.yaml", "environment.json", "report.html", "report.json",
        "errors.png", "worst.png",
    }  # fmt: skip
    for path, own in (
        (trained, {"last.safetensors", "metrics.csv", "curves.png"}),
        (forest.path, {"importances.png"}),
    ):
        assert {file.name for file in path.iterdir()} - {".lock"} == common | own
        facts = json.loads((path / "environment.json").read_text())
        fingerprint = load_checkpoint(path / "best.safetensors").card.training_data.fingerprint
        assert facts["data_fingerprint"] == fingerprint


def test_the_page_of_a_training_is_one_file_that_explains_itself(
    trained: Path, forest: Run
) -> None:
    for path, picture in ((trained, "curves.png"), (forest.path, "importances.png")):
        page = (path / "report.html").read_text()
        for name in (picture, "errors.png"):
            assert base64.b64encode((path / name).read_bytes()).decode() in page
        assert not re.findall(r'(?:src|href)="(?!data:)', page)
        assert html.escape((path / "config.yaml").read_text()) in page
        environment = json.loads((path / "environment.json").read_text())
        for fact in (environment["python"], environment["device"], environment["started"][:10]):
            assert fact in page
        assert all(
            meaning in page for meaning in CLASS_MEANINGS.values() if "person" not in meaning
        )
    epochs = re.findall('<tr><th scope="row">[1-4]</th>', (trained / "report.html").read_text())
    assert len(epochs) == 4
    for sentence in describe_curves(read_run(trained).history):
        assert html.escape(sentence) in (trained / "report.html").read_text()


def test_an_unfinished_or_damaged_run_is_not_read(run_copy: Path) -> None:
    report = run_copy / "report.json"
    report.write_text(report.read_text()[:100])
    with pytest.raises(CheckpointError, match="report cannot be read"):
        read_run(run_copy)
    report.unlink()
    with pytest.raises(CheckpointError, match="not a finished training; to finish one: ecg train"):
        read_run(run_copy)


@pytest.mark.usefixtures("bare_training")
def test_training_reports_the_beats_the_epochs_and_the_running_figures(
    demo: Path, tmp_path: Path
) -> None:
    watcher = Watcher()
    train(small_config(demo, tmp_path, "training.epochs=2"), watcher)
    assert watcher.messages[0].startswith("Reading ")
    assert watcher.messages[1].startswith("Training cnn on ")
    assert watcher.messages[2].endswith(str(tmp_path / "small"))
    assert watcher.epochs == [1, 2]
    done = [done for task, done, total in watcher.steps if (task, total) == ("training", 2)]
    assert done == sorted(done)
    assert {1.0, 2.0} <= set(done)
    assert watcher.figures[0].keys() == {"loss", "acc", "F1"}


def test_an_estimator_is_trained_without_torch(demo: Path, tmp_path: Path) -> None:
    document = small_document(demo, tmp_path) | {"model": {"name": "knn"}, "training": {}}
    code = (
        "import json, sys; from ecgcli.training import train\n"
        "from ecgcli.training.config import parse_config\n"
        "train(parse_config(json.loads(sys.argv[1]))); print('torch' in sys.modules)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, json.dumps(document)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert process.stdout.split() == ["False"]
