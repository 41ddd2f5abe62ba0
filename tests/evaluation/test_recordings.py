"""The figures of the standard with detected R peaks: missed and extra beats count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgcli.errors import DataError
from ecgcli.evaluation.recordings import (
    evaluate_recordings,
    flutter_of,
    pair_with_annotations,
)
from ecgcli.metrics.aami import O, X
from ecgcli.prediction import load
from ecgcli.progress import SILENT
from ecgcli.recordings import ReadOptions, read_recording


def test_a_perfect_answer_has_perfect_figures(trained: Path, mitdb: Path) -> None:
    reference = read_recording(mitdb / "119")
    classified = load(trained).classify(mitdb / "119")
    letters = {"N": "N", "V": "V"}
    symbols = np.array(reference.symbols)[reference.is_beat]
    right = replace(classified, kinds=np.array([letters[symbol] for symbol in symbols]))
    matrix = pair_with_annotations(reference, right).matrix()
    assert matrix.sum() == np.trace(matrix) == 1987
    late = pair_with_annotations(reference, right, skip_first=300).matrix()
    assert late.sum() == (reference.beat_positions / 360 >= 300).sum()
    fewer = replace(right, peaks=right.peaks[5:], kinds=right.kinds[5:])
    assert pair_with_annotations(reference, fewer).matrix()[:, O].sum() == 5
    unreadable = replace(fewer, unusable=((0.0, float(right.peaks[2]) + 0.001),))
    assert pair_with_annotations(reference, unreadable).matrix()[:, X].sum() == 3


def test_flutter_of_a_real_record(mitdb: Path) -> None:
    stretches = flutter_of(read_recording(mitdb / "207"))
    assert len(stretches) == 6
    assert sum(stop - start for start, stop in stretches) == pytest.approx(143, abs=3)
    assert flutter_of(read_recording(mitdb / "100")) == []


def test_records_end_to_end(trained: Path, mitdb: Path) -> None:
    evaluation = evaluate_recordings(
        load(trained), [mitdb / "100.hea", mitdb / "202.hea"], data="d", progress=SILENT
    )  # fmt: skip
    assert set(evaluation.aami.records) == {"100", "202"}
    assert evaluation.scores()["qrs_sensitivity"] > 0.998
    assert evaluation.scores()["qrs_positive_predictivity"] > 0.998
    assert evaluation.statement.startswith("None of the 2 test patients was trained on")
    assert evaluation.as_json()["aami"]["records"]["100"]["qrs_sensitivity"] > 0.99


def test_two_records_of_one_name_are_two_rows(trained: Path, mitdb: Path, tmp_path: Path) -> None:
    for folder in ("p1", "p2"):
        (tmp_path / folder).mkdir()
        for ending in ("hea", "dat", "atr"):
            (tmp_path / folder / f"100.{ending}").symlink_to(mitdb / f"100.{ending}")
    paths = [tmp_path / folder / "100.hea" for folder in ("p1", "p2")]
    evaluation = evaluate_recordings(load(trained), paths, data="d", progress=SILENT)
    assert set(evaluation.aami.records) == {"p1/100", "p2/100"}


def test_recordings_without_annotations_cannot_be_evaluated(trained: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=5000))
    with pytest.raises(DataError, match="no annotations to compare with"):
        evaluate_recordings(
            load(trained), [tmp_path / "x.npy"], ReadOptions(sampling_rate=250.0, units="mV"),
            data="d", progress=SILENT,
        )  # fmt: skip
