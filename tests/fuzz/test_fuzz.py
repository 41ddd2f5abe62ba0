"""A part of the campaign of damaged input; it is the same for a seed, and finds what is wrong."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT, MakeOnce
from tests.fuzz.campaign import Tally, run_campaign
from tests.fuzz.damage import DAMAGES
from tests.fuzz.material import make_material
from tests.fuzz.worker import describe, run_case

SEED, CASES, JOBS = 11, 100, 2


@pytest.fixture(scope="session")
def material(make_once: MakeOnce) -> Path:
    return make_once("fuzz", make_material)


def test_no_damaged_input_is_a_bug(material: Path) -> None:
    tally = Tally()
    for number, outcome in run_campaign(material, SEED, range(CASES), JOBS):
        tally.add(number, outcome)
    assert not tally.findings, "\n".join(
        describe(outcome, SEED, number) for number, outcome in tally.findings
    )
    assert tally.cases == CASES
    assert tally.compared > CASES / 25


def test_a_case_is_always_the_same(material: Path, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        run_case(material, SEED, 5, keep=tmp_path / folder)
    first, second = (
        {
            path.relative_to(tmp_path / folder): path.read_bytes()
            for path in (tmp_path / folder).iterdir()
            if path.is_file()
        }
        for folder in ("first", "second")
    )
    assert first == second


@pytest.mark.parametrize("kind", DAMAGES)
def test_every_damage_is_done_to_anything(kind: str) -> None:
    """What is damaged twice may be no file of its kind any more."""
    random = np.random.default_rng(3)
    for name, damage in DAMAGES[kind].items():
        if name != "expands to megabytes":
            for data in (b"", b"\n", b"x", b"a,b\n1,2\n", random.bytes(300)):
                assert isinstance(damage(data, random), bytes), name


@pytest.mark.parametrize(
    ("misbehave", "kind"),
    [
        (lambda: 1 / 0, "traceback"),
        (lambda: bytes(3 << 30), "memory"),
        (lambda: Path("x.csv.tmp").touch(), "left behind"),
        (lambda: Path("beats.csv").write_text("x"), "input changed"),
        (lambda: Path("out.csv").unlink(missing_ok=True), ""),
    ],
)
def test_each_kind_of_finding_is_found(
    misbehave: Callable[[], object], kind: str, material: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecgcli.commands._Group.invoke", lambda *_: misbehave())
    assert run_case(material, SEED, 0).kind == kind


def test_a_hang_and_a_crash_cost_a_process_alone() -> None:
    """The limit on time ends a process that is deep in a library, and says where it was."""
    for code, ended in (("while True: pass", signal.SIGPROF), ("os.abort()", signal.SIGABRT)):
        program = (
            "import faulthandler, os, signal\n"
            "from tests.fuzz import worker\n"
            "worker.CPU_SECONDS = 0.2\n"
            "faulthandler.register(signal.SIGPROF, chain=True)\n"
            f"worker._limit()\n{code}\n"
        )
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT)
        assert result.returncode == -ended
        assert ended != signal.SIGPROF or b"line 6" in result.stderr
