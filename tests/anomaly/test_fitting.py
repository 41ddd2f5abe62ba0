"""Fitting: on normal beats alone, repeatable, and refused on unsuitable data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from ecgcli.anomaly.autoencoder import Autoencoder
from ecgcli.anomaly.fitting import Settings, fit
from ecgcli.anomaly.model import AnomalyModel, load_model
from ecgcli.beats import Beats, read_beats, write_beats
from ecgcli.checkpoints.runs import ANOMALY
from ecgcli.errors import CheckpointError, DataError
from ecgcli.metrics.roc import roc_area
from tests.helpers import Watcher

QUICK = Settings(method="autoencoder", epochs=1)


@pytest.fixture(scope="module")
def small(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    beats = read_beats(demo / "synthetic_train.csv")
    rows = np.random.default_rng(0).permutation(len(beats))[:1500]
    path = tmp_path_factory.mktemp("small") / "train.csv"
    write_beats(path, beats.take(rows))
    return path


def fitted(data: Path, run: Path, settings: Settings = QUICK) -> AnomalyModel:
    return fit(data, settings, run).model


def test_a_saved_model_scores_like_the_fitted_one(small: Path, tmp_path: Path) -> None:
    model = fitted(small, tmp_path / "run")
    again = load_model(tmp_path / "run" / ANOMALY)
    samples = read_beats(small).samples[:50]
    assert np.array_equal(model.score(samples), again.score(samples))
    assert again.card == model.card
    assert again.threshold() == model.threshold()


def test_an_anomaly_model_of_another_format_or_content_is_refused(
    small: Path, tmp_path: Path
) -> None:
    card = fitted(small, tmp_path / "run").card.model_dump(mode="json")
    path = tmp_path / "other.safetensors"
    for changes, message in (
        ({"format": 9}, "format 9, this version of ecg reads format 1"),
        ({"method": "guessing"}, "the card's method: found 'guessing'"),
        ({}, "its tensors are not those of an anomaly model"),
    ):
        text = json.dumps(card | changes)
        weights = Autoencoder().state_dict()
        tensors = {f"network.{name}": values.numpy() for name, values in weights.items()}
        path.write_bytes(save(tensors, {"ecg_anomaly": text}))
        with pytest.raises(CheckpointError, match=message):
            load_model(path)


def test_a_model_whose_scores_are_not_finite_is_refused(small: Path, tmp_path: Path) -> None:
    """Its tensors are numbers, and the distances from them are not."""
    model = fitted(small, tmp_path / "run")
    with torch.no_grad():
        for values in model.network.parameters():
            values.fill_(3e38)
    with pytest.raises(CheckpointError, match="a score that is not finite; fit the model again"):
        model.score(read_beats(small).samples[:5])


def test_a_seed_repeats_a_fit(small: Path, tmp_path: Path) -> None:
    settings = Settings(epochs=1, seed=3)
    first, second = (fitted(small, tmp_path / name, settings) for name in "ab")
    assert np.array_equal(first.normal_scores, second.normal_scores)
    assert first.card == second.card


def test_other_classes_do_not_change_the_model(small: Path, tmp_path: Path) -> None:
    """With the other beats scrambled, the model gives the same scores to normal beats."""
    beats = read_beats(small)
    samples = beats.samples.copy()
    rest = beats.known_labels > 0
    samples[rest] = np.random.default_rng(1).random((rest.sum(), 187), np.float32)
    write_beats(tmp_path / "scrambled.csv", Beats(samples, beats.labels, beats.info))
    before = fitted(small, tmp_path / "a")
    after = fitted(tmp_path / "scrambled.csv", tmp_path / "b")
    assert np.array_equal(before.normal_scores, after.normal_scores)
    assert sum(after.card.training_data.trained_on.values()) == len(after.views.samples.reference)


def test_the_threshold_is_the_quantile_of_held_out_normal_beats(
    small: Path, tmp_path: Path
) -> None:
    model = fitted(small, tmp_path / "run")
    held_out = model.card.training_data.validation["beats"]["N"]
    assert len(model.normal_scores) == held_out
    for quantile in (0.8, 0.95):
        below = (model.normal_scores <= model.threshold(quantile)).mean()
        assert below == pytest.approx(quantile, abs=1 / held_out)


def test_patients_held_out_are_not_fitted_on(small: Path, tmp_path: Path) -> None:
    settings = Settings(method="autoencoder", epochs=1, validation="patient")
    training = fitted(small, tmp_path / "run", settings).card.training_data
    assert training.validation["rule"] == "patient"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "found 187 columns, so no class"),
        (2, "there are no normal beats \\(class N\\) to fit on; found V 300"),
        (0, "100 normal beats are too few"),
    ],
)
def test_data_without_enough_labelled_normal_beats_are_refused(
    labels: int | None, message: str, tmp_path: Path
) -> None:
    count = 100 if labels == 0 else 300
    samples = np.random.default_rng(0).random((count, 187), np.float32)
    all_labels = None if labels is None else np.full(count, labels, np.int64)
    write_beats(tmp_path / "train.csv", Beats(samples, all_labels))
    with pytest.raises(DataError, match=message):
        fitted(tmp_path / "train.csv", tmp_path / "run", replace(QUICK, classes="aami"))
    assert not (tmp_path / "run").exists()


def test_holding_out_patients_needs_a_sidecar(small: Path, tmp_path: Path) -> None:
    beats = read_beats(small)
    write_beats(tmp_path / "train.csv", Beats(beats.samples, beats.labels))
    with pytest.raises(DataError, match="--validation stratified"):
        fitted(tmp_path / "train.csv", tmp_path / "run", Settings(validation="patient"))


def test_ctrl_c_leaves_no_run(small: Path, tmp_path: Path) -> None:
    class Stops(Watcher):
        def update(self, task: str, *_: object, **__: object) -> None:
            if task == "comparing":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(small, QUICK, tmp_path / "run", Stops())
    assert list(tmp_path.iterdir()) == []


def test_the_area_and_its_interval() -> None:
    """The area against scikit-learn; the interval holds the true area 95 times of 100."""
    from scipy.stats import norm
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(0)
    positive = np.arange(300) < 100
    true_area = norm.cdf(1 / np.sqrt(2))
    held = 0
    for _ in range(300):
        score = random.normal(size=300) + positive
        area = roc_area(positive, score)
        assert area.value == pytest.approx(roc_auc_score(positive, score))
        held += area.low <= true_area <= area.high
    assert 0.91 < held / 300 < 0.99
    tied = np.round(random.normal(size=300))
    assert roc_area(positive, tied).value == pytest.approx(roc_auc_score(positive, tied))
