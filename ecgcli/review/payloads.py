"""What the page of a review shows and asks, as documents of plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.prediction import Classifier
from ecgcli.review.answers import Answer
from ecgcli.review.questions import Question
from ecgcli.review.session import Review, Reviewed
from ecgcli.view import UNCLASSIFIED, Page, PageBeats
from ecgcli.view.building import describe_model
from ecgcli.view.encoding import encode_numbers, encode_probabilities
from ecgcli.view.events import find_events
from ecgcli.view.families import cut_shapes, find_families

#: Answers that the page lists, the latest first.
_LISTED = 8


def page_of(review: Review, classifier: Classifier) -> Page:
    """The page of the recording with the beats as they are now."""
    analysis, beats = review.analysis, _page_beats(review.beats(), review)
    families, members = find_families(beats, analysis.lead.filled, analysis.lead.sampling_rate)
    fibrillation = _fibrillation(review)
    model = describe_model(classifier)
    return Page(
        path=analysis.path,
        leads=analysis.leads,
        beats=beats,
        members=members,
        families=families,
        events=find_events(beats, _missed(review, len(beats)), fibrillation),
        fibrillation=fibrillation,
        unusable=(*analysis.prepared.unusable, *_stretches(review, "unreadable")),
        notes=analysis.notes,
        model=model,
        source=f"the model {model.name} and the answers of the readers",
    )


def state_of(review: Review) -> dict[str, Any]:
    """What there is to ask and what was answered last."""
    beats = review.beats()
    return {
        "version": review.version,
        "question": _question(review, beats, review.question()),
        "answers": len(review.answers),
        "latest": [_described(answer) for answer in review.answers[: -_LISTED - 1 : -1]],
        "unanswered": int((beats.readers == "").sum()),
    }


def changes_between(before: Reviewed, now: Reviewed, classes: Sequence[str]) -> dict[str, Any]:
    """The beats that look different on the page, as its ``setPacked`` takes them.

    Both must have the same beats.
    """
    labels, shares = _labels(now, classes), encode_probabilities(now.probabilities)
    differ = (shares != encode_probabilities(before.probabilities)).any(axis=1)
    places = np.flatnonzero(differ | (labels != _labels(before, classes)))
    return {
        "steps": encode_numbers(np.diff(places, prepend=0).astype(np.uint32)),
        "labels": encode_numbers(labels[places]),
        "probabilities": encode_numbers(shares[places]),
    }


def _labels(beats: Reviewed, classes: Sequence[str]) -> NDArray[np.uint8]:
    """The beats' classes as numbers."""
    labels = np.full(len(beats), UNCLASSIFIED, np.uint8)
    for label, name in enumerate(classes):
        labels[beats.letters == name] = label
    return labels


def _page_beats(beats: Reviewed, review: Review) -> PageBeats:
    return PageBeats(
        beats.times,
        _labels(beats, review.classes),
        beats.probabilities,
        review.classes,
        review.analysis.lead.annotated,
    )


def _missed(review: Review, beats: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """In which intervals a beat may have been missed; unknown, so in none, once beats changed."""
    missed = review.analysis.prepared.missed
    return missed if len(missed) == max(beats - 1, 0) else np.zeros(max(beats - 1, 0), bool)


def _stretches(review: Review, kind: str) -> tuple[tuple[float, float], ...]:
    named = review.corrections.stretches
    return tuple((each.start, each.stop) for each in named if each.kind == kind)


def _fibrillation(review: Review) -> tuple[tuple[float, float], ...]:
    return _stretches(review, "fibrillation")


def _question(review: Review, beats: Reviewed, question: Question | None) -> dict[str, Any] | None:
    """The question with the beats' places on the page and their shapes."""
    if question is None:
        return None
    place_of = {int(number): place for place, number in enumerate(beats.numbers)}
    places = [place_of[beat] for beat in question.beats if beat in place_of]
    lead = review.analysis.lead
    shapes = cut_shapes(lead.filled, lead.sampling_rate, beats.times[places])
    return {
        "beats": places,
        "times": np.round(beats.times[places], 4).tolist(),
        "letters": beats.letters[places].tolist(),
        "shapes": np.round(shapes, 3).tolist(),
        "suggested": review.classes[question.suggested],
        "why": question.why,
    }


def _described(answer: Answer) -> str:
    """An answer in words."""
    count = len(answer.times)
    beats = f"{count} beats" if count > 1 else "beat"
    at = f" at {answer.times[0]:.2f} s" if answer.times else ""
    where = f"{beats}{at}" if count <= 1 else f"{beats}, the first{at}"
    until = "" if answer.to is None else f" to {answer.to:.2f} s"
    words = {
        "class": f"{answer.letter}: {where}",
        "move": f"moved: {where}{until}",
        "add": f"added: {answer.letter}{at}",
        "delete": f"deleted: {where}",
        "skip": f"not alike or unsure: {where}",
        "unreadable": f"unreadable:{at.removeprefix(' at')}{until}",
        "fibrillation": f"fibrillation:{at.removeprefix(' at')}{until}",
    }
    return f"{words[answer.action]} ({answer.reader})"
