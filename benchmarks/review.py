"""What answers are worth: a simulated reader who answers with the true annotations.

python benchmarks/review.py data --judge runs/fold0=800,801 --judge runs/fold1=810,811

Each run judges the records after the equals sign, which it must not have been trained on. R peaks
are those annotated. The reader is asked one question after another, sees all its beats (24 at the
most) and makes no mistake: beats that are alike cost one answer; each beat that differs, up to
``--odd`` of them, costs one more; of beats that differ more the reader says so, which costs an
answer and gives nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ecgcli.beats.preparation import prepare
from ecgcli.metrics.aami import FIGURES, of_beats
from ecgcli.prediction import Classifier, load
from ecgcli.prediction.recordings import classify_prepared
from ecgcli.recordings import read_recording
from ecgcli.review.learner import Given, Learner
from ecgcli.review.likeness import coordinates

COUNTS = (0, 5, 10, 20, 50)
MINUTES = 5
SHOWN = {
    "S": ("sveb_sensitivity", "sveb_positive_predictivity"),
    "V": ("veb_sensitivity", "veb_positive_predictivity"),
}


@dataclass(frozen=True)
class Beats:
    """A record's beats: times, true labels, probabilities of the model, coordinates."""

    times: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    places: np.ndarray
    classes: tuple[str, ...]


#: After a number of answers: predicted labels, and which beats were answered.
State = tuple[np.ndarray, np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the records")
    parser.add_argument("--judge", action="append", required=True, metavar="RUN=RECORDS")
    parser.add_argument("--odd", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--strategies", default=",".join(STRATEGIES))
    options = parser.parse_args()
    began = time.monotonic()
    tasks = [
        (Path(run), options.folder / f"{record}.hea")
        for run, _, records in (each.partition("=") for each in options.judge)
        for record in records.split(",")
    ]
    names = options.strategies.split(",")
    with ProcessPoolExecutor(options.jobs) as pool:
        results = list(pool.map(partial(judge, names, options.odd), tasks))
    print(f"{len(tasks)} records, {time.monotonic() - began:.0f} s")
    for name in names:
        print(f"\n{name}\n| answers | S, all | V, all | S, rest | V, rest | answered |")
        print("|---|---|---|---|---|---|")
        for count in results[0][1][name]:
            print(line(count, [(labels, states[name][count]) for labels, states in results]))


def judge(
    names: list[str], odd: int, task: tuple[Path, Path]
) -> tuple[np.ndarray, dict[str, dict[int, State]]]:
    """The states of one record, by strategy and number of answers."""
    run, path = task
    beats = read(load(run), path)
    return beats.labels, {name: STRATEGIES[name](beats, odd) for name in names}


def read(classifier: Classifier, path: Path) -> Beats:
    recording = read_recording(path)
    prepared = prepare(recording, path, context=True)
    classified = classify_prepared(classifier, prepared)
    rows = prepared.beats.known_peak
    prior = np.zeros((len(prepared.peaks), len(classified.classes)), np.float32)
    prior[rows] = classified.probabilities
    places = coordinates(recording, recording.beat_positions, prior)
    return Beats(
        classified.times, prepared.beats.known_labels, prior[rows], places[rows],
        classified.classes,
    )  # fmt: skip


def asked(beats: Beats, odd: int) -> dict[int, State]:
    """Questions, families first; after each answer the rest is classified again."""
    learner = Learner(beats.places, beats.probabilities, beats.classes)
    given: list[Given] = []
    mixed: list[tuple[int, ...]] = []
    states: dict[int, State] = {}
    spent = 0
    keep(states, learner, 0)
    while spent < COUNTS[-1] and (question := learner.question()) is not None:
        rows = np.array(question.beats)
        labels = beats.labels[rows]
        common = np.bincount(labels).argmax()
        different = rows[labels != common]
        if len(different) <= odd:
            given += [Given([int(row)], int(beats.labels[row])) for row in different]
            given.append(Given(rows[labels == common].tolist(), int(common)))
            spent += len(different) + 1
        else:
            mixed.append(question.beats)
            spent += 1
        learner.learn(given, mixed)
        keep(states, learner, spent)
    return states


def at_random(beats: Beats, _: int) -> dict[int, State]:
    """Beats drawn at random; the rest is classified again."""
    learner = Learner(beats.places, beats.probabilities, beats.classes)
    order = np.random.default_rng(0).permutation(len(beats.labels))
    return after_each(beats, learner, order)


def doubtful(beats: Beats, _: int) -> dict[int, State]:
    """The most doubtful beats first; nothing is classified again."""
    order = beats.probabilities.max(axis=1).argsort(kind="stable")
    states = {}
    for count in COUNTS:
        labels = beats.probabilities.argmax(axis=1)
        answered = np.isin(np.arange(len(labels)), order[:count])
        states[count] = (np.where(answered, beats.labels, labels), answered)
    return states


def first_minutes(beats: Beats, _: int) -> dict[int, State]:
    """All beats of the first minutes; the rest is classified again."""
    learner = Learner(beats.places, beats.probabilities, beats.classes)
    rows = np.flatnonzero(beats.times < 60 * MINUTES)
    learner.learn([Given([int(row)], int(beats.labels[row])) for row in rows])
    return {MINUTES: (learner.probabilities.argmax(axis=1), learner.answered)}


def after_each(beats: Beats, learner: Learner, order: np.ndarray) -> dict[int, State]:
    states = {}
    for count in COUNTS:
        learner.learn([Given([int(row)], int(beats.labels[row])) for row in order[:count]])
        states[count] = (learner.probabilities.argmax(axis=1), learner.answered)
    return states


def keep(states: dict[int, State], learner: Learner, spent: int) -> None:
    """Keep the state for the counts that are reached; an answer too many counts as not given."""
    for count in COUNTS:
        if spent <= count:
            states[count] = (learner.probabilities.argmax(axis=1), learner.answered)


def line(count: int, records: list[tuple[np.ndarray, State]]) -> str:
    truth, predicted, answered = (
        np.concatenate(parts) for parts in zip(*((y, p, k) for y, (p, k) in records), strict=True)
    )
    cells = []
    for rows in (np.ones(len(truth), bool), ~answered):
        matrix = np.zeros((5, 5), np.int64)
        np.add.at(matrix, (truth[rows], predicted[rows]), 1)
        for names in SHOWN.values():
            values = [100 * float(FIGURES[name].function(of_beats(matrix))) for name in names]
            cells.append(" / ".join(f"{value:.1f}" for value in values))
    return f"| {count} | {' | '.join(cells)} | {answered.mean():.1%} |"


STRATEGIES: dict[str, Callable[[Beats, int], dict[int, State]]] = {
    "asked": asked,
    "random": at_random,
    "doubtful": doubtful,
    "minutes": first_minutes,
}


if __name__ == "__main__":
    main()
