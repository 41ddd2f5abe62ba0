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
        database: the database to fetch.
        out: the folder to download to.
        origin: a mirror's URL or a folder; PhysioNet when None.
        progress: called with the progress; a message lists the records that a partial folder lacks.
        partial: whether a folder with only some of the records is accepted.

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
        checksums = _of_complete_records(database, folder, checksums, progress)
    verify(folder, checksums, progress)
    return folder


def published_checksums(database: Database) -> dict[str, str]:
    """File name -> SHA-256 of a database's files, as bundled; empty if none are."""
    bundled = files("ecgcli.sources").joinpath(f"{database.name}.sha256")
    return _parse(bundled.read_text()) if bundled.is_file() else {}


def _fetched(database: Database, url: str, folder: Path, progress: Progress) -> dict[str, str]:
    """The checksums that the source itself publishes, fetched before its records."""
    fetch(url, {CHECKSUMS: None}, folder, progress)
    return _read_checksums(database, folder / CHECKSUMS)


def _read_checksums(database: Database, path: Path) -> dict[str, str]:
    """The checksums of a database's records in a list such as PhysioNet's.

    Raises:
        DownloadError: the list is missing, or lacks a file.
    """
    if not path.is_file():
        raise DownloadError(
            f"{path}: no such file; the records of {database.name} are verified against it: "
            f"fetch it from {database.url}"
        )
    try:
        listed = _parse(path.read_text())
    except ValueError as error:
        raise DownloadError(
            f"{path}: this is not a list of checksums; delete it and fetch it again"
        ) from error
    required = [name for record in database.records for name in database.files_of(record)]
    if missing := [name for name in required if name not in listed]:
        raise DownloadError(
            f"{path}: {missing[0]} is not listed; fetch the list from {database.url}"
        )
    return {name: listed[name] for name in required}


def _parse(text: str) -> dict[str, str]:
    return {name: digest for digest, name in (line.split() for line in text.splitlines() if line)}


def _of_complete_records(
    database: Database, folder: Path, checksums: dict[str, str], progress: Progress
) -> dict[str, str]:
    """The checksums of the records whose files are all in a folder; reports the missing records."""
    files_of = {record: database.files_of(record) for record in database.records}
    complete = {record: names for record, names in files_of.items()
                if all((folder / name).is_file() for name in names)}  # fmt: skip
    if not complete:
        raise DownloadError(
            f"{folder}: holds no record of {database.name}, which has {', '.join(files_of)[:20]}..."
        )
    if missing := [record for record in files_of if record not in complete]:
        progress.message(
            f"{folder} holds {len(complete)} of the {len(files_of)} records of {database.name}; "
            f"{len(missing)} missing: {', '.join(missing)}"
        )
    return {name: checksums[name] for names in complete.values() for name in names}
