"""Fetching the real records from a working mirror and from faulty ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecgcli.errors import DownloadError
from ecgcli.files import sha256
from ecgcli.progress import SILENT
from ecgcli.recordings.databases import MITDB
from ecgcli.sources import fetching
from ecgcli.sources.fetching import fetch, verify
from ecgcli.sources.physionet import published_checksums
from tests.helpers import Watcher
from tests.sources.mirror import Fault, Mirror, serve

FILES = {
    name: digest
    for name, digest in published_checksums(MITDB).items()
    if name.startswith(("100.", "101."))
}


@pytest.fixture
def mirror(mitdb: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setattr(fetching, "RETRIES", 1)
    with serve(mitdb) as running:
        yield running


def test_fetched_files_are_the_published_ones(mirror: Mirror, tmp_path: Path) -> None:
    watcher = Watcher()
    fetch(mirror.url, FILES, tmp_path, watcher)
    assert {path.name: sha256(path) for path in tmp_path.iterdir()} == FILES
    assert watcher.steps == [("downloading", done, 6) for done in range(1, 7)]


@pytest.mark.parametrize(
    "fault", ["wrong byte", "half a file", "redirect to nowhere", "503", "dies"]
)
def test_a_temporary_fault_is_retried(fault: Fault, mirror: Mirror, tmp_path: Path) -> None:
    mirror.faults["100.dat"] = (fault, 1)
    fetch(mirror.url, FILES, tmp_path, SILENT)
    verify(tmp_path, FILES, SILENT)
    assert mirror.requested.count("100.dat") == 2


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("404", "the server answers 404"),
        ("wrong byte", "SHA-256 differs from the published one, 2 times in a row"),
        ("half a file", "run the same command again"),
        ("redirect to nowhere", "check the address and the connection"),
        ("dies", "check the address and the connection"),
    ],
)
def test_a_permanent_fault_is_one_clear_error_and_leaves_no_wrong_file(
    fault: Fault, message: str, mirror: Mirror, tmp_path: Path
) -> None:
    mirror.faults["101.hea"] = (fault, 99)
    with pytest.raises(DownloadError, match=message) as caught:
        fetch(mirror.url, FILES, tmp_path, SILENT)
    assert "101.hea" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "101.hea").exists()
    for path in tmp_path.iterdir():
        assert sha256(path) == FILES[path.name]


def test_a_permanent_refusal_is_not_retried(mirror: Mirror, tmp_path: Path) -> None:
    mirror.faults["101.hea"] = ("404", 99)
    with pytest.raises(DownloadError):
        fetch(mirror.url, FILES, tmp_path, SILENT)
    assert mirror.requested.count("101.hea") == 1


def test_an_interrupted_download_continues_where_it_stopped(mirror: Mirror, tmp_path: Path) -> None:
    mirror.faults["101.dat"] = ("half a file", 2)
    with pytest.raises(DownloadError):
        fetch(mirror.url, FILES, tmp_path, SILENT)
    there = {path.name for path in tmp_path.iterdir()}
    mirror.requested.clear()
    fetch(mirror.url, FILES, tmp_path, SILENT)
    assert set(mirror.requested) == set(FILES) - there
    verify(tmp_path, FILES, SILENT)


def test_a_damaged_file_of_an_earlier_download_is_fetched_again(
    mirror: Mirror, tmp_path: Path
) -> None:
    fetch(mirror.url, FILES, tmp_path, SILENT)
    (tmp_path / "100.atr").write_bytes(b"not it")
    mirror.requested.clear()
    fetch(mirror.url, FILES, tmp_path, SILENT)
    assert mirror.requested == ["100.atr"]
    verify(tmp_path, FILES, SILENT)


def test_verify_names_the_file_that_is_missing_or_wrong(mirror: Mirror, tmp_path: Path) -> None:
    fetch(mirror.url, FILES, tmp_path, SILENT)
    (tmp_path / "100.dat").write_bytes(b"not it")
    with pytest.raises(DownloadError, match=r"100\.dat: SHA-256 differs"):
        verify(tmp_path, FILES, SILENT)
    (tmp_path / "100.atr").unlink()
    with pytest.raises(DownloadError, match=r"100\.atr: no such file"):
        verify(tmp_path, FILES, SILENT)
