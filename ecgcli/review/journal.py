"""The review file of a recording: answers on disk, one row appended for each, never rewritten.

A row is complete when its line break is on disk: what a killed process or a full disk left of a
row is cut off before the next one is written. One process at a time holds the file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Self

from ecgcli.errors import DataError
from ecgcli.files import writing
from ecgcli.inputs import require_file
from ecgcli.locking import locked
from ecgcli.review.answers import Answer, Owner, header, read_answers, row_of

#: What follows the recording's name in the name of its review file.
ENDING = ".review.csv"


class Journal:
    """An open review file.

    Args:
        path: of the file; it is created with the first answer.
        owner: the recording it belongs to.
        reader: who answers.

    Raises:
        OutputError: another process holds the file, or the place cannot be written.
        DataError: the file is damaged or of another recording.
    """

    def __init__(self, path: Path, owner: Owner, reader: str) -> None:
        self.path, self.owner, self.reader = path, owner, reader
        self._stream: FileIO | None = None
        self._held = ExitStack()
        self._held.enter_context(
            locked(
                path.with_name(f".{path.name}.lock"),
                f"{path}: another ecg review has this recording open",
                "continue there, or stop it first",
            )
        )
        try:
            begun = self._cut_torn_row()
            rows = read_answers(path, owner) if begun else []
            self._answers = [row.answer for row in rows]
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All answers, those undone included."""
        return tuple(self._answers)

    def append(self, answers: Sequence[Answer]) -> list[Answer]:
        """Add answers, each with its number, reader and time; on return they are on disk.

        Raises:
            OutputError: they could not be written; the file is as it was before.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        signed = [
            replace(
                answer,
                number=number,
                reader=answer.reader or self.reader,
                when=answer.when or now,
            )
            for number, answer in enumerate(answers, len(self._answers) + 1)
        ]
        with writing(self.path):
            self._write("".join(row_of(answer, self.owner) for answer in signed).encode())
        self._answers += signed
        return signed

    def close(self) -> None:
        """Close the file and let others open it."""
        if self._stream is not None:
            self._stream.close()
        self._held.close()

    def _write(self, rows: bytes) -> None:
        stream = self._open()
        end = stream.seek(0, os.SEEK_END)
        left = memoryview(rows if end else header().encode() + rows)
        try:
            while left:
                left = left[stream.write(left) :]
            os.fsync(stream.fileno())
        except OSError:
            stream.truncate(end)
            raise

    def _open(self) -> FileIO:
        """The file, unbuffered; its entry in the folder is on disk too."""
        if self._stream is None:
            self._stream = FileIO(self.path, "ab")
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return self._stream

    def _cut_torn_row(self) -> bool:
        """Remove what follows the last line break: a row that was never reported as saved.

        Returns whether a line is left. A process that was killed may have made an empty file.
        """
        if not self.path.exists():
            return False
        with writing(self.path):
            require_file(self.path)
            content = self.path.read_bytes()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                os.truncate(self.path, whole)
        return whole > 0


def journal_of(recording: Path, folder: Path | None = None) -> Path:
    """The path of a recording's review file: beside it, or in a folder."""
    name = f"{recording.name if recording.suffix == '' else recording.stem}{ENDING}"
    return (folder or recording.parent) / name


def login_name() -> str:
    """The name of whoever is logged in; ``unknown`` where the system does not say."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def require_new(path: Path) -> None:
    """Refuse to continue a review that the caller did not ask to resume.

    Raises:
        DataError: the review file has answers.
    """
    if path.exists() and path.stat().st_size > len(header()):
        raise DataError(
            "this recording has been reviewed; continue with --resume, or move the file away "
            "to start again",
            file=path,
        )
