"""A hash of the files of a recording, to recognize it later."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ecgcli.errors import DataError
from ecgcli.files import sha256


def content_sha256(path: Path, annotations: str = "auto") -> str:
    """SHA-256 over the names and contents of all files that a recording is read from.

    Args:
        path: the recording; a WFDB record may be named without its ending.
        annotations: as in `ReadOptions`.

    Returns:
        In hexadecimal; the same on every machine for the same files. A file that the header
        of a WFDB record names and that does not exist takes part by its name.

    Raises:
        DataError: a file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        for file in files_of(path, annotations):
            content = sha256(file) if file.is_file() else ""
            digest.update(f"{file.name}\0{content}\n".encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=error.filename) from error
    return digest.hexdigest()


def files_of(path: Path, annotations: str) -> list[Path]:
    """All files that a recording is read from: itself, what a WFDB header names, annotations.

    Args:
        path: the recording; a WFDB record may be named without its ending.
        annotations: as in `ReadOptions`.

    Raises:
        OSError: a header cannot be read.
    """
    header = path.with_name(f"{path.name}.hea") if not path.exists() else path.with_suffix(".hea")
    record = header.with_suffix("")
    files = {path} if path.exists() else set()
    if header.is_file():
        files |= {header, *_named_in(header)}
    annotator = "atr" if annotations == "auto" else annotations
    candidates = {Path(annotations), Path(f"{record}.{annotator}")}
    return sorted(files | {file for file in candidates if file.is_file()})


def _named_in(header: Path) -> set[Path]:
    """The signal files of a header, and the headers and signal files of its segments."""
    segments = segment_headers(header)
    if not segments:
        return {header.parent / name for name in _first_words(header)[1] if name != "~"}
    return segments | {
        segment.parent / name
        for segment in segments
        if segment.is_file()
        for name in _first_words(segment)[1]
    }


def segment_headers(header: Path) -> set[Path]:
    """The headers of the segments of a multi-segment record; none for any other.

    Raises:
        OSError: the header cannot be read.
    """
    if not header.is_file():
        return set()
    first, names = _first_words(header)
    named = names if "/" in first else []
    return {Path(f"{header.parent / name}.hea") for name in named if name != "~"}


def _first_words(header: Path) -> tuple[str, list[str]]:
    """The first word of the record line, and that of each line after it."""
    lines = header.read_text(encoding="utf-8", errors="replace").splitlines()
    words = [line.split()[0] for line in lines if line.strip() and line[0] != "#"]
    return (words[0], words[1:]) if words else ("", [])
