"""Checks of beats files: for errors, and for what makes scores better than they should be.

`check_file` looks into one file, `check_pair` between a training file and its test file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import Beats, beat_lengths, read_beats
from ecgcli.beats.reader import SAMPLING_RATE
from ecgcli.beats.resampling import manifest_path
from ecgcli.classes import AAMI_CLASSES
from ecgcli.errors import DataError
from ecgcli.inputs import is_parquet
from ecgcli.wording import counted

Level = Literal["ok", "warning", "error"]

#: Beats closer than this at every sample are near-duplicates: the same beat, rounded.
NEAR = 0.005
#: Rows named in a message.
_NAMED = 5
#: A class with fewer beats gives scores that say little.
_FEW = 50
#: Heart rates, in beats a minute, that the median of a file does not leave.
_SLOWEST, _FASTEST = 40.0, 130.0
#: The share of N, below which a test file looks resampled: recordings have far more.
_LOWEST_N = 0.5
#: Directions in which near neighbours are looked for before they are compared in full.
_DIRECTIONS = 12


@dataclass(frozen=True)
class Finding:
    """A finding: its section, its severity, a sentence, and the figures behind it."""

    section: str
    level: Level
    message: str
    facts: dict[str, Any]


def check_file(path: Path, classes: tuple[str, ...] | None = None) -> Iterator[Finding]:
    """Everything there is to say about one file; a file that cannot be read is one error.

    ``classes`` are those its labels mean; None where the file says so itself.
    """
    try:
        beats = read_beats(path, classes)
    except DataError as error:
        yield Finding("format", "error", str(error), {})
        return
    kind = "parquet" if is_parquet(path) else "a beats CSV"
    yield _ok("format", f"{kind} of {counted(len(beats), 'beat')}", beats=len(beats))
    yield from _values(beats)
    yield from _labels(beats)
    yield from _sampling(beats)
    yield from _repeats_within(beats)
    yield from _patients_known(beats)


def check_pair(
    train: Path, test: Path, classes: tuple[str, ...] | None = None
) -> Iterator[Finding]:
    """Beats and patients shared by a training and a test file, and resampling of the test file."""
    try:
        train_beats, test_beats = (read_beats(path, classes) for path in (train, test))
    except DataError as error:
        yield Finding("format", "error", str(error), {})
        return
    yield from _repeats_across(train_beats, test_beats)
    yield from _patients_across(train_beats, test_beats)
    yield from _resampled(test, test_beats)


def _ok(section: str, message: str, **facts: Any) -> Finding:
    return Finding(section, "ok", message, facts)


def _warning(section: str, message: str, **facts: Any) -> Finding:
    return Finding(section, "warning", message, facts)


def _error(section: str, message: str, **facts: Any) -> Finding:
    return Finding(section, "error", message, facts)


def _values(beats: Beats) -> Iterator[Finding]:
    constant = np.flatnonzero(np.ptp(beats.samples, axis=1) == 0)
    if len(constant):
        yield _warning(
            "values",
            counted(len(constant), "beat is constant and holds", "beats are constant and hold")
            + f" no ECG: {_rows(constant)}",
            rows=constant.tolist(),
        )
    full = float(np.mean(beats.samples.max(axis=1) > 0.999))
    if full < 0.5:
        yield _warning(
            "values",
            f"only {full:.0%} of the beats reach 1: they were not scaled one by one; "
            "use --normalize",
            reaching_one=full,
        )
    if not len(constant) and full >= 0.5:
        yield _ok("values", "every sample is a number in 0..1, and no beat is constant")


def _labels(beats: Beats) -> Iterator[Finding]:
    if beats.labels is None:
        yield _ok("labels", "unlabelled", labelled=False)
        return
    counts = beats.counts()
    summary = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    yield _ok("labels", summary, counts=counts)
    for name, count in counts.items():
        if count == 0:
            yield _warning("labels", f"no beat is of class {name}")
        elif count < _FEW:
            few = counted(count, "beat")
            yield _warning("labels", f"class {name} has {few}, too few for reliable scores")


def _sampling(beats: Beats) -> Iterator[Finding]:
    """Whether a row's length fits the time to the next beats, or at least a heart rate."""
    length = beat_lengths(beats.samples)
    cut = length == beats.samples.shape[1]  # longer than the row: its length is not known
    complete = ~cut & (length > 0)
    if not complete.any():
        yield _warning("sampling", "no beat ends within its row: is this 120 Hz?")
        return
    if beats.info is not None:
        piece = 1.2 * beats.info["next_rr"].to_numpy()  # the second interval is not in the row
        rate = np.nanmedian((length / piece)[complete])
        wrong = abs(rate / SAMPLING_RATE - 1) > 0.02
        message = f"by its RR intervals this is {rate:.1f} Hz"
        if wrong:
            yield _error("sampling", f"{message}, not {SAMPLING_RATE:g}", rate=float(rate))
        else:
            yield _ok("sampling", message, rate=float(rate))
        return
    heart = 60 * 1.2 * SAMPLING_RATE / float(np.median(length[length > 0]))
    message = f"at {SAMPLING_RATE:g} Hz the median heart rate would be {heart:.0f} a minute"
    if _SLOWEST <= heart <= _FASTEST:
        yield _ok("sampling", message, heart_rate=heart)
    else:
        yield _warning(
            "sampling", f"{message}: the beats look sampled at another rate", heart_rate=heart
        )


