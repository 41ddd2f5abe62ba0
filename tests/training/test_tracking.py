"""Trackers of experiments: what was sent is read back, and what cannot be used is refused."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from ecgcli.errors import ConfigError, MissingExtraError
from ecgcli.training import resume, train
from tests.helpers import small_config

BOTH = "training.log=[tensorboard, mlflow]"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an MLflow in a folder."""
    pytest.importorskip("mlflow")
    address = (tmp_path / "mlruns").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return address


@pytest.mark.usefixtures("bare_training")
def test_what_was_sent_is_what_metrics_csv_has(demo: Path, tmp_path: Path, store: str) -> None:
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from mlflow import MlflowClient

    config = small_config(demo, tmp_path, "training.epochs=1", "training.schedule=constant", BOTH)
    path = train(config).path
    more = (path / "config.yaml").read_text().replace("epochs: 1", "epochs: 2")
    (path / "config.yaml").write_text(more)
    history = resume(path).history
    losses = [row.validation_loss for row in history]

    events = accumulators.EventAccumulator(str(path / "tensorboard"))
    events.Reload()
    sent = events.Scalars("loss/validation")
    assert [event.step for event in sent] == [1, 2]
    assert [event.value for event in sent] == pytest.approx(losses, rel=1e-5)
    assert {"loss/train", "accuracy/train", "learning_rate"} <= set(events.Tags()["scalars"])

    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("ecg")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("small", "FINISHED")
    assert run.data.params["training.learning_rate"] == "0.004"
    sent = client.get_metric_history(run.info.run_id, "validation_loss")
    assert [(metric.step, metric.value) for metric in sent] == [
        (row.epoch, pytest.approx(row.validation_loss, rel=1e-5)) for row in history
    ]


def test_a_tracker_that_is_not_installed_is_named_before_data_are_read(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "ecgcli.training.tracking.find_spec",
        lambda name: None if name == "tensorboard" else find_spec(name),
    )
    config = small_config(demo, tmp_path, "training.log=[tensorboard]", "data.train=not-there.csv")
    with pytest.raises(MissingExtraError, match=r"tensorboard is not installed: pip install 'ecg"):
        train(config)
    assert not list(tmp_path.iterdir())


def test_an_mlflow_that_does_not_answer_is_reported_before_data_are_read(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nowhere://at-all")
    config = small_config(demo, tmp_path, "training.log=[mlflow]", "data.train=not-there.csv")
    with pytest.raises(ConfigError, match="name its server in MLFLOW_TRACKING_URI"):
        train(config)


def test_a_tracker_that_there_is_not(demo: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"training\.log.*'tensorboard' or 'mlflow'"):
        small_config(demo, tmp_path, "training.log=[wandb]")
