"""``ecg train``: what it prints, where it continues, what it refuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import Result

from tests.helpers import small_document

Ecg = Callable[..., Result]


@pytest.fixture
def config(demo: Path, tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(small_document(demo, Path("runs"))))
    return path


def test_it_prints_the_run_and_reports_the_epochs(config: Path, demo: Path, ecg: Ecg) -> None:
    result = ecg("train", "--config", config, "training.epochs=2", "training.device=cpu", "seed=3")
    assert result.exit_code == 0
    assert result.stdout == "runs/small\n"
    lines = result.stderr.splitlines()
    epochs = [line.split() for line in lines if line.split()[0] in ("1/2", "2/2")]
    assert len(epochs) == 2
    table = Path("runs/small/metrics.csv").read_text().splitlines()
    assert f"{float(table[1].split(',')[2]):.4f}" == epochs[0][1]
    assert "validating on" in result.stderr
    test = demo / "synthetic_test.csv"
    assert lines[-1] == f"Next: ecg evaluate runs/small --data {test}"
    resolved = yaml.safe_load(Path("runs/small/config.yaml").read_text())
    assert (resolved["seed"], resolved["training"]["epochs"]) == (3, 2)


@pytest.mark.usefixtures("bare_training")
def test_the_first_run_explains_the_classes_and_every_run_its_curves(
    config: Path, ecg: Ecg
) -> None:
    first, second = (ecg("train", "--config", config, "training.epochs=1") for _ in range(2))
    assert "N: normal, bundle branch block or escape beat; S: supraventricular" in first.stderr
    assert "bundle branch" not in second.stderr
    for result in (first, second):
        assert "One epoch is a point, not a curve" in result.stderr
    assert "Report: runs/small-2/report.html" in second.stderr


@pytest.mark.usefixtures("bare_training")
def test_quiet_and_json(config: Path, ecg: Ecg) -> None:
    result = ecg("train", "--config", config, "training.epochs=1", "--json", "--quiet")
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert document["run"] == "runs/small"
    assert document["best"]["epoch"] == document["epochs"] == 1
    report = json.loads(Path("runs/small/report.json").read_text())
    assert report["best"] == document["best"]


@pytest.mark.usefixtures("bare_training")
def test_resume_takes_the_newest_run_and_nothing_else(config: Path, ecg: Ecg) -> None:
    for _ in range(2):
        assert ecg("train", "-q", "--config", config, "training.epochs=1").exit_code == 0
    result = ecg("train", "--resume")
    assert result.stdout == "runs/small-2\n"
    assert ecg("train", "--resume", "runs/small").stdout == "runs/small\n"
    for arguments, message in (
        (["--config", config], "leave --config out"),
        (["training.epochs=9"], "one run folder and no overrides"),
        (["runs/small", "runs/small-2"], "one run folder and no overrides"),
        (["runs/none"], "nothing to resume"),
    ):
        refused = ecg("train", "--resume", *arguments)
        assert refused.exit_code == 2
        assert message in refused.stderr


def test_without_a_config_or_a_run_the_error_says_what_to_type(ecg: Ecg) -> None:
    assert "ecg train --config cnn" in ecg("train").stderr
    assert "ecg train --config cnn" in ecg("train", "--resume").stderr


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("--epochs", 5), "--epochs; did you mean training.epochs=5?"),
        (("--batch-size=64",), "--batch-size; did you mean training.batch_size=64?"),
        (("--lr", "0.1"), "--lr; did you mean training.learning_rate=0.1?"),
        (("--model", "lstm"), "--model; did you mean model.name=lstm?"),
        (("--device",), "--device; did you mean training.device=…?"),
    ],
)
def test_a_key_typed_as_an_option(words: tuple[object, ...], meant: str, ecg: Ecg) -> None:
    result = ecg("train", "--config", "demo", *words)
    assert result.exit_code == 2
    assert result.stderr == f"error: there is no option {meant}\n"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.name=lstn", "there is no model lstn; did you mean lstm?"),
        ("model.width=3", "unknown key model.width"),
        ("training.device=gpu", "training.device: 'gpu' is not available"),
    ],
)
def test_a_wrong_model_or_device_is_reported_before_data_are_read(
    override: str, message: str, ecg: Ecg
) -> None:
    result = ecg("train", "--config", "demo", "data.train=not-there.csv", override)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Reading" not in result.stderr
    assert "not-there" not in result.stderr


@pytest.mark.usefixtures("bare_training")
def test_overfitting_is_reported_in_a_sentence(config: Path, ecg: Ecg) -> None:
    """Few beats, no augmentation, many epochs: the network memorises them."""
    few = "data.resample={per_class: {N: 60, S: 10, V: 10, F: 10, Q: 10}}"
    overrides = [
        few, "training.epochs=40", "training.batch_size=16", "training.augment={}",
        "training.schedule=constant", "model.dropout=0.0", "training.weight_decay=0.0",
    ]  # fmt: skip
    result = ecg("train", "--config", config, *overrides)
    assert result.exit_code == 0
    report = json.loads(Path("runs/small/report.json").read_text())
    assert report["overfitting"].startswith("Overfitting since epoch ")
    assert report["overfitting"] in result.stderr


def test_a_wrong_override_is_not_blamed_on_the_file(config: Path, ecg: Ecg) -> None:
    result = ecg("train", "--config", config, "epochs=5")
    assert result.stderr == "error: unknown key epochs; did you mean training.epochs=5?\n"
    result = ecg("train", "--config", config, "train.epochs=many")
    assert result.stderr.startswith("error: training.epochs: found ")


def test_a_missing_package_is_named_before_data_are_read(
    ecg: Ecg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dtaidistance", None)
    result = ecg("train", "--config", "knn-dtw", "data.train=none.csv")
    assert result.exit_code == 2
    assert result.stderr.endswith("pip install 'ecgcli[dtw]'\n")
    assert "Reading" not in result.stderr
