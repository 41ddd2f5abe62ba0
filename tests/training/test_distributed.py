"""Several processes, as torchrun starts them, train as one does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from ecgcli.beats import read_beats, write_beats
from ecgcli.checkpoints import load_checkpoint
from ecgcli.checkpoints.runs import CONFIG, LAST
from ecgcli.training import train
from ecgcli.training.history import read_history
from tests.helpers import small_config


def torchrun(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Two processes of one training."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300
    )


def test_two_processes_learn_the_weights_of_one_in_double_precision() -> None:
    result = torchrun(Path(__file__).with_name("together.py"))
    assert result.returncode == 0, result.stderr


@pytest.mark.usefixtures("bare_training")
def test_two_processes_continue_what_one_began_as_it_would(demo: Path, tmp_path: Path) -> None:
    beats = read_beats(demo / "synthetic_train.csv")
    rows = np.random.default_rng(0).permutation(len(beats))[:2500]
    write_beats(tmp_path / "synthetic_train.csv", beats.take(rows))
    settings = ("schedule=constant", "precision=float32", "learning_rate=0.001", "batch_size=100")
    overrides = [f"training.{setting}" for setting in settings]
    overrides += ["model.dropout=0", "data.resample.majority=200", "training.epochs=1"]
    begun = train(small_config(tmp_path, tmp_path / "two", *overrides)).path
    config = yaml.safe_load((begun / CONFIG).read_text())
    config["training"]["epochs"] = 2
    (begun / CONFIG).write_text(yaml.safe_dump(config))
    whole = train(small_config(tmp_path, tmp_path / "one", *overrides, "training.epochs=2"))
    result = torchrun("-m", "ecgcli", "train", "--resume", begun)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{begun}\n"
    assert len([line for line in result.stderr.splitlines() if line.strip().startswith("2/2")]) == 1
    together, alone = read_history(begun / "metrics.csv")[-1], whole.history[-1]
    assert together.train_loss == pytest.approx(alone.train_loss, rel=1e-3)
    assert together.validation_loss == pytest.approx(alone.validation_loss, rel=1e-2)
    first, second = (load_checkpoint(path / LAST).weights for path in (begun, whole.path))
    assert max(np.abs(first[name] - second[name]).max() for name in first) < 0.01


def test_an_error_ends_all_processes_with_one_line(tmp_path: Path) -> None:
    config = small_config(tmp_path, tmp_path / "runs")
    (tmp_path / "small.yaml").write_text(config.to_yaml())
    result = torchrun("-m", "ecgcli", "train", "--config", tmp_path / "small.yaml")
    assert result.returncode != 0
    lines = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    assert "synthetic_train.csv: no such training data" in lines[0]
    assert not (tmp_path / "runs").exists()
