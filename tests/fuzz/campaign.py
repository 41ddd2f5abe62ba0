"""Many cases on worker processes; what they found, as a table.

A case that crashes or hangs costs a worker, which is replaced. Every finding is printed with
the command that runs its case again.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.fuzz.cases import make_case
from tests.fuzz.worker import KINDS, Outcome, describe, run_case, serve

#: Cases after which a worker is replaced, so that what it keeps does not add up.
_CASES_OF_A_WORKER = 400


@dataclass
class Tally:
    """How many cases there were, and what was found, by kind and by target."""

    cases: int = 0
    accepted: int = 0
    compared: int = 0
    unconfirmed: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[int, Outcome]] = field(default_factory=list)

    def add(self, number: int, outcome: Outcome) -> None:
        """Count a case."""
        self.cases += 1
        self.accepted += outcome.exit_code == 0 and not outcome.kind
        self.compared += outcome.compared
        if outcome.unconfirmed:
            self.unconfirmed[outcome.case.target] += 1
        if outcome.kind:
            self.findings.append((number, outcome))

    def table(self) -> str:
        """Findings by kind, and the number of inputs."""
        kinds = Counter(outcome.kind for _, outcome in self.findings)
        lines = [f"| {kind} | {kinds[kind]} |" for kind in KINDS]
        unconfirmed = sum(self.unconfirmed.values())
        return "\n".join(
            [
                f"{self.cases:,} damaged inputs, {self.accepted:,} accepted; of these "
                f"{self.compared:,} compared with a second reader, which cannot read "
                f"{unconfirmed:,} more",
                "",
                "| finding | inputs |",
                "|---|---|",
                *lines,
            ]
        )


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    traces: Path
    number: int = -1
    done: int = 0


def run_campaign(
    material: Path, seed: int, numbers: Sequence[int], jobs: int
) -> Iterator[tuple[int, Outcome]]:
    """The outcome of each case, as they come."""
    waiting = iter(numbers)
    workers = [_start(material, seed) for _ in range(jobs)]
    try:
        for worker in workers:
            _give(worker, waiting)
        while busy := [worker for worker in workers if worker.number >= 0]:
            ready = wait([worker.connection for worker in busy])
            for worker in (each for each in busy if each.connection in ready):
                number, outcome = worker.number, _received(worker, material, seed)
                if not worker.process.is_alive() or worker.done >= _CASES_OF_A_WORKER:
                    _end(worker)
                    workers.remove(worker)
                    workers.append(worker := _start(material, seed))
                yield number, outcome
                _give(worker, waiting)
    finally:
        for worker in workers:
            worker.process.kill()
            _end(worker)


def _start(material: Path, seed: int) -> _Worker:
    ours, theirs = get_context("spawn").Pipe()
    traces = Path(tempfile.mkstemp(prefix="fuzz-trace-")[1])
    process = get_context("spawn").Process(target=serve, args=(theirs, material, seed, traces))
    process.start()
    theirs.close()
    return _Worker(process, ours, traces)


def _give(worker: _Worker, waiting: Iterator[int]) -> None:
    worker.number = next(waiting, -1)
    worker.done += 1
    if worker.number >= 0:
        worker.connection.send(worker.number)


def _received(worker: _Worker, material: Path, seed: int) -> Outcome:
    try:
        outcome: Outcome = worker.connection.recv()
    except EOFError:
        worker.process.join()
        code = worker.process.exitcode or 0
        hung = -code in (signal.SIGPROF, signal.SIGALRM)
        trace = worker.traces.read_text(errors="replace")
        with tempfile.TemporaryDirectory() as folder:
            case = make_case(seed, worker.number, material, Path(folder))
        return Outcome(case, code, "hang" if hung else "crash", f"{trace}\nended with {code}")
    return outcome


def _end(worker: _Worker) -> None:
    if worker.process.is_alive():
        worker.connection.send(None)
    worker.process.join(10)
    worker.connection.close()
    worker.traces.unlink(missing_ok=True)


@contextmanager
def material_folder() -> Iterator[Path]:
    """The valid files, made anew."""
    from tests.fuzz.material import make_material

    with tempfile.TemporaryDirectory(prefix="fuzz-material-") as name:
        make_material(Path(name))
        yield Path(name)


def main() -> None:
    """Run a campaign, or one case of it."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this time")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--case", type=int, help="run this case alone, and show all of it")
    options = parser.parse_args()
    with material_folder() as material:
        if options.case is not None:
            sys.exit(_show(material, options.seed, options.case))
        sys.exit(_run(material, options))


def _run(material: Path, options: argparse.Namespace) -> int:
    tally, began = Tally(), time.monotonic()
    numbers = range(options.first, options.first + options.inputs)
    for number, outcome in run_campaign(material, options.seed, numbers, options.jobs):
        tally.add(number, outcome)
        if outcome.kind:
            print(describe(outcome, options.seed, number), flush=True)
        minutes = (time.monotonic() - began) / 60
        if tally.cases % 500 == 0:
            print(f"{tally.cases:,} inputs in {minutes:.0f} min", file=sys.stderr, flush=True)
        if minutes > options.minutes:
            break
    print(f"\n{tally.table()}")
    return bool(tally.findings)


def _show(material: Path, seed: int, number: int) -> int:
    """Run one case in a folder that stays, and print all there is to see."""
    folder = Path(tempfile.mkdtemp(prefix=f"case-{number}-"))
    outcome = run_case(material, seed, number, keep=folder)
    print(describe(outcome, seed, number))
    print(f"in {folder}, {'with' if outcome.case.existing else 'without'} an earlier result")
    print(outcome.detail or outcome.unconfirmed)
    return bool(outcome.kind)
