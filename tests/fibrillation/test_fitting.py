"""Fitting a model of atrial fibrillation on real annotations."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ecgcli.errors import DataError
from ecgcli.fibrillation.fitting import FOLDS, fit, fold_models, read_rhythm_set
from ecgcli.fibrillation.model import load_model


def test_the_same_records_give_the_same_file(
    fibrillation_run: Path, rhythm_records: Path, tmp_path: Path
) -> None:
    again = fit(rhythm_records, tmp_path / "again")
    name = "fibrillation.safetensors"
    assert (again.run / name).read_bytes() == (fibrillation_run / name).read_bytes()
    assert {path.name for path in again.run.iterdir()} == {
        name, "report.json", "environment.json"
    }  # fmt: skip
    assert json.loads((again.run / "report.json").read_text()) == again.figures.as_json()
    data = load_model(again.run / name).card.training_data
    assert list(data.records) == [path.stem for path in sorted(rhythm_records.glob("*.hea"))]
    assert data.hours["AFIB"] == pytest.approx(1.25, abs=0.05)
    assert data.windows["AFIB"] < data.windows["other"]


def test_no_patient_is_in_two_folds(rhythm_records: Path) -> None:
    data = read_rhythm_set(rhythm_records)
    assert len(set(data.patients)) == 9  # 201 and 202 are one
    folds = [{record.name for record in held_out} for held_out, _ in fold_models(data)]
    assert len(folds) == FOLDS
    assert sorted(name for fold in folds for name in fold) == sorted(r.name for r in data.records)
    assert any({"201", "202"} <= fold for fold in folds)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (("100", "201", "202", "210", "219"), "holds records of 4 patients; at least 5 are needed"),
        (("100", "103", "106", "119", "123"), r"no atrial fibrillation \(\(AFIB\) is annotated"),
    ],
)
def test_too_few_records(
    records: tuple[str, ...], message: str, rhythm_records: Path, tmp_path: Path
) -> None:
    for record in records:
        for ending in ("atr", "hea"):
            shutil.copy(rhythm_records / f"{record}.{ending}", tmp_path)
    with pytest.raises(DataError, match=message):
        fit(tmp_path, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_records_without_rhythms(svdb: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there are no rhythm annotations"):
        fit(svdb, tmp_path / "run")
