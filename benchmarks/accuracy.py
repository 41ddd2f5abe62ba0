"""Train a config with several seeds, evaluate each on the test file once, print a table.

    python benchmarks/accuracy.py configs/cnn.yaml --seeds 5

The interval of the mean is Student's t over seeds: it shows what another seed would
give on the same test beats. That of one seed is the bootstrap over beats.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from ecgcli.evaluation.beats import Evaluation, evaluate_file
from ecgcli.evaluation.comparison import mean_over_seeds
from ecgcli.evaluation.tables import with_interval
from ecgcli.prediction import load
from ecgcli.training import train
from ecgcli.training.config import load_config
from ecgcli.training.run import Run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, from 0")
    parser.add_argument("--test", type=Path, default=Path("data/mitbih_test.csv"))
    parser.add_argument("overrides", nargs="*", help="key=value")
    options = parser.parse_args()
    figures = []
    print("| seed | accuracy | macro-F1 | F1 by class | training |\n|---|---|---|---|---|")
    for seed in range(options.seeds):
        config = load_config(options.config, [*options.overrides, f"seed={seed}"])
        run = train(config, command=" ".join(sys.argv))
        evaluation = evaluate(run, options.test)
        print(format_row(str(seed), evaluation, run.seconds), flush=True)
        figures.append([evaluation.overall[name].value for name in ("accuracy", "macro_f1")])
    print(f"| **mean** | {' | '.join(spread(np.array(figures)))} | | |")


def evaluate(run: Run, test: Path) -> Evaluation:
    return evaluate_file(load(run.checkpoint), test)


def format_row(seed: str, evaluation: Evaluation, seconds: float) -> str:
    classes = ", ".join(
        f"{name} {evaluation.by_class[name]['f1'].value:.3f}" for name in evaluation.classes
    )
    overall = " | ".join(
        with_interval(evaluation.overall[name]) for name in ("accuracy", "macro_f1")
    )
    return f"| {seed} | {overall} | {classes} | {seconds:.0f} s |"


def spread(figures: np.ndarray) -> list[str]:
    """Mean and 95% interval of the mean of each column."""
    means = [mean_over_seeds(column) for column in figures.T]
    return [f"**{mean.value:.4f}** ({mean.low:.4f}-{mean.high:.4f})" for mean in means]


if __name__ == "__main__":
    main()
