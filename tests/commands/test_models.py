"""``ecg models``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ecgcli.models import list_models

Ecg = Callable[..., Result]


def test_every_model_is_listed_with_the_shipped_scores(ecg: Ecg) -> None:
    listed = json.loads(ecg("models", "--json").stdout)["models"]
    assert [entry["name"] for entry in listed] == list_models()
    for entry in listed:
        assert entry["views"]
        assert 0.5 < entry["random_f1"] <= 1
        assert 0 < entry["patients_f1"] < entry["random_f1"]
        assert entry["parameters"] > 0
    shown = ecg("models").stdout
    assert all(name in shown for name in list_models())


def test_the_list_fits_80_columns_and_breaks_no_word(
    ecg: Ecg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    page = ecg("models").stdout
    assert max(len(line.rstrip()) for line in page.splitlines()) <= 80
    words = set(page.replace(",", " ").split())
    for entry in json.loads(ecg("models", "--json").stdout)["models"]:
        assert {entry["name"], *entry["views"]} <= words
        assert {*entry["summary"].replace(",", " ").split()} <= words
        assert {f"{entry['random_f1']:.3f}", f"{entry['patients_f1']:.3f}"} <= words


def test_one_model_is_shown_in_full(ecg: Ecg) -> None:
    document = json.loads(ecg("models", "show", "knn", "--json").stdout)
    assert document["arguments"] == {"neighbors": 3, "metric": "euclidean", "band": 4}
    assert document["kind"] == "estimator"
    page = ecg("models", "show", "knn").stdout
    for text in ("Sakoe-Chiba", f"{document['parameters']:,}", f"{document['random_f1']:.3f}"):
        assert text in page
    assert f"{document['beats_per_second']:,.0f}" in page


@pytest.mark.parametrize(("typed", "meant"), [("cnnn", "cnn"), ("recording", "recordings")])
def test_a_mistyped_name_is_answered_with_a_model_or_weights(
    typed: str, meant: str, ecg: Ecg
) -> None:
    result = ecg("models", "show", typed)
    assert result.exit_code == 2
    assert result.stderr == f"error: there is no model {typed}; did you mean {meant}?\n"


def test_a_run_shows_its_card(trained: Path, ecg: Ecg) -> None:
    card = json.loads(ecg("models", "show", trained, "--json").stdout)
    assert card["model"] == "cnn"
    assert card["training_data"]["synthetic"] is True
    page = ecg("models", "show", trained).stdout
    assert "fingerprint" not in page
    assert "Not tested yet: ecg evaluate" in page
    assert f"{card['metrics']['validation_macro_f1']:.3f} on beats held out" in page


def test_a_run_shows_its_scores_on_test_beats(run_copy: Path, demo: Path, ecg: Ecg) -> None:
    ecg("evaluate", run_copy, "--data", demo / "synthetic_test.csv")
    (evaluation,) = json.loads(ecg("models", "show", run_copy, "--json").stdout)["evaluations"]
    score = evaluation["overall"]["macro_f1"]
    page = ecg("models", "show", run_copy).stdout
    assert f"{score['value']:.3f} ({score['low']:.3f}-{score['high']:.3f})" in page
    assert evaluation["statement"] in page
    assert str(run_copy / "evaluation-synthetic_test" / "report.html") in page


def test_the_page_of_a_model_is_prose_and_its_keys_are_a_table(ecg: Ecg) -> None:
    for name in list_models():
        document = json.loads(ecg("models", "show", name, "--json").stdout)
        assert set(document["meanings"]) == set(document["arguments"]), name
        page = ecg("models", "show", name).stdout
        assert "Args:" not in page
        assert "`" not in page
    assert "  neighbors: 3       number of neighbours\n" in "\n".join(
        line.rstrip() for line in ecg("models", "show", "knn").stdout.splitlines()
    )


def test_list_is_the_list(ecg: Ecg) -> None:
    assert ecg("models", "list").stdout == ecg("models").stdout
    assert ecg("models", "list", "--json").stdout == ecg("models", "--json").stdout


def test_an_unknown_name_is_2(ecg: Ecg) -> None:
    result = ecg("models", "show", "knm")
    assert result.exit_code == 2
    assert "knn" in result.stderr
