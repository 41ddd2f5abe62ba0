"""Records of a PhysioNet database: fetched or found in a folder, and verified."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ecgcli.errors import DownloadError
from ecgcli.progress import Progress
from ecgcli.recordings.databases import Database
from ecgcli.sources.fetching import fetch, verify

#: PhysioNet's own list of checksums, in every database's folder.
CHECKSUMS = "SHA256SUMS.txt"


def obtain_records(
    database: Database, out: Path, origin: str | None, progress: Progress, *, partial: bool = False
) -> Path:
    """A folder with the verified records of a database.

    From a URL they are fetched to ``out/NAME``; a folder is read in place.

    Args:
        database: whose records.
        out: the folder for data.
        origin: a mirror's URL or a folder; PhysioNet when None.
        progress: of the work; a message says which records a partial folder lacks.
        partial: whether a folder with some of the records will do.

    Raises:
        DownloadError: a file is missing, cannot be fetched, or is not the published one.
    """
    if origin is None or "://" in origin:
        folder, url = out / database.name, origin or database.url
        checksums = published_checksums(database) or _fetched(database, url, folder, progress)
        fetch(url, checksums, folder, progress)
        return folder
    folder = Path(origin)
    checksums = published_checksums(database) or _read_checksums(database, folder / CHECKSUMS)
    if partial:
        checksums = _of_those_there(database, folder, checksums, progress)
    verify(folder, checksums, progress)
    return folder


def published_checksums(database: Database) -> dict[str, str]:
    """File name -> SHA-256 of a database's files, as kept here; empty where none are kept."""
    kept = files("ecgcli.sources").joinpath(f"{database.name}.sha256")
    return _parse(kept.read_text()) if kept.is_file() else {}


def _fetched(database: Database, url: str, folder: Path, progress: Progress) -> dict[str, str]:
    """The checksums that the source itself publishes, fetched before its records."""
    fetch(url, {CHECKSUMS: None}, folder, progress)
    return _read_checksums(database, folder / CHECKSUMS)


def _read_checksums(database: Database, path: Path) -> dict[str, str]:
    """The checksums of a database's records in a list such as PhysioNet's.

    Raises:
        DownloadError: there is no list, or it lacks a file.
    """
    if not path.is_file():
        raise DownloadError(
            f"{path}: no such file; the records of {database.name} are verified by it: put the "
            f"one of {database.url} there"
        )
    try:
        listed = _parse(path.read_text())
    except ValueError as error:
        raise DownloadError(
            f"{path}: this is no list of checksums; delete it and fetch it again"
        ) from error
    wanted = [name for record in database.records for name in database.files_of(record)]
    if missing := [name for name in wanted if name not in listed]:
        raise DownloadError(f"{path}: {missing[0]} is not listed; it is not that of {database.url}")
    return {name: listed[name] for name in wanted}


def _parse(text: str) -> dict[str, str]:
    return {name: digest for digest, name in (line.split() for line in text.splitlines() if line)}


def _of_those_there(
    database: Database, folder: Path, checksums: dict[str, str], progress: Progress
) -> dict[str, str]:
    """The checksums of the records that a folder has all files of; says which it lacks."""
    files_of = {record: database.files_of(record) for record in database.records}
    there = {record: names for record, names in files_of.items()
             if all((folder / name).is_file() for name in names)}  # fmt: skip
    if not there:
        raise DownloadError(
            f"{folder}: holds no record of {database.name}, which has {', '.join(files_of)[:20]}..."
        )
    if missing := [record for record in files_of if record not in there]:
        progress.message(
            f"{folder} holds {len(there)} of the {len(files_of)} records of {database.name}; "
            f"{len(missing)} missing: {', '.join(missing)}"
        )
    return {name: checksums[name] for names in there.values() for name in names}
