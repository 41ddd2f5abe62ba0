"""The available models, with their scores in the bundled comparison."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from ecgcli.models import (
    arguments_of,
    description_of,
    is_estimator,
    list_models,
    meanings_of,
    summary_of,
    views_of,
)

#: The bundled comparison, as `ecgcli.evaluation.comparison` writes it.
_COMPARISON = "comparison.json"


@dataclass(frozen=True)
class Entry:
    """A model; figures are of its best config in the bundled comparison, None where not in it.

    ``patients_f1`` is of the best that was also evaluated on new patients.
    """

    name: str
    summary: str
    kind: str
    views: tuple[str, ...]
    config: str | None
    parameters: int | None
    beats_per_second: float | None
    random_f1: float | None
    patients_f1: float | None

    def as_json(self) -> dict[str, Any]:
        """A document of plain values."""
        return asdict(self)


def list_entries() -> list[Entry]:
    """Every model, by name."""
    return [_entry(name) for name in list_models()]


def compared_models() -> list[str]:
    """The models in the bundled comparison, sorted; without importing them."""
    return sorted({row["model"] for row in _bundled()})


def _entry(name: str) -> Entry:
    rows = [row for row in _bundled() if row["model"] == name]
    best = rows[0] if rows else {}

    def f1(split: str) -> float | None:
        of_split = (row["scores"][split] for row in rows if split in row["scores"])
        scores = next(of_split, None)
        return None if scores is None else float(scores["macro_f1"]["value"])

    return Entry(
        name=name,
        summary=summary_of(name).rstrip("."),
        kind="estimator" if is_estimator(name) else "network",
        views=views_of(name),
        config=best.get("name"),
        parameters=best.get("parameters"),
        beats_per_second=best.get("beats_per_second"),
        random_f1=f1("random"),
        patients_f1=f1("patients"),
    )


def _bundled() -> list[dict[str, Any]]:
    """The rows of the bundled comparison, the best first."""
    text = files("ecgcli.checkpoints").joinpath(_COMPARISON).read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = json.loads(text)["rows"]
    return rows


def describe_model(name: str) -> dict[str, Any]:
    """Everything on one model: its entry, its description, its arguments with defaults.

    Raises:
        ConfigError: there is no such model.
    """
    return _entry(name).as_json() | {
        "description": description_of(name),
        "arguments": arguments_of(name),
        "meanings": meanings_of(name),
    }
