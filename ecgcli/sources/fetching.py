"""Fetching files over HTTP: checked, retried with back-off, several at a time."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgcli.errors import DownloadError
from ecgcli.files import sha256
from ecgcli.progress import Progress

if TYPE_CHECKING:
    import pooch

#: Simultaneous transfers: enough to hide latency, few enough to be polite to a public server.
CONNECTIONS = 4
RETRIES = 4
TIMEOUT_SECONDS = 30


def fetch(
    base_url: str, registry: Mapping[str, str | None], folder: Path, progress: Progress
) -> None:
    """Fetch every file of ``registry`` (name -> SHA-256, or None for any) into ``folder``.

    A file that is already there with the right checksum is not fetched again, so
    an interrupted download continues where it stopped. A file appears under its
    name only when it is complete and its checksum is right.

    Raises:
        DownloadError: a file cannot be fetched, or is not the published one.
    """
    import pooch

    pooch.get_logger().setLevel("ERROR")
    shelf = pooch.create(
        path=folder,
        base_url=base_url.rstrip("/") + "/",
        registry=dict(registry),
        retry_if_failed=RETRIES,
    )
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        waiting = {pool.submit(_fetch_one, shelf, name): name for name in registry}
        try:
            for done, future in enumerate(as_completed(waiting), 1):
                future.result()
                progress.update("downloading", done, len(registry))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def verify(folder: Path, registry: Mapping[str, str], progress: Progress) -> None:
    """Check that ``folder`` holds every file of ``registry`` with its SHA-256.

    Raises:
        DownloadError: a file is missing or is not the published one.
    """
    for done, (name, published) in enumerate(registry.items(), 1):
        path = folder / name
        if not path.is_file():
            raise DownloadError(f"{path}: no such file; the folder must hold all {len(registry)}")
        if sha256(path) != published:
            raise DownloadError(
                f"{path}: SHA-256 differs from the published one; fetch the file again"
            )
        progress.update("verifying", done, len(registry))


def _fetch_one(shelf: pooch.Pooch, name: str) -> None:
    import requests

    url = shelf.get_url(name)
    try:
        shelf.fetch(name, downloader=_download)
    except requests.RequestException as error:
        raise DownloadError(
            f"{url}: {_reason(error)}; check the address and the connection, then run the same "
            "command again: it continues where it stopped"
        ) from error
    except ValueError as error:  # raised by pooch for a checksum that differs
        raise DownloadError(
            f"{url}: SHA-256 differs from the published one, {RETRIES + 1} times in a row; "
            "nothing was kept. The mirror is wrong or the connection alters files: try another "
            "with --from"
        ) from error


def _download(url: str, output_file: Any, pooch: Any) -> None:
    """Download as pooch does over HTTP, but do not retry a permanent refusal."""
    import requests
    from pooch import HTTPDownloader

    try:
        HTTPDownloader(timeout=TIMEOUT_SECONDS)(url, output_file, pooch)
    except requests.HTTPError as error:
        error.response.close()  # pooch leaves its connection open
        status = error.response.status_code
        if 400 <= status < 500 and status != 429:
            raise DownloadError(
                f"{url}: the server answers {status} {error.response.reason}; "
                "check the address given to --from"
            ) from error
        raise


def _reason(error: Exception) -> str:
    """The innermost cause of a chain of network errors, in one line."""
    while error.__context__ is not None and isinstance(error.__context__, Exception):
        error = error.__context__
    return " ".join(str(error).split()) or type(error).__name__
