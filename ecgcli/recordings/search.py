"""Finding recordings: files, patterns, and folders with all that is in them; and their names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecgcli.errors import DataError
from ecgcli.inputs import read_input
from ecgcli.recordings.formats import endings, is_surely_recording
from ecgcli.recordings.identity import segment_headers
from ecgcli.wording import counted

#: Number of files that a note names.
_NAMED = 3


@dataclass(frozen=True)
class Search:
    """What `find_recordings` found.

    Attributes:
        paths: the recordings, each once.
        root: the folder that all of them lie in or below; see `place_below`.
        notes: what was left out, and why.
    """

    paths: list[Path]
    root: Path
    notes: tuple[str, ...] = ()


def find_recordings(places: Sequence[str]) -> Search:
    """The recordings named by files, folders (including subfolders) and glob patterns.

    ``@list.txt`` stands for the lines of a file, each of which is one of these; empty lines and
    those that begin with # are ignored. Relative paths are relative to the working folder.
    Links to folders are followed, and each folder is searched once. Where a folder has several
    files of one name, such as ``100.hea`` and ``100.edf``, the WFDB header is taken.

    Raises:
        DataError: a place has none, or a folder has two of one name and no header of that name.
    """
    recordings: list[Path] = []
    roots: list[Path] = []
    unreadable: list[Path] = []
    for place in _listed(places):
        path = Path(place)
        if path.is_dir():
            recordings += sorted(_without_segments(_files_in(path, unreadable)))
            roots.append(path)
        elif any(mark in place for mark in "*?[") and not path.exists():
            recordings += _matches(path)
            roots.append(_fixed_part(path))
        else:
            recordings.append(path)
            roots.append(path.parent)
    by_place: dict[str, Path] = {}
    for path in recordings:
        by_place.setdefault(os.path.abspath(path), path)
    paths, left_out = _headers_first(list(by_place.values()))
    notes = [
        *_note(left_out, "left out, because the header of the same name is read"),
        *_note(unreadable, "skipped, because you may not read it", "folder"),
    ]
    return Search(paths, Path(os.path.commonpath(map(os.path.abspath, roots))), tuple(notes))


def _listed(places: Sequence[str]) -> Iterator[str]:
    """The places, with the lines of a list in its place.

    Raises:
        DataError: a list cannot be read, or is empty.
    """
    for place in places:
        if not is_list(place):
            yield place
            continue
        file = place.removeprefix("@")
        try:
            lines = read_input(Path(file)).decode("utf-8-sig").splitlines()
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror}", file=file) from error
        except UnicodeDecodeError as error:
            raise DataError(
                "this is not a text file with a path on each line", file=file
            ) from error
        named = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        if not named:
            raise DataError("this list names no recordings", file=file)
        yield from named


def is_list(place: str) -> bool:
    """Whether a place is a list of places, such as ``@list.txt``, and not a file of that name."""
    return place.startswith("@") and not Path(place).exists()


def place_below(root: Path, recording: Path) -> Path:
    """The path of a recording from ``root`` on, without its ending.

    Two recordings that `find_recordings` found never have the same, so results keep it.
    """
    return _without_ending(Path(os.path.abspath(recording))).relative_to(root)


def distinct_names(recordings: Sequence[Path]) -> dict[Path, str]:
    """A name for each recording whose file name another one has too.

    It begins with the folders in which they differ, such as ``p1/HOLTER``. Recordings whose
    file name is unique are not in the result.
    """
    count = Counter(path.stem for path in recordings)
    shared = [path for path in recordings if count[path.stem] > 1]
    if not shared:
        return {}
    root = Path(os.path.commonpath([os.path.abspath(path.parent) for path in shared]))
    return {path: place_below(root, path).as_posix() for path in shared}


def _files_in(folder: Path, unreadable: list[Path]) -> list[Path]:
    """The files of a folder and its subfolders that are surely recordings."""
    sure = endings(in_folders=True)
    files = [file for file in _walk(folder, unreadable) if is_surely_recording(file)]
    if not files:
        raise DataError(f"no recordings ({', '.join(sure)}) in this folder", file=folder)
    return files


def _walk(top: Path, unreadable: list[Path]) -> Iterator[Path]:
    """The files of all folders, each folder once: by its own name, and else by that of a link."""
    walked: set[Path] = set()
    waiting = [top]
    for start in waiting:  # which grows
        if start.resolve() in walked:
            continue
        for name, folders, files in os.walk(start, onerror=lambda e: unreadable.append(_path(e))):
            folder = Path(name)
            walked.add(folder.resolve())
            waiting += [folder / link for link in sorted(folders) if (folder / link).is_symlink()]
            folders[:] = [each for each in folders if (folder / each).resolve() not in walked]
            yield from (folder / file for file in files)


def _path(error: OSError) -> Path:
    return Path(str(error.filename))


def _matches(pattern: Path) -> list[Path]:
    found = Path(pattern.anchor or ".").glob(str(pattern.relative_to(pattern.anchor)))
    if not (matches := sorted(found)):
        raise DataError("nothing matches this pattern", file=pattern)
    return matches


def _fixed_part(pattern: Path) -> Path:
    """The folder that a pattern names before its first wildcard."""
    return next(
        folder for folder in pattern.parents if not any(mark in str(folder) for mark in "*?[")
    )


def _headers_first(paths: list[Path]) -> tuple[list[Path], list[Path]]:
    """One file for each recording, and the files left out for a header of the same name."""
    files: dict[Path, list[Path]] = {}
    for path in paths:
        files.setdefault(_without_ending(path), []).append(path)
    kept = [_one_of(same) for same in files.values()]
    is_kept = set(kept)
    left_out = [path for path in paths if path not in is_kept]
    return kept, left_out


def _one_of(files: list[Path]) -> Path:
    """The only file, or the header among several of one name.

    Raises:
        DataError: none of several is a header.
    """
    headers = [file for file in files if file.suffix.lower() == ".hea"]
    if len(files) > 1 and len(headers) != 1:
        raise DataError(
            f"{files[0]} has the same name, and results are identified by name; give one file per "
            "recording, or process the two separately",
            file=files[1],
        )
    return headers[0] if len(files) > 1 else files[0]


def _without_ending(path: Path) -> Path:
    """The path of a recording without its ending, which a WFDB record may lack."""
    return path.with_suffix("") if path.exists() else path


def _without_segments(files: list[Path]) -> list[Path]:
    """Drop the segments of multi-segment records, which are read with their record."""
    segments = {segment for file in files for segment in _segments_of(file)}
    return [file for file in files if file not in segments]


def _segments_of(file: Path) -> set[Path]:
    """The headers of a multi-segment record's segments, given its header; none for others."""
    try:
        return segment_headers(file) - {file} if file.suffix.lower() == ".hea" else set()
    except OSError:  # whoever reads the recording says what is wrong with it
        return set()


def _note(paths: list[Path], reason: str, noun: str = "file") -> list[str]:
    """How many were left out, why, and the first of them."""
    if not paths:
        return []
    more = ", …" if len(paths) > _NAMED else ""
    named = ", ".join(str(path) for path in paths[:_NAMED])
    return [f"{counted(len(paths), noun)} {reason}: {named}{more}"]
