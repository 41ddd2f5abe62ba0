"""Learn what RR intervals say of a beat, from the annotations of the Long-Term AF Database.

    python benchmarks/intervals.py data/ltafdb

writes the trees that come with the package, ``ecgcli/weights/intervals.txt.gz``, byte for byte,
after their scores on five folds by patient. Two minutes on two CPU cores.
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from ecgcli import weights
from ecgcli.beats.intervals import FILE, ORIGINS, interval_features
from ecgcli.classes import LABEL_OF_SYMBOL
from ecgcli.files import atomic_write
from ecgcli.recordings.formats.wfdb_record import read_annotations, read_rate

FOLDS = 5
ROUNDS = 100
#: At most this number of beats of each kind from a recording.
LIMITS = {
    "supraventricular": 2000,
    "ventricular": 2000,
    "normal beside an ectopic beat": 800,
    "normal": 2500,
    "fibrillation beside an ectopic beat": 500,
    "fibrillation": 2000,
}
PARAMETERS = {
    "objective": "multiclass",
    "num_class": len(ORIGINS),
    "num_leaves": 31,
    "learning_rate": 0.12,
    "min_child_samples": 200,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "max_bin": 63,
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
N, S, V, AF = range(4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the Long-Term AF Database")
    parser.add_argument("--folds", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    headers = sorted(options.folder.glob("*.hea"))
    recordings = [beats_of(header, number) for number, header in enumerate(headers)]
    if options.folds:
        print_scores(recordings)
    text = fitted(recordings).model_to_string()
    target = Path(weights.__file__).with_name(FILE)
    with atomic_write(target) as file:
        file.write(gzip.compress(text.encode("ascii"), 9, mtime=0))
    print(f"wrote {target} ({target.stat().st_size:,} bytes)")


def beats_of(header: Path, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features and origins of some beats of a recording."""
    positions, names, texts = read_annotations(header.with_suffix(""), "atr")
    symbols = np.array(names)
    changes = [k for k, text in enumerate(texts) if symbols[k] == "+" and text.startswith("(")]
    rhythm = np.array(["", *(texts[k] for k in changes)])
    beat = np.array([symbol in LABEL_OF_SYMBOL for symbol in symbols])
    place = np.searchsorted(changes, np.flatnonzero(beat))
    labels = np.array([LABEL_OF_SYMBOL[symbol] for symbol in symbols[beat]])
    fibrillation = rhythm[place] == "(AFIB"
    origins = np.where((labels == N) & fibrillation, AF, np.where(labels > V, -1, labels))
    rows = chosen(origins, np.random.default_rng(seed))
    times = positions[beat] / read_rate(header)
    return interval_features(times)[rows], origins[rows]


def chosen(origins: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.intp]:
    """Rows of beats, no more of each kind than `LIMITS`."""
    ectopic = np.pad(np.isin(origins, (S, V)), 2)
    beside = np.any([ectopic[k : k + len(origins)] for k in (0, 1, 3, 4)], axis=0)
    normal, fibrillation = origins == N, origins == AF
    kinds = (origins == S, origins == V, normal & beside, normal & ~beside,
             fibrillation & beside, fibrillation & ~beside)  # fmt: skip
    rows = [
        random.choice(np.flatnonzero(kind), min(limit, int(kind.sum())), replace=False)
        for kind, limit in zip(kinds, LIMITS.values(), strict=True)
    ]
    return np.sort(np.concatenate(rows))


def fitted(
    recordings: list[tuple[NDArray[np.float32], NDArray[np.int64]]],
) -> lightgbm.Booster:
    """Trees in which every origin weighs the same."""
    features = np.concatenate([features for features, _ in recordings])
    origins = np.concatenate([origins for _, origins in recordings])
    weights_of = len(origins) / (len(ORIGINS) * np.bincount(origins, minlength=len(ORIGINS)))
    data = lightgbm.Dataset(features, origins, weight=weights_of[origins])
    return lightgbm.train(PARAMETERS, data, ROUNDS)


def print_scores(recordings: list[tuple[NDArray[np.float32], NDArray[np.int64]]]) -> None:
    """Area under the ROC curve and average precision by origin, out of fold."""
    predictions, truth = [], []
    for fold in range(FOLDS):
        model = fitted([r for k, r in enumerate(recordings) if k % FOLDS != fold])
        for features, origins in recordings[fold::FOLDS]:
            predictions.append(np.asarray(model.predict(features)))
            truth.append(origins)
    probabilities, labels = np.concatenate(predictions), np.concatenate(truth)
    print(f"{len(labels):,} beats of {len(recordings)} recordings, out of fold by patient")
    print("| origin | beats | area under the ROC curve | average precision |\n|---|---|---|---|")
    for k, name in enumerate(ORIGINS):
        own = labels == k
        area = roc_auc_score(own, probabilities[:, k])
        precision = average_precision_score(own, probabilities[:, k])
        print(f"| {name} | {own.sum():,} | {area:.3f} | {precision:.3f} |")


if __name__ == "__main__":
    main()
