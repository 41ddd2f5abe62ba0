"""``ecg models``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from ecgcli.models import list_models

Ecg = Callable[..., Result]


def test_every_model_is_listed_with_the_shipped_scores(ecg: Ecg) -> None:
    listed = json.loads(ecg("models", "--json").stdout)
    assert [entry["name"] for entry in listed] == list_models()
    for entry in listed:
        assert entry["views"]
        assert 0.5 < entry["random_f1"] <= 1
        assert 0 < entry["patients_f1"] < entry["random_f1"]
        assert entry["parameters"] > 0
    shown = ecg("models").stdout
    assert all(name in shown for name in list_models())


def test_one_model_is_told_in_full(ecg: Ecg) -> None:
    told = json.loads(ecg("models", "show", "knn", "--json").stdout)
    assert told["arguments"] == {"neighbors": 3, "metric": "euclidean", "band": 4}
    assert told["kind"] == "estimator"
    assert "Sakoe-Chiba" in ecg("models", "show", "knn").stdout


def test_a_run_shows_its_card(trained: Path, ecg: Ecg) -> None:
    card = json.loads(ecg("models", "show", trained, "--json").stdout)
    assert card["model"] == "cnn"
    assert card["training_data"]["synthetic"] is True
    assert "fingerprint" in ecg("models", "show", trained).stdout


def test_an_unknown_name_is_2(ecg: Ecg) -> None:
    result = ecg("models", "show", "knm")
    assert result.exit_code == 2
    assert "knn" in result.stderr
