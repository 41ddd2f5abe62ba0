"""Which samples of a beat its class rests on. Whether it does: `deletion`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgcli.arrays import Samples
from ecgcli.beats import Beats, beat_lengths, within_beats
from ecgcli.beats.reader import SAMPLING_RATE
from ecgcli.checkpoints.networks import load_probability_network, tensors_for
from ecgcli.choices import Attribution
from ecgcli.insight.figures import BeatPanel, draw_attributions, require_room
from ecgcli.prediction import Classifier
from ecgcli.progress import SILENT, Progress

#: Points of the integral, by the Gauss-Legendre rule.
STEPS = 50
#: Samples hidden at a time by occlusion: 75 ms, a QRS complex.
WINDOW = 9
#: Samples an attribution is averaged over. A sample alone can be told from those beside it.
SMOOTHING = 3
#: Share of a beat that a table names as what counts most, and that the deletion test removes.
TENTH = 0.1
#: Beats explained at a time; each is computed at every step or window.
_BATCH = 50

METHODS: dict[Attribution, str] = {"gradients": "integrated gradients", "occlusion": "occlusion"}

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Explanation:
    """Beats, what a model says of them, and what that rests on.

    Attributes:
        beats: the beats explained.
        numbers: of each beat in its file, from 0.
        classes: the names of the model's classes.
        predicted: ``(beats,)`` the class the model says.
        probabilities: ``(beats,)`` of that class.
        attributions: ``(beats, samples)`` how much each sample speaks for that class, in
            units of its probability; negative speaks against; 0 in the padding.
        method: how they were found.
    """

    beats: Beats
    numbers: NDArray[np.intp]
    classes: tuple[str, ...]
    predicted: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    attributions: Samples
    method: Attribution

    def strongest(self) -> list[tuple[float, float]]:
        """For each beat the stretch, a tenth of it long, that counts most; ms after the R peak."""
        found = []
        for values, length in zip(self.attributions, beat_lengths(self.beats.samples), strict=True):
            width = max(1, round(TENTH * length))
            sums = np.convolve(values[: max(length, 1)], np.ones(width), "valid")
            start = int(sums.argmax())
            found.append((1000 * start / SAMPLING_RATE, 1000 * (start + width) / SAMPLING_RATE))
        return found

    def label(self, place: int) -> str | None:
        """The true class of a beat, when it is known."""
        labels = self.beats.labels
        return None if labels is None else self.classes[labels[place]]

    def draw(self, target: Path) -> None:
        """Draw each beat over what it rests on.

        Raises:
            ConfigError: more beats than a picture has room for.
        """
        require_room(len(self.beats))
        panels = [BeatPanel(self._title(n), self.beats.samples[n]) for n in range(len(self.beats))]
        draw_attributions(target, panels, self.attributions, METHODS[self.method])

    def as_json(self) -> list[dict[str, Any]]:
        """A document of plain values, an object a beat."""
        return [
            {
                "beat": int(number),
                "label": self.label(place),
                "predicted": self.classes[self.predicted[place]],
                "probability": round(float(self.probabilities[place]), 6),
                "strongest_ms": [round(time, 1) for time in stretch],
                "attributions": [round(float(value), 6) for value in self.attributions[place]],
            }
            for place, (number, stretch) in enumerate(
                zip(self.numbers, self.strongest(), strict=True)
            )
        ]

    def _title(self, place: int) -> str:
        label = self.label(place)
        truth = "" if label is None else f", true {label}"
        says = f"says {self.classes[self.predicted[place]]}, {self.probabilities[place]:.3f}"
        return f"beat {self.numbers[place]}{truth}: {says}"


def explain(
    classifier: Classifier,
    beats: Beats,
    rows: NDArray[np.intp],
    method: Attribution = "gradients",
    progress: Progress = SILENT,
) -> Explanation:
    """Attribute the class that the model says of each of ``beats[rows]`` to its samples.

    ``gradients`` are integrated (Sundararajan, Taly & Yan, ICML 2017) on the way to the beat
    from a flat line at its median, about its isoelectric level (a line of zeros would
    be as deep as its deepest point). ``occlusion`` (Zeiler & Fergus, ECCV 2014) removes one
    stretch after another. What is attributed is the probability of the class.

    Args:
        classifier: a model that is a network.
        beats: labelled or not.
        rows: which of them to look at.
        method: how.
        progress: of the beats.

    Raises:
        ConfigError: the classifier is not a network.
    """
    model = load_probability_network(classifier.checkpoint)
    chosen = beats.take(rows)
    probabilities = classify(model, chosen)
    predicted = torch.from_numpy(probabilities.argmax(1)).to(next(model.parameters()).device)
    parts = []
    for start in range(0, len(rows), _BATCH):
        part = np.arange(start, min(start + _BATCH, len(rows)))
        parts.append(_ATTRIBUTE[method](model, chosen.take(part), predicted[part]))
        progress.update("explaining", int(part[-1]) + 1, len(rows))
    return Explanation(
        chosen, rows, classifier.classes, probabilities.argmax(1), probabilities.max(1),
        np.concatenate(parts), method,
    )  # fmt: skip


def remove(samples: Samples, mask: Mask) -> Samples:
    """Beats ``(beats, samples)`` with those in ``mask`` replaced by a line between the rest.

    Before the first and after the last sample that is left, its value goes on.
    """
    changed = samples.copy()
    for beat, gone, length in zip(changed, mask, beat_lengths(samples), strict=True):
        left = np.flatnonzero(~gone[:length])
        if len(left):
            lost = np.flatnonzero(gone[:length])
            beat[lost] = np.interp(lost, left, beat[left])
    return changed


def classify(model: nn.Module, beats: Beats) -> Samples:
    """The probabilities ``(beats, classes)`` that a classifier gives to beats."""
    device = next(model.parameters()).device
    with torch.inference_mode():
        probabilities = model(*(values.to(device) for values in tensors_for(model, beats)))
    found: Samples = probabilities.cpu().numpy()
    return found


def _by_gradients(model: nn.Module, beats: Beats, predicted: Tensor) -> Samples:
    from captum.attr import IntegratedGradients

    samples, *others = (values.to(predicted.device) for values in tensors_for(model, beats))
    # Gradients of recurrent layers in evaluation are beyond cuDNN.
    with torch.backends.cudnn.flags(enabled=False):
        found: Tensor = IntegratedGradients(model).attribute(
            samples,
            baselines=torch.from_numpy(flat_lines(beats.samples)).to(samples),
            target=predicted,
            additional_forward_args=tuple(others) or None,
            n_steps=STEPS,
            method="gausslegendre",
            internal_batch_size=512,
        )
    attributions = found.detach().cpu().numpy().astype(np.float32)
    return _smooth(attributions, beat_lengths(beats.samples))


def _by_occlusion(model: nn.Module, beats: Beats, predicted: Tensor) -> Samples:
    from captum.attr import Occlusion

    samples, *others = tensors_for(model, beats)

    def judge(present: Tensor, samples: Tensor, *others: Tensor) -> Tensor:
        """Probabilities of beats without the samples that are not present."""
        left = torch.from_numpy(remove(samples.numpy(), present.numpy() == 0))
        found: Tensor = model(*(values.to(predicted.device) for values in (left, *others)))
        return found.cpu()

    with torch.inference_mode():
        found: Tensor = Occlusion(judge).attribute(
            torch.ones_like(samples),  # what is hidden from the model is a sample's presence
            sliding_window_shapes=(WINDOW,),
            target=predicted.cpu(),
            additional_forward_args=(samples, *others),
            perturbations_per_eval=8,
        )
    return np.where(within_beats(beats.samples), found.numpy(), 0).astype(np.float32)


_ATTRIBUTE: dict[Attribution, Callable[[nn.Module, Beats, Tensor], Samples]] = {
    "gradients": _by_gradients,
    "occlusion": _by_occlusion,
}


def flat_lines(samples: Samples) -> Samples:
    """Beats without a heartbeat: a line at each beat's median, then its padding."""
    flat = np.zeros_like(samples)
    for target, beat, length in zip(flat, samples, beat_lengths(samples), strict=True):
        if length:
            target[:length] = np.median(beat[:length])
    return flat


def _smooth(attributions: Samples, lengths: NDArray[np.intp]) -> Samples:
    """The mean over `SMOOTHING` samples, within each beat."""
    from scipy.ndimage import uniform_filter1d

    smooth = np.zeros_like(attributions)
    for target, values, length in zip(smooth, attributions, lengths, strict=True):
        if length:
            target[:length] = uniform_filter1d(values[:length], SMOOTHING, mode="nearest")
    return smooth
