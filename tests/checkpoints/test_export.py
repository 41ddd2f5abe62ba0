"""Exported networks: onnxruntime computes the checkpoint's probabilities from them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from ecgcli.beats import Beats, write_beats
from ecgcli.beats.views import inputs_of
from ecgcli.checkpoints import Checkpoint, load_checkpoint
from ecgcli.checkpoints.export import CHECKED, beats_to_check, export_onnx
from ecgcli.checkpoints.runs import BEST, LAST
from ecgcli.errors import CheckpointError, ConfigError
from ecgcli.prediction import load
from tests.helpers import some_beats, untrained


def run(path: Path, views: tuple[str, ...], beats: Beats) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = dict(zip(views, inputs_of(beats, views), strict=True))
    (probabilities,) = session.run(["probabilities"], inputs)
    return np.asarray(probabilities)


def classes_printed(example: Path, data: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, example, data], capture_output=True, text=True, check=True
    )
    heading, *rows = done.stdout.splitlines()
    assert heading == "beat,class,probability"
    return [row.split(",")[1] for row in rows]


def test_onnxruntime_computes_the_probabilities_on_real_beats(
    trained: Path, mitbih: Path, tmp_path: Path
) -> None:
    classifier = load(trained)
    assert any(classifier.card.class_offsets)
    _, beats = beats_to_check(classifier.card, mitbih / "mitbih_test.csv")
    assert all(beats.counts().values())  # from all of the file, which is sorted by class
    exported = export_onnx(classifier.checkpoint, tmp_path / "cnn.onnx", beats)
    assert exported.beats == CHECKED
    assert exported.difference < 1e-5
    probabilities = run(exported.path, classifier.views, beats)
    assert np.abs(probabilities - classifier.probabilities(beats)).max() < 1e-5
    write_beats(tmp_path / "beats.csv", beats)
    assert exported.example == tmp_path / "cnn.py"
    printed = classes_printed(exported.example, tmp_path / "beats.csv")
    assert printed == list(classifier.predict(beats))


def test_the_example_of_a_network_with_rr_intervals_reads_the_sidecar(tmp_path: Path) -> None:
    classifier = untrained("cnn-rr")
    beats = some_beats(40)
    assert beats.info is not None
    beats.info.loc[0, "previous_rr"] = np.nan  # as at the start of a recording
    write_beats(tmp_path / "beats.csv", beats)
    exported = export_onnx(classifier.checkpoint, tmp_path / "rr.onnx", beats)
    probabilities = run(exported.path, classifier.views, beats)
    assert np.abs(probabilities - classifier.probabilities(beats)).max() < 1e-5
    assert exported.example is not None
    printed = classes_printed(exported.example, tmp_path / "beats.csv")
    assert printed == list(classifier.predict(tmp_path / "beats.csv"))


def test_the_metadata_say_how_to_use_it(trained: Path, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(trained / BEST)
    export_onnx(checkpoint, tmp_path / "cnn.onnx", some_beats(3))
    session = onnxruntime.InferenceSession(tmp_path / "cnn.onnx")
    facts = session.get_modelmeta().custom_metadata_map
    assert facts["classes"] == "N S V F Q"
    assert facts["inputs"] == "samples (beats, 187)"
    assert facts["sampling_rate"] == "120"
    assert str(trained.parent).encode() not in (tmp_path / "cnn.onnx").read_bytes()


def test_a_training_that_has_not_finished_can_be_exported(trained: Path, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(trained / LAST)
    assert checkpoint.graph is None
    beats = some_beats(20)
    export_onnx(checkpoint, tmp_path / "last.onnx", beats)
    expected = load(trained / LAST).probabilities(beats)
    assert np.abs(run(tmp_path / "last.onnx", ("samples",), beats) - expected).max() < 1e-5


def other_offsets(checkpoint: Checkpoint) -> Checkpoint:
    card = checkpoint.card.model_copy(update={"class_offsets": (0.0, 3.0, 0.0, 0.0, 0.0)})
    return replace(checkpoint, card=card)


def test_a_graph_that_computes_something_else_or_is_damaged_is_not_written(
    trained: Path, tmp_path: Path
) -> None:
    checkpoint = load_checkpoint(trained / BEST)
    for wrong, message in (
        (other_offsets(checkpoint), "computes other probabilities than its weights"),
        (checkpoint.with_graph(b"damaged"), "the graph in the checkpoint is damaged"),
        (checkpoint.with_graph(b""), "the graph in the checkpoint is damaged"),
    ):
        with pytest.raises(CheckpointError, match=message):
            export_onnx(wrong, tmp_path / "cnn.onnx", some_beats(20))
    assert not list(tmp_path.iterdir())


def test_a_program_of_that_name_is_left_as_it_is(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "cnn.py").write_text("mine = True\n")
    exported = export_onnx(load_checkpoint(trained / BEST), tmp_path / "cnn.onnx", some_beats(3))
    assert exported.example_kept
    assert (tmp_path / "cnn.py").read_text() == "mine = True\n"


def test_the_example_refuses_samples_that_are_not_scaled(trained: Path, tmp_path: Path) -> None:
    exported = export_onnx(load_checkpoint(trained / BEST), tmp_path / "cnn.onnx", some_beats(3))
    assert exported.example is not None
    np.savetxt(tmp_path / "raw.csv", 2 * np.ones((1, 187)), delimiter=",")
    done = subprocess.run(
        [sys.executable, exported.example, tmp_path / "raw.csv"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path / 'raw.csv'}: scale the samples of each beat to 0..1\n"


def test_without_the_training_file_beats_must_be_named(trained: Path) -> None:
    card = load_checkpoint(trained / BEST).card
    moved = card.training_data.model_copy(update={"files": ["gone/train.csv"]})
    with pytest.raises(ConfigError, match=r"\(gone/train.csv\) are not here .* --data BEATS.csv"):
        beats_to_check(card.model_copy(update={"training_data": moved}), None)
