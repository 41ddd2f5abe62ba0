"""A model on DS2 as recorded, and with each distortion: one table, and curves over noise.

    python benchmarks/robustness.py runs/inter-patient data/mitdb --out robustness
    python benchmarks/robustness.py configs/recordings.yaml data/svdb --noise data/nstdb

A config stands for the models of five folds of patients, each evaluated on the records of the
folder that were held out from it.

R peaks are the annotated ones, so this is the robustness of the classifier, not the detector.
Figures are gross by the rules of ANSI/AAMI EC57, the first 5 minutes of each record skipped.
The noise is synthetic, or with --noise that of the Noise Stress Test Database;
ecgcli/recordings/distortions.py has its spectra and the definition of dB.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from new_patients import fold_models

from ecgcli import metrics
from ecgcli.arrays import Probabilities
from ecgcli.beats import Beats
from ecgcli.beats.preparation import prepare
from ecgcli.beats.views import inputs_of
from ecgcli.checkpoints.runs import find_checkpoint
from ecgcli.classes import AAMI_CLASSES
from ecgcli.figures import PALETTE, new_figure, save_figure
from ecgcli.files import write_text
from ecgcli.metrics import Matrix, aami
from ecgcli.models import Estimator
from ecgcli.parallel import in_order_prepared
from ecgcli.prediction import load
from ecgcli.prediction.leads import probabilities_of
from ecgcli.recordings import NO_OPTIONS, ReadOptions, Recording, read_recording
from ecgcli.recordings.distortions import (
    NOISES,
    inverted,
    recorded_noises,
    resampled,
    with_displaced_peaks,
    with_gain,
)
from ecgcli.recordings.leads import read_leads
from ecgcli.recordings.mitbih import DS2
from ecgcli.wording import counted

#: A recording, a signal-to-noise ratio (dB) and a seed -> the recording with noise.
Noise = Callable[[Recording, float, int], Recording]

DECIBELS = (24.0, 18.0, 12.0, 6.0, 0.0, -6.0)
SKIPPED_SECONDS = 300.0

FIGURES: dict[str, Callable[[Matrix], Any]] = {
    "S Se": aami.sveb_sensitivity,
    "S +P": aami.sveb_positive_predictivity,
    "V Se": aami.veb_sensitivity,
    "V +P": aami.veb_positive_predictivity,
    "NSVF macro-F1": aami.nsvf_macro_f1,
    "accuracy": lambda matrix: metrics.accuracy(matrix[:5, :5]),
}
DRAWN = ("NSVF macro-F1", "V Se", "S Se")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a run, a checkpoint or a config")
    parser.add_argument("records", type=Path)
    parser.add_argument("--out", type=Path, help="folder for the table and the picture")
    parser.add_argument("--only", nargs="*", help="records; default DS2, of a config all")
    parser.add_argument("--noise", type=Path, help="folder of nstdb; default synthetic noise")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    began = time.monotonic()
    noises = recorded_noises(options.noise) if options.noise else NOISES
    if options.model.suffix == ".yaml":
        folder = {path.stem for path in options.records.glob("*.hea")}
        names = set(options.only or folder)
        matrices = add_up(out_of_fold(options.model, options.records, names, noises, options.seed))
    else:
        names = set(options.only or DS2)
        paths = [options.records / name for name in sorted(names)]
        prepared = partial(worker, find_checkpoint(options.model), noises, options.seed)
        with closing(in_order_prepared(prepared, paths, options.jobs)) as records:
            matrices = add_up(records)
    text = (
        f"{table(matrices)}\n\n{counted(len(names), 'record')}, {time.monotonic() - began:.0f} s\n"
    )
    print(text, end="")
    if options.out:
        write_text(options.out / "robustness.md", text)
        draw(options.out / "robustness.png", matrices)


def worker(
    checkpoint: Path, noises: dict[str, Noise], seed: int
) -> Callable[[Path], dict[str, Matrix]]:
    """The function that a process applies to each record; its classifier is loaded once."""
    return partial(evaluate_record, partial(classify, load(checkpoint, threads=1)), noises, seed)


class FoldModel:
    """What `classify` uses of a classifier, of the model of a fold."""

    def __init__(self, model: Estimator) -> None:
        self.views = model.views
        self._model = model

    def probabilities(self, beats: Beats) -> Probabilities:
        return self._model.probabilities(inputs_of(beats, self.views))


def out_of_fold(
    config: Path, folder: Path, names: set[str], noises: dict[str, Noise], seed: int
) -> Iterator[dict[str, Matrix]]:
    """The matrices of each of these records, by the model that was trained without its patient."""
    for model, held_out in fold_models(config, []):
        assert held_out.info is not None
        evaluate = partial(evaluate_record, partial(classify, FoldModel(model)), noises, seed)
        for name in sorted(names & set(held_out.info["record"])):
            print(name, file=sys.stderr, flush=True)
            yield evaluate(folder / name)


def classify(classifier: Any, *leads: Recording) -> Matrix:
    """The matrix of a recording against its annotations; only here the model is used."""
    recording, *others = leads
    context = "context" in classifier.views
    prepared = prepare(recording, Path(recording.name), NO_OPTIONS, others, context=context)
    beats, predicted = prepared.beats, probabilities_of(classifier, prepared).argmax(1)
    assert beats.info is not None
    evaluated = beats.info["time"].to_numpy() >= SKIPPED_SECONDS
    truth = beats.known_labels[evaluated]
    return aami.of_beats(metrics.confusion_matrix(truth, predicted[evaluated], len(AAMI_CLASSES)))


def evaluate_record(
    classify: Callable[..., Matrix],
    noises: dict[str, Noise],
    seed: int,
    path: Path,
) -> dict[str, Matrix]:
    """The matrix of a record under each condition."""
    recording = read_recording(path, ReadOptions(lead=0))
    seed += 1000 * int(path.name)  # records do not share their noise
    matrices = {"clean": classify(recording)}
    for kind, distort in noises.items():
        for decibels in DECIBELS:
            name = condition(kind, decibels)
            matrices[name] = classify(distort(recording, decibels, seed))
    for milliseconds in (10, 20, 40):
        moved = with_displaced_peaks(recording, milliseconds / 1000, seed)
        matrices[f"R peaks displaced, up to {milliseconds} ms"] = classify(moved)
    matrices["polarity inverted"] = classify(inverted(recording))
    for gain in (0.5, 2.0):
        matrices[f"gain {gain:g}"] = classify(with_gain(recording, gain))
    for rate in (128, 250, 500):
        matrices[f"resampled to {rate} Hz"] = classify(resampled(recording, rate))
    matrices["other lead"] = classify(read_recording(path, ReadOptions(lead=1)))
    leads, _ = read_leads(path, ReadOptions(lead=0))
    matrices["both leads"] = classify(*leads)
    return matrices


def condition(kind: str, decibels: float) -> str:
    return f"{kind}, {decibels:g} dB"


def add_up(records: Any) -> dict[str, Matrix]:
    """Gross: the beats of all records together."""
    total: dict[str, Matrix] = {}
    for matrices in records:
        for name, matrix in matrices.items():
            total[name] = total.get(name, 0) + matrix
    return total


def table(matrices: dict[str, Matrix]) -> str:
    rows = [["condition", *FIGURES], ["---"] * (1 + len(FIGURES))]
    for name, matrix in matrices.items():
        values = [float(figure(matrix)) for figure in FIGURES.values()]
        rows.append([name, *("-" if math.isnan(value) else f"{value:.3f}" for value in values)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def draw(target: Path, matrices: dict[str, Matrix]) -> None:
    def line(kind: str, figure: str) -> tuple[Any, Any]:
        names = [condition(kind, decibels) for decibels in DECIBELS]
        return DECIBELS, np.array([float(FIGURES[figure](matrices[name])) for name in names])

    draw_lines(
        target,
        {figure: {kind: line(kind, figure) for kind in NOISES} for figure in DRAWN},
        "signal-to-noise ratio, dB",
        {figure: float(FIGURES[figure](matrices["clean"])) for figure in DRAWN},
        "Robustness to synthetic noise, DS2, gross, first 5 minutes skipped",
    )


def draw_lines(
    target: Path,
    panels: dict[str, dict[str, tuple[Any, Any]]],
    label: str,
    levels: dict[str, float],
    title: str,
) -> None:
    """A panel for each figure with named lines ``(x, y)``, and a dashed line at its level."""
    figure = new_figure(1 + 4.2 * len(panels), 4)
    for axis, (name, lines) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for colour, (kind, (x, y)) in zip(PALETTE, lines.items(), strict=False):
            axis.plot(x, y, color=colour, marker="o", markersize=4, label=kind)
        axis.axhline(levels[name], color="black", linewidth=0.8, linestyle="--", label="clean")
        axis.set(title=name, xlabel=label, ylim=(0, 1))
        axis.grid(color="#e4e8ec", linewidth=0.6)
        axis.legend(frameon=False, fontsize=8)
    figure.suptitle(title)
    save_figure(figure, target)


if __name__ == "__main__":
    main()
