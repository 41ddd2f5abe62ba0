"""Plain numbers: CSV, NumPy and MATLAB files, which state neither sampling rate nor unit."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ecgcli.errors import DataError, shown
from ecgcli.inputs import read_array, read_input
from ecgcli.recordings import (
    ReadOptions,
    Recording,
    check_rate,
    choose_lead,
    millivolts_per,
)
from ecgcli.recordings.formats import reading_as, register
from ecgcli.recordings.formats.wfdb_record import named_annotations

#: Columns that hold no lead.
_CLOCKS = {"time", "t", "s", "seconds", "sample", "index", "unnamed: 0"}

#: Kinds of NumPy types that hold real numbers.
_NUMBERS = "iuf"

Columns = dict[str, np.ndarray[Any, Any]]


@register(
    "arrays",
    "plain numbers: CSV, NumPy and MATLAB files",
    endings=(".csv", ".txt", ".tsv", ".npy", ".mat"),
    in_folders=(),  # such a file in a folder may be anything
)
def read(path: Path, options: ReadOptions) -> Recording:
    """Read one lead of a table with a column for each lead, or of an array ``(samples, leads)``.

    Raises:
        DataError: the file has no numbers, or the sampling rate or unit is not given.
    """
    columns = _READ[path.suffix.lower()](path)
    rate = check_rate(options.sampling_rate, path)
    leads = list(columns)
    if not leads:
        raise DataError("the table has no column of a lead", file=path)
    lead = leads[choose_lead(leads, options.lead, path)]
    factor = millivolts_per(options.units, lead, path)
    positions, symbols, _ = named_annotations(options.annotations, path)
    return Recording(
        name=path.stem,
        patient=path.stem,
        signal=columns[lead].astype(np.float64) * factor,
        sampling_rate=rate,
        lead=lead,
        positions=positions,
        symbols=symbols,
        leads=tuple(leads),
    )


def _read_text(path: Path) -> Columns:
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig") as stream:
            first = stream.readline()
        mark = max(",;\t", key=first.count)
        cells = [cell.strip() for cell in first.split(mark)]
        named = not any(_is_number(cell) for cell in cells)
        names = cells if named else [str(number) for number in range(1, len(cells) + 1)]
        table = pd.read_csv(
            path, sep=mark, header=None, skiprows=int(named), names=names, skip_blank_lines=False,
            skipinitialspace=True, index_col=False,
        )  # fmt: skip
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"cannot be read as a table: {reason}", file=path) from error
    numbers = table.apply(pd.to_numeric, errors="coerce")
    wrong = (numbers.isna() & table.notna()).to_numpy()
    if wrong.any():
        row, column = (int(place) for place in np.argwhere(wrong)[0])
        raise DataError(
            f"found {shown(table.iat[row, column])} where a number belongs",
            file=path,
            row=row + 1 + named,
            column=column + 1,
        )
    values = numbers.to_numpy(np.float64)
    filled = np.flatnonzero(~np.isnan(values).all(axis=1))
    values = values[: filled.max(initial=-1) + 1]  # empty lines at the end are no samples
    columns = dict(zip(names, values.T, strict=True))
    return {name: values for name, values in columns.items() if name.lower() not in _CLOCKS}


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _read_npy(path: Path) -> Columns:
    try:
        return _by_lead(read_array(path), path)
    except (ValueError, OSError) as error:
        raise DataError(f"cannot be read as a NumPy array: {error}", file=path) from error


def _read_mat(path: Path) -> Columns:
    from scipy.io import loadmat

    with reading_as("a MAT file", path):
        try:
            # from memory: of a file, the library allocates as much as a damaged header asks for
            arrays = loadmat(BytesIO(read_input(path)))
        except NotImplementedError as error:
            raise DataError(
                "this is a MAT file of version 7.3; save it with -v7 in MATLAB", file=path
            ) from error
    numeric = [
        value
        for name, value in arrays.items()
        if not name.startswith("__") and np.asarray(value).dtype.kind in _NUMBERS
    ]
    if not numeric:
        raise DataError("the file holds no array of numbers", file=path)
    return _by_lead(max(numeric, key=lambda array: array.size), path)


def _by_lead(array: np.ndarray[Any, Any], path: Path) -> Columns:
    """An array's leads; time runs along its longer side."""
    array = np.atleast_1d(np.squeeze(array))
    if not array.size:
        raise DataError("the recording holds no samples", file=path)
    if array.ndim > 2 or array.dtype.kind not in _NUMBERS:
        raise DataError(
            f"found an array of {array.ndim} dimensions of {array.dtype}; valid: numbers as "
            "(samples,) or (samples, leads)",
            file=path,
        )
    rows = array[None] if array.ndim == 1 else array if len(array) < array.shape[1] else array.T
    return {str(number): row for number, row in enumerate(rows, 1)}


_READ = {
    ".csv": _read_text,
    ".txt": _read_text,
    ".tsv": _read_text,
    ".npy": _read_npy,
    ".mat": _read_mat,
}
