"""Each source writes a training and a test file that every command can read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecgcli.beats import Beats, read_beats, read_labelled, write_beats
from ecgcli.beats.segmentation import cut_beats
from ecgcli.classes import CLASS_SETS
from ecgcli.errors import ConfigError, DownloadError
from ecgcli.progress import SILENT
from ecgcli.recordings import ReadOptions, read_recording
from ecgcli.recordings.databases import MITDB
from ecgcli.recordings.mitbih import RECORDS
from ecgcli.sources import get_source, list_sources
from ecgcli.sources.physionet import published_checksums


def test_the_sources_and_the_nearest_name() -> None:
    assert [source.name for source in list_sources()] == [
        "demo", "incartdb", "kaggle", "ltafdb", "mitdb", "nstdb", "ptbdb", "svdb",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="did you mean mitdb"):
        get_source("mitbd")


def test_checksums_are_the_published_ones(mitdb: Path) -> None:
    published = dict(
        reversed(line.split()) for line in (mitdb / "SHA256SUMS.txt").read_text().splitlines()
    )
    assert len(published_checksums(MITDB)) == 3 * 48
    assert published_checksums(MITDB).items() <= published.items()
    assert list(RECORDS) == (mitdb / "RECORDS").read_text().split()


class TestMitdb:
    def test_the_sizes_of_the_public_files(self, mitbih: Path) -> None:
        train = read_labelled(mitbih / "mitbih_train.csv")
        test = read_labelled(mitbih / "mitbih_test.csv")
        assert train.counts() == {
            "N": 72471, "S": 2223, "V": 5788, "F": 641, "Q": 6431,
        }  # fmt: skip
        assert test.counts() == {
            "N": 18118, "S": 556, "V": 1448, "F": 162, "Q": 1608,
        }  # fmt: skip

    def test_every_beat_of_every_record_is_in_exactly_one_file(
        self, mitbih: Path, mitdb: Path
    ) -> None:
        halves = [read_beats(mitbih / f"mitbih_{half}.csv") for half in ("train", "test")]
        info = pd.concat([half.info for half in halves], ignore_index=True)
        assert not info.duplicated(["record", "time"]).any()
        assert sorted(info["record"].unique()) == list(RECORDS)
        assert info["patient"].nunique() == 47
        # Row for row, the files hold the beats of record 214 as its annotations give them.
        record = cut_beats(read_recording(mitdb / "214", ReadOptions(lead=0)))
        assert record.info is not None
        samples = np.concatenate([half.samples for half in halves])
        labels = np.concatenate([half.known_labels for half in halves])
        rows = info[info["record"] == "214"].sort_values("time").index.to_numpy()
        assert np.array_equal(samples[rows], record.samples)
        assert np.array_equal(labels[rows], record.known_labels)

    def test_the_split_is_shuffled_and_recorded(self, mitbih: Path) -> None:
        info = read_beats(mitbih / "mitbih_test.csv").info
        assert info is not None
        assert (
            info["record"].iloc[:-1].to_numpy() != info["record"].iloc[1:].to_numpy()
        ).mean() > 0.9
        stated = json.loads((mitbih / "mitbih.json").read_text())
        assert stated["split_seed"] == 0
        assert stated["sampling_rate_hz"] == 120
        assert "both sides" in stated["split"]
        for name, facts in stated["files"].items():
            assert read_beats(mitbih / name).fingerprint() == facts["fingerprint"]

    def test_a_second_download_writes_the_same_bytes(
        self, mitbih: Path, mitdb: Path, tmp_path: Path
    ) -> None:
        get_source("mitdb").download(tmp_path, str(mitdb), SILENT)
        for name in ("mitbih_test.csv", "mitbih_test.info.csv", "mitbih.json"):
            assert (tmp_path / name).read_bytes() == (mitbih / name).read_bytes()

    def test_a_folder_without_the_records_is_refused_and_nothing_is_written(
        self, tmp_path: Path
    ) -> None:
        with pytest.raises(DownloadError, match=r"100\.atr: no such file"):
            get_source("mitdb").download(tmp_path / "out", str(tmp_path), SILENT)
        assert not (tmp_path / "out").exists()


class TestDemo:
    def test_beats_are_synthetic_by_name_and_realistically_imbalanced(self, demo: Path) -> None:
        train = read_labelled(demo / "synthetic_train.csv")
        test = read_labelled(demo / "synthetic_test.csv")
        assert train.synthetic
        assert test.synthetic
        assert not set(train.patients) & set(test.patients)
        for beats in (train, test):
            shares = np.bincount(beats.known_labels, minlength=5) / len(beats)
            assert 0.7 < shares[0] < 0.9
            assert (shares[1:] > 0.02).all()

    def test_a_second_simulation_is_identical(self, demo: Path, tmp_path: Path) -> None:
        get_source("demo").download(tmp_path, None, SILENT)
        again, first = (read_beats(place / "synthetic_test.csv") for place in (tmp_path, demo))
        assert again.fingerprint() == first.fingerprint()

    def test_classes_differ_in_shape(self, demo: Path) -> None:
        """A ventricular beat is wide: it stays high longer after its peak than a normal one."""
        beats = read_labelled(demo / "synthetic_train.csv")
        mean = [beats.samples[beats.known_labels == label].mean(0) for label in range(5)]
        assert mean[2][4] > mean[0][4] + 0.2

    def test_an_origin_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="leave --from out"):
            get_source("demo").download(tmp_path, "https://example.org", SILENT)


class TestKaggle:
    def test_without_credentials_the_error_explains_how_to_get_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
        monkeypatch.setenv("HOME", str(tmp_path))
        with pytest.raises(DownloadError, match=r"no Kaggle credentials.*ecg download mitdb"):
            get_source("kaggle").download(tmp_path / "out", None, SILENT)
        assert not (tmp_path / "out").exists()

    def test_local_files_are_installed_unchanged(self, mitbih: Path, tmp_path: Path) -> None:
        for name in ("mitbih_train.info.csv", "mitbih_test.context.npy"):
            (tmp_path / name).touch()  # of an earlier file, which had them
        written = get_source("kaggle").download(tmp_path, str(mitbih), SILENT)
        assert [path.name for path in written] == ["mitbih_train.csv", "mitbih_test.csv"]
        for path in written:
            assert path.read_bytes() == (mitbih / path.name).read_bytes()
        assert len(list(tmp_path.iterdir())) == 2  # the public files have no sidecar

    def test_a_file_that_is_not_a_beats_csv_is_not_installed(
        self, beats: Beats, tmp_path: Path
    ) -> None:
        origin = tmp_path / "origin"
        origin.mkdir()
        (origin / "mitbih_train.csv").write_text("<html>please log in</html>\n")
        write_beats(origin / "mitbih_test.csv", beats)
        out = tmp_path / "out"
        out.mkdir()
        (out / "mitbih_train.csv").write_text("the old one")
        with pytest.raises(Exception, match="found 1 column;"):
            get_source("kaggle").download(out, str(origin), SILENT)
        assert (out / "mitbih_train.csv").read_text() == "the old one"

    def test_a_folder_without_the_files_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DownloadError, match=r"mitbih_train\.csv: no such file"):
            get_source("kaggle").download(tmp_path / "out", str(tmp_path), SILENT)


class TestPtbdb:
    def test_the_two_files_become_a_training_and_a_test_file(
        self, beats: Beats, tmp_path: Path
    ) -> None:
        origin = tmp_path / "origin"
        for name, label in (("normal", 0), ("abnormal", 1)):
            labels = np.full(20, label, np.int64)
            write_beats(origin / f"ptbdb_{name}.csv", Beats(beats.samples, labels))
        get_source("ptbdb").download(tmp_path, str(origin), SILENT)
        train, test = (
            read_labelled(tmp_path / f"ptbdb_{half}.csv", CLASS_SETS["ptb"])
            for half in ("train", "test")
        )
        assert train.counts() == {"normal": 16, "abnormal": 16}
        assert test.counts() == {"normal": 4, "abnormal": 4}
        shutil.rmtree(origin)
