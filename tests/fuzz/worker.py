"""One case, run and judged in this process, which it may cost."""

from __future__ import annotations

import faulthandler
import io
import json
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from contextlib import chdir
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from tests.fuzz.cases import Case, make_case

if TYPE_CHECKING:
    from typer.testing import Result

#: Seconds of processor time, and of any time, that a command may take.
CPU_SECONDS, WALL_SECONDS = 10, 600
#: Bytes that a command may take.
MEMORY = 1 << 30
#: The end of the names of samples that training maps into memory; see `ecgcli.beats.mapped`.
_CACHE = ".samples.npy"

#: What may be wrong; the first two cost the worker and are found by its parent.
KINDS = (
    "hang", "crash", "traceback", "memory", "no message", "left behind", "input changed",
    "wrong result",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    ``kind`` is one of `KINDS`, or empty where nothing is wrong; ``detail`` says what is wrong.
    ``unconfirmed`` is why the second reader cannot say whether the result is right.
    """

    case: Case
    exit_code: int
    kind: str = ""
    detail: str = ""
    unconfirmed: str = ""
    compared: bool = False


def serve(connection: Connection, material: Path, seed: int, traces: Path) -> None:
    """Run the cases whose numbers come, and send back what became of them."""
    warnings.simplefilter("ignore")
    sys.stderr = io.StringIO()  # libraries print there too
    with traces.open("w") as stream:
        faulthandler.enable(stream)
        faulthandler.register(signal.SIGPROF, stream, chain=True)
        faulthandler.register(signal.SIGALRM, stream, chain=True)
        while (number := connection.recv()) is not None:
            connection.send(run_case(material, seed, number))


def run_case(material: Path, seed: int, number: int, keep: Path | None = None) -> Outcome:
    """Lay out a case, run it with limits, and judge what it did.

    Args:
        material: the folder of `make_material`.
        seed: of the campaign.
        number: of the case.
        keep: the folder to do it in and to leave; None for one that is removed.
    """
    folder = Path(keep or tempfile.mkdtemp(prefix="fuzz-"))
    try:
        case = make_case(seed, number, material, folder)
        with chdir(folder):
            return _judged(case, material, folder)
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _judged(case: Case, material: Path, folder: Path) -> Outcome:
    before = _contents(folder)
    result = run_limited(list(case.arguments))
    code = result.exit_code
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        text = "".join(traceback.format_exception(result.exception))
        kind = "memory" if _ran_out_of_memory(result.exception) else "traceback"
        return Outcome(case, code, kind, text)
    if _ran_out_of_memory(result.exception):
        return Outcome(case, code, "memory", result.stderr)
    if code not in (0, 2, 3):
        return Outcome(case, code, "traceback", f"exit code {code}: {result.output[-2000:]}")
    if code == 2 and not any(word in result.stderr for word in ("error:", "Usage:", "─ Error ─")):
        return Outcome(case, code, "no message", result.output[-2000:])
    if "\x1b" in result.stderr:
        return Outcome(case, code, "no message", f"control characters: {result.stderr!r}")
    after = _contents(folder)
    if left := _left_behind(case, code, before, after, result.stderr):
        return Outcome(case, code, "left behind", f"{left}: {result.stderr[-300:]}")
    if changed := [
        path for path in before if not _may_change(path) and after.get(path) != before[path]
    ]:
        return Outcome(case, code, "input changed", ", ".join(changed))
    if code == 0 and case.reader:
        return _compared(case, material, folder, result.stdout)
    return Outcome(case, code)


def run_limited(arguments: list[str]) -> Result:
    """Run ``ecg`` in this process, with limits of time and memory."""
    from typer.testing import CliRunner

    from ecgcli.commands import app

    _limit()
    try:
        # standard input has a buffer that can be looked into, and that of the runner has none
        empty = io.BufferedReader(io.BytesIO())  # type: ignore[arg-type]
        with patch("typer.testing.make_input_stream", lambda *_: empty):
            return CliRunner().invoke(app, arguments)
    finally:
        _no_limit()


def _compared(case: Case, material: Path, folder: Path, stdout: str) -> Outcome:
    """What a second reader says of an accepted file."""
    from tests.fuzz.readers import READERS, Unreadable

    more = (stdout,) if case.reader == "confusion" else ()
    try:
        difference = READERS[case.reader](folder / case.file, material, *more)
    except Unreadable as error:
        return Outcome(case, 0, unconfirmed=str(error))
    except Exception as error:  # what it raises for a wrong file is many things
        reason = f"{type(error).__name__}: {error}"
        return Outcome(case, 0, unconfirmed=reason)
    return Outcome(case, 0, "wrong result" if difference else "", difference or "", compared=True)


def _ran_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or one it was made from, is for want of memory."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def _may_change(path: str) -> bool:
    """Whether a command may write there: its output, its run, its comparison."""
    return path.startswith(
        ("out", "run/", "stopped/", "results/", "compared/", "trained/", "lead.review")
    )


def _left_behind(
    case: Case, code: int, before: dict[str, bytes], after: dict[str, bytes], error: str
) -> str:
    """What is left of a command that failed, and of temporary files of any.

    Of several recordings, those that can be read have results; of several shards, those that
    can be read have their memory-mapped samples beside them.
    """
    temporary = [path for path in after if path.endswith(".tmp")]
    if temporary:
        return f"temporary {temporary}"
    if code != 2 or case.arguments[0] == "compare" or "could not be read" in error:
        return ""
    if new := [path for path in after if path not in before and not path.endswith(_CACHE)]:
        return f"new {new}"
    if case.existing and after.get("out.csv") != before["out.csv"]:
        return "the earlier out.csv is not what it was"
    return ""


def _limit() -> None:
    """End this process when a command takes too long; refuse it more memory than it may have."""
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
    taken = _data_bytes()
    if taken:
        resource.setrlimit(resource.RLIMIT_DATA, (taken + MEMORY, resource.RLIM_INFINITY))


def _no_limit() -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _data_bytes() -> int:
    """Bytes that this process has taken; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmData"))
    return int(line.split()[1]) * 1024


def describe(outcome: Outcome, seed: int, number: int) -> str:
    """A finding in a few lines, with the command that shows it again."""
    case = outcome.case
    shown = " ".join(json.dumps(word)[1:-1][:60] for word in case.arguments)
    last = outcome.detail.strip().splitlines()[-1:] or [""]
    return (
        f"{outcome.kind or 'nothing wrong'}: {case.target} {case.file!r}: {', '.join(case.damages)}\n"  # noqa: E501
        f"    ecg {shown} -> {outcome.exit_code}\n"
        f"    {last[0][:300]}\n"
        f"    make fuzz SEED={seed} CASE={number}"
    )
