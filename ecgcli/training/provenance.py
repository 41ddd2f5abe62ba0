"""Where a trained model is from, for pages: the curves, config and environment of its run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ecgcli.checkpoints.runs import CONFIG, CURVES, ENVIRONMENT, HISTORY, IMPORTANCES
from ecgcli.errors import CheckpointError
from ecgcli.inputs import read_json
from ecgcli.pages import TextTable
from ecgcli.training.history import Epoch, History, best_epoch, read_history
from ecgcli.training.reading import describe_curves


@dataclass(frozen=True)
class Provenance:
    """What pages show of a run.

    Attributes:
        path: the run folder.
        history: every epoch; empty for a model without epochs.
        config: the text of ``config.yaml``.
        environment: the document in ``environment.json``.
    """

    path: Path
    history: History
    config: str
    environment: dict[str, Any]

    @property
    def model(self) -> str:
        """The name of the kind of model."""
        return str(yaml.safe_load(self.config)["model"]["name"])

    @property
    def picture(self) -> Path | None:
        """Curves or importances; None where neither was drawn."""
        pictures = (self.path / name for name in (CURVES, IMPORTANCES))
        return next((path for path in pictures if path.is_file()), None)

    @property
    def best(self) -> int | None:
        """The epoch whose weights were kept; None for a model without epochs."""
        return best_epoch(self.history).epoch if self.history else None

    @property
    def reading(self) -> list[str]:
        """What the curves show, in sentences."""
        return describe_curves(self.history) if self.history else []

    @property
    def epochs(self) -> TextTable:
        """A row for each epoch."""
        names = [name for name in Epoch.__annotations__ if name not in ("epoch", "seconds")]
        return TextTable(
            ["epoch", *(name.replace("_", " ").replace("f1", "F1") for name in names), "seconds"],
            [
                [
                    str(row.epoch),
                    *(f"{getattr(row, name):.4g}" for name in names),
                    f"{row.seconds:.1f}",
                ]
                for row in self.history
            ],
        )

    @property
    def facts(self) -> dict[str, str]:
        """What there is to know to repeat the training."""
        environment = self.environment
        packages = ", ".join(f"{name} {each}" for name, each in environment["packages"].items())
        values = {
            "command": environment.get("command"),
            "began": f"{environment['started'][:16].replace('T', ' ')} UTC",
            "device": environment.get("device"),
            "seed": environment.get("seed"),
            "data (SHA-256)": environment.get("data_fingerprint"),
            "git commit": environment.get("git_commit"),
            "ecg": environment.get("ecgcli"),
            "Python": environment.get("python"),
            "system": environment.get("platform"),
            "packages": packages,
        }
        return {name: str(value) for name, value in values.items() if value not in (None, "")}


def read_provenance(run: Path) -> Provenance:
    """What the files of a run folder say.

    Raises:
        CheckpointError: one of them is missing or damaged.
    """
    path = run / ENVIRONMENT
    try:
        environment = read_json(path)
        if not isinstance(environment["packages"], dict):
            raise TypeError
        environment["started"].encode()
        path = run / CONFIG
        config = path.read_text(encoding="utf-8")
        yaml.safe_load(config)["model"]["name"]
        path = run / HISTORY
        history = read_history(path) if path.exists() else ()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise CheckpointError(
            f"{path}: it is missing or damaged, so the report of this training cannot be written; "
            "copy it again, or start a new training"
        ) from error
    return Provenance(run, history, config, dict(environment))
