"""Explanation of predictions by example: the labelled beats most similar to a beat."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import Beats
from ecgcli.errors import DataError
from ecgcli.insight.cache import embed_once
from ecgcli.insight.embedding import embed
from ecgcli.insight.figures import BeatPanel, draw_similar, require_room
from ecgcli.prediction import Classifier
from ecgcli.progress import SILENT, Progress
from ecgcli.wording import counted


@dataclass(frozen=True)
class Neighbour:
    """A labelled beat similar to another beat.

    Attributes:
        beat: its number in its file, from 0.
        label: its true class.
        distance: cosine distance in the model's embedding, 0 (same direction) to 2.
        same: whether it is the same beat, sample for sample.
        record: the record it is from; None without a sidecar.
        time: of its R peak in that record, in s; None without a sidecar.
    """

    beat: int
    label: str
    distance: float
    same: bool
    record: str | None
    time: float | None


@dataclass(frozen=True)
class Match:
    """A beat, its predicted class, and its neighbours.

    Its true class and its record are None where they are unknown.
    """

    beat: int
    label: str | None
    record: str | None
    predicted: str
    probability: float
    neighbours: tuple[Neighbour, ...]

    @property
    def agreeing(self) -> int:
        """The number of neighbours that have the predicted class."""
        return sum(neighbour.label == self.predicted for neighbour in self.neighbours)

    @property
    def same_record(self) -> int | None:
        """The number of neighbours from the same record; None when that is unknown."""
        if self.record is None or self.neighbours[0].record is None:
            return None
        return sum(neighbour.record == self.record for neighbour in self.neighbours)


@dataclass(frozen=True)
class Similar:
    """Beats with their nearest labelled beats in ``to``, nearest first."""

    beats: Beats
    to: Beats
    matches: tuple[Match, ...]

    def draw(self, target: Path) -> None:
        """Draw each beat beside its neighbours, coloured by whether they have its predicted class.

        Raises:
            ConfigError: more beats than a picture has room for.
        """
        require_room(len(self.matches))
        rows = [
            (
                BeatPanel(_title(match), self.beats.samples[match.beat]),
                [
                    BeatPanel(
                        _neighbour_title(neighbour),
                        self.to.samples[neighbour.beat],
                        neighbour.label == match.predicted,
                    )
                    for neighbour in match.neighbours
                ],
            )
            for match in self.matches
        ]
        draw_similar(target, rows)

    def as_json(self) -> list[dict[str, Any]]:
        """A document of plain values, an object for each beat."""
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
                    {"rank": rank, **vars(neighbour), "distance": round(neighbour.distance, 6)}
                    for rank, neighbour in enumerate(match.neighbours, 1)
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
    cache: Path | None = None,
) -> Similar:
    """The beats of ``to`` nearest to each of ``beats[rows]`` in the model's embedding.

    The distance is the cosine distance: the direction of the activations shows which
    features a beat has, their length mostly how pronounced these are.

    Args:
        classifier: a model that is a network.
        beats: labelled or not.
        rows: the beats to find neighbours of.
        to: labelled beats to compare with, preferably those that the model was trained on.
        neighbours: number of neighbours of each beat.
        progress: called with the number of beats embedded.
        cache: the file that keeps the embedding of ``to``, see `embed_once`; None keeps none.

    Raises:
        DataError: ``to`` has fewer beats than ``neighbours``, or no labels.
        ConfigError: the classifier is not a network.
    """
    labels = to.known_labels
    if len(to) < neighbours:
        raise DataError(
            f"found {counted(len(to), 'beat')} to compare with, fewer than "
            f"{counted(neighbours, 'neighbour')}; "
            f"name a larger file, or give --neighbours {len(to)} or fewer"
        )
    from sklearn.neighbors import NearestNeighbors

    chosen, classes = beats.take(rows), classifier.classes
    queries = embed(classifier, chosen)
    index = NearestNeighbors(n_neighbors=neighbours, metric="cosine", algorithm="brute")
    index.fit(
        embed(classifier, to, progress)
        if cache is None
        else embed_once(classifier, to, cache, progress)
    )
    distances, nearest = index.kneighbors(queries)
    probabilities = classifier.probabilities(chosen)
    matches = [
        Match(
            int(row),
            None if chosen.labels is None else classes[chosen.labels[number]],
            None if chosen.info is None else str(chosen.info["record"].iloc[number]),
            classes[probabilities[number].argmax()],
            float(probabilities[number].max()),
            tuple(
                _neighbour(to, int(beat), classes[labels[beat]], float(distance), samples)
                for beat, distance in zip(nearest[number], distances[number], strict=True)
            ),
        )
        for number, (row, samples) in enumerate(zip(rows, chosen.samples, strict=True))
    ]
    return Similar(beats, to, tuple(matches))


def _neighbour(
    to: Beats, beat: int, label: str, distance: float, samples: NDArray[np.float32]
) -> Neighbour:
    same = bool(np.array_equal(to.samples[beat], samples))
    if to.info is None:
        return Neighbour(beat, label, distance, same, None, None)
    info = to.info.iloc[beat]
    return Neighbour(beat, label, distance, same, str(info["record"]), float(info["time"]))


def _title(match: Match) -> str:
    truth = "" if match.label is None else f", true {match.label}"
    return f"beat {match.beat}{truth}: predicted {match.predicted}, {match.probability:.3f}"


def _neighbour_title(neighbour: Neighbour) -> str:
    if neighbour.same:
        origin = "the same beat"
    elif neighbour.record is None:
        origin = f"beat {neighbour.beat}"
    else:
        origin = f"{neighbour.record} at {neighbour.time:.1f} s"
    return f"{neighbour.label}, {neighbour.distance:.4f}\n{origin}"
