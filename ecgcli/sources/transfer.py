"""One file over HTTP: continued where it stopped, limited in time and size, checked at the end."""

from __future__ import annotations

import fcntl
import os
import re
import time
from pathlib import Path
from threading import Event
from typing import Self

import requests
from urllib3.exceptions import HTTPError

from ecgcli.errors import DownloadError
from ecgcli.files import sha256, writing

#: Attempts after the first one; before the n-th of them, n seconds pass.
RETRIES = 4
#: Seconds to wait for a connection, and for the next byte.
CONNECT_SECONDS, SILENT_SECONDS = 10, 30
#: Bytes a second below which a transfer is given up, once it has lasted for so many seconds.
SLOWEST, SLOW_SECONDS = 1_000, 60
#: Bytes of the largest file that is accepted; the largest of any source has 392 MB.
LARGEST_FILE = 1 << 30
CHUNK_BYTES = 1 << 16

#: What a network may do once and not do again.
_NETWORK_ERRORS = (requests.RequestException, HTTPError)
#: Answers of 400 to 499 that do not mean that the file will never be given.
_NOT_FINAL = {408, 416, 429}


class Stopped(Exception):
    """The transfer was stopped from outside."""


def transfer(
    session: requests.Session, url: str, target: Path, published: str | None, stop: Event
) -> None:
    """Fetch a file; it appears as ``target`` only when it is complete and is the published one.

    What was received so far stays in ``.NAME.part`` beside the target, and the next call asks
    for the rest of it. It is fetched from its start where the server does not give ranges of
    bytes, where parts of two different files were received, and where no checksum is known.

    Args:
        session: the connections.
        url: of the file.
        target: the path to write.
        published: its SHA-256; None where any content is right.
        stop: ends the transfer when it is set.

    Raises:
        DownloadError: the file cannot be fetched, or is not the published one.
        OutputError: it cannot be written.
        Stopped: ``stop`` was set.
    """
    problem: Exception | None = None
    with _Part(target, kept=published is not None) as part:
        for attempt in range(RETRIES + 1):
            if stop.wait(attempt):
                raise Stopped
            try:
                _receive(session, url, part, stop)
            except (ValueError, requests.TooManyRedirects) as error:  # an address that is none
                raise DownloadError(f"{url}: {_reason(error)}; check the address") from error
            except _NETWORK_ERRORS as error:
                problem = error
                continue
            if published in (None, part.sha256()):
                part.publish()
                return
            part.clear()
            problem = None
    raise _failure(url, problem) from problem


class _Part:
    """What was received of a file, under a hidden name beside it, for this process alone.

    Args:
        target: the name it gets when it is complete.
        kept: whether what an earlier call received is continued.
    """

    def __init__(self, target: Path, *, kept: bool) -> None:
        self._target, self._path = target, target.with_name(f".{target.name}.part")
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._path.open("ab", buffering=0)
        self._require_alone()
        if not kept:
            self.clear()

    def _require_alone(self) -> None:
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(self._stream.fileno()), os.stat(self._path)):
                return
        except OSError:  # locked, or completed in this moment
            pass
        self._stream.close()
        raise DownloadError(f"{self._target}: another process is fetching this file")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.size == 0:
            self._path.unlink(missing_ok=True)
        self._stream.close()

    @property
    def size(self) -> int:
        """Number of bytes received."""
        return os.fstat(self._stream.fileno()).st_size

    def append(self, data: bytes) -> None:
        """Add what was received next."""
        with writing(self._target):
            while data:
                data = data[self._stream.write(data) :]

    def clear(self) -> None:
        """Begin anew."""
        self._stream.truncate(0)

    def sha256(self) -> str:
        """The SHA-256 of what was received."""
        return sha256(self._path)

    def publish(self) -> None:
        """Give the complete file its name."""
        with writing(self._target):
            os.fsync(self._stream.fileno())
            os.replace(self._path, self._target)


def _receive(session: requests.Session, url: str, part: _Part, stop: Event) -> None:
    """Receive what is missing in ``part``; the whole file where the server gives no ranges."""
    headers = {"Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
    limits = (CONNECT_SECONDS, SILENT_SECONDS)
    with session.get(url, headers=headers, stream=True, timeout=limits) as response:
        _require_answer(response, url)
        first = _first_byte(response)
        if first != part.size:
            part.clear()
        if first not in (0, part.size):
            raise requests.RequestException("the server does not give the part asked for")
        began, before = time.monotonic(), part.size
        while not stop.is_set():
            _require_size(part.size + (response.raw.length_remaining or 0), url, part)
            data = response.raw.read1(CHUNK_BYTES, decode_content=True)
            if not data:
                return
            part.append(data)
            _require_speed(part.size - before, time.monotonic() - began)
    raise Stopped


def _require_answer(response: requests.Response, url: str) -> None:
    """Refuse an answer that is an error; as final where it will not change."""
    status = response.status_code
    answer = f"the server answers {status} {response.reason}"
    if 400 <= status < 500 and status not in _NOT_FINAL:
        raise DownloadError(f"{url}: {answer}; check the address given to --from")
    if status >= 400 and status != 416:
        raise requests.HTTPError(answer)


def _first_byte(response: requests.Response) -> int:
    """The place in the file of the first byte that a response holds; -1 if it does not say."""
    if response.status_code == 200:
        return 0
    stated = re.match(r"bytes (\d{1,18})-", response.headers.get("Content-Range", ""))
    return int(stated[1]) if stated else -1


def _require_size(size: int, url: str, part: _Part) -> None:
    if size > LARGEST_FILE:
        part.clear()
        raise DownloadError(
            f"{url}: the file is larger than {LARGEST_FILE:,} bytes, which no file of a source "
            "is; check the address given to --from"
        )


def _require_speed(received: int, seconds: float) -> None:
    if seconds > SLOW_SECONDS and received < SLOWEST * seconds:
        raise requests.Timeout(f"the server sends less than {SLOWEST:,} bytes a second")


def _failure(url: str, problem: Exception | None) -> DownloadError:
    """What remains to be said after the last attempt; no problem means a wrong checksum."""
    if problem is None:
        return DownloadError(
            f"{url}: SHA-256 differs from the published one, in {RETRIES + 1} attempts; nothing "
            "was kept. The mirror is wrong or the connection alters files: try another with --from"
        )
    return DownloadError(
        f"{url}: {_reason(problem)}; check the address and the connection, then run the same "
        "command again: it continues where it stopped"
    )


def _reason(error: Exception) -> str:
    """The innermost cause of a chain of network errors, in one line."""
    while isinstance(error.__context__, Exception):
        error = error.__context__
    return " ".join(str(error).split()) or type(error).__name__
