"""How well an anomaly model finds abnormal beats, and the coverage of its forecasts.

python benchmarks/anomaly.py --train data/mitbih_train.csv --test data/mitbih_test.csv --seeds 3

One fit per seed; each scores the test file once. Coverage is of beats drawn at random from the
test file, ``--forecast`` of them for each of five first samples.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from ecgcli.anomaly.fitting import Settings, fit
from ecgcli.anomaly.forecasting import forecast_beats
from ecgcli.anomaly.model import AnomalyModel, represent
from ecgcli.anomaly.scoring import score_file
from ecgcli.metrics.roc import roc_area

ORIGINS = (20, 40, 60, 80, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--method", default="forecaster")
    parser.add_argument("--validation", default="stratified")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--forecast", type=int, default=0, help="test beats for each first sample")
    options = parser.parse_args()
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        run_seed(options, seed)


def run_seed(options: argparse.Namespace, seed: int) -> None:
    settings = Settings(options.method, seed=seed, validation=options.validation)
    with tempfile.TemporaryDirectory() as folder:
        began, cpu = time.monotonic(), time.process_time()
        fitted = fit(options.train, settings, Path(folder) / "run")
        took, cpu = time.monotonic() - began, time.process_time() - cpu
    model = fitted.model
    print(f"\nseed {seed}, {options.method}: fitted in {took:.0f} s, {cpu:.0f} s of one core")
    print(f"validation ROC area {model.card.metrics['roc_auc']:.4f}")
    scored = score_file(model, "run", options.test)
    print(scored.statement)
    for name, area in scored.areas().items():
        print(f"  {name:9} ROC area {area.value:.4f} ({area.low:.4f}-{area.high:.4f})")
    for name, row in scored.as_json()["by_class"].items():
        print(f"  {name} anomalous {row['anomalous'] / row['beats']:.3f} of {row['beats']}")
    samples = scored.beats.samples
    abnormal = scored.beats.known_labels > 0
    for view, score in {
        "samples": model.views.samples.score(samples),
        "network": model.views.features.score(represent(model.network, samples)),
    }.items():
        print(f"  by the {view} alone {roc_area(abnormal, score).value:.4f}")
    if options.forecast:
        print(f"  band factors {model.card.band_factors}")
        coverage(options, model, len(samples), seed)


def coverage(options: argparse.Namespace, model: AnomalyModel, beats: int, seed: int) -> None:
    """The share of samples in each band, by class and in all, over all first samples together."""
    random = np.random.default_rng(seed)
    inside: dict[tuple[str, int, str], list[tuple[float, int]]] = {}
    for observed in ORIGINS:
        rows = ",".join(map(str, random.choice(beats, options.forecast, replace=False)))
        forecasts = forecast_beats(
            model, "run", options.test, rows=rows, observed=observed, seed=seed
        )
        for kind, shares in forecasts.coverage().items():
            chosen = (
                forecasts.compared
                if kind == "all"
                else forecasts.compared[forecasts.labels == kind]
            )
            for band, share in shares.items():
                inside.setdefault((kind, 0, band), []).append((share, chosen.sum()))
                inside.setdefault((kind, observed, band), []).append((share, chosen.sum()))
    for (kind, observed, band), parts in sorted(inside.items()):
        if observed == 0 or kind in ("all", "N"):
            share = sum(s * n for s, n in parts) / sum(n for _, n in parts)
            where = f"from {observed}" if observed else "together"
            print(f"  {band}% band, {kind}, {where}: {share:.4f}")


if __name__ == "__main__":
    main()
