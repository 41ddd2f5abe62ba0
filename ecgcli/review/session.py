"""A review of a recording: its beats, what was answered, what to ask, and the rest learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Probabilities
from ecgcli.beats.preparation import Prepared
from ecgcli.classes import AAMI_CLASSES
from ecgcli.errors import CheckpointError, ConfigError, DataError
from ecgcli.prediction import Classifier
from ecgcli.prediction.leads import prepare_for, probabilities_of
from ecgcli.recordings import NO_OPTIONS, ReadOptions, Recording
from ecgcli.recordings.identity import content_sha256
from ecgcli.recordings.leads import read_leads
from ecgcli.recordings.peaks import with_known_beats
from ecgcli.review.answers import Answer, Owner, Row, in_effect, read_answers
from ecgcli.review.corrections import Corrections, Misplaced
from ecgcli.review.journal import Journal
from ecgcli.review.learner import Given, Learner
from ecgcli.review.likeness import coordinates
from ecgcli.review.questions import Question

#: Characters of the hash by which a review file names the content of its recording.
_HASH_LENGTH = 16


@dataclass(frozen=True)
class Analysis:
    """A recording with the beats found in it, before any answer.

    Attributes:
        path: of the recording.
        leads: its leads, the classified one first.
        prepared: what is known of it; ``peaks`` are in s.
        notes: what a reader should know of how it was read.
        prior: ``(beats, classes)`` the model's probabilities, before any answer; zeros where it
            has none.
        symbols: ``(beats,)`` the annotated symbols; none where R peaks were detected.
    """

    path: Path
    leads: tuple[Recording, ...]
    prepared: Prepared
    notes: tuple[str, ...]
    prior: Probabilities
    symbols: tuple[str, ...]

    @property
    def lead(self) -> Recording:
        """The lead that is classified."""
        return self.leads[0]

    @property
    def owner(self) -> Owner:
        """What a review file says of its recording."""
        content = content_sha256(self.path, "none")[:_HASH_LENGTH]
        return Owner(" ".join(self.lead.name.split()), content)


@dataclass(frozen=True)
class Reviewed:
    """The beats as they are now, by time.

    Attributes:
        numbers: ``(beats,)`` the beats' numbers in `Corrections`.
        times: ``(beats,)`` R peaks in s.
        letters: ``(beats,)`` classes; empty where there is none.
        probabilities: ``(beats, classes)``; zeros where there are none.
        readers: ``(beats,)`` who gave the class; empty where the model did.
    """

    numbers: NDArray[np.intp]
    times: NDArray[np.float64]
    letters: NDArray[np.str_]
    probabilities: Probabilities
    readers: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.times)


def find_beats(path: Path, classifier: Classifier, options: ReadOptions = NO_OPTIONS) -> Analysis:
    """Read a recording, find its beats and classify them.

    Raises:
        DataError: the recording cannot be read.
        CheckpointError: the model has other classes than those of AAMI.
    """
    if classifier.classes != AAMI_CLASSES:
        classes = " and ".join(classifier.classes)
        raise CheckpointError(
            f"{classifier.path}: its classes are {classes}; a review is of {' '.join(AAMI_CLASSES)}"
        )
    leads, notes = read_leads(path, options)
    first = with_known_beats(leads[0], options.detector, path)
    prepared = prepare_for(classifier, leads, path, options)
    prior = np.zeros((len(prepared.peaks), len(AAMI_CLASSES)), np.float32)
    if len(prepared.beats):
        prior[prepared.beats.known_peak] = probabilities_of(classifier, prepared)
    symbols = np.array(first.symbols, object)[first.is_beat] if first.annotated else ()
    return Analysis(path, leads, prepared, (*prepared.notes, *notes), prior, tuple(symbols))


class Review:
    """A review in progress; a context manager that holds the review file.

    Args:
        analysis: the recording and its beats.
        file: the review file.
        reader: who answers.

    Raises:
        OutputError: another process reviews this recording, or the place cannot be written.
        DataError: the review file is damaged, or does not fit the beats that were found.
    """

    def __init__(self, analysis: Analysis, file: Path, reader: str) -> None:
        self.analysis, self.classes = analysis, AAMI_CLASSES
        self.corrections = Corrections(analysis.prepared.seconds, analysis.prepared.peaks)
        self._given: list[Given] = []
        self._skipped: list[list[int]] = []
        peaks = analysis.prepared.peaks * analysis.lead.sampling_rate
        self.learner = Learner(
            coordinates(analysis.lead, peaks, analysis.prior), analysis.prior, self.classes
        )
        self.journal = Journal(file, analysis.owner, " ".join(reader.split()))
        try:
            self._replay()
        except BaseException:
            self.journal.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.journal.close()

    @property
    def version(self) -> int:
        """The number of answers on disk, those undone included."""
        return len(self.journal.answers)

    @property
    def answers(self) -> list[Answer]:
        """The answers in effect."""
        return in_effect(self.journal.answers)

    def beats(self) -> Reviewed:
        """The beats as they are now."""
        order = self.corrections.order
        letters, probabilities = self._classes_of(order)
        readers = np.where(
            self.corrections.answered[order] == "", "", self.corrections.readers[order]
        )
        return Reviewed(order, self.corrections.times[order], letters, probabilities, readers)

    def answer(self, *answers: Answer) -> None:
        """Apply answers and classify the other beats again; on return they are on disk.

        Raises:
            Misplaced: one does not fit the recording.
            OutputError: they could not be written. In both cases nothing has changed.
        """
        changed, beats, complete = self.corrections.copy(), [], []
        for answer in answers:
            signed = replace(answer, reader=answer.reader or self.journal.reader)
            numbers = changed.apply(signed)
            beats.append(numbers)
            complete.append(replace(signed, before=self._letters_before(signed, numbers)))
        kept = self.journal.append(complete)
        self.corrections = changed
        for answer, numbers in zip(kept, beats, strict=True):
            self._note(answer, numbers)
        self._learn()

    def undo(self) -> None:
        """Take back the last answer in effect.

        Raises:
            ConfigError: there is none.
            OutputError: it could not be written.
        """
        if not self.answers:
            raise ConfigError("there is no answer to undo")
        self.journal.append([Answer("undo")])
        self._replay()

    def question(self) -> Question | None:
        """What to ask next, about rows of the beats found; None when all is answered."""
        count = len(self.analysis.prior)
        closed = ~self.corrections.present[:count]
        closed |= self.corrections.unreadable(self.corrections.times[:count])
        return self.learner.question(closed)

    def _replay(self) -> None:
        self.corrections = Corrections(self.analysis.prepared.seconds, self.analysis.prepared.peaks)
        self._given, self._skipped = [], []
        for answer in self.answers:
            try:
                self._note(answer, self.corrections.apply(answer))
            except Misplaced as error:
                raise DataError(
                    f"answer {answer.number} does not fit the beats that were found: {error}; "
                    "read the recording as it was read then (--annotations, --detector, --lead)",
                    file=self.journal.path,
                ) from error
        self._learn()

    def _note(self, answer: Answer, beats: list[int]) -> None:
        """Remember what an answer says of the beats that were found."""
        rows = [beat for beat in beats if beat < len(self.analysis.prior)]
        if answer.action == "class" and rows:
            self._given.append(Given(rows, self.classes.index(answer.letter)))
        elif answer.action == "skip":
            self._skipped.append(rows)

    def _learn(self) -> None:
        self.learner.learn(self._given, self._skipped)

    def _letters_before(self, answer: Answer, beats: list[int]) -> tuple[str, ...]:
        if answer.action not in ("class", "delete"):
            return ()
        return tuple(self._classes_of(np.array(beats, np.intp))[0].tolist())

    def _classes_of(self, beats: NDArray[np.intp]) -> tuple[NDArray[np.str_], Probabilities]:
        """Classes and probabilities of beats by their numbers."""
        count = len(self.analysis.prior)
        probabilities = np.zeros((len(beats), len(self.classes)), np.float32)
        old = beats < count
        probabilities[old] = self.learner.probabilities[beats[old]]
        names = np.array(self.classes)
        letters = np.where(probabilities.any(axis=1), names[probabilities.argmax(axis=1)], "")
        answered = self.corrections.answered[beats]
        letters = np.where(answered == "", letters, answered)
        letters[self.corrections.unreadable(self.corrections.times[beats])] = ""
        for beat in np.flatnonzero(~old):
            probabilities[beat, self.classes.index(answered[beat])] = 1
        return letters.astype("<U8"), probabilities


def apply_file(review: Review, path: Path, *, only: str | None = None) -> int:
    """Apply the answers of a file; returns their number. Either all of them fit, or none is kept.

    Args:
        review: of the recording they belong to.
        path: a review file, or a CSV with the columns ``time`` and ``class``.
        only: the reader whose answers they must be; None for any.

    Raises:
        DataError: an answer is not valid, is of another recording, reader or beat, or is there
            twice.
    """
    rows = read_answers(path, review.journal.owner)
    _check_twice(rows, path)
    trial = review.corrections.copy()
    made_by_hand = all(row.answer.number == 0 for row in rows)
    answered: dict[int, int] = {}
    kept = _checked_undo(rows, path)
    for row in rows:
        _check_reader(row, only, path)
    for row in kept:
        beats = _try(trial, row, path)
        for beat in beats if made_by_hand and row.answer.action == "class" else ():
            if beat in answered:
                raise DataError(
                    f"this beat is answered in row {answered[beat]} already",
                    file=path, row=row.line,
                )  # fmt: skip
            answered[beat] = row.line
    review.answer(*(row.answer for row in kept))
    return len(kept)


def _check_twice(rows: Sequence[Row], path: Path) -> None:
    lines: dict[int, int] = {}
    for row in rows:
        number = row.answer.number
        if number and number in lines:
            raise DataError(
                f"answer {number} is in row {lines[number]} already", file=path, row=row.line
            )
        lines[number] = row.line


def _check_reader(row: Row, only: str | None, path: Path) -> None:
    reader = row.answer.reader
    if only is not None and reader and reader != only:
        raise DataError(
            f"this answer is of the reader {reader}, and --reader is {only}; leave --reader out "
            "to keep who answered",
            file=path,
            row=row.line,
        )


def _checked_undo(rows: Sequence[Row], path: Path) -> list[Row]:
    """The rows that were not undone in the file itself."""
    kept: list[Row] = []
    for row in rows:
        if row.answer.action != "undo":
            kept.append(row)
        elif kept:
            kept.pop()
        else:
            raise DataError("there is no answer to undo", file=path, row=row.line)
    return kept


def _try(corrections: Corrections, row: Row, path: Path) -> list[int]:
    try:
        return corrections.apply(row.answer)
    except Misplaced as error:
        column = row.columns.index(error.name) + 1 if error.name in row.columns else None
        raise DataError(str(error), file=path, row=row.line, column=column) from error
