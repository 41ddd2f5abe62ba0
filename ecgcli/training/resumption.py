"""What a resumed training must have in common with the run it continues."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ecgcli.checkpoints import TrainingData
from ecgcli.errors import CheckpointError, shown
from ecgcli.training.config import Config, parse_config

#: Keys that do not change the weights; the data are compared by their content.
_FREE = {"name", "runs", "data.train", "training.log"}


def require_same_config(config: Config, began_with: dict[str, Any] | None, path: Path) -> None:
    """Refuse to continue a run with another config than it began with.

    More epochs are allowed where the learning rate is constant.

    Args:
        config: the config of the resumed training.
        began_with: the config the run began with, as plain values; None where the
            checkpoint is too old to have it, which is not checked.
        path: the run folder, for the message.

    Raises:
        CheckpointError: a key has changed; the message names each.
    """
    if began_with is None:
        return
    began = parse_config(began_with, origin=f"{path}: the config it began with")
    before = flat(began.model_dump(mode="json"))
    now = flat(config.model_dump(mode="json"))
    changes = [
        _describe(key, now.get(key), before.get(key), config)
        for key in [*now, *(before.keys() - now.keys())]
        if now.get(key) != before.get(key) and key not in _FREE
    ]
    refused = [change for change in changes if change is not None]
    if refused:
        raise CheckpointError(
            f"{path}: {'; '.join(refused)}; restore config.yaml, or start a new training"
        )


def require_same_data(
    data: TrainingData, began_with: TrainingData, same_split: bool, path: Path
) -> None:
    """Refuse to continue a run on other data, wherever the files are.

    Raises:
        CheckpointError: the beats, or which of them are trained on, have changed.
    """
    moved = began_with.model_copy(update={"files": data.files})
    if data != moved or not same_split:
        raise CheckpointError(
            f"{path}: the training data have changed since this run began: the beats of "
            f"{', '.join(data.files)}, their patients or their split differ; restore them or "
            "start a new training"
        )


def _describe(key: str, now: Any, before: Any, config: Config) -> str | None:
    """A sentence for a key that has changed; None where the training can continue with it."""
    change = f"{key} is {shown(now)} now and was {shown(before)} when the run began"
    if key != "training.epochs" or now < before:
        return change
    schedule = config.training.schedule
    if schedule == "constant":
        return None
    return (
        f"{change} (the {schedule} schedule is planned over all epochs; "
        "only a run with training.schedule=constant can be given more)"
    )


def flat(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys joined by dots."""
    keys: dict[str, Any] = {}
    for key, value in document.items():
        name = f"{prefix}{key}"
        keys |= flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return keys
