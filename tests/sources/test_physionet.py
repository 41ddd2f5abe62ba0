"""Databases of PhysioNet as sources: fetched, resumed, verified, complete or in part."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb
from typer.testing import Result

from ecgcli.beats import read_beats
from ecgcli.errors import DownloadError
from ecgcli.files import sha256
from ecgcli.progress import SILENT, Silent
from ecgcli.recordings.databases import INCARTDB, LTAFDB, MITDB, NSTDB, SVDB, Database
from ecgcli.sources import get_source, transfer
from ecgcli.sources.physionet import CHECKSUMS, published_checksums
from tests.sources.mirror import serve

Ecg = Callable[..., Result]
LEADS = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]


class Messages(Silent):
    """Keeps the messages that are reported."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def message(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def some_of_svdb(svdb: Path, tmp_path: Path) -> Path:
    """A folder with records 800 and 801, and 803 without its annotations."""
    folder = tmp_path / "some of svdb"
    folder.mkdir()
    for name in (*SVDB.files_of("800"), *SVDB.files_of("801"), "803.hea", "803.dat"):
        shutil.copyfile(svdb / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def made_incartdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder laid out like incartdb: 75 records of 12 leads at 257 Hz, a list of checksums."""
    folder = tmp_path_factory.mktemp("incart")
    beat = np.exp(-(((np.arange(257) - 100) / 6) ** 2))
    noise = np.random.default_rng(1).normal(0, 0.02, 30 * 257)
    signal = (np.tile(beat, 30) + noise)[:, None] * np.linspace(0.5, 1, 12)
    for record in INCARTDB.records:
        wfdb.wrsamp(record, 257, ["mV"] * 12, LEADS, signal, fmt=["16"] * 12, write_dir=str(folder))
        wfdb.wrann(record, "atr", 100 + 257 * np.arange(30), ["N"] * 30, write_dir=str(folder))
    lines = [f"{sha256(path)} {path.name}" for path in sorted(folder.iterdir())]
    (folder / CHECKSUMS).write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def incartdb(made_incartdb: Path, tmp_path: Path) -> Path:
    """A copy of the records laid out like incartdb, to change."""
    return Path(shutil.copytree(made_incartdb, tmp_path / "incart"))


@pytest.mark.parametrize(
    ("database", "records"), [(MITDB, 48), (SVDB, 78), (NSTDB, 3), (LTAFDB, 84)]
)
def test_bundled_checksums_cover_every_file(database: Database, records: int) -> None:
    files = {name for record in database.records for name in database.files_of(record)}
    assert len(database.records) == records
    assert set(published_checksums(database)) == files


def test_checksums_of_svdb_are_the_published_ones(svdb: Path) -> None:
    lines = (svdb / CHECKSUMS).read_text().splitlines()
    assert published_checksums(SVDB).items() <= {tuple(reversed(line.split())) for line in lines}


def test_a_folder_with_some_records_is_accepted_and_missing_ones_are_named(
    some_of_svdb: Path,
) -> None:
    progress = Messages()
    assert get_source("svdb").download(Path("out"), str(some_of_svdb), progress) == [some_of_svdb]
    (text,) = progress.texts
    assert text.startswith(f"{some_of_svdb} holds 2 of the 78 records of svdb; 76 missing: 802")


def test_a_folder_with_a_wrong_file_or_no_records_is_refused(
    some_of_svdb: Path, tmp_path: Path
) -> None:
    (some_of_svdb / "801.hea").write_text("801 2 128 230400\n")
    with pytest.raises(DownloadError, match=r"801\.hea: SHA-256 differs"):
        get_source("svdb").download(Path("out"), str(some_of_svdb), SILENT)
    with pytest.raises(DownloadError, match="holds no record of svdb"):
        get_source("svdb").download(Path("out"), str(tmp_path), SILENT)


def test_the_suggested_next_step_works(some_of_svdb: Path, ecg: Ecg) -> None:
    result = ecg("download", "svdb", "--from", some_of_svdb)
    assert result.exit_code == 0
    assert result.stdout.strip() == str(some_of_svdb)
    (some_of_svdb / "803.hea").unlink()
    step = f"Next: ecg prepare '{some_of_svdb}' -o data/svdb.csv --context"
    assert result.stderr.splitlines()[-1] == step
    assert ecg("prepare", some_of_svdb, "-o", "data/svdb.csv", "--context").exit_code == 0
    info = read_beats("data/svdb.csv").info
    assert info is not None
    assert info["record"].astype(str).unique().tolist() == ["800", "801"]
    assert info["patient"].unique().tolist() == ["80x"]


def test_annotations_alone_lead_to_a_model_of_fibrillation(ltafdb: Path, ecg: Ecg) -> None:
    result = ecg("download", "ltafdb", "--from", ltafdb)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.splitlines()[-1] == f"Next: ecg fibrillation fit {ltafdb}"


def test_a_mirror_is_fetched_to_the_databases_folder_and_resumed(
    incartdb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "RETRIES", 0)
    out = tmp_path / "data"
    with serve(incartdb) as mirror:
        mirror.faults["I40.dat"] = ("half a file", 1)
        with pytest.raises(DownloadError, match=r"I40\.dat"):
            get_source("incartdb").download(out, mirror.url, SILENT)
        assert mirror.requested[0] == CHECKSUMS
        there = {path.name for path in (out / "incartdb").iterdir()}
        mirror.requested.clear()
        # Another file may have been received whole when this one failed; its rest is refused once.
        monkeypatch.setattr(transfer, "RETRIES", 1)
        assert get_source("incartdb").download(out, mirror.url, SILENT) == [out / "incartdb"]
    assert not there & set(mirror.requested)
    assert len(list((out / "incartdb").iterdir())) == 3 * 75 + 1


def test_a_file_that_differs_from_the_list_of_the_source_is_refused(
    incartdb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "RETRIES", 0)
    with serve(incartdb) as mirror:
        mirror.faults["I07.atr"] = ("wrong byte", 99)
        with pytest.raises(DownloadError, match=r"I07\.atr: SHA-256 differs"):
            get_source("incartdb").download(tmp_path / "data", mirror.url, SILENT)
    assert not (tmp_path / "data" / "incartdb" / "I07.atr").exists()


def test_incartdb_in_a_folder_needs_its_list(incartdb: Path, ecg: Ecg) -> None:
    result = ecg("download", "incartdb", "--from", incartdb)
    assert result.stderr.splitlines() == [
        f"Next: ecg prepare {incartdb} -o data/incartdb.csv --context"
    ]
    prepared = ecg("prepare", incartdb / "I01.hea", "-o", "one.csv")
    assert prepared.exit_code == 0, prepared.stderr
    assert "no lead II" not in prepared.stderr
    (incartdb / CHECKSUMS).write_text("<html>\n")
    assert (
        "this is not a list of checksums" in ecg("download", "incartdb", "--from", incartdb).stderr
    )
    (incartdb / CHECKSUMS).unlink()
    assert "verified against it" in ecg("download", "incartdb", "--from", incartdb).stderr


def test_mitdb_in_a_folder_names_the_command_that_prepares_it(
    mitdb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecgcli.sources.mitdb.write_public_files", lambda *_: [])
    progress = Messages()
    get_source("mitdb").download(tmp_path, str(mitdb), progress)
    assert progress.texts == [
        f"the records stay in {mitdb}; prepare them there: ecg prepare {mitdb}"
    ]
