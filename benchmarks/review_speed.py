"""A review of a long recording: processor time of an answer, and what is sent to the page.

    python benchmarks/review_speed.py day.hea

R peaks are detected. Each question is answered with V, S or N in turn: what the answers are makes
no difference to the time. The time is that of everything between an answer and the next question.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path

import ecgcli
from ecgcli.recordings import ReadOptions
from ecgcli.review.answers import Answer
from ecgcli.review.payloads import changes_between, state_of
from ecgcli.review.session import Review, find_beats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recording", type=Path)
    parser.add_argument("--answers", type=int, default=40)
    options = parser.parse_args()
    began = time.process_time()
    classifier = ecgcli.load("recordings")
    analysis = find_beats(options.recording, classifier, ReadOptions(annotations="none"))
    found = time.process_time()
    with (
        tempfile.TemporaryDirectory() as folder,
        Review(analysis, Path(folder) / "made.review.csv", "nobody") as review,
    ):
        print(
            f"{len(analysis.prior):,} beats: found and classified in {found - began:.1f} s, "
            f"grouped in {time.process_time() - found:.1f} s of processor time"
        )
        given = [answer(review, "VSN"[number % 3]) for number in range(options.answers)]
    times, sizes = zip(*given, strict=True)
    print(
        f"{len(given)} answers: {statistics.mean(times):.3f} s each (at most {max(times):.3f}), "
        f"{max(sizes) / 1e6:.2f} MB at most to the page"
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{memory:.0f} MB of memory at most")


def answer(review: Review, letter: str) -> tuple[float, int]:
    """Processor time in s and bytes of the response to one answer."""
    question = review.question()
    assert question is not None
    times = review.analysis.prepared.peaks[list(question.beats)]
    began = time.process_time()
    before = review.beats()
    review.answer(Answer("class", tuple(times.tolist()), letter))
    changes = changes_between(before, review.beats(), review.classes)
    response = json.dumps({"changes": changes} | state_of(review))
    return time.process_time() - began, len(response)


if __name__ == "__main__":
    main()
