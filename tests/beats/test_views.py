"""The inputs of models beside the samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from ecgcli.beats import Beats, read_beats
from ecgcli.beats.preparation import prepare_recording
from ecgcli.beats.views import RR_RATIOS, VIEWS, inputs_of, width_of
from ecgcli.errors import DataError
from ecgcli.training import train
from tests.helpers import small_config

Ecg = Callable[..., Result]


def test_the_ratios_of_a_real_record_are_those_of_its_peaks(mitdb: Path) -> None:
    prepared = prepare_recording(mitdb / "232.hea")
    beats, peaks = prepared.beats, prepared.peaks
    (ratios,) = inputs_of(beats, ["rr"])
    assert ratios.shape == (len(beats), len(RR_RATIOS))
    row = 500
    at = int(np.abs(peaks - beats.info["time"][row]).argmin())  # type: ignore[index]
    intervals = np.diff(peaks)
    near = (peaks[:-1] >= peaks[at] - 5) & (peaks[1:] <= peaks[at] + 5)
    before, after = intervals[at - 1], intervals[at]
    mean, local = intervals.mean(), intervals[near].mean()
    expected = np.log([before / mean, after / mean, before / local, after / local, after / before])
    assert ratios[row] == pytest.approx(expected, abs=2e-3)


def test_an_unknown_interval_counts_as_usual(mitdb: Path) -> None:
    beats = prepare_recording(mitdb / "100.hea").beats
    assert np.isnan(beats.info["previous_rr"][0])  # type: ignore[index]
    (ratios,) = inputs_of(beats.take(np.array([0])), ["rr"])
    assert ratios[0, [0, 2, 4]].tolist() == [0, 0, 0]
    assert np.isfinite(ratios).all()


def test_beats_without_a_sidecar_have_no_intervals(beats: Beats) -> None:
    with pytest.raises(DataError, match=r"uses RR intervals, and the beats have no sidecar"):
        inputs_of(beats, ["samples", "rr"])


@pytest.fixture(scope="module")
def run(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that uses RR intervals, trained on synthetic beats."""
    config = small_config(demo, tmp_path_factory.mktemp("runs"), "model={name: cnn-rr}")
    return train(config).path


def test_it_is_trained_evaluated_and_run(run: Path, demo: Path, mitdb: Path, ecg: Ecg) -> None:
    """Streamed from a CSV, evaluated, and from a recording: the same views."""
    data = demo / "synthetic_test.csv"
    assert ecg("evaluate", run, "--data", data, "--require", "accuracy=0.9").exit_code == 0
    streamed = ecg("predict", data, "--model", run, "-q")
    assert streamed.exit_code == 0, streamed.stderr
    assert len(streamed.stdout.splitlines()) == len(read_beats(data)) + 1
    recording = ecg("predict", mitdb / "100.hea", "--model", run, "-q", "-o", "100.csv")
    assert recording.exit_code == 0, recording.stderr


def test_without_the_sidecar_it_is_a_line(run: Path, demo: Path, tmp_path: Path, ecg: Ecg) -> None:
    alone = tmp_path / "alone.csv"
    alone.write_bytes((demo / "synthetic_test.csv").read_bytes())
    for command in (["predict", alone, "--model", run], ["evaluate", run, "--data", alone]):
        result = ecg(*command)
        assert result.exit_code == 2
        assert "uses RR intervals" in result.stderr
        assert result.stdout == ""


def test_a_sidecar_of_other_beats_is_refused(
    run: Path, demo: Path, tmp_path: Path, ecg: Ecg
) -> None:
    lines = (demo / "synthetic_test.csv").read_text().splitlines(keepends=True)
    rows = (demo / "synthetic_test.info.csv").read_text().splitlines(keepends=True)
    for beats, described in ((100, 90), (90, 100)):
        (tmp_path / "b.csv").write_text("".join(lines[:beats]))
        (tmp_path / "b.info.csv").write_text("".join(rows[: described + 1]))
        result = ecg("predict", "b.csv", "--model", run, "-o", "p.csv")
        assert result.exit_code == 2
        assert f"the sidecar has {described} rows for {beats} beats" in result.stderr
        assert not Path("p.csv").exists()


def test_every_view_is_as_wide_as_it_says(mitdb: Path) -> None:
    beats = prepare_recording(mitdb / "100.hea", context=True).beats.take(np.arange(50))
    for name in VIEWS:
        assert inputs_of(beats, [name])[0].shape == (50, width_of(name))
