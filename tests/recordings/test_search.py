"""Finding recordings: what is taken, once, and what is left out with a note."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecgcli.errors import DataError
from ecgcli.recordings.search import distinct_names, find_recordings, place_below


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a folder for each of two patients, whose recordings have one name."""
    for patient in ("p1", "p2"):
        (tmp_path / "ward" / patient).mkdir(parents=True)
        (tmp_path / "ward" / patient / "HOLTER.EDF").touch()
    monkeypatch.chdir(tmp_path)
    return Path("ward")


def places(*named: str | Path) -> list[str]:
    """Where the results of the recordings found would go."""
    search = find_recordings([str(place) for place in named])
    return [place_below(search.root, path).as_posix() for path in search.paths]


@pytest.mark.parametrize(
    "named",
    [
        ["ward"],
        ["ward/p1", "ward/p2"],
        ["ward/*/HOLTER.EDF"],
        ["ward/p1/HOLTER.EDF", "ward/p2/HOLTER.EDF"],
        ["ward", "ward/p2/HOLTER.EDF"],
    ],
)
def test_two_of_one_name_keep_their_folders(named: list[str], ward: Path) -> None:
    assert places(*named) == ["p1/HOLTER", "p2/HOLTER"]
    assert list(distinct_names(find_recordings(named).paths).values()) == ["p1/HOLTER", "p2/HOLTER"]
    assert places(ward / "p1" / "HOLTER.EDF") == ["HOLTER"]


def test_a_unique_name_stands_without_its_folder(ward: Path) -> None:
    (ward / "p2" / "day2.edf").touch()
    assert places(ward) == ["p1/HOLTER", "p2/HOLTER", "p2/day2"]
    assert ward / "p2" / "day2.edf" not in distinct_names(find_recordings([str(ward)]).paths)


def test_a_file_of_several_places_is_taken_once(ward: Path) -> None:
    named = [ward, ward.absolute() / "p1" / "HOLTER.EDF", ward / "p1" / ".." / "p1"]
    assert places(*named) == ["p1/HOLTER", "p2/HOLTER"]


def test_of_a_header_and_another_file_of_its_name_the_header_is_taken(ward: Path) -> None:
    (ward / "p1" / "HOLTER.hea").write_text("HOLTER 1 360 10\nHOLTER.dat 16\n")
    search = find_recordings([str(ward)])
    assert search.paths == [ward / "p1" / "HOLTER.hea", ward / "p2" / "HOLTER.EDF"]
    (note,) = search.notes
    assert note == (
        "1 file left out, because the header of the same name is read: ward/p1/HOLTER.EDF"
    )


def test_two_files_of_one_name_in_a_folder_without_a_header_are_refused(ward: Path) -> None:
    (ward / "p1" / "HOLTER.bdf").touch()
    with pytest.raises(DataError, match=r"HOLTER\.bdf: .*HOLTER\.EDF has the same name"):
        find_recordings([str(ward)])


def test_links_to_folders_are_followed_once(ward: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "far.edf").touch()
    (ward / "a").symlink_to(tmp_path / "elsewhere")
    (ward / "b").symlink_to(tmp_path / "elsewhere")  # a second way to the same
    (ward / "latest").symlink_to("p2")  # p2 keeps its own name
    (ward / "p1" / "up").symlink_to(tmp_path)  # around in a circle
    assert places(ward) == ["a/far", "p1/HOLTER", "p2/HOLTER"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_noted(ward: Path) -> None:
    (ward / "p1").chmod(0)
    search = find_recordings([str(ward)])
    (ward / "p1").chmod(0o700)
    assert search.paths == [ward / "p2" / "HOLTER.EDF"]
    assert search.notes == ("1 folder skipped, because you may not read it: ward/p1",)


def test_a_record_named_without_its_ending(ward: Path) -> None:
    for ending in ("hea", "dat", "atr"):
        (ward / "p1" / f"100.a.{ending}").touch()
    assert places(ward / "p1" / "100.a") == ["100.a"]
    assert places(ward / "p1" / "100.a", ward / "p1" / "100.a.hea") == ["100.a"]
    assert find_recordings([f"{ward}/p1/100.a.*"]).paths == [ward / "p1" / "100.a.hea"]
