"""Second, independent readers: what a command accepted must be what they read too.

Each compares what ``ecg`` reads from a file with what another program reads: the csv module,
pyEDFlib, or a few lines written from the description of the format. It returns what
differs, or None; it raises `Unreadable` where it cannot read what ``ecg`` accepted.
"""

from __future__ import annotations

import ast
import csv
import gzip
import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.recordings import ReadOptions, read_recording

#: What the material is: (options of reading, rate in Hz).
_UNSTATED = ReadOptions(sampling_rate=250.0, units="mV")

Signal = NDArray[np.float64]


class Unreadable(Exception):
    """The second reader cannot read the file."""


def beats(file: Path, material: Path) -> str | None:  # noqa: ARG001
    """The samples and classes of a beats CSV, by the csv module."""
    from ecgcli.beats.reader import BeatsReader

    with BeatsReader(file, normalize=True) as reader:
        layout = reader.layout
    data = file.read_bytes()
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    rows = list(csv.reader(lines, delimiter=layout.delimiter))
    if layout.header and not _names_columns(rows.pop(0)):
        return "a row of numbers was taken for a header"
    values = np.array([[_number(cell, layout.decimal) for cell in row] for row in rows])
    values = values[:, layout.index :]
    wide = np.abs(values[:, :187]).max() > 1
    with BeatsReader(file, normalize=wide) as reader:
        blocks = list(reader)
    ours = np.concatenate([block.samples for block in blocks])
    if len(ours) != len(values):
        return f"{len(ours)} beats where the file has {len(values)} rows"
    if not wide and not np.allclose(ours, values[:, :187], rtol=1e-6, atol=1e-30):
        return "other samples"
    labels = [block.labels for block in blocks if block.labels is not None]
    if layout.labelled and not np.array_equal(np.concatenate(labels), values[:, 187]):
        return "other classes"
    return None


def _names_columns(cells: list[str]) -> bool:
    """Whether most of them are no numbers, or they count."""
    counted = [cell.strip() for cell in cells[-180:]]
    if all(cell.isdigit() for cell in counted):
        return counted == [str(int(counted[0]) + n) for n in range(len(counted))]
    return sum(not _is_number(cell) for cell in cells) > len(cells) / 2


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(cell: str, decimal: str) -> float:
    try:
        return float(cell.replace(decimal, "."))
    except ValueError as error:
        raise Unreadable(f"{cell[:20]!r} is no number") from error


def parquet(file: Path, material: Path) -> str | None:
    """Samples, classes and information of beats, by pyarrow; they are those before the damage."""
    from ecgcli.beats import read_beats, read_info

    folder = file.parent.name == "shards"
    source, name = (file.parent, "shards") if folder else (file, "beats.parquet")
    ours, info = read_beats(source), read_info(source)
    theirs, before = _parquet_table(source), _parquet_table(material / name)
    if not np.allclose(ours.samples, theirs.pop("samples") / (1 if folder else 255)):
        return "other samples"
    if ours.labels is None or not np.array_equal(ours.labels, theirs.pop("label")):
        return "other classes"
    if ours.context is None or not np.array_equal(ours.context, theirs.pop("context")):
        return "another context"
    if info is None or any(info[column].tolist() != theirs[column].tolist() for column in theirs):
        return "other information"
    if not np.allclose(ours.samples, before["samples"] / (1 if folder else 255)):
        return "other samples than before the damage"
    return None if np.array_equal(ours.labels, before["label"]) else "other classes than before"


def _parquet_table(source: Path) -> dict[str, NDArray[Any]]:
    """The columns of a file or of a folder of files."""
    import pyarrow as pa
    import pyarrow.parquet as papq

    paths = sorted(source.glob("part-*")) if source.is_dir() else [source]
    tables = [papq.read_table(path, partitioning=None) for path in paths]
    columns = pa.concat_tables(tables).to_pydict()
    return {name: np.array(values) for name, values in columns.items()}


