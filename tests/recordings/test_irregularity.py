"""Features of RR intervals: worked by hand, and in real atrial fibrillation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgcli.arrays import Features
from ecgcli.recordings.annotated_rhythm import read_annotated_rhythm
from ecgcli.recordings.irregularity import FEATURES, WINDOW, irregularity, valid_intervals


def column(features: Features, name: str) -> Features:
    return features[:, FEATURES.index(name)]


def test_intervals_beside_ectopic_beats_and_impossible_ones_are_left_out() -> None:
    times = np.array([0.0, 1.0, 1.5, 2.9, 3.0, 7.0, 8.0])
    ectopic = np.array([False, False, True, False, False, False, False])
    expected = [1.0, np.nan, np.nan, np.nan, np.nan, 1.0]
    np.testing.assert_allclose(valid_intervals(times, ectopic), expected)


def test_a_steady_rhythm() -> None:
    features = irregularity(np.full(100, 0.8, np.float32))
    assert features.shape == (100, len(FEATURES))
    assert column(features, "log_median") == pytest.approx(np.log(0.8), abs=1e-6)
    assert column(features, "spread") == pytest.approx(0, abs=1e-4)
    assert column(features, "changes_below_2%") == pytest.approx(1)
    assert column(features, "similar_stay_similar") == pytest.approx(np.log(1 - 11 / 546), abs=0.02)
    assert column(features, "left_out") == pytest.approx(0)


def test_figures_of_a_window_by_numpy() -> None:
    intervals = np.random.default_rng(0).uniform(0.5, 1.2, 200).astype(np.float32)
    intervals[[95, 96, 110]] = np.nan
    row = irregularity(intervals)[100:101]
    window = intervals[100 - WINDOW // 2 : 100 + WINDOW // 2 + 1]
    relative = window / np.nanmedian(window)
    changes = np.abs(np.diff(relative))
    expected = {
        "log_median": np.log(np.nanmedian(window)),
        "spread": np.nanstd(relative),
        "quantile_10": np.nanpercentile(relative, 10),
        "quantile_90": np.nanpercentile(relative, 90),
        "median_change": np.nanmedian(changes),
        "rms_change": np.sqrt(np.nanmean(changes**2)),
        "changes_below_10%": np.mean(changes[~np.isnan(changes)] < 0.1),
        "left_out": np.isnan(changes).mean(),
    }
    for name, value in expected.items():
        assert column(row, name)[0] == pytest.approx(value, rel=1e-4), name


def test_every_few_intervals_is_the_same_as_all() -> None:
    intervals = np.random.default_rng(1).uniform(0.5, 1.2, 5000).astype(np.float32)
    np.testing.assert_array_equal(irregularity(intervals, 4), irregularity(intervals)[::4])


def test_a_window_of_ectopic_beats_has_no_features() -> None:
    features = irregularity(np.full(200, np.nan, np.float32))
    assert np.isnan(column(features, "log_median")).all()


def test_fibrillation_stands_out_in_a_real_record(mitdb: Path) -> None:
    record = read_annotated_rhythm(mitdb / "202")
    intervals = valid_intervals(record.times, record.ectopic)
    change = column(irregularity(intervals), "median_change")
    fibrillates = np.zeros(len(intervals), bool)
    for span in record.rhythms:
        if span.rhythm == "(AFIB":
            fibrillates |= (record.times[:-1] >= span.start) & (record.times[:-1] < span.stop)
    assert np.median(change[fibrillates]) > 5 * np.median(change[~fibrillates])
