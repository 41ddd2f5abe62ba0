"""Every detector on all 48 records, against the annotations, by the standard's matching.

    OMP_NUM_THREADS=1 python benchmarks/detectors.py data/mitdb

Lead II or MLII, else the first; 150 ms; the whole record, no learning period left out.
Ventricular flutter between the annotations [ and ] is not evaluated, as in the standard.
Seconds are processor time for a record of 30 minutes.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from ecgcli.evaluation.recordings import flutter_of
from ecgcli.metrics import aami
from ecgcli.recordings import Recording, read_recording
from ecgcli.recordings.detectors import list_detectors
from ecgcli.recordings.mitbih import RECORDS
from ecgcli.recordings.peaks import find_r_peaks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("records", type=Path)
    parser.add_argument("--detectors", nargs="*", default=list_detectors())
    options = parser.parse_args()
    recordings = [read_recording(options.records / name) for name in RECORDS]
    by_record: dict[str, list[str]] = {name: [] for name in RECORDS}
    print("| detector | Se | +P | missed | extra | s per record |\n|---|---|---|---|---|---|")
    for detector in options.detectors:
        began = time.process_time()
        peaks = [
            find_r_peaks(recording.signal, recording.sampling_rate, detector)
            for recording in recordings
        ]
        seconds = (time.process_time() - began) / len(recordings)
        matrices = [
            compare(recording, detected)
            for recording, detected in zip(recordings, peaks, strict=True)
        ]
        total = np.sum(matrices, axis=0)
        sensitivity, predictivity = (
            aami.qrs_sensitivity(total),
            aami.qrs_positive_predictivity(total),
        )
        missed, extra = total[:, aami.O].sum(), total[aami.O].sum()
        print(
            f"| {detector} | {sensitivity:.4f} | {predictivity:.4f} | {missed} | {extra} "
            f"| {seconds:.3f} |",
            flush=True,
        )
        for name, matrix in zip(RECORDS, matrices, strict=True):
            by_record[name].append(f"{matrix[:, aami.O].sum()}/{matrix[aami.O].sum()}")
    print(f"\n| record | {' | '.join(options.detectors)} |")
    print("|---" * (1 + len(options.detectors)) + "|")
    for name, cells in by_record.items():
        print(f"| {name} | {' | '.join(cells)} |")


def compare(recording: Recording, peaks: np.ndarray) -> np.ndarray:
    truth, detected = (
        (places / recording.sampling_rate, np.zeros(len(places), int))
        for places in (recording.beat_positions, peaks)
    )
    return aami.compare(truth, detected, fibrillation=flutter_of(recording))


if __name__ == "__main__":
    main()
