"""A model of atrial fibrillation + records with annotated rhythms -> the figures of EC57."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgcli.checkpoints import card_text
from ecgcli.errors import DataError
from ecgcli.evaluation.beats import describe_patients
from ecgcli.fibrillation.comparison import compare_rhythm
from ecgcli.fibrillation.model import load_model
from ecgcli.metrics.episodes import EpisodeFigures, summarize_episodes
from ecgcli.progress import SILENT, Progress
from ecgcli.recordings.annotated_rhythm import read_annotated_rhythm


@dataclass(frozen=True)
class RhythmEvaluation:
    """The figures of a model on annotated R peaks, and the scope of the score."""

    model: str
    data: str
    fibrillation: EpisodeFigures
    statement: str
    #: The model's card, as text.
    card: str = ""

    def scores(self) -> dict[str, float]:
        """Every gross figure by its name for ``--require``."""
        return self.fibrillation.scores()

    def as_json(self) -> dict[str, Any]:
        """A document of plain values."""
        return {
            "model": self.model,
            "data": self.data,
            "r_peaks": "annotated",
            "statement": self.statement,
            "fibrillation": self.fibrillation.as_json(),
        }


def evaluate_rhythm(
    model: Path,
    paths: Sequence[Path],
    *,
    data: str,
    annotator: str = "atr",
    skip_first: float = 0.0,
    progress: Progress = SILENT,
) -> RhythmEvaluation:
    """Find the episodes of records from their annotated beats; compare with annotated rhythms.

    Args:
        model: of `ecgcli.fibrillation.fitting`.
        paths: WFDB records, with or without signals.
        data: where the records lie, for the report.
        annotator: the ending of their annotation files.
        skip_first: seconds at the start of each that are excluded.
        progress: of the records.

    Raises:
        CheckpointError: the model is of another kind, or damaged.
        DataError: a record cannot be read or has no rhythm annotations, or nothing is left of any.
    """
    loaded = load_model(model)
    counts, tested = {}, set()
    for done, path in enumerate(paths, 1):
        record = read_annotated_rhythm(path, annotator)
        called = loaded.rhythm(record.times, record.ectopic)
        tested.add(record.digest)
        counts[record.name] = compare_rhythm(called, record.rhythms, skip_first)
        progress.update("evaluating", done, len(paths))
    if skip_first and not any(count.any() for count in counts.values()):
        raise DataError(f"there are no rhythms after the first {skip_first:g} s", file=data)
    return RhythmEvaluation(
        model=str(model),
        data=data,
        fibrillation=summarize_episodes(counts, skip_first),
        statement=describe_patients(set(loaded.card.training_data.records.values()), tested),
        card=card_text(model, loaded.card),
    )
