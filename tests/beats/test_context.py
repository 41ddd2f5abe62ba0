"""A beat in the context of its recording."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats import Beats, concatenate, read_beats, write_beats
from ecgcli.beats.context import context_features, feature_names, with_context
from ecgcli.beats.preparation import prepare_recording
from ecgcli.beats.segmentation import cut_beats
from ecgcli.errors import DataError
from ecgcli.recordings import Recording, read_recording
from ecgcli.recordings.mitbih import DS1_ALONE, DS2
from ecgcli.training.copies import are_copies, copies_of
from ecgcli.training.fibrillation import fibrillates, fibrillating
from ecgcli.training.recordings import choose_recordings, read_training_recordings


@pytest.fixture(scope="module")
def recording(mitdb: Path) -> Recording:
    """Five minutes of 119: normal beats, and V in bigeminy and trigeminy."""
    whole = read_recording(mitdb / "119.hea")
    last = int(300 * whole.sampling_rate)
    kept = whole.positions < last
    symbols = tuple(np.array(whole.symbols)[kept].tolist())
    return replace(
        whole, signal=whole.signal[:last], positions=whole.positions[kept], symbols=symbols
    )


def features_of(recording: Recording) -> dict[str, np.ndarray]:
    names, values = context_features(
        recording.signal, recording.sampling_rate, recording.beat_positions
    )
    assert names == feature_names()
    assert values.shape == (len(recording.beat_positions), len(names))
    assert np.isfinite(values).all()
    return dict(zip(names, values.T, strict=True))


def test_ventricular_beats_stand_out_from_their_recording(recording: Recording) -> None:
    features = features_of(recording)
    symbols = np.array(recording.symbols)[recording.is_beat]
    normal, ventricular = symbols == "N", symbols == "V"
    assert ventricular.sum() > 20
    for name, sign in (("pre/rec", -1), ("post/rec", 1), ("d_wide_normal", 1), ("mix", 1)):
        low, high = (
            np.quantile(sign * features[name][normal], 0.9),
            sign * features[name][ventricular],
        )
        assert np.median(high) > low, name


def test_gain_and_sampling_rate_change_little(recording: Recording) -> None:
    plain = features_of(recording)
    louder = features_of(replace(recording, signal=3 * recording.signal))
    for name, values in plain.items():
        assert louder[name] == pytest.approx(values, abs=2e-2), name


def test_the_rhythm_needs_no_signal_to_be_right() -> None:
    """Beats at 1 s but one 0.2 s early, with a pause that makes up for it."""
    times = np.arange(1.0, 60.0)
    times[30] -= 0.2
    signal = np.random.default_rng(0).standard_normal(61 * 250)
    names, values = context_features(signal, 250, times * 250)
    pre = values[:, names.index("pre/rec")]
    post = values[:, names.index("post/pre")]
    assert int(pre.argmin()) == 30
    # the peak may be moved to the highest deflection within 60 ms
    assert pre[30] == pytest.approx(np.log(0.8), abs=0.17)
    assert int(post.argmax()) == 30


@pytest.mark.parametrize("beats", [3, 4, 8])
def test_a_few_beats_are_enough(beats: int) -> None:
    signal = np.random.default_rng(0).standard_normal(250 * (beats + 2))
    _, values = context_features(signal, 250, 250.0 * np.arange(1, beats + 1))
    assert np.isfinite(values).all()


def test_a_lone_beat_has_no_context() -> None:
    signal = np.random.default_rng(0).standard_normal(2500)
    positions, symbols = np.array([500.0, 1000.0]), ("N", "+")
    recording = Recording("x", "x", signal, 250.0, "II", positions, symbols)
    beats = with_context(recording, cut_beats(recording))
    assert len(beats) == 1
    assert np.array_equal(beats.context, np.zeros((1, len(feature_names()))))  # type: ignore[arg-type]


def test_beats_keep_their_context(mitdb: Path, tmp_path: Path) -> None:
    prepared = prepare_recording(mitdb / "100.hea", context=True)
    beats = prepared.beats
    assert beats.context is not None
    assert beats.context.shape == (len(beats), len(feature_names()))
    again = with_context(read_recording(mitdb / "100.hea"), beats.take(np.array([5, 700])))
    assert np.array_equal(again.context, beats.context[[5, 700]])  # type: ignore[arg-type]
    both = concatenate([beats, beats.take(np.array([3]))])
    assert np.array_equal(both.context[-1], beats.context[3])  # type: ignore[index]
    write_beats(tmp_path / "b.csv", beats)
    assert np.array_equal(read_beats(tmp_path / "b.csv").context, beats.context)  # type: ignore[arg-type]
    write_beats(tmp_path / "b.csv", replace(beats, context=None))
    assert read_beats(tmp_path / "b.csv").context is None


def test_a_context_of_other_beats_is_refused(mitdb: Path, tmp_path: Path) -> None:
    beats = prepare_recording(mitdb / "100.hea", context=True).beats
    write_beats(tmp_path / "b.csv", beats)
    np.save(tmp_path / "b.context.npy", beats.context[:-1])  # type: ignore[index]
    with pytest.raises(DataError, match=r"b\.context\.npy.*with a row for each of the"):
        read_beats(tmp_path / "b.csv")
    (tmp_path / "b.context.npy").write_bytes(b"no array")
    with pytest.raises(DataError, match=r"b\.context\.npy.*cannot be read"):
        read_beats(tmp_path / "b.csv")


def _archive(file: Path) -> None:
    with file.open("wb") as stream:
        np.savez(stream, context=np.zeros((200, 3), np.float32))


def _claims(rows: bytes) -> Callable[[Path], None]:
    """The number of rows in the header is another; the length of the header stays."""

    def damage(file: Path) -> None:
        data = file.read_bytes()
        header = re.sub(rb"\((\d+), (\d+)\)(.*)\n", rb"(%b, \2)\3" % rows, data[:128])
        file.write_bytes(header.ljust(127) + b"\n" + data[128:])

    return damage


def _without_header(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:10] + bytes(118) + file.read_bytes()[128:])


@pytest.mark.parametrize("damage", [_archive, _claims(b"1000000000000000"), _without_header])
def test_a_damaged_context_is_refused_without_the_memory_it_claims(
    damage: Callable[[Path], None], beats: Beats, tmp_path: Path
) -> None:
    context = np.zeros((len(beats), 3), np.float32)
    write_beats(tmp_path / "b.csv", replace(beats, context=context))
    damage(tmp_path / "b.context.npy")
    with pytest.raises(DataError, match=r"b\.context\.npy") as caught:
        read_beats(tmp_path / "b.csv")
    assert "\n" not in str(caught.value)


def test_made_up_fibrillation_is_irregular_and_has_no_s(recording: Recording) -> None:
    made = fibrillating(recording, seed=0, seconds=120)
    assert set(made.symbols) <= {"N", "L", "R", "e", "j", "V", "E"}
    intervals = np.diff(made.beat_positions) / made.sampling_rate
    assert fibrillates(made)
    assert not fibrillates(replace(recording, positions=np.arange(1, 200) * 300.0, symbols=()))
    assert 0.1 < intervals.std() / intervals.mean() < 0.6
    assert np.array_equal(fibrillating(recording, 0, 120).signal, made.signal)
    assert not np.array_equal(fibrillating(recording, 1, 120).signal, made.signal)


def test_copies_say_how_they_were_changed(mitdb: Path) -> None:
    recording = read_recording(mitdb / "119.hea")
    copies = copies_of(recording, ["inverted", "fibrillation", "noise"], 0)
    assert [copy.name for copy in copies] == ["119 inverted", "119 fibrillation", "119 noise"]
    assert [copy.copy for copy in copies] == ["inverted", "fibrillation", "noise"]
    assert {copy.patient for copy in copies} == {recording.patient}
    assert np.array_equal(copies[0].signal, -recording.signal)
    noise = copies[2].signal - recording.signal
    assert noise.std() > 0
    assert copies[2].symbols == recording.symbols
    other = copies_of(replace(recording, name="120"), ["noise"], 0)[0]
    assert not np.array_equal(other.signal - recording.signal, noise)
    beats = concatenate([cut_beats(recording), cut_beats(copies[0])])
    real = len(beats) // 2
    assert are_copies(beats).tolist() == [False] * real + [True] * real
    named_alike = cut_beats(replace(recording, name="119 inverted"))
    assert not are_copies(named_alike).any()


def test_a_recording_that_fibrillates_has_no_copy_that_does(mitdb: Path) -> None:
    in_fibrillation = read_recording(mitdb / "203.hea")
    assert fibrillates(in_fibrillation)
    assert copies_of(in_fibrillation, ["fibrillation"], 0) == []


def test_training_recordings_come_by_name(mitdb: Path) -> None:
    beats = read_training_recordings([mitdb], ["100", "208"], ["inverted"], 0)
    assert beats.info is not None
    assert beats.patients == ["100", "208"]
    assert beats.context is not None
    assert beats.info["record"].unique().tolist() == ["100", "208", "100 inverted", "208 inverted"]
    with pytest.raises(DataError, match="there is no recording 999"):
        read_training_recordings([mitdb], ["999"], [], 0)


def test_a_half_of_mit_bih_keeps_the_records_of_another_database(mitdb: Path, svdb: Path) -> None:
    paths = [*sorted(mitdb.glob("*.hea")), svdb / "800.hea"]
    for records, half in (("ds1", DS1_ALONE), ("ds2", DS2)):
        chosen = choose_recordings(paths, records, [mitdb, svdb])
        assert [path.stem for path in chosen] == [*half, "800"]
    assert choose_recordings(paths, ["101"], [mitdb, svdb]) == [mitdb / "101.hea"]
