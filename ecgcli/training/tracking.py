"""Trackers of experiments: each epoch's figures, to TensorBoard and MLflow beside ``metrics.csv``.

``training.log`` of a config names them. TensorBoard's files are in the run folder. MLflow is where
its own settings say (``MLFLOW_TRACKING_URI``, ``MLFLOW_EXPERIMENT_NAME``); a resumed training
continues the run it began there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from ecgcli.errors import ConfigError, MissingExtraError, OutputError
from ecgcli.files import write_text
from ecgcli.training.config import Config, TrackerName
from ecgcli.training.history import Epoch
from ecgcli.training.resumption import flat

#: In the run folder: the files of TensorBoard, and the id of the run at MLflow.
TENSORBOARD, MLFLOW_RUN = "tensorboard", "mlflow-run.txt"
_EXPERIMENT = "ecg"


class Tracker(Protocol):
    """Where the figures of epochs are sent."""

    def log(self, row: Epoch) -> None:
        """Send the figures of an epoch."""

    def close(self, finished: bool) -> None:
        """End the run there; ``finished`` is False where training was stopped."""


def require_trackers(names: Sequence[TrackerName]) -> None:
    """Refuse trackers that cannot be used.

    Raises:
        MissingExtraError: the package of one is not installed.
        ConfigError: there is no answer from MLflow.
    """
    for name in names:
        if find_spec(name) is None:
            raise MissingExtraError(
                f"training.log: {name} is not installed: pip install 'ecgcli[{name}]'"
            )
    if "mlflow" in names:
        _mlflow_client()


@contextmanager
def opened_trackers(path: Path, config: Config) -> Iterator[Sequence[Tracker]]:
    """The trackers of a training, open while the block runs.

    Args:
        path: the run folder.
        config: the resolved experiment.
    """
    openers: dict[str, Callable[[Path, Config], Tracker]] = {
        "tensorboard": _TensorBoard,
        "mlflow": _MLflow,
    }
    with ExitStack() as stack:
        trackers: list[Tracker] = []
        for name in config.training.log:
            tracker = openers[name](path, config)
            stack.push(lambda kind, *_, tracker=tracker: tracker.close(kind is None))
            trackers.append(tracker)
        yield trackers


def _figures(row: Epoch) -> dict[str, float]:
    return {name: value for name, value in asdict(row).items() if name != "epoch"}


class _TensorBoard:
    """Event files in the run folder; a panel for each figure, with its parts beside each other."""

    def __init__(self, path: Path, config: Config) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self.writer: Any = SummaryWriter(str(path / TENSORBOARD))
        self.writer.add_text("config", f"```yaml\n{config.to_yaml()}```")

    def log(self, row: Epoch) -> None:
        for name, value in _figures(row).items():
            part, _, figure = name.partition("_")
            panel = f"{figure}/{part}" if part in ("train", "validation") else name
            self.writer.add_scalar(panel, value, row.epoch)
        self.writer.flush()

    def close(self, finished: bool) -> None:  # noqa: ARG002 (event files have no end)
        self.writer.close()


class _MLflow:
    """A run at MLflow, with the config as its parameters."""

    def __init__(self, path: Path, config: Config) -> None:
        self.client = _mlflow_client()
        place = path / MLFLOW_RUN
        if place.exists():
            self.run = place.read_text(encoding="utf-8").strip()
            self._send("update_run", "RUNNING")
        else:
            self.run = self._begin(path.name, config)
            write_text(place, f"{self.run}\n")

    def _begin(self, name: str, config: Config) -> str:
        import os

        from mlflow.entities import Param

        experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
        known = self.client.get_experiment_by_name(experiment)
        place = known.experiment_id if known else self.client.create_experiment(experiment)
        run: str = self.client.create_run(place, run_name=name).info.run_id
        values = flat(config.model_dump(mode="json"))
        self.client.log_batch(run, params=[Param(key, str(each)) for key, each in values.items()])
        return run

    def log(self, row: Epoch) -> None:
        from mlflow.entities import Metric

        now = round(1000 * time.time())
        figures = [Metric(name, value, now, row.epoch) for name, value in _figures(row).items()]
        self._send("log_batch", figures)

    def close(self, finished: bool) -> None:
        self._send("set_terminated", "FINISHED" if finished else "KILLED")

    def _send(self, what: str, value: Any) -> None:
        """Call the client for this run.

        Raises:
            OutputError: MLflow does not take it.
        """
        from mlflow.exceptions import MlflowException

        try:
            getattr(self.client, what)(self.run, value)
        except MlflowException as error:
            raise OutputError(f"mlflow: {error.message}") from error


def _mlflow_client() -> Any:
    """A client that has an answer from MLflow.

    Raises:
        ConfigError: it has none.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient()
        client.search_experiments(max_results=1)
    except (MlflowException, ImportError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            "training.log: MLflow cannot be used; name its server in MLFLOW_TRACKING_URI, or "
            f"leave mlflow out: {reason}"
        ) from error
    return client
