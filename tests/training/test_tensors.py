"""Training on parquet, whose samples stay on disk, is the training on the CSV, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats import read_beats, write_beats
from ecgcli.errors import Interrupted
from ecgcli.training import resume, train
from ecgcli.training.dataset import build_training_set
from tests.helpers import same_weights, small_config
from tests.training.test_epochs import StopsAt


@pytest.mark.usefixtures("bare_training")
def test_training_on_parquet_is_that_on_the_csv_also_when_it_is_resumed(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecgcli.training.epochs.STATUS_INTERVAL", 0.0)
    beats = read_beats(demo / "synthetic_train.csv")
    rows = np.random.default_rng(0).permutation(len(beats))[:3000]
    write_beats(tmp_path / "synthetic_train.csv", beats.take(rows))
    write_beats(tmp_path / "few.parquet", beats.take(rows))
    csv = small_config(
        tmp_path, tmp_path / "csv", "training.epochs=2", "data.resample.majority=300"
    )
    data = csv.data.model_copy(update={"train": str(tmp_path / "few.parquet")})
    parquet = csv.model_copy(update={"runs": str(tmp_path / "parquet"), "data": data})
    described = [build_training_set(config).description for config in (csv, parquet)]
    assert described[0] == described[1].model_copy(update={"files": described[0].files})
    whole = train(csv)
    with pytest.raises(Interrupted):
        train(parquet, StopsAt(1.5))
    resumed = resume(tmp_path / "parquet" / "small")
    assert same_weights(whole.checkpoint, resumed.checkpoint)
