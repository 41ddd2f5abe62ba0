"""Atrial fibrillation from RR intervals: chosen on folds of LTAFDB, evaluated on MIT-BIH.

    python benchmarks/fibrillation.py data/ltafdb data/mitdb

First the decision: each record of LTAFDB by trees that were fitted on the other folds' patients,
at several biases, times and penalties. The positive predictivity and F1 are those at a prevalence
of 10% (LTAFDB's is 53%: its patients were chosen for their fibrillation). Then the bundled model
on MIT-BIH, which nothing was chosen on: R peaks as annotated; then detected, the V beats being
those of the bundled `recordings` weights, which were trained on these patients. Last the time that
a day takes.
"""

from __future__ import annotations

import argparse
import os
import time
from itertools import product
from pathlib import Path

import numpy as np

from ecgcli.evaluation.recordings import evaluate_recordings
from ecgcli.evaluation.rhythm import evaluate_rhythm
from ecgcli.evaluation.tables import episodes_table
from ecgcli.fibrillation.comparison import compare_rhythm
from ecgcli.fibrillation.fitting import fold_models, read_rhythm_set
from ecgcli.fibrillation.model import Decision, bundled_model, decide, window_log_odds
from ecgcli.metrics.episodes import Counts, EpisodeFigures, summarize_episodes
from ecgcli.prediction import load
from ecgcli.recordings.search import find_recordings
from ecgcli.weights import bundled_checkpoint

#: Share of the time in fibrillation that positive predictivities are given for.
PREVALENCE = 0.1
DECISIONS = [
    Decision(bias=bias, seconds=seconds, penalty=penalty)
    for bias, seconds, penalty in product((-1.0, -2.0, -3.0), (5.0, 7.5, 10.0), (4.0, 8.0))
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ltafdb", type=Path)
    parser.add_argument("mitdb", type=Path)
    options = parser.parse_args()
    print_decisions(options.ltafdb)
    paths = find_recordings([str(options.mitdb)]).paths
    fibrillation = bundled_checkpoint("fibrillation")
    annotated = evaluate_rhythm(fibrillation, paths, data="mitdb").fibrillation
    print_figures("MIT-BIH, R peaks as annotated", annotated)
    detected = evaluate_recordings(load("recordings"), paths, data="mitdb").fibrillation
    if detected is not None:
        print_figures("MIT-BIH, R peaks detected", detected)
    print_speed()


def print_decisions(ltafdb: Path) -> None:
    data = read_rhythm_set(ltafdb, jobs=os.cpu_count() or 1)
    counts: list[dict[str, Counts]] = [{} for _ in DECISIONS]
    for held_out, trees in fold_models(data):
        for record in held_out:
            odds = window_log_odds(trees, record.times, record.ectopic, Decision().every)
            for number, decision in enumerate(DECISIONS):
                called = decide(odds, record.times, decision)
                counts[number][record.name] = compare_rhythm(called, record.rhythms)
    print("\n| bias | seconds | penalty | Se | Sp | +P at 10% | F1 at 10% |")
    print("|---" * 7 + "|")
    for decision, records in zip(DECISIONS, counts, strict=True):
        figures = summarize_episodes(records)
        sensitivity = figures.scores()["af_duration_sensitivity"]
        specificity = figures.scores()["af_duration_specificity"]
        right, false = PREVALENCE * sensitivity, (1 - PREVALENCE) * (1 - specificity)
        predictivity = right / (right + false)
        f1 = 2 * predictivity * sensitivity / (predictivity + sensitivity)
        cells = [decision.bias, decision.seconds, decision.penalty]
        shares = (sensitivity, specificity, predictivity, f1)
        print("|", " | ".join([*map(str, cells), *(f"{share:.1%}" for share in shares)]), "|")
        if decision == Decision():
            chosen = figures
    print_figures("LTAFDB, by folds, as chosen", chosen)


def print_figures(title: str, figures: EpisodeFigures) -> None:
    table = episodes_table(figures)
    print(f"\n{title}\n\n| {' | '.join(table.headings)} |")
    print("|---" * len(table.headings) + "|")
    for row in table.rows:
        print(f"| {' | '.join(row)} |")


def print_speed(beats: int = 110_000) -> None:
    random = np.random.default_rng(0)
    times = np.cumsum(random.normal(0.8, 0.1, beats))
    model, ectopic = bundled_model(), random.random(beats) < 0.02
    began = time.process_time()
    model.rhythm(times, ectopic)
    print(f"\n{beats:,} beats: {time.process_time() - began:.2f} s of the process")


if __name__ == "__main__":
    main()
