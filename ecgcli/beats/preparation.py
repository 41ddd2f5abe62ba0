"""Recording files -> beats: read, find R peaks, skip stretches without ECG, cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ecgcli.beats import Beats
from ecgcli.beats.context import with_context
from ecgcli.beats.segmentation import cut_beats
from ecgcli.cores import thread_count
from ecgcli.errors import EcgError
from ecgcli.parallel import in_order
from ecgcli.recordings import (
    ALL_LEADS,
    NO_OPTIONS,
    PREFERRED_LEADS,
    ReadOptions,
    Recording,
    plain_lead,
    read_recording,
)
from ecgcli.recordings.clock import Start
from ecgcli.recordings.databases import database_of
from ecgcli.recordings.missed import may_miss_a_beat
from ecgcli.recordings.peaks import points_down, with_beats_of, with_known_beats
from ecgcli.recordings.quality import Stretch, unusable
from ecgcli.recordings.search import distinct_names
from ecgcli.wording import counted


@dataclass(frozen=True)
class Prepared:
    """A recording's beats and what there is to say about it.

    ``peaks`` are the R peaks of all beats, cut or not, in seconds; ``skipped`` is the
    number of beats left out because no ECG was recorded under them or nothing follows
    them; ``unusable`` are the stretches without ECG, from and to, in seconds; ``missed``
    are the intervals between the peaks in which a beat may have been missed.
    """

    path: Path
    name: str
    beats: Beats
    sampling_rate: float
    seconds: float
    peaks: np.ndarray[tuple[int], np.dtype[np.float64]]
    skipped: int
    unusable: tuple[tuple[float, float], ...]
    notes: tuple[str, ...]
    missed: np.ndarray[tuple[int], np.dtype[np.bool_]]
    #: Whether the R peaks are annotations, and not found by a detector.
    annotated: bool
    #: The same beats in each other lead; empty where one lead is read.
    others: tuple[Beats, ...] = ()
    #: When the recording began; see `Recording`.
    start: Start = None


@dataclass(frozen=True)
class Failure:
    """A recording that could not be read, and why."""

    path: Path
    reason: str


def prepare_recording(
    path: Path,
    options: ReadOptions = NO_OPTIONS,
    *,
    patient: str = "",
    name: str = "",
    context: bool = False,
) -> Prepared:
    """Read a recording and cut its beats; see `read_recording` and `prepare`.

    Raises:
        DataError: the recording cannot be read.
        ConfigError: there is no such detector.
    """
    recording = read_recording(path, options, patient, name)
    return prepare(recording, path, options, context=context)


def prepare(
    recording: Recording,
    path: Path,
    options: ReadOptions = NO_OPTIONS,
    others: Sequence[Recording] = (),
    *,
    context: bool = False,
    to_the_end: bool = False,
    samples: bool = True,
) -> Prepared:
    """Cut the beats of a recording that was read from ``path`` by ``options``.

    The beats are those annotated, else those the detector finds; with ``context``
    they have the features of each beat relative to its recording. The same beats are
    cut from ``others``, which are leads of the same length. For ``to_the_end`` and ``samples``
    see `cut_beats`.

    Raises:
        DataError: R peaks cannot be found in it.
        ConfigError: there is no such detector.
    """
    rate = recording.sampling_rate
    stretches = unusable(recording.signal, rate)
    notes = [
        *recording.notes,
        *_lead_note(recording, options),
        *_quality_notes(recording, stretches),
    ]
    if others:
        leads = ", ".join(lead.lead for lead in (recording, *others))
        notes.append(f"classified by {counted(len(others) + 1, 'lead')} together: {leads}")
    annotated = recording.annotated
    if not annotated:
        recording = with_known_beats(recording, options.detector, path, stretches)
        count = len(recording.positions)
        notes.append(
            f"{counted(count, 'R peak')} detected ({options.detector}); no beat has an annotated "
            "class"
        )
    peaks = recording.beat_positions / rate
    cut_lead = partial(_cut, context=context, to_the_end=to_the_end, samples=samples)
    with ThreadPoolExecutor(thread_count()) as threads:
        cut = threads.submit(cut_lead, recording, stretches)
        inverted = threads.submit(points_down, recording, peaks) if len(peaks) > 10 else None
        missed = threads.submit(may_miss_a_beat, recording, peaks)
    beats = cut.result()
    if inverted is not None and inverted.result():
        notes.append(f"lead {recording.lead} looks inverted: most QRS complexes point down")
    return Prepared(
        path=path,
        name=recording.name,
        beats=beats,
        sampling_rate=recording.sampling_rate,
        seconds=recording.seconds,
        peaks=peaks,
        skipped=len(peaks) - len(beats),
        unusable=tuple(
            (stretch.start / recording.sampling_rate, stretch.stop / recording.sampling_rate)
            for stretch in stretches
        ),
        notes=tuple(notes),
        missed=missed.result(),
        annotated=annotated,
        others=tuple(
            cut_lead(with_beats_of(other, recording), unusable(other.signal, rate))
            for other in others
        ),
        start=recording.start,
    )


def _cut(
    recording: Recording,
    stretches: list[Stretch],
    *,
    context: bool,
    to_the_end: bool,
    samples: bool,
) -> Beats:
    beats = cut_beats(recording, skip=stretches, to_the_end=to_the_end, samples=samples)
    return with_context(recording, beats) if context else beats


def prepare_many(
    paths: Sequence[Path],
    options: ReadOptions = NO_OPTIONS,
    *,
    jobs: int = 1,
    context: bool = False,
) -> Generator[Prepared | Failure, None, None]:
    """`prepare_recording` for each path, in order, on ``jobs`` processes; errors are results."""
    names, patients = distinct_names(paths), patients_of(paths)
    items = [(path, names.get(path, ""), patients[path]) for path in paths]
    return in_order(partial(_prepare_or_fail, options=options, context=context), items, jobs)


def _prepare_or_fail(
    item: tuple[Path, str, str], options: ReadOptions, context: bool
) -> Prepared | Failure:
    """Prepare a recording, given with its name and its patient."""
    path, name, patient = item
    try:
        return prepare_recording(path, options, patient=patient, name=name, context=context)
    except EcgError as error:
        return Failure(path, str(error))


def patients_of(paths: Sequence[Path]) -> dict[Path, str]:
    """The patient of each recording: known for records of `DATABASES`, else one patient for each.

    Names such as 100 count as records only where all names are: otherwise they are the user's own.
    """
    databases = {path: database_of(path.stem) for path in paths}
    patients = {path: base.patient_of(path.stem) for path, base in databases.items() if base}
    if len(patients) == len(databases):
        return patients
    return {path: path.stem for path in paths} | distinct_names(paths)


def _lead_note(recording: Recording, options: ReadOptions) -> list[str]:
    if options.lead not in (None, ALL_LEADS) or plain_lead(recording.lead) in PREFERRED_LEADS:
        return []
    return [f"no lead {' or '.join(PREFERRED_LEADS)}; read lead {recording.lead}"]


def _quality_notes(recording: Recording, stretches: list[Stretch]) -> list[str]:
    if not stretches:
        return []
    reasons = Counter(stretch.reason for stretch in stretches)
    seconds = sum(s.stop - s.start for s in stretches) / recording.sampling_rate
    summary = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
    notes = [f"{seconds:.1f} s without ECG skipped ({summary})"]
    if len(recording.leads) > 1 and seconds > len(recording.signal) / recording.sampling_rate / 2:
        notes.append(
            f"lead {recording.lead} has no ECG for most of the time; valid for --lead: "
            f"{', '.join(recording.leads)}, or all"
        )
    return notes
