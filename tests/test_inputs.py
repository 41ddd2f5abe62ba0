"""Inputs that are no files: pipes are read, and nothing is waited for that never comes."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from ecgcli import inputs
from ecgcli.inputs import missing, open_input, parse_json, require_file
from ecgcli.parallel import in_order
from tests.helpers import ecg_process

Ecg = Callable[..., Result]


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe.csv")
    return tmp_path / "pipe.csv"


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(inputs, "PIPE_SECONDS", 0.1)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 20  # s; it would wait for ever


@pytest.mark.parametrize(
    ("name", "hint"), [("mitbih_tset.csv", "; did you mean {}/mitbih_test.csv?"), ("208.hea", "")]
)
def test_a_missing_file_is_named_with_one_of_a_similar_name(
    name: str, hint: str, tmp_path: Path
) -> None:
    (tmp_path / "mitbih_test.csv").touch()
    (tmp_path / "100.dat").touch()
    expected = f"{tmp_path / name}: no such file{hint.format(tmp_path)}"
    assert str(missing(tmp_path / name)) == expected
    assert str(missing(tmp_path / "none" / name)) == f"{tmp_path / 'none' / name}: no such file"


@pytest.mark.parametrize("place", ["a\0b.csv", "a\0b/c.csv"])
def test_a_name_that_no_file_has(place: str, ecg: Ecg) -> None:
    with pytest.raises(FileNotFoundError):
        open_input(Path(place))
    for command in ("predict", "features"):
        result = ecg(command, place, "-o", "out.csv")
        assert result.exit_code == 2
        assert "no such file" in result.stderr


def test_a_pipe_is_read_once_something_writes_to_it(pipe: Path) -> None:
    threading.Timer(0.2, pipe.write_text, ["written later"]).start()
    with open_input(pipe) as stream:
        assert stream.read() == b"written later"


@pytest.mark.usefixtures("little_patience")
def test_a_pipe_that_nothing_writes_to_is_refused(pipe: Path) -> None:
    with pytest.raises(OSError, match="it is a pipe that nothing writes to"):
        open_input(pipe)
    with pytest.raises(OSError, match="it is a pipe, not a file"):
        require_file(pipe)


@pytest.mark.parametrize(
    ("path", "problem"), [("/dev/zero", "it is a device"), ("/dev", "it is a folder")]
)
def test_what_never_ends_or_holds_nothing(path: str, problem: str) -> None:
    for take in (open_input, require_file):
        with pytest.raises(OSError, match=problem):
            take(Path(path))


def refusal(path: Path) -> str:
    """Why an input is not opened; a function for other processes."""
    try:
        open_input(path)
    except OSError as error:
        return str(error)
    return ""


def test_a_device_is_refused_in_a_worker_process_too() -> None:
    """Its standard input is closed."""
    for problem in in_order(refusal, [Path("/dev/zero")] * 2, 2):
        assert "it is a device" in problem


def test_the_terminal_is_read() -> None:
    master, terminal = pty.openpty()
    command = [
        sys.executable, "-c", "import pathlib, ecgcli.inputs as i; "
        "print(i.open_input(pathlib.Path('/dev/stdin')).readline())",
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=terminal, stdout=subprocess.PIPE, text=True) as process:
        os.write(master, b"typed\n")
        assert process.communicate(timeout=30)[0] == "b'typed\\n'\n"
    os.close(master)
    os.close(terminal)


@pytest.mark.usefixtures("little_patience")
class TestCommands:
    """Whatever reads a file refuses such an input with one line."""

    @pytest.mark.parametrize(
        "arguments",
        [
            ("predict", "pipe.csv"),
            ("predict", "pipe.csv", "--fs", 360),
            ("predict", "100.dat", "-m", "beats"),
            ("predict", "{data}", "--model", "pipe.csv"),
            ("predict", "{data}", "--model", "/dev/zero"),
            ("predict", "/dev/zero", "-m", "beats"),
            ("evaluate", "beats", "--data", "pipe.csv"),
            ("train", "--config", "pipe.csv"),
            ("train", "--config", "/dev/zero"),
            ("confusion", "pipe.csv", "--truth", "{data}"),
            ("prepare", "{mitdb}/100.hea", "-o", "o.csv", "--annotations", "pipe.csv"),
            ("prepare", "{mitdb}/100.hea", "-o", "o.csv", "--split", "pipe.csv"),
            ("predict", "@pipe.csv", "-m", "beats", "-o", "out"),
            ("review", "{mitdb}/100.hea", "-m", "beats", "--answers", "pipe.csv", "-o", "."),
            ("review", "{mitdb}/100.hea", "-m", "beats", "--resume", "-o", "reviews"),
        ],
    )
    def test_a_pipe_or_device(
        self, arguments: tuple[str, ...], pipe: Path, demo: Path, mitdb: Path, ecg: Ecg
    ) -> None:
        os.mkfifo(pipe.with_name("100.dat"))
        pipe.with_name("100.hea").write_text("100 1 360 10\n100.dat 16 200\n")
        pipe.with_name("reviews").mkdir()
        os.mkfifo(pipe.parent / "reviews" / "100.review.csv")
        data = demo / "synthetic_test.csv"
        result = ecg(*(str(part).format(data=data, mitdb=mitdb) for part in arguments), "-q")
        assert result.exit_code == 2, result.output
        error = result.stderr.splitlines()[-1]
        assert error.startswith("error: ")
        assert any(word in error for word in ("pipe", "device", "not a file"))

    @pytest.mark.parametrize("sidecar", ["beats.info.csv", "beats.context.npy"])
    def test_a_sidecar(self, sidecar: str, demo: Path, pipe: Path, ecg: Ecg) -> None:
        (pipe.parent / "beats.csv").symlink_to(demo / "synthetic_test.csv")
        pipe.rename(pipe.with_name(sidecar))
        result = ecg("check", "beats.csv", "--classes", "aami")
        assert "it is a pipe, not a file" in result.stdout

    def test_a_folder_is_searched_past_it(self, mitdb: Path, tmp_path: Path, ecg: Ecg) -> None:
        (tmp_path / "records").mkdir()
        for ending in ("hea", "dat", "atr"):
            (tmp_path / "records" / f"100.{ending}").symlink_to(mitdb / f"100.{ending}")
        for name in ("pipe.hea", "pipe.ecg"):
            os.mkfifo(tmp_path / "records" / name)
        result = ecg("prepare", "records", "-o", "o.csv", "-q", "--jobs", 1)
        assert result.exit_code == 0, result.stderr

    def test_a_part_of_a_recording(self, mitdb: Path, pipe: Path, ecg: Ecg) -> None:
        (pipe.parent / "100.hea").symlink_to(mitdb / "100.hea")
        (pipe.parent / "100.atr").symlink_to(mitdb / "100.atr")
        pipe.rename(pipe.with_name("100.dat"))
        result = ecg("prepare", "100.hea", "-o", "o.csv", "-q")
        assert result.stderr.splitlines()[-1] == (
            "error: 100.dat: cannot be read: it is a pipe, not a file"
        )


@pytest.mark.parametrize("place", ["-", "/dev/stdin", "/dev/fd/0"])
def test_beats_from_standard_input(place: str, demo: Path) -> None:
    """From a pipe and from a file: what is printed is what the file itself gives."""
    data = demo / "synthetic_test.csv"

    def predictions(source: object, **stdin: object) -> bytes:
        command = ecg_process("predict", source, "-m", "beats", "-q")
        return subprocess.run(command, check=True, capture_output=True, **stdin).stdout  # type: ignore[call-overload, no-any-return]

    expected = predictions(data)
    with data.open("rb") as stream:
        assert predictions(place, stdin=stream) == expected
    assert predictions(place, input=data.read_bytes()) == expected


def test_a_process_substitution(demo: Path) -> None:
    data = demo / "synthetic_test.csv"
    command = " ".join(ecg_process("predict", f"<(cat {data})", "-m", "beats", "-q"))
    result = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert result.stdout.count(b"\n") == 1 + data.read_bytes().count(b"\n")


def test_a_model_from_a_pipe_is_read_once(trained: Path, demo: Path) -> None:
    words = ecg_process("predict", demo / "synthetic_test.csv", "-q", "--model")
    by_name = subprocess.run([*words, trained], capture_output=True, check=True).stdout
    line = f"{shlex.join(words)} <(cat {trained}/best.safetensors)"
    piped = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    assert piped.stdout == by_name


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_not_json(number: str) -> None:
    """Python's own reader accepts it, and what is written from it would be refused."""
    with pytest.raises(ValueError, match=f"{number} is not a finite number"):
        parse_json(f'{{"limits": [1.5, {number}]}}'.encode())
