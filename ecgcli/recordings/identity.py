"""A hash of the files of a recording, to recognize it later."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ecgcli.files import sha256


def content_sha256(path: Path, annotations: str = "auto") -> str:
    """SHA-256 over the names and contents of all files that a recording is read from.

    Args:
        path: the recording; a WFDB record may be named without its ending.
        annotations: as in `ReadOptions`.

    Returns:
        In hexadecimal; the same on every machine for the same files. A file that the header
        of a WFDB record names and that does not exist takes part by its name.
    """
    digest = hashlib.sha256()
    for file in _files_of(path, annotations):
        content = sha256(file) if file.is_file() else ""
        digest.update(f"{file.name}\0{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _files_of(path: Path, annotations: str) -> list[Path]:
    """The file itself, what a WFDB header names, and the annotation file."""
    header = path.with_name(f"{path.name}.hea") if not path.exists() else path.with_suffix(".hea")
    record = header.with_suffix("")
    files = {path} if path.exists() else set()
    if header.exists():
        files |= {header, *_named_in(header)}
    annotator = "atr" if annotations == "auto" else annotations
    candidates = {Path(annotations), Path(f"{record}.{annotator}")}
    return sorted(files | {file for file in candidates if file.is_file()})


def _named_in(header: Path) -> set[Path]:
    """The signal files of a header, and the headers and signal files of its segments."""
    lines = header.read_text(encoding="utf-8", errors="replace").splitlines()
    first, *others = [line.split() for line in lines if line.strip() and line[0] != "#"] or [[""]]
    names = {words[0] for words in others if words[0] != "~"}
    if "/" not in first[0]:
        return {header.with_name(name) for name in names}
    segments = {header.with_name(f"{name}.hea") for name in names}
    return segments.union(*(_named_in(segment) for segment in segments if segment.exists()))
