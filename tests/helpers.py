"""What several tests need."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter

from ecgcli.beats import INFO_COLUMNS, TIMES, Beats
from ecgcli.checkpoints import Card, Checkpoint, TrainingData, load_checkpoint
from ecgcli.checkpoints.engines import load_engine
from ecgcli.classes import AAMI_CLASSES
from ecgcli.prediction import Classifier
from ecgcli.progress import Unit
from ecgcli.training.config import Config, parse_config

#: The training data on the card of a model that was not trained.
UNTRAINED = TrainingData(
    files=[], fingerprint="", beats={}, trained_on={}, patients=[], synthetic=True,
    resampling=None, validation={}, normalized=False,
)  # fmt: skip


class Watcher:
    """A `Progress` that remembers what was reported."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float, float | None]] = []
        self.figures: list[dict[str, float]] = []
        self.messages: list[str] = []

    def update(
        self, task: str, done: float, total: float | None, unit: Unit = "items", **figures: float
    ) -> None:
        del unit
        self.steps.append((task, done, total))
        self.figures.append(figures)

    def message(self, text: str) -> None:
        self.messages.append(text)

    @property
    def epochs(self) -> list[int]:
        """The epochs that were reported with a line."""
        lines = [re.match(r" *(\d+)/\d+ ", text) for text in self.messages]
        return [int(line[1]) for line in lines if line]


def small_document(data: Path, runs: Path) -> dict[str, object]:
    """A config, as nested dicts, that trains in seconds on the synthetic beats."""
    return {
        "name": "small",
        "runs": str(runs),
        "data": {
            "train": str(data / "synthetic_train.csv"),
            "validation": "patient",
            "validation_fraction": 0.2,
            "resample": {"majority": 1000},
        },
        "model": {"name": "cnn", "channels": [8, 16], "hidden": [32], "dropout": 0.1},
        "training": {
            "epochs": 4,
            "batch_size": 64,
            "learning_rate": 0.004,
            "device": "cpu",
            "augment": {"gain": 0.1, "noise": 0.01, "stretch": 0.1},
        },
    }


def small_config(data: Path, runs: Path, *overrides: str) -> Config:
    """The config of `small_document`, with overrides."""
    return parse_config(small_document(data, runs), overrides)


def draw_nothing(patch: pytest.MonkeyPatch) -> None:
    """Have trainings leave out their pictures, which take most of the time of a small one."""
    for name in ("draw_curves", "draw_mistakes", "draw_shares"):
        patch.setattr(f"ecgcli.training.report.{name}", lambda *_: None)


def some_beats(count: int) -> Beats:
    """Beats of random samples and intervals, with every view that a model may use."""
    random = np.random.default_rng(1)
    info = pd.DataFrame(dict.fromkeys(INFO_COLUMNS, "x"), index=range(count))
    info["copy"] = ""
    info[TIMES] = random.uniform(0.4, 1.4, (count, len(TIMES)))
    sizes = np.linspace(0.2, 1, count, dtype=np.float32)[:, None]
    return Beats(sizes * random.random((count, 187), np.float32), None, info)


def untrained(name: str) -> Classifier:
    """A registered network with fresh weights, for five classes."""
    import torch

    from ecgcli.models import create_model, views_of

    torch.manual_seed(0)
    weights = create_model(name, classes=len(AAMI_CLASSES)).state_dict()
    card = Card(
        model=name, arguments={}, views=views_of(name), classes=AAMI_CLASSES,
        class_offsets=(0.0,) * len(AAMI_CLASSES),
        training_data=UNTRAINED, metrics={}, licence="none",
    )  # fmt: skip
    checkpoint = Checkpoint(card, {name: values.numpy() for name, values in weights.items()})
    return Classifier(Path("untrained"), checkpoint, load_engine(checkpoint))


def same_weights(path: Path, other_path: Path) -> bool:
    """Whether two checkpoints hold bit for bit the same weights."""
    first, second = load_checkpoint(path).weights, load_checkpoint(other_path).weights
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name]) for name in first
    )


def require_documented(words: list[str], document: dict[str, Any]) -> None:
    """Require that a document has exactly the keys that are documented for its command."""
    from ecgcli.documents import DOCUMENTS

    command = next(name for name in (" ".join(words[:2]), words[0]) if name in DOCUMENTS)
    assert next(iter(document.items())) == ("schema", 1)
    TypeAdapter(DOCUMENTS[command]).validate_python(document, strict=True)


def ecg_process(*arguments: object) -> list[str]:
    """The command line of a process of its own that runs ``ecg``."""
    return [sys.executable, "-m", "ecgcli", *(str(argument) for argument in arguments)]


def without_root(command: list[str]) -> list[str]:
    """The command, bound by file permissions even when the tests run as root."""
    if os.geteuid() == 0:
        return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    return command
