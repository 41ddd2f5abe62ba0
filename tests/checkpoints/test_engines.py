"""The probabilities are the same with every engine."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgcli.beats import Beats, read_beats
from ecgcli.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from ecgcli.checkpoints.engines import BATCH, load_engine
from ecgcli.checkpoints.runs import BEST, LAST
from ecgcli.errors import CheckpointError, MissingExtraError
from ecgcli.models import create_estimator
from ecgcli.models.boosters import packed, unpacked
from ecgcli.prediction import load
from ecgcli.weights import bundled_checkpoint


def test_openvino_and_torch_agree_on_real_beats(trained: Path, mitbih: Path) -> None:
    checkpoint = load_checkpoint(trained / BEST)
    beats = read_beats(mitbih / "mitbih_test.csv").take(np.arange(3000))
    fast, plain = load_engine(checkpoint, "openvino"), load_engine(checkpoint, "torch")
    assert (fast.name, plain.name) == ("openvino", "torch")
    by_openvino, by_torch = fast.probabilities(beats), plain.probabilities(beats)
    assert np.abs(by_openvino - by_torch).max() < 1e-5
    assert by_openvino.sum(1) == pytest.approx(1, abs=1e-5)


def test_probabilities_do_not_depend_on_the_company_of_a_beat(trained: Path, demo: Path) -> None:
    engine = load_engine(load_checkpoint(trained / BEST))
    beats = read_beats(demo / "synthetic_test.csv")
    whole = engine.probabilities(beats)
    for start, stop in ((0, 1), (3, BATCH + 4), (BATCH - 1, BATCH + 1)):
        rows = np.arange(start, stop)
        assert np.abs(engine.probabilities(beats.take(rows)) - whole[rows]).max() < 1e-6


def test_the_class_offsets_are_part_of_the_probabilities(trained: Path, demo: Path) -> None:
    checkpoint = load_checkpoint(trained / BEST)
    neutral = replace(
        checkpoint, card=checkpoint.card.model_copy(update={"class_offsets": (0.0,) * 5})
    )
    beats = read_beats(demo / "synthetic_test.csv").take(np.arange(200))
    corrected = load_engine(checkpoint).probabilities(beats)
    logits = np.log(load_engine(neutral, "torch").probabilities(beats).clip(1e-30))
    expected = np.exp(logits + checkpoint.card.class_offsets)
    assert np.abs(corrected - expected / expected.sum(1, keepdims=True)).max() < 1e-4


def test_a_training_that_has_not_finished_can_be_used_with_torch(trained: Path) -> None:
    last = load_checkpoint(trained / LAST)
    assert last.graph is None
    assert load_engine(last).name == "torch"
    with pytest.raises(MissingExtraError, match="use --engine torch"):
        load_engine(last, "openvino")


def test_a_signal_after_two_engines_are_gone_is_handled(trained: Path) -> None:
    """The CPU plugin puts Python's signal handlers on a stack of its own, which must stay."""
    code = (
        "import gc, os, signal, sys\n"
        "from pathlib import Path\n"
        "from ecgcli.checkpoints import load_checkpoint\n"
        "from ecgcli.checkpoints.engines import load_engine\n"
        "one, other = (\n"
        "    load_engine(load_checkpoint(Path(sys.argv[1])), 'openvino') for _ in range(2)\n"
        ")\n"
        "del one\n"
        "gc.collect()\n"
        "del other\n"
        "gc.collect()\n"
        "signal.signal(signal.SIGINT, lambda *_: print('handled'))\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(trained / BEST)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr


def test_a_damaged_graph_is_refused_and_torch_works_without_it(
    trained: Path, tmp_path: Path
) -> None:
    checkpoint = load_checkpoint(trained / BEST)
    graph = checkpoint.graph or b""
    path = tmp_path / "model.safetensors"
    for damaged in (
        b"",
        b"damaged",
        graph[: len(graph) // 2],
        graph.replace(b"\xbb\x01", b"\xbc\x01"),
    ):
        save_checkpoint(path, checkpoint.with_graph(damaged))
        with pytest.raises(CheckpointError, match=r"safetensors: the graph .* --engine torch"):
            load(path, engine="openvino")
    assert load(path, engine="torch").probabilities(np.zeros((1, 187))).shape == (1, 5)


KNN = create_estimator("knn")
KNN.fit((np.eye(187, dtype=np.float32)[:5],), Beats(np.eye(187)[:5], np.arange(5)), 5, 0)
OF_KNN = KNN.state()


@pytest.mark.parametrize(
    "changes",
    [
        {"facts": np.frombuffer(b"{", np.uint8)},
        {"facts": np.frombuffer(b"[]", np.uint8)},
        {"facts": np.frombuffer(b'{"classes": 4}', np.uint8)},
        {"facts": np.frombuffer(b'{"classes": 6}', np.uint8)},
        {"labels": np.arange(4, dtype=np.int8)},
        {"labels": np.array([0, 1, 2, 3, -1], np.int8)},
        {"labels": np.array([0, 1, 2, 3, 9], np.int8)},
        {"samples": np.zeros((5, 186), np.float32)},
        {"samples": np.full((5, 187), np.nan, np.float32)},
        {"samples": np.zeros((0, 187), np.float32), "labels": np.zeros(0, np.int8)},
        {"samples": np.zeros((1, 187), np.float32), "labels": np.zeros(1, np.int8)},
        {"labels": None},
    ],
)
def test_a_damaged_state_of_an_estimator_is_refused(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    bundled = load_checkpoint(bundled_checkpoint("beats"))
    card = bundled.card.model_copy(update={"model": "knn", "arguments": {}, "estimator": True})
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, Checkpoint(card, OF_KNN))
    load(path)
    state = OF_KNN | changes
    save_checkpoint(path, Checkpoint(card, {k: v for k, v in state.items() if v is not None}))
    with pytest.raises(
        CheckpointError, match=r"safetensors: the state of the model knn is damaged"
    ):
        load(path)


def test_trees_of_any_file_but_the_bundled_ones_are_checked(tmp_path: Path) -> None:
    """LightGBM would read other memory."""
    bundled = load_checkpoint(bundled_checkpoint("recordings"))
    save_checkpoint(tmp_path / "copy.safetensors", bundled)
    assert bundled.trusted
    assert not load_checkpoint(tmp_path / "copy.safetensors").trusted
    load(tmp_path / "copy.safetensors")
    text = re.sub("num_leaves=[0-9]+", "num_leaves=99", unpacked(bundled.weights["trees"]), count=1)
    damaged = replace(bundled, weights={"trees": packed(text)})
    save_checkpoint(tmp_path / "damaged.safetensors", damaged)  # with a valid checksum
    with pytest.raises(CheckpointError, match="the state of the model context is damaged"):
        load(tmp_path / "damaged.safetensors")
