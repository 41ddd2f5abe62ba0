"""Inputs and files of other programs are not overwritten, under any of their names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecgcli.errors import OutputError
from ecgcli.files import remove, write_text
from ecgcli.guard import MARK, Guard, guard_of, guarding, require_replaceable
from ecgcli.parallel import in_order
from ecgcli.recordings.formats import endings


def write(target: Path) -> str:
    """Write a file; a function for other processes."""
    try:
        write_text(target, "new")
    except OutputError as error:
        return str(error)
    return ""


def test_an_input_stays_under_all_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    source = tmp_path / "folder" / "in.csv"
    source.write_text("old")
    (tmp_path / "link.csv").symlink_to(source)
    os.link(source, tmp_path / "hard.csv")
    (tmp_path / "way").symlink_to("folder")
    names = (source, "link.csv", "hard.csv", "way/in.csv", "folder/../folder/in.csv")
    with guarding(guard_of([source], replace=True)):
        for name in names:
            with pytest.raises(OutputError, match=r"(which )?is read by the same command"):
                write_text(tmp_path / name, "new")
            with pytest.raises(OutputError, match="by the same command"):
                remove(tmp_path / name)
        write_text(tmp_path / "out.csv", "new")
    assert source.read_text() == "old"
    write_text(source, "new")  # the job is done
    assert source.read_text() == "new"


def test_the_processes_of_a_job_have_its_guard(tmp_path: Path) -> None:
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    paths[1].write_text("old")
    with guarding(guard_of(paths)):
        problems = list(in_order(write, paths, 2))
    assert [bool(problem) for problem in problems] == [False, True]
    assert [path.read_text() for path in paths] == ["new", "old"]


@pytest.mark.parametrize(
    "name",
    ["100.atr", "100.dat", "h.BDF", "m.mat", *(f"x{end}" for end in endings(in_folders=True))],
)
def test_what_another_program_made_stays(name: str, tmp_path: Path) -> None:
    target = tmp_path / name
    write_text(target, "new files may have any name")
    with pytest.raises(OutputError, match="another program made it"):
        write_text(target, "new")
    with guarding(Guard(replace=True)):
        write_text(target, f"ours: {MARK}")
    write_text(target, "what ecg made is replaced")


def test_annotations_replace_annotations_of_ecg_alone(tmp_path: Path) -> None:
    target = tmp_path / "100.qrs"
    require_replaceable(target, annotations=True)
    target.write_bytes(b"annotations of another detector")
    require_replaceable(target)
    with pytest.raises(OutputError, match="another program made it"):
        require_replaceable(target, annotations=True)
    target.write_bytes(b"\0X" + MARK.encode())
    require_replaceable(target, annotations=True)
