"""WFDB annotation files: where the annotations are, their symbols and their texts.

Read as annot(5) describes them. The wfdb library does not return from some damaged files (a
first note that begins with ``##`` and is unknown to it), and reads past the mark of the end.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.errors import DataError
from ecgcli.inputs import read_input

#: Codes that are no annotations: a distance of 32 bits, fields of the annotation before, a text.
_SKIP, _NUMBER, _SUBTYPE, _CHANNEL, _TEXT = 59, 60, 61, 62, 63
#: The code of a comment; one that begins the file describes the file.
_NOTE = 22


#: Of each annotation, in the order of the file: its sample, its symbol, its text.
Annotations = tuple[NDArray[np.float64], tuple[str, ...], tuple[str, ...]]


def read_annotation_file(path: Path) -> Annotations:
    """The annotations of a file.

    Raises:
        DataError: the file cannot be read, is cut off, or continues after its end.
    """
    from wfdb.io.annotation import ann_label_table

    codes, positions, texts = _decode(_words_of(path), path)
    table = ann_label_table.set_index("label_store")["symbol"].to_dict()
    symbols = tuple(str(table.get(code, "")) for code in codes)
    return np.array(positions, np.float64), symbols, tuple(texts)


def annotation_bytes(
    samples: NDArray[np.int64],
    symbols: Sequence[str],
    texts: Sequence[str],
    sampling_rate: float,
    subtypes: Sequence[int] | None = None,
) -> bytes:
    """The content of an annotation file.

    Args:
        samples: ``(annotations,)`` ascending, at least one.
        symbols: of the annotations.
        texts: of the annotations; empty where there is none.
        sampling_rate: Hz.
        subtypes: of the annotations; default 0.
    """
    import wfdb

    with tempfile.TemporaryDirectory() as folder:  # the library writes files alone
        wfdb.wrann(
            "beats",
            "ecg",
            samples,
            list(symbols),
            subtype=None if subtypes is None else np.array(subtypes),
            aux_note=list(texts),
            fs=sampling_rate,
            write_dir=folder,
        )
        return (Path(folder) / "beats.ecg").read_bytes()


def _words_of(path: Path) -> list[int]:
    try:
        data = read_input(path)
    except (FileNotFoundError, ValueError) as error:  # the latter where a name holds a NUL
        raise DataError("no such annotation file", file=path) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=path) from error
    words: list[int] = np.frombuffer(data[: len(data) // 2 * 2], "<u2").tolist()
    return words


def _decode(words: list[int], path: Path) -> tuple[list[int], list[int], list[str]]:
    """The code, the sample and the text of each annotation."""
    codes: list[int] = []
    positions: list[int] = []
    texts: list[str] = []
    now = place = 0
    of_the_file = True  # what comes before the first annotation describes the file
    try:
        while words[place]:
            code, length = words[place] >> 10, words[place] & 1023
            place += 1
            if code == _SKIP:
                now += _signed(words[place] << 16 | words[place + 1])
                place += 2
            elif code == _TEXT:
                stop = place + (length + 1) // 2
                if not of_the_file:
                    texts[-1] = _text(words[place:stop], length)
                place = stop
            elif code not in (_NUMBER, _SUBTYPE, _CHANNEL):
                now += length
                of_the_file = not code or (code == _NOTE and now == 0)
                if not of_the_file:
                    codes.append(code)
                    positions.append(now)
                    texts.append("")
    except IndexError as error:
        raise DataError(
            "the annotation file has no mark at its end: it is cut off; fetch it again", file=path
        ) from error
    if any(words[place:]):
        raise DataError(
            "the file continues after the mark of its end: it is damaged; fetch it again",
            file=path,
        )
    return codes, positions, texts


def _text(words: list[int], length: int) -> str:
    return np.array(words, "<u2").tobytes()[:length].decode("latin-1").rstrip("\0 ")


def _signed(number: int) -> int:
    return number - (1 << 32) if number >> 31 else number
