"""Explanations: which samples of a beat its predicted class depends on; `deletion` tests them."""

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
from ecgcli.errors import MissingExtraError
from ecgcli.insight.figures import BeatPanel, draw_attributions, require_room
from ecgcli.prediction import Classifier
from ecgcli.progress import SILENT, Progress

#: Points of the integral, by the Gauss-Legendre rule.
STEPS = 50
#: Samples removed at a time by occlusion: 75 ms, a QRS complex.
WINDOW = 9
#: Samples an attribution is averaged over: a single sample can be inferred from its neighbours.
SMOOTHING = 3
#: The share of a beat that is named as its strongest stretch and that the deletion test removes.
TENTH = 0.1
#: Beats explained at a time; each is classified once for every step or window.
_BATCH = 50

METHODS: dict[Attribution, str] = {"gradients": "integrated gradients", "occlusion": "occlusion"}

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Explanation:
    """Beats, their predicted classes, and what the predictions depend on.

    Attributes:
        beats: the beats explained.
        numbers: ``(beats,)`` the number of each beat in its file, from 0.
        classes: the names of the model's classes.
        predicted: ``(beats,)`` the label of the predicted class.
        probabilities: ``(beats,)`` the probability of that class.
        attributions: ``(beats, samples)`` the contribution of each sample to that probability;
            negative where it lowers it, 0 in the padding.
        method: that the attributions were computed with.
    """

    beats: Beats
    numbers: NDArray[np.intp]
    classes: tuple[str, ...]
    predicted: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    attributions: Samples
    method: Attribution

    def strongest(self) -> list[tuple[float, float]]:
        """The tenth of each beat, in one piece, with the highest sum; in ms after the R peak."""
        stretches = []
        for values, length in zip(self.attributions, beat_lengths(self.beats.samples), strict=True):
            width = max(1, round(TENTH * length))
            sums = np.convolve(values[: max(length, 1)], np.ones(width), "valid")
            start = int(sums.argmax())
            stretches.append((1000 * start / SAMPLING_RATE, 1000 * (start + width) / SAMPLING_RATE))
        return stretches

    def label(self, row: int) -> str | None:
        """The true class of a beat; None without labels."""
        labels = self.beats.labels
        return None if labels is None else self.classes[labels[row]]

    def draw(self, target: Path) -> None:
        """Draw each beat over its attributions.

        Raises:
            ConfigError: more beats than a picture has room for.
        """
        require_room(len(self.beats))
        panels = [BeatPanel(self._title(n), self.beats.samples[n]) for n in range(len(self.beats))]
        draw_attributions(target, panels, self.attributions, METHODS[self.method])

    def as_json(self) -> list[dict[str, Any]]:
        """A document of plain values, an object for each beat."""
        return [
            {
                "beat": int(number),
                "label": self.label(row),
                "predicted": self.classes[self.predicted[row]],
                "probability": round(float(self.probabilities[row]), 6),
                "strongest_ms": [round(time, 1) for time in stretch],
                "attributions": [round(float(value), 6) for value in self.attributions[row]],
            }
            for row, (number, stretch) in enumerate(
                zip(self.numbers, self.strongest(), strict=True)
            )
        ]

    def _title(self, row: int) -> str:
        label = self.label(row)
        truth = "" if label is None else f", true {label}"
        predicted = f"predicted {self.classes[self.predicted[row]]}, {self.probabilities[row]:.3f}"
        return f"beat {self.numbers[row]}{truth}: {predicted}"


def explain(
    classifier: Classifier,
    beats: Beats,
    rows: NDArray[np.intp],
    method: Attribution = "gradients",
    progress: Progress = SILENT,
) -> Explanation:
    """Attribute the probability of the predicted class of each of ``beats[rows]`` to its samples.

    ``gradients`` are integrated (Sundararajan, Taly & Yan, ICML 2017) along the path to the
    beat from a flat line at its median, which is about its isoelectric level (a line of zeros
    would be at its lowest point). ``occlusion`` (Zeiler & Fergus, ECCV 2014) removes one
    stretch after another.

    Args:
        classifier: a model that is a network.
        beats: labelled or not.
        rows: the beats to explain.
        method: the attribution.
        progress: called with the number of beats explained.

    Raises:
        ConfigError: the classifier is not a network.
        MissingExtraError: captum is not installed.
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
    """Beats ``(beats, samples)`` with the samples in ``mask`` replaced by straight lines.

    A line joins the remaining samples on both sides; at the beat's ends the value of the
    nearest remaining sample is repeated.
    """
    changed = samples.copy()
    for beat, removed, length in zip(changed, mask, beat_lengths(samples), strict=True):
        left = np.flatnonzero(~removed[:length])
        if len(left):
            gaps = np.flatnonzero(removed[:length])
            beat[gaps] = np.interp(gaps, left, beat[left])
    return changed


def classify(model: nn.Module, beats: Beats) -> Samples:
    """The probabilities ``(beats, classes)`` of beats by a network that computes them."""
    device = next(model.parameters()).device
    with torch.inference_mode():
        outputs = model(*(values.to(device) for values in tensors_for(model, beats)))
    probabilities: Samples = outputs.cpu().numpy()
    return probabilities


def _captum() -> Any:
    """The attributions of captum, an optional package."""
    try:
        import captum.attr
    except ImportError as error:
        raise MissingExtraError(
            "ecg explain needs the package captum: pip install 'ecgcli[explain]'"
        ) from error
    return captum.attr


def _by_gradients(model: nn.Module, beats: Beats, predicted: Tensor) -> Samples:
    method = _captum().IntegratedGradients(model)
    samples, *others = (values.to(predicted.device) for values in tensors_for(model, beats))
    # cuDNN computes no gradients of recurrent layers in evaluation mode.
    with torch.backends.cudnn.flags(enabled=False):
        gradients: Tensor = method.attribute(
            samples,
            baselines=torch.from_numpy(flat_lines(beats.samples)).to(samples),
            target=predicted,
            additional_forward_args=tuple(others) or None,
            n_steps=STEPS,
            method="gausslegendre",
            internal_batch_size=512,
        )
    attributions = gradients.detach().cpu().numpy().astype(np.float32)
    return _smooth(attributions, beat_lengths(beats.samples))


def _by_occlusion(model: nn.Module, beats: Beats, predicted: Tensor) -> Samples:
    samples, *others = tensors_for(model, beats)

    def classify_present(present: Tensor, samples: Tensor, *others: Tensor) -> Tensor:
        """Probabilities of beats without the samples that are not present."""
        left = torch.from_numpy(remove(samples.numpy(), present.numpy() == 0))
        outputs: Tensor = model(*(values.to(predicted.device) for values in (left, *others)))
        return outputs.cpu()

    method = _captum().Occlusion(classify_present)
    with torch.inference_mode():
        attributions: Tensor = method.attribute(
            torch.ones_like(samples),  # a mask is occluded, so that samples can be interpolated
            sliding_window_shapes=(WINDOW,),
            target=predicted.cpu(),
            additional_forward_args=(samples, *others),
            perturbations_per_eval=8,
        )
    return np.where(within_beats(beats.samples), attributions.numpy(), 0).astype(np.float32)


_ATTRIBUTE: dict[Attribution, Callable[[nn.Module, Beats, Tensor], Samples]] = {
    "gradients": _by_gradients,
    "occlusion": _by_occlusion,
}


def flat_lines(samples: Samples) -> Samples:
    """Flat beats: a line at each beat's median, then its padding."""
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
