"""Beats are classified by all leads of a recording together."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb
from typer.testing import Result

from ecgcli.beats.preparation import Prepared
from ecgcli.prediction import Classifier, load
from ecgcli.prediction.leads import prepare_for, probabilities_of
from ecgcli.recordings import ReadOptions
from ecgcli.recordings.leads import read_chosen_leads

Ecg = Callable[..., Result]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return load("recordings")


@pytest.fixture(scope="module")
def minutes(mitdb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five minutes of record 208, with its two leads and their annotations."""
    folder = tmp_path_factory.mktemp("leads")
    return write(folder, mitdb, flat=None)


def write(folder: Path, mitdb: Path, flat: int | None) -> Path:
    samples = 5 * 60 * 360
    record = wfdb.rdrecord(str(mitdb / "208"), sampto=samples)
    if flat is not None:
        record.p_signal[:, flat] = 0.1
    wfdb.wrsamp(
        "208", fs=360, units=["mV"] * 2, sig_name=record.sig_name, p_signal=record.p_signal,
        fmt=["16", "16"], write_dir=str(folder),
    )  # fmt: skip
    marks = wfdb.rdann(str(mitdb / "208"), "atr", sampto=samples)
    wfdb.wrann("208", "atr", marks.sample, symbol=marks.symbol, write_dir=str(folder))
    return folder / "208.hea"


def prepared_by(classifier: Classifier, path: Path, lead: str) -> Prepared:
    options = ReadOptions(lead=lead)
    leads, _ = read_chosen_leads(path, options)
    return prepare_for(classifier, leads, path, options)


def test_all_leads_give_the_geometric_mean_of_each_lead(
    classifier: Classifier, minutes: Path
) -> None:
    each = [
        probabilities_of(classifier, prepared_by(classifier, minutes, name))
        for name in ("MLII", "V1")
    ]
    prepared = prepared_by(classifier, minutes, "all")
    together = probabilities_of(classifier, prepared)
    expected = np.sqrt(np.maximum(each[0], 1e-7) * np.maximum(each[1], 1e-7))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(together, expected, atol=1e-6)
    assert not np.allclose(together, each[0], atol=0.01)
    assert "classified by 2 leads together: MLII, V1" in prepared.notes


def test_a_preferred_lead_without_ecg_leaves_the_other(
    classifier: Classifier, mitdb: Path, tmp_path: Path
) -> None:
    place = write(tmp_path, mitdb, flat=0)
    everything = classifier.classify(place, ReadOptions(lead="all"))
    other = classifier.classify(place, ReadOptions(lead="V1"))
    assert len(everything.times) > 400
    np.testing.assert_array_equal(everything.labels, other.labels)
    assert any("MLII has no ECG for 100% of the time" in note for note in everything.notes)


def test_detected_beats_are_those_of_the_preferred_lead(
    classifier: Classifier, minutes: Path
) -> None:
    options = ReadOptions(lead="all", annotations="none")
    together = classifier.classify(minutes, options)
    alone = classifier.classify(minutes, ReadOptions(annotations="none"))
    np.testing.assert_array_equal(together.peaks, alone.peaks)


def test_commands_that_read_one_lead_refuse_all(ecg: Ecg, minutes: Path, tmp_path: Path) -> None:
    result = ecg("prepare", minutes, "--lead", "all", "-o", tmp_path / "beats.csv")
    assert result.exit_code == 2
    assert "--lead all is for classifying" in result.stderr


def test_the_last_beat_is_classified_where_the_model_needs_nothing_after_it(
    classifier: Classifier, minutes: Path
) -> None:
    last = classifier.classify(minutes)
    assert last.times[-1] == pytest.approx(last.peaks[-1], abs=1e-4)
    assert last.kinds[-1] == "N"
    cut_short = load("beats").classify(minutes)
    assert cut_short.kinds[-1] == ""
    np.testing.assert_array_equal(cut_short.peaks, last.peaks)
