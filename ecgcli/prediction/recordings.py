"""Checkpoint and recordings -> classes with times, and a description of the rhythm."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ecgcli.arrays import Probabilities
from ecgcli.beats.preparation import Prepared
from ecgcli.choices import TableFormat
from ecgcli.classes import AAMI_CLASSES, ABSTAINED
from ecgcli.errors import ConfigError, DataError
from ecgcli.fibrillation import AFIB, OTHER, UNKNOWN, AtrialRhythm
from ecgcli.fibrillation.model import bundled_model
from ecgcli.files import atomic_write
from ecgcli.guard import MARK
from ecgcli.prediction import Classifier
from ecgcli.prediction.beats import check_probability, labels_for, table_of, table_writer
from ecgcli.prediction.leads import prepare_for, probabilities_of
from ecgcli.recordings import NO_OPTIONS, ReadOptions
from ecgcli.recordings.annotated_rhythm import VENTRICULAR
from ecgcli.recordings.annotation_file import annotation_bytes
from ecgcli.recordings.clock import Start, clock_time, clock_times
from ecgcli.recordings.leads import read_chosen_leads
from ecgcli.recordings.periods import by_period
from ecgcli.recordings.rhythm import Rhythm, describe_rhythm, rr_intervals
from ecgcli.recordings.rhythm_annotations import FIBRILLATION, NORMAL, RHYTHM_SYMBOL
from ecgcli.recordings.variability import heart_rate_variability, limits
from ecgcli.schema import versioned

#: Seconds.
HOUR = 3600.0

#: The share of Q beats beyond which a note says what they may be.
_MANY = 0.1

#: The formats of a recording's predictions; wfdb is an annotation file.
RecordingFormat = TableFormat | Literal["wfdb"]

#: The rhythm annotation of each rhythm; WFDB has none for an unknown rhythm.
_RHYTHM_TEXT = {AFIB: FIBRILLATION, OTHER: NORMAL, UNKNOWN: "(U"}

ENDINGS: dict[RecordingFormat, str] = {
    "csv": ".csv", "json": ".json", "parquet": ".parquet", "wfdb": ".ecg",
}  # fmt: skip


@dataclass(frozen=True)
class Classified:
    """The beats of a recording and their classes.

    ``times`` (s), ``probabilities``, ``labels`` and ``rhythms`` (see `AtrialRhythm`) belong to the
    beats that could be cut, as do ``intervals``, the RR intervals (s) that end with them, NaN for
    the first beat and after gaps; the label is one past the last class where the model abstained.
    ``peaks`` (s), ``kinds`` (class names) and ``atrial`` belong to all beats; the kind is empty
    where a beat has no class. ``missed`` are the intervals between the peaks in which a beat may
    have been missed.
    """

    path: Path
    name: str
    sampling_rate: float
    seconds: float
    classes: tuple[str, ...]
    times: NDArray[np.float64]
    intervals: NDArray[np.float64]
    probabilities: Probabilities
    labels: NDArray[np.intp]
    rhythms: NDArray[np.str_]
    peaks: NDArray[np.float64]
    kinds: NDArray[np.str_]
    atrial: AtrialRhythm
    unusable: tuple[tuple[float, float], ...]
    notes: tuple[str, ...]
    missed: NDArray[np.bool_]
    #: Whether the R peaks are annotations, and not found by a detector.
    annotated: bool
    #: When the recording began; see `Recording`.
    start: Start = None

    def table(self) -> pa.Table:
        """A row for each beat cut.

        Its columns are the number, the time of the R peak (s), the class, the probabilities, the
        rhythm, the RR interval (s) that ends at the peak and, where the recording states its
        start, the clock time.
        """
        before = {"time": pa.array(self.times.round(4))}
        after = {
            "rhythm": pa.array(self.rhythms.astype(object), pa.string(), self.rhythms == ""),
            "rr": pa.array(self.intervals.round(4), from_pandas=True),
        }
        if self.start is not None:
            after["clock"] = pa.array(
                clock_times(self.start, self.times).astype(object), pa.string()
            )
        return table_of(self.probabilities, self.labels, self.classes, before=before, after=after)

    @property
    def abstained(self) -> int:
        """The number of beats without a class because no probability was high enough."""
        return int((self.labels == len(self.classes)).sum())

    def rhythm(self) -> Rhythm:
        """The rhythm of all beats."""
        without = sum(stop - start for start, stop in self.unusable)
        return describe_rhythm(
            self.peaks, self.kinds, self.classes, self.seconds, without, self.missed
        )

    def summary(self) -> dict[str, Any]:
        """The rhythm and the notes as a document of plain values.

        Where the recording states its start, whatever begins at a time has its clock time too.
        """
        return dict(self._summary)

    @cached_property
    def _summary(self) -> dict[str, Any]:
        """`summary`, computed once for all that print, write and show it."""
        facts = {
            "recording": self.name,
            "start": None if self.start is None else self.start.isoformat(),
            "notes": list(self.notes),
            "r_peaks": "annotated" if self.annotated else "detected",
            "abstained": self.abstained,
        }
        rhythm, fibrillation = asdict(self.rhythm()), self.atrial.summary(self.sampling_rate)
        hours = self.hours()
        if self.start is not None:
            for begun in (*rhythm["runs"], *fibrillation["episodes"], *hours):
                begun["clock"] = clock_time(self.start, begun["start"])
            if (at := rhythm["longest_rr_at"]) is not None:
                rhythm["longest_rr_clock"] = clock_time(self.start, at)
        return (
            facts
            | rhythm
            | {"fibrillation": fibrillation, "hours": hours, "variability": self.variability()}
        )

    def hours(self) -> list[dict[str, Any]]:
        """The recording by the hour since its start, as plain values; see `Period`.

        ``noise_share`` is the share of the hour without ECG, ``fibrillation_share`` the share in
        atrial fibrillation, None where the rhythm of the recording is not known.
        """
        episodes = [(each.start, each.end) for each in self.atrial.episodes]
        known = self.atrial.burden is not None
        return [
            {
                "start": hour.start,
                "stop": hour.stop,
                "beats": hour.beats,
                "lowest_rate": hour.lowest,
                "mean_rate": hour.mean,
                "highest_rate": hour.highest,
                "counts": hour.counts,
                "noise_share": hour.unusable / (hour.stop - hour.start),
                "fibrillation_share": hour.fibrillation / (hour.stop - hour.start)
                if known
                else None,
            }
            for hour in by_period(
                self.peaks, self.kinds, self.classes, self.seconds, episodes, self.unusable, HOUR
            )
        ]

    def variability(self) -> dict[str, Any]:
        """The heart rate variability outside atrial fibrillation, and its limits; plain values."""
        normal = (self.kinds == "N") & (self.atrial.rhythms != AFIB)
        figures = asdict(heart_rate_variability(self.peaks, normal, self.missed))
        return figures | {"limits": limits(self.sampling_rate, annotated=self.annotated)}


def classify_recording(
    classifier: Classifier,
    path: Path,
    options: ReadOptions = NO_OPTIONS,
    abstain: float = 0.0,
    name: str = "",
) -> Classified:
    """Find the beats of a recording, classify each beat that can be cut, find its episodes.

    Beats whose highest probability is below ``abstain`` count as not classified; ``name`` is
    given where that of the file is not enough.

    Raises:
        DataError: the recording cannot be read.
        ConfigError: ``abstain`` is not a probability, or there is no such detector.
    """
    check_probability(abstain)
    leads, notes = read_chosen_leads(path, options, name=name)
    prepared = prepare_for(classifier, leads, path, options)
    prepared = replace(prepared, notes=(*notes, *prepared.notes))
    return classify_prepared(classifier, prepared, abstain)


def classify_prepared(
    classifier: Classifier, prepared: Prepared, abstain: float = 0.0
) -> Classified:
    """`classify_recording` for a recording whose beats have been cut."""
    beats, classes = prepared.beats, classifier.classes
    times = np.empty(0) if beats.info is None else beats.info["time"].to_numpy(np.float64)
    probabilities = probabilities_of(classifier, prepared)
    labels = labels_for(probabilities, abstain)
    kinds = np.full(len(prepared.peaks), "", dtype="<U8")
    kinds[beats.known_peak] = np.array((*classes, ""))[labels]
    not_atrial = np.zeros(len(prepared.peaks), bool)
    most_probable = np.array(classes)[labels_for(probabilities)]
    not_atrial[beats.known_peak] = np.isin(most_probable, (*VENTRICULAR, "Q"))
    atrial = bundled_model().rhythm(prepared.peaks, not_atrial)
    return Classified(
        path=prepared.path,
        name=prepared.name,
        sampling_rate=prepared.sampling_rate,
        seconds=prepared.seconds,
        classes=classes,
        times=times,
        intervals=np.append(np.nan, rr_intervals(prepared.peaks))[beats.known_peak],
        probabilities=probabilities,
        labels=labels,
        rhythms=atrial.rhythms[beats.known_peak],
        peaks=prepared.peaks,
        kinds=kinds,
        atrial=atrial,
        unusable=prepared.unusable,
        notes=(*prepared.notes, *_doubts(most_probable), *filter(None, [atrial.note])),
        missed=prepared.missed,
        annotated=prepared.annotated,
        start=prepared.start,
    )


def _doubts(most_probable: NDArray[np.str_]) -> list[str]:
    """A note where many beats are paced, or no beats at all, as in a recording of noise."""
    of_q = int((most_probable == "Q").sum())
    if of_q <= _MANY * len(most_probable):
        return []
    return [
        f"{of_q / len(most_probable):.0%} of the beats are Q: paced beats, or noise in which the "
        "detector found deflections"
    ]


def write_classified(
    target: Path | str, classified: Classified, table_format: RecordingFormat
) -> None:
    """Write a recording's predictions, completely or not at all; ``-`` is standard output.

    Raises:
        OutputError: the target cannot be written, or is an annotation file of another program.
    """
    with atomic_write(target, annotations=table_format == "wfdb") as stream:
        write_into(stream, classified, table_format)


def write_into(stream: IO[bytes], classified: Classified, table_format: RecordingFormat) -> None:
    """Write a recording's predictions into a stream."""
    if table_format == "wfdb":
        stream.write(_annotation_file(classified))
    elif table_format == "json":
        rows = classified.table().to_pylist()
        text = json.dumps(versioned({"summary": classified.summary(), "beats": rows}), indent=1)
        stream.write(text.encode() + b"\n")
    else:
        table = classified.table()
        with table_writer(stream, table_format, table.schema) as writer:
            writer.write(table)


