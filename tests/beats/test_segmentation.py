"""The beats cut from the real records are those of the public files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from ecgcli.beats.segmentation import cut_beats
from ecgcli.classes import AAMI_CLASSES, LABEL_OF_SYMBOL
from ecgcli.recordings import ReadOptions, Recording, read_recording
from ecgcli.recordings.peaks import with_peaks
from ecgcli.recordings.quality import Stretch


def first_lead(path: Path) -> Recording:
    return read_recording(path, ReadOptions(lead=0))


def test_the_published_example_row(mitdb: Path) -> None:
    """Record 122, annotation at sample 82213: four values of the public file's row."""
    cut = cut_beats(first_lead(mitdb / "122"))
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
    cut = cut_beats(first_lead(mitdb / "208"))
    assert len(cut) == len(rows)
    assert np.array_equal(cut.samples, np.array(rows))


def test_the_sidecar_of_a_real_record(mitdb: Path) -> None:
    cut = cut_beats(first_lead(mitdb / "102"))
    assert cut.info is not None
    assert set(cut.info["lead"]) == {"V5"}  # its first lead, as in the public files
    times = cut.info["time"].to_numpy()
    assert np.all(np.diff(times) > 0)
    assert np.isnan(cut.info["previous_rr"][0])
    assert cut.info["previous_rr"].to_numpy()[1:] == pytest.approx(np.diff(times), abs=2e-4)
    assert cut.info["next_rr"].to_numpy()[:-1] == pytest.approx(np.diff(times), abs=2e-4)
    # The record has 2,028 paced beats; the last has only the record's end after it.
    assert Counter(cut.info["symbol"])["/"] == 2027


def test_beats_know_which_peak_they_begin_at(mitdb: Path) -> None:
    recording = first_lead(mitdb / "207")
    skip = [Stretch(100_000, 110_000, "flat")]
    cut = cut_beats(recording, skip).take(np.arange(100, 900))
    assert cut.info is not None
    times = recording.beat_positions / recording.sampling_rate
    assert cut.info["time"].tolist() == times[cut.known_peak].round(4).tolist()
    assert (np.diff(cut.known_peak) > 1).any()  # the skipped ones


def test_beats_a_tenth_of_a_millisecond_apart_stay_two_beats() -> None:
    positions = np.array([1000.0, 1000.01, 2000, 3000, 4000])
    signal = np.sin(np.arange(9000) / 20)
    cut = cut_beats(Recording("x", "x", signal, 1000.0, "II", positions, ()))
    assert cut.info is not None
    assert cut.info["time"][0] == cut.info["time"][1]
    assert cut.known_peak.tolist() == [0, 1, 2, 3]


def test_an_annotation_that_is_not_a_beat_bounds_beats_but_makes_no_row() -> None:
    signal = np.sin(np.arange(3600) / 20)
    recording = Recording(
        "x", "x", signal, 360.0, "II", np.array([300.0, 600, 700, 1500, 2400]), tuple("N+VAN")
    )
    cut = cut_beats(recording)
    # The last beat has only the record's end after it and is left out.
    assert cut.info is not None
    assert list(cut.info["symbol"]) == ["N", "V", "A"]
    assert [AAMI_CLASSES[label] for label in cut.known_labels] == ["N", "V", "S"]
    # N: 300 .. 600 + 0.2 * 100, every third sample: 107 values, then padding.
    assert (cut.samples[0, 107:] == 0).all()
    assert (cut.samples[0, 100:107] != 0).any()
    # RR intervals run from beat to beat, past the annotation that is not a beat.
    assert cut.info["next_rr"][0] == pytest.approx(400 / 360, abs=1e-4)


def test_a_flat_beat_becomes_zeros() -> None:
    flat = Recording(
        "x", "x", np.ones(2000), 360.0, "II", np.array([0.0, 500, 900]), ("N", "N", "N")
    )
    assert not cut_beats(flat).samples.any()


@pytest.mark.parametrize("rate", [128.0, 250.0, 257.3, 360.0, 500.0, 1000.0])
def test_any_sampling_rate_gives_the_beats_of_120_hz(rate: float) -> None:
    """Beats of a signal given by a formula, with R peaks between the samples."""
    peaks = 0.3 + 0.8037 * np.arange(12)

    def wave(seconds: np.ndarray) -> np.ndarray:
        bumps = np.exp(-(((seconds[:, None] - peaks) / 0.03) ** 2)).sum(axis=1)
        return bumps + 0.2 * np.sin(2 * np.pi * 3 * seconds)

    signal = wave(np.arange(int(10 * rate)) / rate)
    cut = cut_beats(Recording("x", "x", signal, rate, "II", peaks * rate, ("N",) * 12))
    assert len(cut) == 11  # the last has only the end after it
    expected = wave(peaks[2] + np.arange(187) / 120)
    inside = cut.samples[2] > 0
    low, high = expected[inside].min(), expected[inside].max()
    assert np.abs(cut.samples[2] - (expected - low) / (high - low))[inside].max() < 0.02


def test_what_120_hz_cannot_hold_does_not_come_back_as_something_else() -> None:
    """Mains hum of 60 Hz at 500 Hz: left in, it would beat against 120 Hz."""
    time = np.arange(5000) / 500
    peaks = np.arange(200.0, 4800, 400)
    clean = np.exp(-(((time[:, None] - peaks / 500) / 0.03) ** 2)).sum(axis=1)
    hum = clean + 0.3 * np.sin(2 * np.pi * 60 * time)
    cut = [
        cut_beats(Recording("x", "x", signal, 500.0, "II", peaks, ("N",) * len(peaks))).samples
        for signal in (clean, hum)
    ]
    assert np.abs(cut[0] - cut[1]).max() < 0.12


def test_detected_peaks_give_unlabelled_beats_and_skipped_stretches_none(mitdb: Path) -> None:
    recording = first_lead(mitdb / "100")
    detected = with_peaks(recording, recording.beat_positions)
    beats = cut_beats(detected)
    assert beats.labels is None
    start, stop = (int(recording.beat_positions[k]) for k in (5, 9))
    fewer = cut_beats(detected, [Stretch(start, stop, "flat")])
    # beats 5 to 8 lie in the stretch; the piece of beat 4 runs on past its next R peak
    assert len(beats) - len(fewer) == 5
    assert np.array_equal(fewer.samples[4:], beats.samples[9:])


def test_beats_without_samples_are_the_same_beats(mitdb: Path) -> None:
    recording = first_lead(mitdb / "100")
    skipped = [Stretch(10_000, 20_000, "flat")]
    beats, without = (
        cut_beats(recording, skipped, samples=with_them) for with_them in (True, False)
    )
    assert without.samples.shape == (len(beats), 0)
    np.testing.assert_array_equal(without.known_peak, beats.known_peak)
    np.testing.assert_array_equal(without.known_labels, beats.known_labels)
    assert without.info is not None
    assert beats.info is not None
    pd.testing.assert_frame_equal(without.info, beats.info)
