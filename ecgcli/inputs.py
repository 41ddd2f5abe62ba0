"""Opening what is read: files and pipes, but nothing that would be waited for or read for ever."""

from __future__ import annotations

import errno
import json
import math
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgcli.errors import DataError, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Seconds to wait for a program that opens a pipe for writing.
PIPE_SECONDS = 5.0
#: Names of a folder that a mistyped one is compared with.
_MOST_NAMES = 1000

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def open_input(path: Path) -> BufferedReader:
    """Open a file or a pipe for reading.

    Raises:
        OSError: it cannot be opened, is a device other than the terminal that is standard
            input, or is a pipe that nothing writes to.
    """
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # the name holds a NUL
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error
    if stat.S_ISFIFO(mode):
        return _open_pipe(path)
    if not stat.S_ISREG(mode) and not _is_own_terminal(path):
        _refuse(path, mode)
    return path.open("rb")


def read_input(path: Path) -> bytes:
    """The bytes of a file or a pipe; raises what `open_input` raises."""
    with open_input(path) as stream:
        return stream.read()


def read_json(path: Path) -> Any:
    """The document in a JSON file or pipe.

    Raises:
        OSError: it cannot be read; see `open_input`.
        ValueError: it is not JSON, holds a number that is not finite, or is nested too deeply.
    """
    return parse_json(read_input(path))


def parse_json(content: bytes) -> Any:
    """The document in the content of a JSON file.

    Raises:
        ValueError: it is not JSON, holds a number that is not finite, or is nested too deeply.
    """
    try:
        return json.loads(content, parse_float=finite_number, parse_constant=finite_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def finite_number(text: str) -> float:
    """The number that a text stands for; Python alone accepts ``NaN`` and ``1e999`` too.

    Raises:
        ValueError: it is not a finite number.
    """
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def missing(path: Path | str) -> DataError:
    """The error for a file that is not there, with the file beside it whose name is similar."""
    path = Path(path)
    try:
        beside = [other.name for other in islice(path.parent.iterdir(), _MOST_NAMES)]
    except (OSError, ValueError):
        beside = []
    near = nearest(path.name, beside)
    hint = f"; did you mean {path.with_name(near)}?" if near else ""
    return DataError(f"no such file{hint}", file=path)


def is_pipe(path: Path) -> bool:
    """Whether the path leads to a pipe."""
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except (OSError, ValueError):  # there is nothing, or it is no name of a file
        return False


def is_parquet(place: Path | str) -> bool:
    """Whether a path is a parquet file, or a folder of such files named ``part-…``."""
    path = Path(place)
    try:
        if path.is_dir():
            return any(path.glob("part-*.parquet"))
        if path.suffix.lower() == ".parquet" or not path.is_file():
            return path.suffix.lower() == ".parquet"
        with path.open("rb") as stream:
            return stream.read(4) == b"PAR1"
    except (OSError, ValueError):  # it cannot be opened, or is no name of a file
        return False


def read_array(path: Path) -> NDArray[Any]:
    """The array of an ``.npy`` file, which takes no more memory than the file has bytes.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not an ``.npy`` file, is damaged, or is cut off.
    """
    import numpy as np

    require_file(path)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # the parser of the header raises what it meets
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"it is damaged or not an .npy file ({reason})") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError("it is an archive of several arrays (.npz); save one of them as .npy")
    return np.array(array)


def require_file(path: Path) -> None:
    """Refuse what a library that opens files by name would wait for or read for ever.

    Raises:
        OSError: the path is not that of a file.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        _refuse(path, mode)


def _refuse(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    kind = _KINDS.get(stat.S_IFMT(mode), "a special file")
    raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))


def _is_own_terminal(path: Path) -> bool:
    """Whether the path leads to the terminal that is standard input, such as /dev/stdin."""
    descriptor = 0  # not that of sys.__stdin__, which is closed in a worker process
    return os.isatty(descriptor) and os.path.samestat(path.stat(), os.fstat(descriptor))


def _open_pipe(path: Path) -> BufferedReader:
    """Open a named pipe, which the system lets wait until something opens it for writing."""
    with ThreadPoolExecutor(1) as waiting:
        opened = waiting.submit(path.open, "rb")
        try:
            return opened.result(PIPE_SECONDS)
        except TimeoutError:
            raise OSError(errno.EINVAL, "it is a pipe that nothing writes to", str(path)) from None
        finally:
            if not opened.done():  # Ctrl-C too: open it for writing, and the wait is over
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                opened.result().close()
