"""Nothing is half-written, and what was there stays when writing fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ecgcli.errors import OutputError
from ecgcli.files import atomic_write, write_json, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("old")

    def fail() -> None:
        with atomic_write(target) as stream:
            stream.write(b"new, but")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_write_appears_whole_and_makes_its_folder(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "out.txt"
    with atomic_write(target) as stream:
        stream.write(b"hello")
        assert not target.exists()
    assert target.read_bytes() == b"hello"
    assert list(target.parent.iterdir()) == [target]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_device_is_written_to_and_not_replaced() -> None:
    write_text(Path("/dev/null"), "gone")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("place", ["/dev/full", "file/below", "."])
def test_places_that_cannot_be_written_are_output_errors(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(OutputError, match="cannot write"):
        write_text(tmp_path / place, "text")


def test_a_file_that_should_be_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(OutputError, match=f"; {tmp_path}/file is a file; name a folder$"):
        write_text(tmp_path / "file" / "below" / "x.txt", "text")


def test_what_a_killed_process_left_is_removed_and_what_a_live_one_writes_stays(
    tmp_path: Path,
) -> None:
    write = (
        "import sys, time; from pathlib import Path; from ecgcli.files import atomic_write\n"
        "with atomic_write(Path(sys.argv[1])) as stream:\n"
        "    print('open', flush=True); time.sleep(60)"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", write, str(tmp_path / name)], stdout=subprocess.PIPE
        )
        for name in ("killed.csv", "alive.csv")
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"open\n"
        writers[0].kill()
        writers[0].wait()
        assert len(list(tmp_path.iterdir())) == 2
        write_text(tmp_path / "new.csv", "new")
        left = sorted(
            path.name.split(".")[1] for path in tmp_path.iterdir() if path.suffix == ".tmp"
        )
        assert left == ["alive"]
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()


def test_json_keeps_lists_of_numbers_on_a_line(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"matrix": [[1, 2], [3, 4.5]], "names": ["a", "b"]})
    text = (tmp_path / "x.json").read_text()
    assert "[1, 2]" in text
    assert json.loads(text) == {"matrix": [[1, 2], [3, 4.5]], "names": ["a", "b"]}