def sidecar(file: Path, material: Path) -> str | None:  # noqa: ARG001
    """Record, patient and times of each row, by the csv module."""
    from ecgcli.beats import read_info

    info = read_info(file.with_name("beats.csv"))
    assert info is not None
    with file.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if any(row.values())]
    if len(rows) != len(info):
        return f"{len(info)} rows where the file has {len(rows)}"
    for name in ("record", "patient", "symbol"):
        texts = [re.sub("^'(?='*[=+@\\s-])", "", row[name]) for row in rows]
        if info[name].tolist() != texts:
            return f"another {name}"
    times = [_number(row["time"] or "nan", ".") for row in rows]
    return None if np.allclose(info["time"], times, equal_nan=True) else "other times"


def wfdb(file: Path, material: Path) -> str | None:  # noqa: ARG001
    """A lead and the annotations of a WFDB record of format 16 or 212, from signal(5), annot(5)."""
    record = file.with_suffix(".hea")
    ours = read_recording(record)
    lines = [line.split() for line in record.read_text("utf-8", "replace").splitlines()]
    first, *leads = [line for line in lines if line and not line[0].startswith("#")]
    names = [" ".join(line[8:]) for line in leads]
    if ours.lead not in names:
        raise Unreadable("no such lead")
    number, count = names.index(ours.lead), int(first[1])
    data_file, form, gain = leads[number][:3]
    digits = _words(record.with_name(data_file).read_bytes(), form)
    digits = digits[: len(digits) // count * count].reshape(-1, count)
    stated = int(first[3]) if len(first) > 3 else 0  # which is not stated
    digits = digits[:stated] if stated > 0 else digits
    scale, _, unit = gain.partition("/")
    factor, _, baseline = scale.partition("(")
    offset = baseline.removesuffix(")") or leads[number][4]
    try:
        signal = (digits[:, number] - int(offset)) / (float(factor) or 200.0)
        signal = signal * {"mV": 1.0, "": 1.0, "uV": 1e-3, "V": 1e3}[unit]
    except (ValueError, KeyError) as error:
        raise Unreadable(str(error)) from error
    signal[digits[:, number] == (-32768 if form == "16" else -2048)] = np.nan
    if differs := _differs(ours.signal, signal):
        return differs
    if float(first[2]) != ours.sampling_rate:
        return "another sampling rate"
    positions = _annotated(record.with_suffix(".atr").read_bytes())
    shared = np.isin(ours.positions, positions)
    return None if shared.all() else "annotations elsewhere"


def _words(data: bytes, form: str) -> NDArray[np.int64]:
    """The samples of a signal file of format 16 or 212."""
    if form == "16":
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int64)
    if form != "212":
        raise Unreadable(f"format {form}")
    triples = np.frombuffer(data[: len(data) // 3 * 3], np.uint8).reshape(-1, 3).astype(np.int64)
    low = triples[:, 0] | (triples[:, 1] & 15) << 8
    high = triples[:, 2] | (triples[:, 1] >> 4) << 8
    pairs = np.stack([low, high], axis=1).ravel()
    return np.where(pairs > 2047, pairs - 4096, pairs)


def _annotated(data: bytes) -> list[int]:
    """The sample of each annotation of an annotation file."""
    words = np.frombuffer(data[: len(data) // 2 * 2], "<u2").tolist()
    positions, now, at = [], 0, 0
    while at < len(words) and words[at]:
        code, distance = words[at] >> 10, words[at] & 1023
        at += 1
        if code == 59:  # a distance of 32 bits, the high word first
            jump = words[at] << 16 | words[at + 1] if at + 1 < len(words) else 0
            now += jump - (1 << 32) * (jump >> 31)
            at += 2
        elif code == 63:  # a text of so many bytes
            at += (distance + 1) // 2
        elif code < 60:  # codes without a meaning count as well
            now += distance
            positions.append(now)
    return positions


def edf(file: Path, material: Path) -> str | None:  # noqa: ARG001
    """A signal of an EDF or BDF file, by pyEDFlib."""
    import pyedflib

    ours = read_recording(file)
    try:
        with pyedflib.EdfReader(str(file)) as reader:
            labels = [label.strip() for label in reader.getSignalLabels()]
            number = labels.index(ours.lead)
            signal = reader.readSignal(number)
            unit = reader.getPhysicalDimension(number).strip().lower()
            rate = reader.getSampleFrequency(number)
    except (OSError, ValueError, RuntimeError) as error:
        raise Unreadable(str(error)) from error
    factor = {"mv": 1.0, "uv": 1e-3, "v": 1e3, "nv": 1e-6}.get(unit)
    if factor is None:
        raise Unreadable(f"unit {unit}")
    if not np.isclose(rate, ours.sampling_rate):
        return "another sampling rate"
    if any("data records" in note for note in ours.notes):  # the file has more than it states
        return _differs(ours.signal[: len(signal)], (signal * factor)[: len(ours.signal)])
    return _differs(ours.signal, signal * factor)


def ishne(file: Path, material: Path) -> str | None:  # noqa: ARG001
    """A lead of an ISHNE file, field by field from the specification."""
    ours, data = read_recording(file), file.read_bytes()
    (begin,) = struct.unpack_from("<i", data, 22)
    (leads,) = struct.unpack_from("<h", data, 156)
    codes = struct.unpack_from(f"<{leads}h", data, 158)
    resolutions = struct.unpack_from(f"<{leads}h", data, 206)
    (rate,) = struct.unpack_from("<h", data, 272)
    number = ours.leads.index(ours.lead)
    if ours.lead == "II" and codes[number] != 6:
        return "another lead"
    if rate != ours.sampling_rate:
        return "another sampling rate"
    steps = np.array([step for (step,) in struct.iter_unpack("<h", data[begin:])])
    return _differs(ours.signal, steps[number::leads] * resolutions[number] / 1e6)


def dicom(file: Path, material: Path) -> str | None:  # noqa: ARG001
    """A lead of a DICOM file: what pydicom decodes, scaled here."""
    import pydicom

    ours = read_recording(file)
    group = pydicom.dcmread(file).WaveformSequence[0]
    channels = group.ChannelDefinitionSequence
    number = ours.leads.index(ours.lead)
    channel = channels[number]
    steps = np.frombuffer(group.WaveformData, "<i2")[number :: len(channels)].astype(np.float64)
    steps = steps[: int(group.NumberOfWaveformSamples)]
    unit = channel.ChannelSensitivityUnitsSequence[0].CodeValue
    factor = {"uV": 1e-3, "mV": 1.0, "V": 1e3}.get(unit)
    if factor is None or group.WaveformBitsAllocated != 16:
        raise Unreadable(f"unit {unit}, {group.WaveformBitsAllocated} bits")
    if float(group.SamplingFrequency) != ours.sampling_rate:
        return "another sampling rate"
    scale = float(channel.ChannelSensitivity) * float(
        channel.get("ChannelSensitivityCorrectionFactor") or 1
    )
    return _differs(
        ours.signal, (steps * scale + float(channel.get("ChannelBaseline") or 0)) * factor
    )


def npy(file: Path, material: Path) -> str | None:  # noqa: ARG001
    """The first lead of an array, from the description of the format."""
    ours = read_recording(file, _UNSTATED)
    data = file.read_bytes()
    length = int.from_bytes(data[8:10], "little")
    header = ast.literal_eval(data[10 : 10 + length].decode("latin-1"))
    shape, order = header["shape"], "F" if header["fortran_order"] else "C"
    array = np.ndarray(shape, header["descr"], data[10 + length :], order=order).squeeze()
    return _differs(ours.signal, _longest(array))


def mat(file: Path, material: Path) -> str | None:
    """The lead of the undamaged file, where the array is of the same size."""
    ours = read_recording(file, _UNSTATED)
    truth = np.load(material / "lead.npy")[:, 0]
    if len(ours.signal) != len(truth):
        return f"{len(ours.signal)} samples where the file had {len(truth)}"
    different = int((~np.isclose(ours.signal, truth)).sum())
    if different:
        raise Unreadable(f"{different} samples differ from those before the damage")
    return None


def text(file: Path, material: Path) -> str | None:  # noqa: ARG001
    """A lead of a CSV, by the csv module."""
    ours = read_recording(file, _UNSTATED)
    content = file.read_text(encoding="utf-8-sig")
    mark = max(",;\t", key=content.partition("\n")[0].count)
    rows = list(csv.reader(content.split("\n"), delimiter=mark))
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    first = [cell.strip() for cell in rows[0]]
    named = not any(_is_number(cell) for cell in first)
    names = first if named else [str(number) for number in range(1, len(first) + 1)]
    column = names.index(ours.lead)
    values = [row[column] if column < len(row) else "" for row in rows[named:]]
    return _differs(ours.signal, np.array([_number(cell or "nan", ".") for cell in values]))


def _longest(array: Any) -> Signal:
    if array.ndim == 1:
        return np.asarray(array, np.float64)
    return np.asarray(array[:, 0] if len(array) >= array.shape[1] else array[0], np.float64)


def _differs(ours: Signal, theirs: Signal) -> str | None:
    if len(ours) != len(theirs):
        return f"{len(ours)} samples where the other reader finds {len(theirs)}"
    with np.errstate(invalid="ignore"):
        same = np.isclose(ours, theirs, rtol=1e-6, atol=1e-9, equal_nan=True)
    if same.all():
        return None
    where = int(np.argmin(same))
    return f"sample {where} is {ours[where]!r}, by the other reader {theirs[where]!r}"


def predictions(file: Path, material: Path) -> str | None:
    """A damaged model that is accepted predicts what it did before."""
    name = "predictions.csv" if file.parent.name == "run" else "knn.csv"
    before, out = material / name, file.parents[file.parent.name == "run"] / "out.csv"
    if not out.exists() or out.read_text().startswith("an earlier"):
        return None
    return None if out.read_bytes() == before.read_bytes() else "other predictions than before"


def results(file: Path, material: Path) -> str | None:
    """Results that are made again are those of before."""
    same = (file.parent / "rec.csv").read_bytes() == (material / "results/rec.csv").read_bytes()
    return None if same else "another table than before"


def about_all(file: Path, material: Path) -> str | None:
    """The files about all recordings are made again, whatever they were."""
    import pyarrow.parquet as papq

    folder, before = file.parent, material / "results"
    for name in ("summary.json", "failures.csv", "rec.csv"):
        if (folder / name).read_bytes() != (before / name).read_bytes():
            return f"another {name}"
    ours, theirs = (papq.read_table(place / "cohort.parquet") for place in (folder, before))
    timed = "processing_seconds"
    if not ours.drop_columns(timed).equals(theirs.drop_columns(timed)):
        return "another cohort.parquet"
    return None


def review(file: Path, material: Path) -> str | None:  # noqa: ARG001
    """The beats that were given a class have it, by the csv module."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        answers = [row for row in csv.DictReader(stream) if any(row.values())]
    if any(row["action"] == "undo" for row in answers):
        raise Unreadable("answers that are taken back")
    moved = [float(row["time"]) for row in answers if row["action"] == "move"]
    with file.with_name("lead.reviewed.csv").open(newline="") as stream:
        given = {float(row["time"]): row["class"] for row in csv.DictReader(stream)}
    classes = {
        min(given, key=lambda beat: abs(beat - time)): row["class"]
        for row in answers
        if row["action"] in ("", "class", "add")
        for time in map(float, row["time"].split())
        if all(abs(time - place) > 0.3 for place in moved)
    }
    different = [time for time, letter in classes.items() if given[time] != letter]
    return f"another class at {different[0]} s" if different else None


def confusion(file: Path, material: Path, stdout: str = "") -> str | None:
    """The matrix of a table of predictions, by the csv module."""
    with file.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.reader(stream) if row]
    place = [cell.strip() for cell in rows[0]].index("class")
    labels = [int(line.rpartition(",")[2]) for line in (material / "beats.csv").read_text().split()]
    matrix = np.zeros((5, 5), int)
    for label, row in zip(labels, rows[1:], strict=True):
        if row[place] != "?":
            matrix[label, "NSVFQ".index(row[place])] += 1
    ours = json.loads(stdout)["confusion_matrix"]
    return None if ours == matrix.tolist() else f"another matrix: {ours}"


READERS: dict[str, Callable[..., str | None]] = {
    reader.__name__: reader
    for reader in (
        beats,
        parquet,
        sidecar,
        wfdb,
        edf,
        ishne,
        dicom,
        npy,
        mat,
        text,
        predictions,
        results,
        about_all,
        review,
        confusion,
    )
}
