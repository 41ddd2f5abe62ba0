"""``ecg features``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from typer.testing import Result

from ecgcli.beats import Beats, write_beats
from ecgcli.beats.features import list_features

Ecg = Callable[..., Result]


def test_a_table_with_a_row_a_beat(demo: Path, ecg: Ecg) -> None:
    result = ecg("features", demo / "synthetic_test.csv", "-o", "features.csv")
    assert result.exit_code == 0, result.stderr
    table = pd.read_csv("features.csv")
    assert list(table.columns) == [*(feature.name for feature in list_features()), "class"]
    assert len(table) == len((demo / "synthetic_test.csv").read_text().splitlines())
    assert set(table["class"]) == {"N", "S", "V", "F", "Q"}


def test_without_labels_there_is_no_class(demo: Path, ecg: Ecg) -> None:
    row = (demo / "synthetic_test.csv").read_text().splitlines()[0].rpartition(",")[0]
    Path("one.csv").write_text(f"{row}\n")
    result = ecg("features", "one.csv", "--json")
    assert result.exit_code == 0, result.stderr
    (beat,) = json.loads(result.stdout)["beats"]
    assert "class" not in beat
    assert 0 < beat["length"] < 1.6


def test_classes_have_their_own_names_or_none_is_written(beats: Beats, ecg: Ecg) -> None:
    labels = (beats.known_labels > 0).astype(np.int64)
    write_beats(Path("ptbdb_test.csv"), Beats(beats.samples, labels))
    refused = ecg("features", "ptbdb_test.csv", "-o", "features.csv")
    assert refused.exit_code == 2
    assert "N S V F Q (--classes aami) or normal abnormal (--classes ptb)" in refused.stderr
    assert not Path("features.csv").exists()
    result = ecg("features", "ptbdb_test.csv", "--classes", "ptb", "-o", "features.csv")
    assert result.exit_code == 0, result.stderr
    assert pd.read_csv("features.csv")["class"].value_counts().to_dict() == {
        "abnormal": 16, "normal": 4,
    }  # fmt: skip


def test_the_list_explains_each_feature(ecg: Ecg) -> None:
    shown = ecg("features", "--list")
    assert "r_amplitude" in shown.stdout
    listed = json.loads(ecg("features", "--list", "--json").stdout)["features"]
    assert [row["name"] for row in listed] == [feature.name for feature in list_features()]


def test_a_wrong_file_leaves_nothing(ecg: Ecg) -> None:
    Path("bad.csv").write_text("1,2,3\n")
    result = ecg("features", "bad.csv", "-o", "features.csv")
    assert result.exit_code == 2
    assert "bad.csv" in result.stderr
    assert not Path("features.csv").exists()
    assert ecg("features").exit_code == 2
