"""A recording as a page: one HTML file that shows its beats, its day and its events.

`build_page` (`ecgcli.view.building`) makes a `Page` of a recording whose beats are classified, and
`render` (`ecgcli.view.rendering`) turns it into HTML. The file fetches nothing: charts, scripts,
samples and the model's card are inside it.

For programs that serve the page and add to it: `render` takes another template (which extends
``page.html`` and fills or moves its blocks), more scripts, and the place it may
connect to. In the page, ``window.ecgPage`` is what scripts use; ``static/page.js`` documents it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Probabilities
from ecgcli.classes import ABSTAINED
from ecgcli.recordings import Recording
from ecgcli.recordings.periods import Period, by_period

#: Beats whose highest probability is below this are called doubtful.
DOUBTFUL = 0.8
#: The label of a beat without a class: none was computed for it.
UNCLASSIFIED = 255
#: The family of a beat whose shape could not be cut.
NO_FAMILY = 255


@dataclass(frozen=True)
class PageBeats:
    """All beats of a recording, classified or not.

    Attributes:
        peaks: ``(beats,)`` the R peaks in s, ascending.
        labels: ``(beats,)`` uint8 the class of each; ``len(classes)`` where the model abstained,
            `UNCLASSIFIED` where there is no class.
        probabilities: ``(beats, classes)``; zeros where there is no class.
        classes: the names of the classes.
        annotated: whether the R peaks are those of an annotation file.
    """

    peaks: NDArray[np.float64]
    labels: NDArray[np.uint8]
    probabilities: Probabilities
    classes: tuple[str, ...]
    annotated: bool

    def __len__(self) -> int:
        return len(self.peaks)

    @property
    def letters(self) -> NDArray[np.str_]:
        """The name of each beat's class, ``(beats,)``; `ABSTAINED` or empty if it has none."""
        names = np.full(256, "", "<U8")
        names[: len(self.classes) + 1] = [*self.classes, ABSTAINED]
        return names[self.labels]

    @property
    def doubtful(self) -> NDArray[np.bool_]:
        """Which beats have a highest probability below `DOUBTFUL`; ``(beats,)``."""
        low = self.probabilities.max(axis=1) < DOUBTFUL
        return np.asarray(low & (self.labels != UNCLASSIFIED))


@dataclass(frozen=True)
class Family:
    """Beats of one class and one shape.

    Attributes:
        name: the class and a number, such as ``V shape 2``.
        letter: the class.
        shape: ``(points,)`` the mean beat in mV, from `families.BEFORE` to `families.AFTER`.
        beats: the number of beats.
        doubtful: the share of them that is doubtful.
        example: the beat nearest to the mean.
    """

    name: str
    letter: str
    shape: NDArray[np.float32]
    beats: int
    doubtful: float
    example: int


@dataclass(frozen=True)
class Event:
    """Something in a recording that a reader would look at.

    Attributes:
        kind: what it is, such as ``run`` or ``pause``.
        start, stop: in s.
        beat: the number of its first beat, from 0.
        beats: the number of beats.
        letter: the class of its beats; empty where they have several.
        rate: beats per minute, if it has one.
        detail: what else there is to say.
        doubt: why it may be none, such as a beat that was missed; empty if nothing says so.
    """

    kind: str
    start: float
    stop: float
    beat: int
    beats: int
    letter: str = ""
    rate: float | None = None
    detail: str = ""
    doubt: str = ""


@dataclass(frozen=True)
class Model:
    """The model that classified the beats: its name and its card, as text."""

    name: str
    card: str


@dataclass(frozen=True)
class Page:
    """What the page of a recording shows.

    Attributes:
        path: of the recording.
        leads: the leads shown, the classified one first; equally long, at one rate.
        beats: its beats.
        members: ``(beats,)`` uint8 the number of each beat's family, or `NO_FAMILY`.
        families: by class, the largest first.
        events: by time.
        fibrillation: stretches of atrial fibrillation, from and to, in s.
        unusable: stretches without ECG, from and to, in s.
        notes: what a reader should know of how the recording was read.
        model: None where the beats come from a table of predictions.
        source: where the beats' classes come from, in words.
    """

    path: Path
    leads: tuple[Recording, ...]
    beats: PageBeats
    members: NDArray[np.uint8]
    families: tuple[Family, ...]
    events: tuple[Event, ...]
    fibrillation: tuple[tuple[float, float], ...]
    unusable: tuple[tuple[float, float], ...]
    notes: tuple[str, ...]
    model: Model | None
    source: str

    @property
    def name(self) -> str:
        """The recording's name."""
        return self.leads[0].name

    @property
    def seconds(self) -> float:
        """The recording's length."""
        return self.leads[0].seconds

    @property
    def start(self) -> datetime | time | None:
        """When the recording began, where its file states it."""
        return self.leads[0].start

    @cached_property
    def periods(self) -> list[Period]:
        """The recording by the hour, or by shorter periods if it is short."""
        beats = self.beats
        return by_period(
            beats.peaks, beats.letters, beats.classes, self.seconds, self.fibrillation,
            self.unusable,
        )  # fmt: skip
