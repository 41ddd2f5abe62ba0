"""``ecg fibrillation fit``, and such a model in ``ecg evaluate`` and ``ecg models``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ecgcli.weights import bundled_card

Ecg = Callable[..., Result]


def test_fit_then_evaluate(rhythm_records: Path, ecg: Ecg) -> None:
    fitted = ecg("fibrillation", "fit", rhythm_records, "--licence", "none")
    assert fitted.exit_code == 0, fitted.stderr
    assert fitted.stdout == "runs/fibrillation\n"
    assert "Fitted on 10 records (AFIB 1 h, other 4 h); by cross-validation:" in fitted.stderr
    assert "Next: ecg evaluate runs/fibrillation --data data/mitdb" in fitted.stderr
    again = json.loads(ecg("fibrillation", "fit", rhythm_records, "--json", "-q").stdout)
    assert again["run"] == "runs/fibrillation-2"
    result = ecg("evaluate", "runs/fibrillation", "--data", rhythm_records)
    assert result.exit_code == 0, result.stderr
    assert "AF duration sensitivity" in result.stdout
    assert "10 of the 10 test patients were also trained on" in result.stdout
    assert Path("runs/fibrillation/evaluation-rhythms/report.html").exists()
    shown = ecg("models", "show", "runs/fibrillation")
    assert shown.exit_code == 0, shown.stderr
    assert "(fibrillation)" in shown.stdout
    assert "61 RR intervals" in shown.stdout


def test_the_bundled_model_is_evaluated_by_its_name(rhythm_records: Path, ecg: Ecg) -> None:
    arguments = ("evaluate", "fibrillation", "--data", rhythm_records, "--json")
    document = json.loads(ecg(*arguments).stdout)
    assert document["fibrillation"]["figures"]["af_duration_sensitivity"]["gross"] > 0.85
    assert Path("runs/pretrained/fibrillation/evaluation-rhythms/report.json").exists()
    missed = ecg(*arguments, "--require", "af_duration_sensitivity=1.0")
    assert missed.exit_code == 3
    shown = ecg("models", "show", "fibrillation")
    assert shown.stdout.strip() == bundled_card("fibrillation").strip()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "beats.csv"), "finds atrial fibrillation in recordings; name WFDB records"),
        (("--data", "x.hea", "--detector", "xqrs"), "--detector is for models that read signals"),
        (("--data", "none"), "none.hea is missing"),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], message: str, ecg: Ecg) -> None:
    result = ecg("evaluate", "fibrillation", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_other_commands_say_what_the_model_is_for(mitdb: Path, ecg: Ecg) -> None:
    result = ecg("predict", mitdb / "100.hea", "--model", "fibrillation")
    assert result.exit_code == 2
    assert "this is a model of atrial fibrillation, which ecg evaluate takes" in result.stderr


def test_a_folder_without_rhythm_annotations(svdb: Path, ecg: Ecg) -> None:
    for command in (("fibrillation", "fit", svdb), ("evaluate", "fibrillation", "--data", svdb)):
        result = ecg(*command)
        assert result.exit_code == 2
        (line,) = result.stderr.strip().splitlines()
        assert "800.hea: there are no rhythm annotations (such as (AFIB) in its .atr file" in line