def _repeats_within(beats: Beats) -> Iterator[Finding]:
    first, repeats = _same_rows(beats.samples, beats.samples)
    later = repeats > first
    first, repeats = first[later], repeats[later]
    if not len(repeats):
        near = len(_near_rows(beats.samples, beats.samples, same_file=True))
        if near:
            yield _warning(
                "duplicates",
                counted(
                    near, "pair of beats is nearly the same", "pairs of beats are nearly the same"
                ),
                near=near,
            )
        else:
            yield _ok("duplicates", "no beat occurs twice")
        return
    yield _warning(
        "duplicates",
        counted(len(np.unique(repeats)), "beat repeats", "beats repeat")
        + f" an earlier one: {_rows(np.unique(repeats))}",
        rows=np.unique(repeats).tolist(),
    )
    if beats.labels is not None and (clash := beats.labels[first] != beats.labels[repeats]).any():
        yield _error(
            "duplicates",
            counted(int(clash.sum()), "of them has", "of them have")
            + f" a different class than the first occurrence: {_rows(repeats[clash])}",
            rows=repeats[clash].tolist(),
        )


def _repeats_across(train: Beats, test: Beats) -> Iterator[Finding]:
    repeats = np.unique(_same_rows(train.samples, test.samples)[1])
    if len(repeats):
        yield _error(
            "leaks",
            counted(len(repeats), "test beat is", "test beats are")
            + f" also in the training file: {_rows(repeats)}",
            rows=repeats.tolist(),
        )
        return
    near = _near_rows(train.samples, test.samples, same_file=False)
    if len(near):
        rows = np.unique(near[:, 1])
        yield _error(
            "leaks",
            counted(len(rows), "test beat is", "test beats are")
            + f" nearly the same as a training beat (within {NEAR} at every sample): {_rows(rows)}",
            rows=rows.tolist(),
        )
    else:
        yield _ok("leaks", "no test beat, or nearly identical beat, is in the training file")


def _patients_known(beats: Beats) -> Iterator[Finding]:
    if beats.info is None:
        yield _warning(
            "patients",
            "no sidecar (NAME.info.csv): the patients are unknown, and so is whether a patient is "
            "on both sides of a split",
        )
    else:
        patients = beats.patients
        kind = "synthetic patients" if beats.synthetic else "patients"
        yield _ok("patients", f"{len(patients)} {kind}", patients=patients)


def _patients_across(train: Beats, test: Beats) -> Iterator[Finding]:
    if not train.patients or not test.patients:
        yield _warning(
            "leaks",
            "without a sidecar for both files, shared patients cannot be ruled out: "
            "a score says nothing about new patients",
        )
        return
    shared = sorted(set(train.patients) & set(test.patients))
    if shared:
        yield _error(
            "leaks",
            f"{len(shared)} of {len(test.patients)} test patients are also in the training file: "
            "a score says nothing about new patients",
            patients=shared,
        )
    else:
        yield _ok("leaks", f"none of the {len(test.patients)} test patients is in training")


def _resampled(path: Path, test: Beats) -> Iterator[Finding]:
    if manifest_path(path).exists():
        yield _error("balance", f"the test file was resampled ({manifest_path(path).name})")
        return
    if test.labels is None or test.classes != AAMI_CLASSES:
        return
    counts = test.counts()
    share = counts["N"] / len(test)
    if share < _LOWEST_N:
        yield _warning(
            "balance",
            f"only {share:.0%} of the test beats are N: it looks resampled, so accuracy, "
            "precision and F1 do not apply to real recordings",
            n_share=share,
        )
    else:
        yield _ok("balance", f"{share:.0%} of the test beats are N", n_share=share)


def _same_rows(
    reference: NDArray[np.float32], samples: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of the first row of ``reference`` and a row of ``samples`` that equals it."""
    first: dict[bytes, int] = {}
    for row, key in enumerate(_digests(reference)):
        first.setdefault(key, row)
    pairs = [
        (match, row)
        for row, key in enumerate(_digests(samples))
        if (match := first.get(key)) is not None
    ]
    return tuple(np.array(pairs, np.intp).reshape(-1, 2).T)  # type: ignore[return-value]


def _digests(samples: NDArray[np.float32]) -> Iterator[bytes]:
    """16 bytes for each row, the same for rows that are equal: a row itself has 748."""
    for beat in np.ascontiguousarray(samples):
        yield blake2b(beat.data, digest_size=16).digest()


def _near_rows(
    reference: NDArray[np.float32], samples: NDArray[np.float32], *, same_file: bool
) -> NDArray[np.intp]:
    """Pairs ``(pairs, 2)`` of rows of both that differ by at most `NEAR` at every sample.

    Candidates are searched in the principal directions of the beats, where a distance is
    never larger than over all samples, and then compared over all samples.
    """
    from scipy.spatial import cKDTree

    centred = reference - reference.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    directions = directions[:, -_DIRECTIONS:]
    reach = NEAR * np.sqrt(reference.shape[1])
    tree = cKDTree(reference @ directions)
    if same_file:
        pairs = tree.query_pairs(reach, output_type="ndarray")
    else:
        lists = tree.query_ball_point(samples @ directions, reach, workers=-1)
        pairs = np.array([(k, row) for row, near in enumerate(lists) for k in near], np.intp)
    kept = [
        part[np.abs(reference[part[:, 0]] - samples[part[:, 1]]).max(axis=1) <= NEAR]
        for part in np.array_split(pairs.reshape(-1, 2), 1 + len(pairs) // 100_000)
    ]
    return np.concatenate(kept)


def _rows(rows: NDArray[np.intp]) -> str:
    """Row numbers, from 1, as a few words."""
    named = ", ".join(str(row + 1) for row in rows[:_NAMED])
    more = f" and {len(rows) - _NAMED:,} more" if len(rows) > _NAMED else ""
    return f"row{'s' * (len(rows) > 1)} {named}{more}"
