"""Evaluate a recipe on patients held out, each database apart: EC57 figures out of fold.

    python benchmarks/new_patients.py configs/recordings.yaml

Trains the config's model on all but one of five folds of patients, predicts the fold, and
prints gross and average figures by database. Altered copies are trained on and not evaluated.
This is where recipes are chosen; no record of DS2 is read.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ecgcli.beats import Beats
from ecgcli.beats.splits import patient_folds
from ecgcli.beats.views import inputs_of
from ecgcli.metrics import aami, confusion_matrix
from ecgcli.metrics.calibration import reliability
from ecgcli.models import Estimator, create_estimator
from ecgcli.recordings.databases import database_of
from ecgcli.training.config import load_config
from ecgcli.training.copies import are_copies
from ecgcli.training.dataset import build_training_set
from ecgcli.training.estimators import FOLDS

#: Columns of the table: a name, and the EC57 figures it consists of.
COLUMNS = {
    "S Se / +P": ("sveb_sensitivity", "sveb_positive_predictivity"),
    "V Se / +P": ("veb_sensitivity", "veb_positive_predictivity"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("overrides", nargs="*", help="key=value")
    options = parser.parse_args()
    results = predict_out_of_fold(options.config, options.overrides)
    print("| database | records | S Se / +P | average | V Se / +P | average | jk | calibration |")
    print("|---|---|---|---|---|---|---|---|")
    for name, rows in results.groupby("database"):
        print(format_row(str(name), rows))
    print_hardest(results)


def fold_models(config_path: Path, overrides: list[str]) -> Iterator[tuple[Estimator, Beats]]:
    """The model of each fold, with the beats held out from it; altered copies are left out."""
    config = load_config(config_path, overrides)
    beats = build_training_set(config).training
    classes, real = len(beats.classes), ~are_copies(beats)
    for split in patient_folds(beats, FOLDS, config.seed):
        model = create_estimator(config.model.name, **config.model.arguments)
        training = beats.take(split.kept)
        model.fit(inputs_of(training, model.views), training, classes, config.seed)
        yield model, beats.take(split.held_out[real[split.held_out]])


def predict_out_of_fold(config_path: Path, overrides: list[str]) -> pd.DataFrame:
    """A row a beat: database, record, label, and the probabilities of the classes."""
    parts = []
    for model, held_out in fold_models(config_path, overrides):
        assert held_out.info is not None
        part = pd.DataFrame(model.probabilities(inputs_of(held_out, model.views)))
        part["record"], part["label"] = held_out.info["record"].to_numpy(), held_out.known_labels
        parts.append(part)
    results = pd.concat(parts, ignore_index=True)
    databases = {record: database_of(record) for record in results["record"].unique()}
    names = {record: base.name if base else "other" for record, base in databases.items()}
    return results.assign(database=results["record"].map(names))


def format_row(name: str, rows: pd.DataFrame) -> str:
    matrices = {str(record): matrix_of(part) for record, part in rows.groupby("record")}
    figures = aami.summarize(matrices).figures
    cells = [name, str(len(matrices))]
    for pair in COLUMNS.values():
        cells.append(" / ".join(f"{100 * figures[figure].gross:.1f}" for figure in pair))
        cells.append(" / ".join(f"{100 * figures[figure].average:.0f}" for figure in pair))
    error = reliability(probabilities_of(rows), rows["label"].to_numpy()).error
    cells += [f"{figures['jk_index'].gross:.3f}", f"{error:.3f}"]
    return f"| {' | '.join(cells)} |"


def print_hardest(results: pd.DataFrame) -> None:
    """The records with the most S beats missed or falsely predicted."""
    matrices = {str(r): matrix_of(part) for r, part in results.groupby("record")}
    missed = {r: int(m[aami.S].sum() - m[aami.S, aami.S]) for r, m in matrices.items()}
    false = {r: int(m[:, aami.S].sum() - m[aami.S, aami.S]) for r, m in matrices.items()}
    print("\nrecord: S beats, of these missed, other beats classified as S")
    for record in sorted(matrices, key=lambda r: -(missed[r] + false[r]))[:12]:
        print(f"{record}: {matrices[record][aami.S].sum()}, {missed[record]}, {false[record]}")


def matrix_of(rows: pd.DataFrame) -> np.ndarray:
    predicted = probabilities_of(rows).argmax(1)
    return aami.of_beats(confusion_matrix(rows["label"].to_numpy(), predicted, 5))


def probabilities_of(rows: pd.DataFrame) -> np.ndarray:
    return rows[list(range(5))].to_numpy()


if __name__ == "__main__":
    main()
