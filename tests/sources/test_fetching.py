"""Fetching the real records from a working mirror and from faulty ones."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecgcli.errors import DownloadError, OutputError
from ecgcli.files import sha256
from ecgcli.progress import SILENT
from ecgcli.recordings.databases import MITDB
from ecgcli.sources import transfer
from ecgcli.sources.fetching import fetch, verify
from ecgcli.sources.physionet import published_checksums
from tests.helpers import Watcher, ecg_process
from tests.sources.mirror import Fault, Mirror, serve

FILES = {
    name: digest
    for name, digest in published_checksums(MITDB).items()
    if name.startswith(("100.", "101."))
}


@pytest.fixture
def mirror(mitdb: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setattr(transfer, "RETRIES", 1)
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
        ("wrong byte", "SHA-256 differs from the published one, in 2 attempts"),
        ("half a file", "run the same command again"),
        ("redirect to nowhere", "check the address and the connection"),
        ("dies", "check the address and the connection"),
        ("redirect to a file", "No connection adapters were found for 'file:///etc/hostname'"),
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
        assert path.name.endswith(".part") or sha256(path) == FILES[path.name]


def test_a_full_disk_is_one_clear_error(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / ".100.dat.part").symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"cannot write .*100\.dat: No space left on device"):
        fetch(mirror.url, FILES, tmp_path, SILENT)
    assert not (tmp_path / "100.dat").exists()


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
    size = (tmp_path / ".101.dat.part").stat().st_size
    assert size > 0
    mirror.requested.clear()
    mirror.ranges.clear()
    fetch(mirror.url, FILES, tmp_path, SILENT)
    assert set(mirror.requested) == set(FILES) - there
    assert f"101.dat: bytes={size}-" in mirror.ranges
    assert {path.name: sha256(path) for path in tmp_path.iterdir()} == FILES


ONE = {"100.atr": FILES["100.atr"]}


class TestAPartOfAFile:
    @pytest.fixture
    def content(self, mitdb: Path) -> bytes:
        return (mitdb / "100.atr").read_bytes()

    @pytest.fixture
    def part(self, content: bytes, tmp_path: Path) -> Path:
        """The first thousand bytes of the file, as an earlier download left them."""
        path = tmp_path / ".100.atr.part"
        path.write_bytes(content[:1000])
        return path

    def fetched(self, mirror: Mirror, folder: Path) -> list[str]:
        """Fetch the file; the ranges asked for."""
        fetch(mirror.url, ONE, folder, SILENT)
        assert {path.name: sha256(path) for path in folder.iterdir()} == ONE
        return mirror.ranges

    def test_it_is_continued(self, mirror: Mirror, part: Path) -> None:
        assert self.fetched(mirror, part.parent) == ["100.atr: bytes=1000-"]
        assert mirror.requested == ["100.atr"]

    def test_a_mirror_without_ranges(self, mirror: Mirror, part: Path) -> None:
        mirror.gives_ranges = False
        self.fetched(mirror, part.parent)
        assert mirror.requested == ["100.atr"]

    def test_a_mirror_that_gives_another_range(self, mirror: Mirror, part: Path) -> None:
        mirror.faults["100.atr"] = ("another range", 1)
        assert self.fetched(mirror, part.parent) == ["100.atr: bytes=1000-"]
        assert len(mirror.requested) == 2

    @pytest.mark.parametrize("of_another", [b"of another file", bytes(100_000)])
    def test_it_is_of_another_file(self, of_another: bytes, mirror: Mirror, part: Path) -> None:
        part.write_bytes(of_another)
        assert len(self.fetched(mirror, part.parent)) == 1
        assert len(mirror.requested) == 2

    def test_it_was_complete_when_the_program_was_killed(
        self, mirror: Mirror, part: Path, content: bytes
    ) -> None:
        part.write_bytes(content)
        self.fetched(mirror, part.parent)

    def test_without_a_checksum_a_file_is_fetched_from_its_start(
        self, mirror: Mirror, part: Path, content: bytes
    ) -> None:
        part.write_bytes(b"of another file")
        fetch(mirror.url, {"100.atr": None}, part.parent, SILENT)
        assert mirror.ranges == []
        assert (part.parent / "100.atr").read_bytes() == content

    def test_a_second_process_leaves_it_alone(self, mirror: Mirror, part: Path) -> None:
        with part.open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            with pytest.raises(DownloadError, match="another process is fetching this file"):
                fetch(mirror.url, ONE, part.parent, SILENT)
        self.fetched(mirror, part.parent)


class TestLimits:
    def refused(self, mirror: Mirror, folder: Path, message: str) -> None:
        with pytest.raises(DownloadError, match=message):
            fetch(mirror.url, ONE, folder, SILENT)

    def test_a_silent_mirror(
        self, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(transfer, "SILENT_SECONDS", 0.1)
        mirror.faults["100.atr"] = ("silent", 9)
        self.refused(mirror, tmp_path, "timed out")
        assert list(tmp_path.iterdir()) == []

    def test_a_slow_mirror(
        self, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(transfer, "SLOW_SECONDS", 0.3)
        mirror.faults["100.atr"] = ("slow", 9)
        self.refused(mirror, tmp_path, "less than 1,000 bytes a second")

    def test_a_file_without_end(
        self, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(transfer, "LARGEST_FILE", 10_000_000)
        mirror.faults["100.atr"] = ("endless", 9)
        self.refused(mirror, tmp_path, "larger than 10,000,000 bytes")
        assert list(tmp_path.iterdir()) == []

    def test_a_file_that_states_a_size_over_the_limit(
        self, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(transfer, "LARGEST_FILE", 1000)
        self.refused(mirror, tmp_path, "larger than 1,000 bytes")


@pytest.mark.parametrize(
    "url", ["ftp://host/", "file:///etc/", "http://", "http://host:a/", "http://[::1/", "x"]
)
def test_an_address_that_cannot_be_fetched_from_is_refused_at_once(
    url: str, tmp_path: Path
) -> None:
    began = time.monotonic()
    with pytest.raises(DownloadError, match="not an address of a server"):
        fetch(url, ONE, tmp_path / "data", SILENT)
    assert time.monotonic() - began < 0.5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("fault", ["silent", "slow"])
def test_a_signal_ends_a_download_from_a_mirror_that_does_not_answer_at_once(
    fault: Fault, number: signal.Signals, code: int, mirror: Mirror, tmp_path: Path
) -> None:
    mirror.faults = dict.fromkeys(FILES, (fault, 9))
    command = ecg_process("download", "mitdb", "--from", mirror.url, "--out", tmp_path)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while len(mirror.requested) < 4:
            time.sleep(0.05)
        time.sleep(0.2)
        process.send_signal(number)
        began = time.monotonic()
        _, error = process.communicate(timeout=30)
        assert time.monotonic() - began < 3
    assert process.returncode == code
    assert error.splitlines() == [
        f"error: stopped; what was received stays in {tmp_path / 'mitdb'}, under hidden names "
        "until it is complete; the same command continues"
    ]
    assert all(path.name.endswith(".part") for path in (tmp_path / "mitdb").iterdir())


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
