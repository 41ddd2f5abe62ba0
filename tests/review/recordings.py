"""A short made-up recording and a classifier that is wrong in a known way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb

from ecgcli.beats import Beats
from ecgcli.checkpoints import Card
from ecgcli.classes import AAMI_CLASSES
from ecgcli.review.session import Analysis, find_beats
from tests.helpers import UNTRAINED

RATE = 250


@dataclass(frozen=True)
class Guessing:
    """Stands for a `Classifier` that calls every beat N with the same probability."""

    probability: float = 0.6
    classes: tuple[str, ...] = AAMI_CLASSES
    views: tuple[str, ...] = ("samples",)
    name: str = "guessing"
    path: Path = Path("guessing")

    @property
    def card(self) -> Card:
        return Card(
            model="guessing", arguments={}, views=self.views, classes=self.classes,
            class_offsets=(0.0,) * len(self.classes), training_data=UNTRAINED, metrics={},
            licence="none",
        )  # fmt: skip

    def probabilities(self, beats: Beats) -> np.ndarray:
        rest = (1 - self.probability) / (len(self.classes) - 1)
        shares = np.full((len(beats), len(self.classes)), rest, np.float32)
        shares[:, 0] = self.probability
        return shares


def write_recording(folder: Path, name: str = "made", beats: int = 60) -> Path:
    """A record of narrow beats, of which every fifth is early and wide, without annotations."""
    gaps = np.where(np.arange(beats) % 5 == 3, 0.55, np.where(np.arange(beats) % 5 == 4, 1.2, 0.8))
    peaks = 0.6 + np.cumsum(gaps) - gaps[0]
    time = np.arange(round((peaks[-1] + 2) * RATE)) / RATE
    signal = 0.01 * np.random.default_rng(0).standard_normal(len(time))
    for number, peak in enumerate(peaks):
        width, height = (0.05, 1.4) if number % 5 == 3 else (0.012, 1.0)
        signal += height * np.exp(-(((time - peak) / width) ** 2) / 2)
        signal += 0.2 * np.exp(-(((time - peak - 0.28) / 0.05) ** 2) / 2)
    wfdb.wrsamp(
        name, RATE, ["mV"], ["II"], signal[:, None], fmt=["16"], adc_gain=[1000], baseline=[0],
        write_dir=str(folder),
    )  # fmt: skip
    return folder / f"{name}.hea"


def analyse(path: Path) -> Analysis:
    return find_beats(path, Guessing())  # type: ignore[arg-type]