def _annotation_file(classified: Classified) -> bytes:
    """The beats as a WFDB annotation file, each with its class as symbol, and rhythm changes.

    The first beat has the auxiliary text `MARK`.

    Raises:
        DataError: there are no beats, and an annotation file cannot be empty.
        ConfigError: the classes are not annotation symbols.
    """
    if classified.classes != AAMI_CLASSES:
        raise ConfigError(f"--format wfdb has no symbols for {' and '.join(classified.classes)}")
    if not len(classified.times):
        raise DataError(
            "no beats were found, and an annotation file cannot be empty; use --format csv",
            file=classified.path,
        )
    symbols = [(*classified.classes, ABSTAINED)[label] for label in classified.labels]
    rate = classified.sampling_rate
    samples = np.round(classified.times * rate).astype(np.int64)
    marks = rhythm_marks(classified.rhythms)
    begins = np.maximum(samples[list(marks)] - 1, 0)  # a sample before the beat it begins with
    places = np.concatenate([begins, samples])
    order = np.argsort(places, kind="stable")
    symbols = [RHYTHM_SYMBOL] * len(marks) + symbols
    texts = [*marks.values(), MARK, *[""] * (len(samples) - 1)]
    return annotation_bytes(
        places[order],
        [symbols[place] for place in order],
        [texts[place] for place in order],
        rate,
    )


def rhythm_marks(rhythms: NDArray[np.str_]) -> dict[int, str]:
    """The beats at which a rhythm begins, with the text of its annotation; ascending.

    Where nothing is known of the rhythm of a recording, it has none.
    """
    if not len(rhythms) or (rhythms == UNKNOWN).all():
        return {}
    begins = np.flatnonzero(np.append(True, rhythms[1:] != rhythms[:-1]))
    return {int(beat): _RHYTHM_TEXT[str(rhythms[beat])] for beat in begins}
