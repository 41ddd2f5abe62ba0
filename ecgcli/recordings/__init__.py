"""Recordings: a lead of ECG and its annotations, from a file of any known format.

The formats are in `ecgcli.recordings.formats`, the detectors of R peaks in
`ecgcli.recordings.detectors`: one file each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.classes import LABEL_OF_SYMBOL
from ecgcli.errors import DataError, is_utf8, shown
from ecgcli.inputs import is_parquet, is_pipe, missing, require_file
from ecgcli.recordings.annotations import place_annotations
from ecgcli.recordings.clock import Start
from ecgcli.recordings.filtering import without_drift
from ecgcli.recordings.formats import endings, format_of
from ecgcli.recordings.identity import files_of
from ecgcli.recordings.quality import filled
from ecgcli.recordings.rhythm_annotations import RhythmSpan

#: Hz. Below, a QRS complex is a few samples; above, the number is a mistake.
LOWEST_RATE, HIGHEST_RATE = 50.0, 20_000.0

#: The leads used by default, in this order; else the first of the file.
PREFERRED_LEADS = ("II", "MLII")

#: In place of a lead's name: beats are classified by all leads together.
ALL_LEADS = "all"

#: Chosen by measurement on 48 records; benchmarks/RESULTS.md has the table.
DEFAULT_DETECTOR = "envelope"

#: What separates a lead's name from such words.
_MARKS = " -_:."

_MILLIVOLTS = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "v": 1e3, "nv": 1e-6}


@dataclass(frozen=True)
class Recording:
    """A lead of ECG from one patient.

    Attributes:
        name: the record's name.
        patient: the patient it is from; equal for recordings of one person.
        signal: ``(samples,)`` float64 in mV; NaN where nothing was recorded.
        sampling_rate: Hz.
        lead: the lead's name.
        positions: ``(annotations,)`` the sample of each annotation, ascending;
            beats at their R peak, between samples when detected.
        symbols: the annotations' WFDB symbols.
        rhythms: its annotated rhythms, one after the other; empty where none are annotated.
        copy: how it was altered, for an altered copy of a recording to train on
            (such as ``inverted``); empty for a recording as recorded.
        notes: remarks on the reading of the file, for readers of the results.
        leads: the names of all leads of its file, in its order; a lead's number is its place.
        start: when the first sample was recorded, on the recorder's clock; a time where the file
            states no date, None where it states neither.
    """

    name: str
    patient: str
    signal: NDArray[np.float64]
    sampling_rate: float
    lead: str
    positions: NDArray[np.float64]
    symbols: tuple[str, ...]
    rhythms: tuple[RhythmSpan, ...] = ()
    copy: str = ""
    notes: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    start: Start = None

    @cached_property
    def filled(self) -> NDArray[np.float64]:
        """The signal without gaps: straight lines where nothing was recorded."""
        return filled(self.signal)

    @cached_property
    def drift_free(self) -> NDArray[np.float64]:
        """The signal without gaps and without the wander of its baseline."""
        return without_drift(self.filled, self.sampling_rate)

    @property
    def seconds(self) -> float:
        """Its length in seconds."""
        return len(self.signal) / self.sampling_rate

    @property
    def annotated(self) -> bool:
        """Whether its positions are annotations, and not R peaks that were detected."""
        return len(self.symbols) > 0

    @property
    def is_beat(self) -> NDArray[np.bool_]:
        """Which of the positions mark a beat; ``(annotations,)``."""
        if not self.annotated:
            return np.ones(len(self.positions), bool)
        return np.array([symbol in LABEL_OF_SYMBOL for symbol in self.symbols])

    @property
    def beat_positions(self) -> NDArray[np.float64]:
        """The samples of the R peaks, ``(beats,)``."""
        return self.positions[self.is_beat]


@dataclass(frozen=True)
class ReadOptions:
    """Options of reading a recording: what its file does not state, and the source of its beats.

    Attributes:
        lead: a lead's name, its number from 0, or None for `PREFERRED_LEADS`; with `ALL_LEADS`
            beats are found in the preferred lead and classified by all.
        sampling_rate: in Hz, for files that do not state it (or state it wrongly).
        units: of files that do not state them (or state them wrongly).
        annotations: ``auto`` (those beside the record when there are any), ``none``,
            an annotator such as ``atr``, or the path of a WFDB annotation file.
        detector: finds the R peaks if none are annotated; see `ecgcli.recordings.detectors`.
        ignore_checksums: read a file whose checksum is not that of its contents, with a note,
            instead of refusing it.
    """

    lead: str | int | None = None
    sampling_rate: float | None = None
    units: str | None = None
    annotations: str = "auto"
    detector: str = DEFAULT_DETECTOR
    ignore_checksums: bool = False


#: Everything is read as the file states it.
NO_OPTIONS = ReadOptions()

#: Paths of open files, such as standard input and what a shell passes for ``<(command)``.
_DESCRIPTORS = ("/dev/stdin", "/dev/fd/")


def is_recording(place: str, sampling_rate: float | None) -> bool:
    """Whether a path is a recording and not beats: a CSV is one when its rate is given.

    Standard input and pipes hold beats, and so do parquet files and folders of them.
    """
    if place == "-" or place.startswith(_DESCRIPTORS) or is_pipe(Path(place)) or is_parquet(place):
        return False
    beats = place.lower().endswith((".csv", ".csv.gz", ".txt", ".tsv"))
    return not beats or sampling_rate is not None


def read_recording(
    path: Path, options: ReadOptions = NO_OPTIONS, patient: str = "", name: str = ""
) -> Recording:
    """Read a recording by the reader for its name's ending.

    Args:
        path: of the file; a WFDB record may be named without ending.
        options: for what the file may not state.
        patient: the patient it is from; the record's name when not given.
        name: the record's name, where that of the file is not enough.

    Raises:
        DataError: no such file, no such format, lead, unit or sampling rate, or
            contents that are not valid.
    """
    if not is_utf8(str(path)):
        raise DataError("its name is not UTF-8, so results could not name it; rename it", file=path)
    try:
        exists = path.exists()
    except OSError as error:  # a name that is too long
        raise DataError(f"cannot be read: {error.strerror}", file=path) from error
    ending = path.suffix.lower()
    if not exists and path.with_name(path.name + ".hea").exists():
        ending = ".hea"
    elif path.is_dir():
        raise DataError("this is a folder; name a recording in it", file=path)
    elif not exists:
        raise missing(path)
    recording_format = format_of(ending)
    if recording_format is None:
        valid = f"valid: {', '.join(filter(None, endings()))}"
        problem = (
            "a zip archive is not read; unpack it first"
            if ending == ".zip"
            else f"recordings whose name ends in {ending} are not read; {valid}"
        )
        raise DataError(problem, file=path)
    _require_files(path, options.annotations)
    recording = recording_format.read(path, options)
    if not len(recording.signal):
        raise DataError("the recording holds no samples", file=path)
    if (infinite := np.isinf(recording.signal)).any():
        raise DataError(f"sample {int(infinite.argmax())} is infinite", file=path)
    positions, symbols, notes = place_annotations(
        recording.positions,
        recording.symbols,
        len(recording.signal),
        recording.sampling_rate,
        path,
    )
    return replace(
        recording,
        name=name or recording.name,
        patient=patient or name or recording.name,
        positions=positions,
        symbols=symbols,
        notes=(*recording.notes, *notes),
    )


def _require_files(path: Path, annotations: str) -> None:
    """Refuse a recording of which a part is a pipe or a device, which would never end."""
    try:
        for file in files_of(path, annotations):
            if file.exists():
                require_file(file)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=error.filename) from error


def choose_lead(leads: Sequence[str], lead: str | int | None, path: Path) -> int:
    """The number of the lead to read.

    Raises:
        DataError: there is no lead of that name.
    """
    if isinstance(lead, int):
        return lead
    plain = [plain_lead(name) for name in leads]
    if lead is not None and lead != ALL_LEADS:
        if plain_lead(lead) not in plain:
            raise DataError(f"there is no lead {lead}; valid: {', '.join(leads)}", file=path)
        return plain.index(plain_lead(lead))
    return next((plain.index(name) for name in PREFERRED_LEADS if name in plain), 0)


def check_checksum(fits: bool, problem: str, path: Path, options: ReadOptions) -> tuple[str, ...]:
    """Refuse a file whose checksum does not fit, or return the note that says so.

    Args:
        fits: whether the checksum is that of the contents.
        problem: what is wrong if it is not.
        path: of the file.
        options: whether checksums are ignored.

    Raises:
        DataError: it does not fit, and checksums are not ignored.
    """
    if fits:
        return ()
    if options.ignore_checksums:
        return (f"{problem}; read nevertheless (--ignore-checksums)",)
    advice = "fetch it again, or read it as it is with --ignore-checksums"
    raise DataError(f"{problem}; {advice}", file=path)


def check_rate(rate: float | None, path: Path) -> float:
    """The sampling rate, if it is valid.

    Raises:
        DataError: it is missing or not possible for an ECG.
    """
    if rate is None:
        raise DataError("the file does not state its sampling rate; give it with --fs", file=path)
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise DataError(
            f"found a sampling rate of {rate:g} Hz; valid for an ECG: "
            f"{LOWEST_RATE:g} to {HIGHEST_RATE:g} Hz; give the right one with --fs",
            file=path,
        )
    return float(rate)


def overruled(options: ReadOptions, rate: float | None, unit: str | None) -> tuple[str, ...]:
    """Notes on what the options say otherwise than the file.

    Args:
        options: of reading; what they say is used.
        rate: the sampling rate that the file states, in Hz.
        unit: the unit that it states.
    """
    notes = []
    if options.sampling_rate and rate and options.sampling_rate != rate:
        notes.append(f"the file states {rate:g} Hz; --fs {options.sampling_rate:g} is used")
    factors = [_MILLIVOLTS.get(text.strip().lower()) for text in (options.units or "", unit or "")]
    if options.units and unit and factors[0] != factors[1]:
        notes.append(
            f"the file states the unit {shown(unit.strip())}; --units {options.units} is used"
        )
    return tuple(notes)


def millivolts_per(unit: str | None, lead: str, path: Path) -> float:
    """The factor that converts a unit to mV.

    Raises:
        DataError: the unit is missing or is not a unit of voltage.
    """
    if not unit or not unit.strip():
        raise DataError(
            f"the unit of lead {lead} is not stated; give it with --units (mV, uV, V)", file=path
        )
    factor = _MILLIVOLTS.get(unit.strip().lower())
    if factor is None:
        raise DataError(
            f"lead {lead} is in {shown(unit.strip())}; valid: mV, uV, V; if it is an ECG "
            "nevertheless, give its unit with --units",
            file=path,
        )
    return factor


def plain_lead(lead: str) -> str:
    """A lead's name without case and the words some devices put before or after it."""
    plain = lead.upper().strip(_MARKS)
    for word in ("ECG", "EKG", "LEAD"):
        plain = plain.removeprefix(word).removesuffix(word).strip(_MARKS)
    return plain
