"""``ecg export``: what it writes and prints, and what it refuses in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Ecg = Callable[..., Result]


def test_it_writes_the_file_and_names_the_example(trained: Path, ecg: Ecg) -> None:
    result = ecg("export", trained, "-o", "cnn.onnx")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "cnn.onnx\n"
    assert "Checked on 500 beats of " in result.stderr
    assert "synthetic_train.csv: probabilities differ" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Next: python cnn.py ")
    assert sorted(path.name for path in Path().iterdir()) == ["cnn.onnx", "cnn.py"]
    again = ecg("export", trained, "-o", "cnn.onnx")
    assert "cnn.py exists and was left as it is" in again.stderr


def test_json_is_one_document(trained: Path, demo: Path, ecg: Ecg) -> None:
    data = demo / "synthetic_test.csv"
    result = ecg("export", trained, "-o", "cnn.onnx", "--data", data, "--json", "-q")
    document = json.loads(result.stdout)
    assert result.stderr == ""
    assert (document["file"], document["example"]) == ("cnn.onnx", "cnn.py")
    assert (document["inputs"], document["classes"]) == (["samples"], list("NSVFQ"))
    assert (document["checked_on"], document["beats"]) == (str(data), 500)
    assert document["largest_difference"] < 1e-5


@pytest.mark.parametrize("out", ["cnn.xml", "cnn.pt", "cnn", "cnn.txt"])
def test_other_endings_are_refused(out: str, trained: Path, ecg: Ecg) -> None:
    result = ecg("export", trained, "-o", out)
    assert result.exit_code == 2
    assert f"--out {out}: found " in result.stderr
    assert "valid: .onnx" in result.stderr
    assert not list(Path().iterdir())


@pytest.mark.parametrize(("name", "model"), [("beats", "features"), ("recordings", "context")])
def test_estimators_are_refused(name: str, model: str, ecg: Ecg) -> None:
    result = ecg("export", name, "-o", "model.onnx")
    assert result.exit_code == 2
    assert f"{model} is not a network and has no ONNX graph; export a network (cnn, " in (
        result.stderr
    )
    assert "ecg predict" in result.stderr
    assert not list(Path().iterdir())
