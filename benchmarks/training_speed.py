"""Time ten epochs of configs/cnn.yaml against a plain DataLoader loop and Keras, side by side.

    python benchmarks/training_speed.py --rounds 3 --keras KERAS_VENV/bin/python

All train the same network (batch normalisation included) on the same resampled beats with
the same batch size, AdamW and one-cycle learning rate, and are evaluated on the same validation
beats after every epoch. Each runs in a process of its own, in turn, so that a busy moment of
the machine hits all of them. Timed are the epochs with their validation, without imports and
reading. Prior correction is off, so that the networks alone are compared.
Keras needs an environment of its own: pip install tensorflow-cpu.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

VALIDATION_BATCH = 256
EPOCHS, BATCH, PEAK_RATE, WEIGHT_DECAY, SMOOTHING = 10, 128, 0.002, 0.01, 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keras", help="the python of an environment with Keras")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(SIDES[options.side](options.data, options.seed)))
        return
    pythons = {"ecg": sys.executable, "DataLoader": sys.executable, "Keras": options.keras}
    results_of: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES if pythons[side]}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "beats.npz"
        save_beats(data)
        for seed in range(options.rounds):
            for side, results in results_of.items():
                results.append(run_side(side, pythons[side], data, seed))
                print(f"round {seed + 1}, {side}: {results[-1]}", file=sys.stderr)
    print_table(results_of)


def run_side(side: str, python: str, data: Path, seed: int) -> dict[str, float]:
    arguments = ["--side", side, "--data", str(data), "--seed", str(seed)]
    answer = subprocess.run(
        [python, __file__, *arguments], capture_output=True, text=True, check=True
    )
    result: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return result


def print_table(results_of: dict[str, list[dict[str, float]]]) -> None:
    ours = median(result["seconds"] for result in results_of["ecg"])
    print("| | 10 epochs, s (min-max) | times ecg | validation macro-F1 |\n|---|---|---|---|")
    for side, results in results_of.items():
        seconds = [result["seconds"] for result in results]
        score = sum(result["macro_f1"] for result in results) / len(results)
        middle = median(seconds)
        print(
            f"| {side} | {middle:.1f} ({min(seconds):.1f}-{max(seconds):.1f}) "
            f"| {middle / ours:.2f} | {score:.4f} |"
        )


def save_beats(target: Path) -> None:
    import numpy as np

    from ecgcli.training.config import load_config
    from ecgcli.training.dataset import build_training_set

    data = build_training_set(load_config(Path("configs/cnn.yaml")))
    np.savez(
        target,
        x=data.training.samples, y=data.training.known_labels,
        validation_x=data.validation.samples, validation_y=data.validation.known_labels,
    )  # fmt: skip


def ecg(data: Path, seed: int) -> dict[str, float]:  # noqa: ARG001 (reads the same beats itself)
    from ecgcli.training import train
    from ecgcli.training.config import load_config

    with tempfile.TemporaryDirectory() as runs:
        overrides = [f"runs={runs}", "training.prior_correction=false"]
        # seed 0 splits and draws the beats; the weights alone differ between rounds
        config = load_config(Path("configs/cnn.yaml"), overrides)
        run = train(config) if seed == 0 else train_seeded(config, seed)
        return {"seconds": run.seconds, "macro_f1": run.history[-1].validation_macro_f1}


def train_seeded(config: Any, seed: int) -> Any:
    """Train on seed 0's beats with other weights and order."""
    from unittest.mock import patch

    from ecgcli.training import train
    from ecgcli.training.dataset import build_training_set

    beats = build_training_set(config)
    with patch("ecgcli.training.epochs.build_training_set", return_value=beats):
        return train(config.model_copy(update={"seed": seed}))


def dataloader(data: Path, seed: int) -> dict[str, float]:
    """The loop of the tutorials: Dataset, DataLoader, Conv1d, float32."""
    import numpy as np
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(seed)
    beats = np.load(data)
    x, y = torch.from_numpy(beats["x"]), torch.from_numpy(beats["y"])
    loader = DataLoader(TensorDataset(x[:, None], y), batch_size=BATCH, shuffle=True)
    held_out = torch.from_numpy(beats["validation_x"])[:, None]
    validation = DataLoader(TensorDataset(held_out), batch_size=VALIDATION_BATCH)
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 32), (32, 64), (64, 128)):
        layers += [
            nn.Conv1d(inputs, outputs, 5, padding=2), nn.BatchNorm1d(outputs),
            nn.ReLU(), nn.MaxPool1d(2),
        ]  # fmt: skip
    full = [nn.Linear(128 * 23, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 5)]
    model = nn.Sequential(*layers, nn.Flatten(), *full)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_RATE, total_steps=EPOCHS * len(loader)
    )
    criterion = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    began = time.monotonic()
    for _ in range(EPOCHS):
        for batch, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(batch), labels)
            loss.backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.inference_mode():
            logits = torch.cat([model(batch) for (batch,) in validation])
        model.train()
    seconds = time.monotonic() - began
    return {
        "seconds": seconds,
        "macro_f1": macro_f1(beats["validation_y"], logits.argmax(1).numpy()),
    }


def keras(data: Path, seed: int) -> dict[str, float]:
    import numpy as np
    from keras import Sequential, layers, losses, optimizers, utils

    utils.set_random_seed(seed)
    beats = np.load(data)
    blocks = [
        layer
        for channels in (32, 64, 128)
        for layer in (
            layers.Conv1D(channels, 5, padding="same"), layers.BatchNormalization(),
            layers.ReLU(), layers.MaxPooling1D(2),
        )
    ]  # fmt: skip
    full = [layers.Dense(128, "relu"), layers.Dense(64, "relu"), layers.Dense(5)]
    model = Sequential([layers.Input((187, 1)), *blocks, layers.Flatten(), *full])
    steps = EPOCHS * -(-len(beats["x"]) // BATCH)
    rate = optimizers.schedules.CosineDecay(
        PEAK_RATE / 25, steps - 3 * steps // 10, warmup_target=PEAK_RATE,
        warmup_steps=3 * steps // 10,
    )  # fmt: skip
    model.compile(
        optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY),
        losses.CategoricalCrossentropy(from_logits=True, label_smoothing=SMOOTHING),
    )
    targets = utils.to_categorical(beats["y"], 5)
    held_out = (beats["validation_x"][..., None], utils.to_categorical(beats["validation_y"], 5))
    began = time.monotonic()
    model.fit(
        beats["x"][..., None], targets, batch_size=BATCH, epochs=EPOCHS, verbose=0,
        validation_data=held_out, validation_batch_size=VALIDATION_BATCH,
    )  # fmt: skip
    seconds = time.monotonic() - began
    logits = model.predict(held_out[0], batch_size=VALIDATION_BATCH, verbose=0)
    return {"seconds": seconds, "macro_f1": macro_f1(beats["validation_y"], logits.argmax(1))}


def macro_f1(truth: Any, predicted: Any) -> float:
    """Without scikit-learn, which Keras' environment lacks."""
    scores = []
    for label in range(5):
        hits = ((truth == label) & (predicted == label)).sum()
        scores.append(2 * hits / ((truth == label).sum() + (predicted == label).sum()))
    return float(sum(scores) / 5)


SIDES = {"ecg": ecg, "DataLoader": dataloader, "Keras": keras}

if __name__ == "__main__":
    main()
