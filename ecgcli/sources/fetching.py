"""Fetching the files of a source over HTTP, several at a time, and verifying them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ecgcli.errors import DownloadError, Interrupted
from ecgcli.files import sha256
from ecgcli.interrupts import Terminated, exit_code_of
from ecgcli.progress import Progress

if TYPE_CHECKING:
    import requests

#: Simultaneous transfers: enough to hide latency, few enough to be polite to a public server.
CONNECTIONS = 4
#: Seconds that transfers under way get to put away what they have received.
_PARTING_SECONDS = 0.2


def fetch(
    base_url: str, registry: Mapping[str, str | None], folder: Path, progress: Progress
) -> None:
    """Fetch every file of ``registry`` (name -> SHA-256, or None for any) into ``folder``.

    A file that is already there with the right checksum is not fetched again, and one of which
    a part is there is continued (see `transfer`). A file appears under its name only when it is
    complete and its checksum is right.

    Raises:
        DownloadError: a file cannot be fetched, or is not the published one.
        OutputError: the folder cannot be written.
        Interrupted: Ctrl-C or SIGTERM ended it; it ends at once, whatever the server does.
    """
    _require_http(base_url)
    jobs = _Jobs(base_url, registry, folder)
    try:
        for done in range(1, len(registry) + 1):
            if (error := jobs.finished.get()) is not None:
                raise error
            progress.update("downloading", done, len(registry))
    except (KeyboardInterrupt, Terminated) as interrupt:
        raise Interrupted(
            f"stopped; what was received stays in {folder}, under hidden names until it is "
            "complete; the same command continues",
            exit_code_of(interrupt),
        ) from interrupt
    finally:
        jobs.stop()


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


class _Jobs:
    """Threads that fetch the files of a registry, begun when it is made.

    They are daemons: a thread that waits for a silent server does not keep the program alive.
    ``finished`` gets an entry for each file: None, or the error that ended it.
    """

    def __init__(self, base_url: str, registry: Mapping[str, str | None], folder: Path) -> None:
        self.finished: SimpleQueue[BaseException | None] = SimpleQueue()
        self._url, self._registry, self._folder = f"{base_url.rstrip('/')}/", registry, folder
        self._waiting: SimpleQueue[str] = SimpleQueue()
        for name in registry:
            self._waiting.put(name)
        self._stopped = Event()
        count = min(CONNECTIONS, len(registry))
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin no more files, and end what is under way as soon as it receives anything."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(_PARTING_SECONDS)

    def _work(self) -> None:
        import requests

        with requests.Session() as session:
            while not self._stopped.is_set():
                try:
                    self._obtain(self._waiting.get_nowait(), session)
                except Empty:
                    return
                except BaseException as error:  # it is raised again where the files are awaited
                    self.finished.put(error)
                else:
                    self.finished.put(None)

    def _obtain(self, name: str, session: requests.Session) -> None:
        """Fetch a file unless it is there."""
        from ecgcli.sources.transfer import transfer

        target, published = self._folder / name, self._registry[name]
        if not target.is_file() or published not in (None, sha256(target)):
            transfer(session, self._url + name, target, published, self._stopped)


def _require_http(url: str) -> None:
    """Refuse an address that cannot be fetched from, before anything is tried.

    Raises:
        DownloadError: it is not one of HTTP.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half an IPv6 address
        valid = False
    if not valid:
        raise DownloadError(
            f"{url}: not an address of a server; valid: http://… or https://…, or the path of a "
            "folder"
        )
