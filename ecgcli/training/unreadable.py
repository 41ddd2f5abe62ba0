"""What a detector finds in noise, to train on: deflections that no beat explains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecgcli.metrics.aami import MATCH_WINDOW
from ecgcli.recordings import DEFAULT_DETECTOR, Recording
from ecgcli.recordings.distortions import with_varying_noise
from ecgcli.recordings.peaks import SHORTEST_SECONDS, find_r_peaks, with_peaks
from ecgcli.recordings.quality import unusable

#: dB, from and to: noise in which a detector finds about as many deflections as beats.
LOUD = (-6.0, 8.0)
#: The annotation of a deflection that is no beat: it cannot be classified.
UNCLASSIFIABLE = "Q"


def unreadable(recording: Recording, seed: int) -> Recording | None:
    """The recording under loud noise, annotated at the R peaks that a detector finds there.

    Those within `MATCH_WINDOW` seconds of a beat have its symbol, the others `UNCLASSIFIABLE`.
    None if there are too few beats, or too few seconds to find peaks in.
    """
    if recording.seconds < SHORTEST_SECONDS or len(recording.beat_positions) < 2:
        return None
    noisy = with_varying_noise(recording, seed, LOUD)
    rate = noisy.sampling_rate
    stretches = unusable(noisy.signal, rate)
    peaks = find_r_peaks(noisy.filled, rate, DEFAULT_DETECTOR, stretches)
    beats, symbols = recording.beat_positions, np.array(recording.symbols)[recording.is_beat]
    after = np.clip(np.searchsorted(beats, peaks), 1, len(beats) - 1)
    nearest = np.where(
        np.abs(beats[after] - peaks) < np.abs(beats[after - 1] - peaks), after, after - 1
    )
    explained = np.abs(beats[nearest] - peaks) <= MATCH_WINDOW * rate
    found = np.where(explained, symbols[nearest], UNCLASSIFIABLE)
    return replace(with_peaks(noisy, peaks), symbols=tuple(found.tolist()))
