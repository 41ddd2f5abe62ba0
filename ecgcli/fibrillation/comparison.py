"""A recording's episodes compared with its rhythm annotations."""

from __future__ import annotations

from collections.abc import Sequence

from ecgcli.fibrillation import AtrialRhythm
from ecgcli.metrics.episodes import Counts, compare_episodes
from ecgcli.recordings.rhythm_annotations import FIBRILLATION, FLUTTER, RhythmSpan, stretches_of


def compare_rhythm(
    called: AtrialRhythm, reference: Sequence[RhythmSpan], skip_first: float = 0.0
) -> Counts:
    """The counts of a recording, from its first rhythm annotation to its end.

    Args:
        called: the episodes under test.
        reference: the annotated rhythms; at least one.
        skip_first: seconds at the start of the recording that are excluded.
    """
    return compare_episodes(
        stretches_of(reference, FIBRILLATION),
        [(episode.start, episode.end) for episode in called.episodes],
        (max(skip_first, reference[0].start), reference[-1].stop),
        flutter=stretches_of(reference, FLUTTER),
    )
