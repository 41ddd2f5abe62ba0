"""The probabilities are the same with every engine."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats import read_beats
from ecgcli.checkpoints import load_checkpoint
from ecgcli.checkpoints.engines import BATCH, load_engine
from ecgcli.checkpoints.runs import BEST, LAST
from ecgcli.errors import MissingExtraError


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
