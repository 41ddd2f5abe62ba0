"""A trained model that classifies beats and recordings, and tables of its predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Probabilities
from ecgcli.beats import Beats, read_beats
from ecgcli.beats.reader import BEAT_LENGTH
from ecgcli.checkpoints import Card, Checkpoint, load_checkpoint
from ecgcli.checkpoints.engines import Engine, load_engine
from ecgcli.checkpoints.runs import find_checkpoint, shown_place
from ecgcli.choices import EngineName
from ecgcli.errors import CheckpointError, DataError
from ecgcli.recordings import NO_OPTIONS, ReadOptions, is_recording
from ecgcli.weights import name_of

if TYPE_CHECKING:
    from ecgcli.prediction.recordings import Classified

#: The forms of beats that `Classifier` takes: samples ``(beats, 187)``, a beats CSV, or `Beats`.
BeatsLike = NDArray[np.generic] | Path | str | Beats


@dataclass(frozen=True)
class Classifier:
    """A trained model, ready to run; `load` returns one.

    Attributes:
        path: of the checkpoint's file.
        checkpoint: the card and the weights.
        engine: computes the probabilities.
    """

    path: Path
    checkpoint: Checkpoint
    engine: Engine

    @property
    def card(self) -> Card:
        """The checkpoint's description of itself."""
        return self.checkpoint.card

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their probabilities."""
        return self.card.classes

    @property
    def views(self) -> tuple[str, ...]:
        """The model's inputs; see `ecgcli.beats.views`."""
        return self.card.views

    @property
    def name(self) -> str:
        """The name of the bundled weights, or else of the folder that holds the checkpoint."""
        return name_of(self.path) or self.path.absolute().parent.name

    @property
    def place(self) -> str:
        """What commands take for it: the name of bundled weights, the run, or the file."""
        return shown_place(self.path)

    def probabilities(self, beats: BeatsLike) -> Probabilities:
        """The probability of each class for each beat, ``(beats, classes)`` float32.

        Args:
            beats: an array ``(beats, 187)`` of samples in 0..1 at 120 Hz, zero-padded; the
                path of a beats CSV (labels are ignored); or `Beats`.

        Raises:
            DataError: the beats are not of this form, or lack one of the model's inputs.
        """
        beats = self.read(beats)
        if not len(beats):
            return np.empty((0, len(self.classes)), np.float32)
        return self.engine.probabilities(beats)

    def predict(self, beats: BeatsLike) -> NDArray[np.str_]:
        """The name of the most probable class of each beat, ``(beats,)``.

        Arguments and errors are those of `probabilities`.
        """
        labels = self.probabilities(beats).argmax(axis=1)
        return np.array([self.classes[label] for label in labels], np.str_)

    def classify(
        self,
        recording: str | Path,
        options: ReadOptions = NO_OPTIONS,
        *,
        abstain: float = 0.0,
    ) -> Classified:
        """The beats of a recording, each with its time and class, and its rhythm.

        Args:
            recording: the path of a WFDB record, an EDF file or another supported format.
            options: of reading it, and the detector of its R peaks if none are annotated.
            abstain: beats whose highest probability is below this are not classified.

        Raises:
            DataError: the recording cannot be read.
            ConfigError: ``abstain`` is not a probability, or there is no such detector.
        """
        from ecgcli.prediction.recordings import classify_recording

        return classify_recording(self, Path(recording), options, abstain)

    def read(self, beats: BeatsLike) -> Beats:
        """Beats in any form that `probabilities` takes, as `Beats`.

        Raises:
            DataError: they are in none of these forms.
        """
        if isinstance(beats, Beats):
            return beats
        if isinstance(beats, np.ndarray):
            return Beats(_checked(beats))
        if is_recording(str(beats), None):
            raise DataError("this is not a beats CSV; classify() takes recordings", file=beats)
        return read_beats(beats, self.classes)


def load(
    place: str | Path, *, engine: EngineName = "auto", threads: int | None = None
) -> Classifier:
    """Load a trained model.

    Args:
        place: a run folder, a checkpoint file, or the name of bundled weights (``"beats"``,
            ``"recordings"``).
        engine: ``"openvino"``, ``"torch"``, or ``"auto"`` for the faster one that can run the
            model here.
        threads: the most that OpenVINO uses; None is one for each core.

    Raises:
        CheckpointError: there is no checkpoint, or it cannot be used.
        MissingExtraError: the engine cannot run this checkpoint here.
        ConfigError: an engine is named for a model that is not a network.
    """
    path = find_checkpoint(Path(place))
    checkpoint = load_checkpoint(path)
    try:
        return Classifier(path, checkpoint, load_engine(checkpoint, engine, threads))
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _checked(samples: NDArray[np.generic]) -> NDArray[np.float32]:
    """The samples as float32.

    Raises:
        DataError: they are not numbers ``(beats, 187)`` in 0..1.
    """
    if samples.ndim != 2 or samples.shape[1] != BEAT_LENGTH or samples.dtype.kind not in "fiu":
        raise DataError(
            f"found an array {samples.shape} of {samples.dtype}; "
            f"valid: (beats, {BEAT_LENGTH}) of numbers"
        )
    values = np.ascontiguousarray(samples, np.float32)
    wrong = np.argwhere(~((values >= 0) & (values <= 1)))
    if len(wrong):
        beat, sample = wrong[0]
        raise DataError(
            f"beat {beat}, sample {sample}: found {values[beat, sample]:g}; samples lie in 0..1: "
            "scale each beat by its own minimum and maximum"
        )
    return values
