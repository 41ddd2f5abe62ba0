"""``ecg check``: ticks, warnings and crosses, and the exit code for CI."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from ecgcli.beats import Beats, read_beats, write_beats
from ecgcli.beats.resampling import resample_file

Ecg = Callable[..., Result]


def findings(result: Result) -> list[dict[str, object]]:
    return [finding for place in json.loads(result.stdout)["files"].values() for finding in place]


def messages(result: Result, level: str) -> str:
    return " | ".join(
        str(finding["message"]) for finding in findings(result) if finding["level"] == level
    )


def test_a_good_file(demo: Path, ecg: Ecg) -> None:
    result = ecg("check", demo / "synthetic_train.csv")
    assert result.exit_code == 0
    assert "✘" not in result.stdout
    for section in ("format", "values", "labels", "sampling", "duplicates", "patients"):
        assert section in result.stdout
    assert "32 synthetic patients" in result.stdout


def test_files_of_new_patients_have_no_leak(demo: Path, ecg: Ecg) -> None:
    result = ecg(
        "check", demo / "synthetic_train.csv", "--against", demo / "synthetic_test.csv", "--json"
    )
    assert result.exit_code == 0
    assert "none of the 8 test patients is in training" in messages(result, "ok")


def test_the_random_split_of_real_records_shares_all_patients(mitbih: Path, ecg: Ecg) -> None:
    files = [mitbih / f"mitbih_{half}.csv" for half in ("train", "test")]
    result = ecg("check", files[0], "--against", files[1], "--json")
    assert result.exit_code == 3
    assert "47 of 47 test patients are also in the training file" in messages(result, "error")
    assert re.search(r"by its RR intervals this is (119|120)\.\d Hz", messages(result, "ok"))
    assert "83% of the test beats are N" in messages(result, "ok")


def test_without_a_sidecar_the_patients_are_reported_as_unknown(demo: Path, ecg: Ecg) -> None:
    for half in ("train", "test"):
        beats = read_beats(demo / f"synthetic_{half}.csv")
        write_beats(Path(f"{half}.csv"), replace(beats, info=None))
    result = ecg("check", "train.csv", "--against", "test.csv", "--json")
    assert result.exit_code == 0
    assert "the patients are unknown" in messages(result, "warning")
    assert "shared patients cannot be ruled out" in messages(result, "warning")


def test_repeated_beats_within_and_across(demo: Path, ecg: Ecg) -> None:
    beats = replace(read_beats(demo / "synthetic_train.csv"), info=None)
    rows = np.append(np.arange(1000), [7, 7, 400])
    twice = beats.take(rows)
    assert twice.labels is not None
    twice.labels[-1] = (twice.labels[-1] + 1) % 5
    write_beats(Path("train.csv"), twice)
    within = ecg("check", "train.csv", "--json")
    assert within.exit_code == 3
    assert "3 beats repeat an earlier one: rows 1001, 1002, 1003" in messages(within, "warning")
    assert "1 of them has a different class than the first occurrence: row 1003" in messages(
        within, "error"
    )
    write_beats(Path("test.csv"), beats.take(np.append(np.arange(2000, 2500), [3, 4])))
    across = ecg("check", "train.csv", "--against", "test.csv", "--json")
    assert "2 test beats are also in the training file: rows 501, 502" in messages(across, "error")


def test_a_beat_that_was_only_rounded_is_found(demo: Path, ecg: Ecg) -> None:
    beats = replace(read_beats(demo / "synthetic_train.csv"), info=None)
    write_beats(Path("train.csv"), beats.take(np.arange(1000)))
    test = beats.take(np.append(np.arange(2000, 2400), [5, 6, 7]))
    write_beats(Path("test.csv"), replace(test, samples=test.samples.round(2)))
    result = ecg("check", "train.csv", "--against", "test.csv", "--json")
    assert result.exit_code == 3
    assert "3 test beats are nearly the same as a training beat" in messages(result, "error")
    assert "rows 401, 402, 403" in messages(result, "error")


def stretched(beats: Beats, factor: float) -> Beats:
    """The same beats, sampled at another rate."""
    places = np.arange(187) / factor
    samples = [np.interp(places, np.arange(187), beat, right=0) for beat in beats.samples]
    return replace(beats, samples=np.array(samples, np.float32).clip(0, 1))


def test_another_sampling_rate_is_found_by_the_rr_intervals(demo: Path, ecg: Ecg) -> None:
    beats = read_beats(demo / "synthetic_test.csv")
    write_beats(Path("labelled_125.csv"), stretched(beats, 125 / 120))
    result = ecg("check", "labelled_125.csv", "--json")
    assert result.exit_code == 3
    assert "by its RR intervals this is 125" in messages(result, "error")


def test_another_sampling_rate_is_suspected_by_the_heart_rate(demo: Path, ecg: Ecg) -> None:
    beats = replace(read_beats(demo / "synthetic_test.csv"), info=None)
    write_beats(Path("fast.csv"), stretched(beats, 0.5))
    assert "the beats look sampled at another rate" in messages(
        ecg("check", "fast.csv", "--json"), "warning"
    )


def test_constant_rows_missing_classes_and_a_resampled_test(demo: Path, ecg: Ecg) -> None:
    beats = replace(read_beats(demo / "synthetic_train.csv"), info=None)
    assert beats.labels is not None
    training = beats.take(np.flatnonzero(beats.labels != 3)[:1500])
    training.samples[10] = 0.5
    write_beats(Path("train.csv"), training)
    result = ecg("check", "train.csv", "--json")
    assert "1 beat is constant and holds no ECG: row 11" in messages(result, "warning")
    assert "no beat is of class F" in messages(result, "warning")
    resample_file(demo / "synthetic_test.csv", Path("small.csv"), force=True, majority=50)
    result = ecg("check", "train.csv", "--against", "small.csv", "--json")
    assert result.exit_code == 3
    assert "the test file was resampled (small.resample.json)" in messages(result, "error")
    Path("small.resample.json").unlink()
    result = ecg("check", "train.csv", "--against", "small.csv", "--json")
    assert "it looks resampled" in messages(result, "warning")


def test_a_file_that_is_not_there_is_no_finding(demo: Path, ecg: Ecg) -> None:
    result = ecg("check", demo / "synthetic_test.csv", "--against", demo / "synthetic_tran.csv")
    assert result.exit_code == 2
    assert f"did you mean {demo / 'synthetic_train.csv'}?" in result.stderr


@pytest.mark.parametrize("content", ["", "1,2,3\n"])
def test_a_file_that_cannot_be_read_is_a_cross(content: str, ecg: Ecg) -> None:
    Path("x.csv").write_text(content)
    result = ecg("check", "x.csv")
    assert result.exit_code == 3
    assert "✘ format" in result.stdout
