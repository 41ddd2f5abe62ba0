"""The bundled weights: found, named, used, and described."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ecgcli.checkpoints import load_checkpoint
from ecgcli.checkpoints.runs import find_checkpoint
from ecgcli.errors import CheckpointError
from ecgcli.fibrillation.model import Decision, load_model
from ecgcli.recordings.databases import LTAFDB, SVDB
from ecgcli.recordings.mitbih import RECORDS, patient_of
from ecgcli.weights import BUNDLED, bundled_card, bundled_checkpoint, name_of

Ecg = Callable[..., Result]


#: The weights that classify beats.
CLASSIFIERS = ("beats", "recordings")


@pytest.mark.parametrize("name", BUNDLED)
def test_each_has_a_complete_card(name: str) -> None:
    card = bundled_card(name)
    of_its_kind = ("DS2", "ecg train --config", "S", "V")
    if name == "fibrillation":
        of_its_kind = ("MIT-BIH", "ecg fibrillation fit", "Petrutiu", "flutter")
    for word in (
        "Not a medical device", "ODC-By 1.0", "Moody", "Goldberger", "Known failures",
        "Intended use", *of_its_kind,
    ):  # fmt: skip
        assert word in card, word


def test_the_model_of_fibrillation_is_small_and_of_every_record() -> None:
    path = bundled_checkpoint("fibrillation")
    assert path.stat().st_size < 200_000
    card = load_model(path).card
    assert set(card.training_data.records) == set(LTAFDB.records)
    assert card.training_data.files == ["data/ltafdb"]
    assert card.decision == Decision()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_each_is_small_and_of_every_patient(name: str) -> None:
    path = bundled_checkpoint(name)
    assert path.stat().st_size < 4_000_000
    assert name_of(path) == name
    card = load_checkpoint(path).card
    patients = {patient_of(record) for record in RECORDS}
    if name == "recordings":  # those of the Supraventricular database, ten numbers as one
        patients |= {SVDB.patient_of(record) for record in SVDB.records}
    assert card.training_data.patients == sorted(patients)
    assert card.training_data.validation["rule"] == "folds"
    assert card.temperature != 1


def test_a_recording_needs_no_training(mitdb: Path, ecg: Ecg) -> None:
    result = ecg("predict", mitdb / "119.hea", "--annotations", "none", "-o", "119.csv")
    assert result.exit_code == 0, result.stderr
    assert "recordings, the pretrained weights" in result.stderr
    predicted = [line.split(",")[2] for line in Path("119.csv").read_text().splitlines()[1:]]
    assert predicted.count("V") == pytest.approx(444, abs=10)  # and N 1543


def test_beats_need_no_training(mitbih: Path, ecg: Ecg) -> None:
    lines = (mitbih / "mitbih_test.csv").read_text().splitlines(keepends=True)
    Path("few.csv").write_text("".join(lines[:500]))
    result = ecg("predict", "few.csv", "-o", "p.csv")
    assert result.exit_code == 0, result.stderr
    assert "beats, the pretrained weights" in result.stderr


def test_a_run_comes_before_bundled_weights(trained: Path, tmp_path: Path) -> None:
    assert find_checkpoint(None, tmp_path, "beats") == bundled_checkpoint("beats")
    assert find_checkpoint(None, trained.parent, "beats").parent == trained
    assert find_checkpoint(Path("recordings")) == bundled_checkpoint("recordings")
    with pytest.raises(CheckpointError):
        bundled_checkpoint("recording")


def test_the_card_is_shown(ecg: Ecg) -> None:
    shown = ecg("models", "show", "recordings")
    assert shown.stdout.strip() == bundled_card("recordings").strip()
    document = json.loads(ecg("models", "show", "beats", "--json").stdout)
    assert document["model"] == "features"
    assert document["text"] == bundled_card("beats")
