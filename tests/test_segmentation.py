"""The beats cut from the real records are those of the public files."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgcli.classes import AAMI_CLASSES, LABEL_OF_SYMBOL
from ecgcli.errors import DataError
from ecgcli.recordings import Recording, read_wfdb
from ecgcli.segmentation import cut_beats


def test_the_published_example_row(mitdb: Path) -> None:
    """Record 122, annotation at sample 82213: four values of the public file's row."""
    cut = cut_beats(read_wfdb(mitdb / "122"))
    assert cut.info is not None
    row = int(np.flatnonzero(np.round(cut.info["time"] * 360) == 82213)[0])
    assert cut.samples[row, :4] == pytest.approx(
        [0.9779411554, 0.9264705777, 0.6813725233, 0.2450980395], abs=1e-9
    )
    assert (cut.samples[row, 100:] == 0).all()
    assert (cut.samples[row, 90:100] > 0).any()
    assert cut.info["lead"][row] == "MLII"
    assert cut.info["symbol"][row] == "N"


def test_every_beat_of_a_record_equals_the_recipe_in_raw_units(mitdb: Path) -> None:
    """An independent, literal rendering of the recipe in ADC units, as the public files used."""
    signal = wfdb.rdrecord(str(mitdb / "208"), physical=False).d_signal[:, 0].astype(int)
    annotation = wfdb.rdann(str(mitdb / "208"), "atr")
    a = [*annotation.sample, len(signal)]
    rows = []
    for k in range(len(a) - 2):
        if annotation.symbol[k] in LABEL_OF_SYMBOL:
            x = signal[a[k] : int(a[k + 1] + 0.2 * (a[k + 2] - a[k + 1])) : 3]
            x = (x - x.min()) / (x.max() - x.min())
            rows.append(np.pad(x[:187], (0, max(0, 187 - len(x)))).astype(np.float32))
    cut = cut_beats(read_wfdb(mitdb / "208"))
    assert len(cut) == len(rows)
    assert np.array_equal(cut.samples, np.array(rows))


def test_the_sidecar_of_a_real_record(mitdb: Path) -> None:
    cut = cut_beats(read_wfdb(mitdb / "102", patient="102"))
    assert cut.info is not None
    assert set(cut.info["lead"]) == {"V5"}  # its first lead, as in the public files
    times = cut.info["time"].to_numpy()
    assert np.all(np.diff(times) > 0)
    assert np.isnan(cut.info["previous_rr"][0])
    assert cut.info["previous_rr"].to_numpy()[1:] == pytest.approx(np.diff(times), abs=2e-4)
    assert cut.info["next_rr"].to_numpy()[:-1] == pytest.approx(np.diff(times), abs=2e-4)
    # The record has 2,028 paced beats; the last has only the record's end after it.
    assert Counter(cut.info["symbol"])["/"] == 2027


def test_every_annotation_that_is_no_beat_bounds_but_makes_no_row() -> None:
    signal = np.sin(np.arange(3600) / 20)[:, None]
    recording = Recording(
        "x", "x", signal, 360.0, ("II",), np.array([300, 600, 700, 1500, 2400]), tuple("N+VAN")
    )
    cut = cut_beats(recording)
    # The last beat has only the record's end after it and is left out.
    assert cut.info is not None
    assert list(cut.info["symbol"]) == ["N", "V", "A"]
    assert [AAMI_CLASSES[label] for label in cut.known_labels] == ["N", "V", "S"]
    # N: 300 .. 600 + 0.2 * 100, every third sample: 107 values, then padding.
    assert (cut.samples[0, 107:] == 0).all()
    assert (cut.samples[0, 100:107] != 0).any()
    # RR intervals run from beat to beat, past the annotation that is none.
    assert cut.info["next_rr"][0] == pytest.approx(400 / 360, abs=1e-4)


def test_a_flat_beat_becomes_zeros_and_another_rate_is_refused() -> None:
    flat = Recording(
        "x", "x", np.ones((2000, 1)), 360.0, ("II",), np.array([0, 500, 900]), ("N", "N", "N")
    )
    assert not cut_beats(flat).samples.any()
    with pytest.raises(DataError, match="250 Hz"):
        cut_beats(replace(flat, sampling_rate=250.0))


def test_a_record_that_is_not_there_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read as a WFDB record"):
        read_wfdb(tmp_path / "100")
