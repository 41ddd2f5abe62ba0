"""Why a model says what it says, by example: the labelled beats nearest to a beat."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import Beats
from ecgcli.errors import DataError
from ecgcli.insight.embedding import embed
from ecgcli.insight.figures import BeatPanel, draw_similar, require_room
from ecgcli.prediction import Classifier
from ecgcli.progress import SILENT, Progress


@dataclass(frozen=True)
class Neighbour:
    """A labelled beat near another.

    Attributes:
        beat: its number in its file, from 0.
        label: its true class.
        distance: cosine distance in the model's embedding, 0 (alike) to 2.
        same: whether it is the same beat, sample for sample.
        record: the record it is from, where the file's sidecar tells.
        time: of its R peak in that record, in s.
    """

    beat: int
    label: str
    distance: float
    same: bool
    record: str | None
    time: float | None


@dataclass(frozen=True)
class Match:
    """A beat, what the model says of it, and what it resembles.

    Its true class and its record are None where they are not known.
    """

    beat: int
    label: str | None
    record: str | None
    predicted: str
    probability: float
    neighbours: tuple[Neighbour, ...]

    @property
    def agreeing(self) -> int:
        """How many neighbours have the class that the model says."""
        return sum(near.label == self.predicted for near in self.neighbours)

    @property
    def same_record(self) -> int | None:
        """How many neighbours are from the same record; None when that is not known."""
        if self.record is None or self.neighbours[0].record is None:
            return None
        return sum(near.record == self.record for near in self.neighbours)


@dataclass(frozen=True)
class Similar:
    """Beats with their nearest labelled beats, nearest first."""

    beats: Beats
    to: Beats
    matches: tuple[Match, ...]

    def draw(self, target: Path) -> None:
        """Draw each beat beside its neighbours, coloured by whether they agree.

        Raises:
            ConfigError: more beats than a picture has room for.
        """
        require_room(len(self.matches))
        rows = [
            (
                BeatPanel(_title(match), self.beats.samples[match.beat]),
                [
                    BeatPanel(
                        _neighbour_title(near),
                        self.to.samples[near.beat],
                        near.label == match.predicted,
                    )
                    for near in match.neighbours
                ],
            )
            for match in self.matches
        ]
        draw_similar(target, rows)

    def as_json(self) -> list[dict[str, Any]]:
        """A document of plain values, an object a beat."""
        return [
            {
                "beat": match.beat,
                "label": match.label,
                "record": match.record,
                "predicted": match.predicted,
                "probability": round(match.probability, 6),
                "agreeing": match.agreeing,
                "same_record": match.same_record,
                "neighbours": [
                    {"rank": rank, **vars(near), "distance": round(near.distance, 6)}
                    for rank, near in enumerate(match.neighbours, 1)
                ],
            }
            for match in self.matches
        ]


def find_similar(
    classifier: Classifier,
    beats: Beats,
    rows: NDArray[np.intp],
    to: Beats,
    neighbours: int = 5,
    progress: Progress = SILENT,
) -> Similar:
    """The beats of ``to`` nearest to each of ``beats[rows]`` in the model's embedding.

    Near is by cosine distance: the direction of the activations says which features a
    beat has, their length mostly how pronounced they are.

    Args:
        classifier: a model that is a network.
        beats: labelled or not.
        rows: which of them to look at.
        to: labelled beats, best those that the model was trained on.
        neighbours: how many for each beat.
        progress: of the beats embedded.

    Raises:
        DataError: ``to`` has fewer beats than ``neighbours``, or no labels.
        ConfigError: the classifier is not a network.
    """
    labels = to.known_labels
    if len(to) < neighbours:
        raise DataError(
            f"{len(to)} beats to compare with are fewer than {neighbours} neighbours; "
            f"name a larger file, or give --neighbours {len(to)} or fewer"
        )
    from sklearn.neighbors import NearestNeighbors

    chosen, classes = beats.take(rows), classifier.classes
    index = NearestNeighbors(n_neighbors=neighbours, metric="cosine", algorithm="brute")
    index.fit(embed(classifier, to, progress))
    distances, places = index.kneighbors(embed(classifier, chosen))
    probabilities = classifier.probabilities(chosen)
    matches = [
        Match(
            int(row),
            None if chosen.labels is None else classes[chosen.labels[number]],
            None if chosen.info is None else str(chosen.info["record"].iloc[number]),
            classes[probabilities[number].argmax()],
            float(probabilities[number].max()),
            tuple(
                _neighbour(to, int(place), classes[labels[place]], float(distance), sample)
                for place, distance in zip(places[number], distances[number], strict=True)
            ),
        )
        for number, (row, sample) in enumerate(zip(rows, chosen.samples, strict=True))
    ]
    return Similar(beats, to, tuple(matches))


def _neighbour(
    to: Beats, place: int, label: str, distance: float, samples: NDArray[np.float32]
) -> Neighbour:
    same = bool(np.array_equal(to.samples[place], samples))
    if to.info is None:
        return Neighbour(place, label, distance, same, None, None)
    info = to.info.iloc[place]
    return Neighbour(place, label, distance, same, str(info["record"]), float(info["time"]))


def _title(match: Match) -> str:
    truth = "" if match.label is None else f", true {match.label}"
    return f"beat {match.beat}{truth}: says {match.predicted}, {match.probability:.3f}"


def _neighbour_title(near: Neighbour) -> str:
    place = f"beat {near.beat}" if near.record is None else f"{near.record} at {near.time:.1f} s"
    return f"{near.label}, {near.distance:.4f}\n{'the same beat' if near.same else place}"
