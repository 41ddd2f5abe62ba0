"""What all commands have in common: help, streams, colour, exit codes."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import Result

import ecgcli
from ecgcli.beats import Beats, write_beats
from ecgcli.checkpoints.catalogue import compared_models
from ecgcli.commands import (
    anomaly_fit,
    anomaly_score,
    app,
    check,
    cluster,
    compare,
    config,
    confusion,
    decompose,
    download,
    evaluate,
    explain,
    export,
    features,
    fibrillation_fit,
    forecast,
    models,
    predict,
    prepare,
    resample,
    review,
    similar,
    train,
    view,
)
from ecgcli.models import list_models
from tests.helpers import ecg_process

Ecg = Callable[..., Result]

COMMANDS = {
    "download": download,
    "prepare": prepare,
    "check": check,
    "resample": resample,
    "train": train,
    "evaluate": evaluate,
    "compare": compare,
    "models": models,
    "export": export,
    "config": config,
    "predict": predict,
    "view": view,
    "review": review,
    "confusion": confusion,
    "features": features,
    "cluster": cluster,
    "similar": similar,
    "explain": explain,
    "decompose": decompose,
    "anomaly fit": anomaly_fit,
    "anomaly score": anomaly_score,
    "forecast": forecast,
    "fibrillation fit": fibrillation_fit,
}


def plain(text: str) -> str:
    """Help as words: no colour, no boxes, no line breaks."""
    return " ".join(re.sub(r"\x1b\[[\d;]*m|[│╭╮╰╯─]", "", text).split())


def test_help_lists_every_command_with_a_line_on_it(ecg: Ecg) -> None:
    result = ecg("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert re.search(rf"\b{name.split()[0]}\b  +\w+", result.stdout), name
    assert ecg("-h").stdout == result.stdout


def test_what_is_listed_of_a_command_is_the_start_of_its_help(ecg: Ecg) -> None:
    listed = plain(ecg("--help").stdout)
    for name, made in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert plain(f"{name} {(made.help or '').partition(chr(10) * 2)[0]}") in listed


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from ecgcli.commands import app\n"
        "try: app(['--help'])\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    loaded = {name.removeprefix("ecgcli.commands.") for name in process.stderr.split()}
    assert process.returncode == 0
    assert "download" in process.stdout
    assert not loaded & {name.split()[0] for name in COMMANDS}


@pytest.mark.parametrize("name", ["anomaly", "config list", "fibrillation", "models show"])
def test_groups_and_their_members_show_an_example_too(name: str, ecg: Ecg) -> None:
    assert f"Example: ecg {name}" in plain(ecg(*name.split(), "--help").stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example_and_its_options(name: str, ecg: Ecg) -> None:
    result = ecg(*name.split(), "--help")
    assert result.exit_code == 0
    text = plain(result.stdout)
    assert COMMANDS[name].EXAMPLE in text
    assert f"ecg {name}" in COMMANDS[name].EXAMPLE
    for option in ("--json", "--quiet"):
        assert option in text


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_80_columns_and_names_values_for_people(
    name: str, ecg: Ecg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    page = ecg(*name.split(), "--help").stdout
    assert max(len(line.rstrip()) for line in page.splitlines()) <= 80
    assert not re.search(r"<\w+|list\[|\bINT\b", page)
    prose = [line.strip() for line in page.partition("╭")[0].splitlines()]
    for line, following in pairwise(prose):
        if line and following and not line.startswith("Usage"):
            assert len(line) + 1 + len(following.split()[0]) > 78, f"{line!r} wraps early"


def test_file_names_are_printed_as_they_are(trained: Path, beats: Beats, ecg: Ecg) -> None:
    """Square brackets and colons in a name are neither colours nor errors."""
    name = "[/b]x[red]:smile:.csv"
    write_beats(Path(name), beats)
    for arguments in (("check", name), ("evaluate", trained, "--data", name, "-o", "e")):
        assert name in ecg(*arguments).stdout
    result = ecg("cluster", name, "--png", "[/b].png", "-o", "[/b].csv")
    assert result.exit_code == 0
    for line in ("Picture: [/b].png", "Assignments: [/b].csv", f"Next: ecg cluster '{name}'"):
        assert line in result.stderr
    assert "[/b]missing[red].csv" in ecg("cluster", "[/b]missing[red].csv").stderr


def test_control_characters_in_names_are_shown(trained: Path, beats: Beats, ecg: Ecg) -> None:
    """What a name says to a terminal is not sent there, whatever message it is part of."""
    name = "\x1b[31m.csv"
    write_beats(Path(name), beats)
    result = ecg("explain", name, "--model", trained, "--rows", 0)
    assert result.exit_code == 0
    assert "ecg explain '\\x1b[31m.csv'" in result.stderr
    assert "\x1b" not in result.output


def test_resample_records_which_resampling_it_is(ecg: Ecg) -> None:
    assert "not the sampling rate" in plain(ecg("resample", "--help").stdout)


def test_version_and_no_command(ecg: Ecg) -> None:
    assert ecg("--version").stdout == f"ecg {ecgcli.__version__}\n"
    assert "Usage: ecg" in plain(ecg().output)


def test_the_module_and_the_script_are_one_program() -> None:
    script = Path(sys.executable).with_name("ecg")
    by_script = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    by_module = subprocess.run(ecg_process("--version"), capture_output=True, text=True, check=True)
    assert by_script.stdout == by_module.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands_and_sources(shell: str) -> None:
    """The shell is named, since the one that runs the tests may be another one."""
    script = subprocess.run(
        [Path(sys.executable).with_name("ecg"), "--show-completion", shell],
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f"complete_{shell}" in script.stdout


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("download ", {"mitdb", "kaggle", "ptbdb", "demo"}),
        ("train --config inc", {"inception"}),
        ("config copy inter", {"inter-patient"}),
        ("compare cnn reco", {"recordings"}),
        ("models show cnn", {"cnn", "cnn-gru", "cnn-rr"}),
        ("models show r", {"recordings", "resnet1d", "runs/small"}),
        ("evaluate r", {"recordings", "runs/small"}),
        ("export r", {"runs/small"}),
        ("predict x.csv --model b", {"beats"}),
        ("predict x.hea --detector x", {"xqrs"}),
        ("predict x.csv --format p", {"parquet"}),
        ("forecast x.csv --model r", {"runs/unusual"}),
    ],
)
def test_names_are_completed(typed: str, completed: set[str], tmp_path: Path) -> None:
    for file in ("small/best.safetensors", "unusual/anomaly.safetensors", "empty/config.yaml"):
        (tmp_path / "runs" / file).parent.mkdir(parents=True)
        (tmp_path / "runs" / file).touch()
    words = f"ecg {typed}"
    answer = subprocess.run(
        ecg_process(), cwd=tmp_path, capture_output=True, text=True, check=False,
        env={
            **os.environ, "_ECG_COMPLETE": "complete_bash",
            "COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")),
        },
    )  # fmt: skip
    found = set(answer.stdout.split())
    assert completed <= found if typed.endswith(" ") else completed == found


def test_every_compared_model_is_completed() -> None:
    assert compared_models() == list_models()


@pytest.mark.parametrize(
    "arguments",
    [
        ["predikt"],
        ["predict"],
        ["predict", "--no-such-option", "x.csv"],
        ["predict", "x.csv", "--format", "xml"],
        ["resample", "x.csv"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str], ecg: Ecg) -> None:
    result = ecg(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: ecg" in plain(result.stderr)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ("predikt", "Did you mean 'predict'?"),
        ("models lst", "Did you mean 'list'?"),
        ("predict x.csv --modle m", "--model"),
        ("predict x.csv --format cvs", "'wfdb'; did you mean csv?"),
        ("cluster x.csv --reduce ump", "'umap'; did you mean umap?"),
        ("download mtdb", "did you mean mitdb?"),
        ("predict 208.hea --detector xqr", "did you mean xqrs?"),
        ("predict x.csv --model recording", "did you mean recordings?"),
        ("compare cnn --splits pateints", "did you mean patients?"),
        ("evaluate beats --require macrof1=0.9", "did you mean macro_f1?"),
    ],
)
def test_a_mistyped_word_is_answered_with_the_right_one(
    arguments: str, meant: str, ecg: Ecg
) -> None:
    result = ecg(*arguments.split())
    assert result.exit_code == 2
    assert meant in plain(result.stderr)
    assert "Value error" not in result.stderr


def test_a_bug_keeps_its_traceback_and_is_1(ecg: Ecg, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("ecgcli.checkpoints.runs.find_checkpoint", broken)
    result = ecg("predict", "x.csv")
    assert result.exit_code == 1
    assert isinstance(result.exception, ZeroDivisionError)


def test_ctrl_c_is_130(ecg: Ecg, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ecgcli.checkpoints.runs.find_checkpoint", interrupted)
    result = ecg("predict", "x.csv")
    assert result.exit_code == 130
    assert result.stderr.startswith("interrupted:")


@pytest.mark.parametrize("command", [["--help"], ["config", "list"], ["features", "--list"]])
class TestStandardStreams:
    """Whatever prints: a help page, a table, lines."""

    def run(self, command: list[str], redirection: str) -> subprocess.CompletedProcess[str]:
        line = f"{shlex.join(ecg_process(*command))} {redirection}"
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False
        )

    def test_a_reader_that_leaves_ends_it_quietly(self, command: list[str]) -> None:
        result = self.run(command, "| true")
        assert (result.returncode, result.stderr) == (0, "")

    @pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
    def test_output_that_cannot_be_written_is_a_line(
        self, redirection: str, command: list[str]
    ) -> None:
        result = self.run(command, redirection)
        assert result.returncode == 2
        assert re.fullmatch("error: cannot write standard output: .*\n", result.stderr)

    @pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2> >(true)"])
    def test_messages_that_cannot_be_written_do_not_matter(
        self, redirection: str, command: list[str]
    ) -> None:
        assert self.run(command, redirection).stdout == self.run(command, "").stdout
        result = self.run([*command, "--nosuch"], redirection)
        assert (result.returncode, result.stdout) == (2, "")

    def test_a_closed_input_does_not_matter(self, command: list[str]) -> None:
        result = self.run(command, "<&-")
        assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2>&1 | head -1"])
def test_work_goes_on_without_its_messages(
    redirection: str, trained: Path, demo: Path, tmp_path: Path
) -> None:
    data, out = demo / "synthetic_test.csv", tmp_path / "predictions.csv"
    command = shlex.join(ecg_process("predict", data, "--model", trained, "-o", out))
    subprocess.run(["bash", "-o", "pipefail", "-c", f"{command} {redirection}"], check=True)
    assert len(out.read_text().splitlines()) == len(data.read_text().splitlines()) + 1


def test_a_closed_input_is_not_mistaken_for_a_file(trained: Path, demo: Path) -> None:
    command = ecg_process("predict", demo / "synthetic_test.csv", "--model", trained)
    line = f"{shlex.join(command)} <&-"
    closed = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    assert closed.stdout == subprocess.run(command, capture_output=True, check=True).stdout


@pytest.mark.parametrize("command", ["predict -", "features -", "resample - -o x.csv"])
def test_a_closed_input_that_is_to_be_read_is_a_line(
    command: str, trained: Path, tmp_path: Path
) -> None:
    model = ("--model", trained) if command == "predict -" else ()
    line = f"{shlex.join(ecg_process(*command.split(), *model))} <&-"
    closed = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=tmp_path)
    assert closed.returncode == 2
    assert closed.stderr.splitlines()[-1] == (
        "error: standard input: cannot be read: Bad file descriptor"
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_any_import_is_at_most_a_line(number: int, code: int) -> None:
    """The program sends itself the signal when it imports its first, tenth, ... module."""
    program = (
        "import os, sys; from ecgcli.__main__ import main\n"
        "left, number = int(sys.argv.pop(1)), int(sys.argv.pop(1))\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        global left; left -= 1\n"
        "        if left == 0: os.kill(os.getpid(), number)\n"
        "sys.meta_path.insert(0, Finder()); main()"
    )
    codes = []
    for imports in (1, 10, 30, 100, 200, 300):
        arguments = [str(imports), str(number), "features", "--list"]
        result = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
        )
        codes.append(result.returncode)
        assert len(result.stderr.splitlines()) <= 1, result.stderr
    # 0 where it imports fewer modules; SIGTERM is the system's until the program takes it up
    assert set(codes) <= {0, code} | ({-number} if number == signal.SIGTERM else set())
    assert codes.count(code) > 1


def test_a_reader_that_stops_reading_is_not_an_error(trained: Path, demo: Path) -> None:
    command = ecg_process("predict", demo / "synthetic_train.csv", "--model", trained, "-q")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"beat,class,N")
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_no_colour_in_a_pipe_or_under_no_color(trained: Path, demo: Path) -> None:
    arguments = ["confusion", trained, "--truth", demo / "synthetic_test.csv"]
    piped = subprocess.run(ecg_process(*arguments), capture_output=True, check=True)
    assert b"\x1b" not in piped.stdout + piped.stderr
    assert b"\x1b[" in on_a_terminal(arguments)
    assert b"\x1b[4" not in on_a_terminal(arguments, NO_COLOR="1")  # no background colour


def on_a_terminal(arguments: list[object], **environment: str) -> bytes:
    """What ``ecg`` prints when a terminal is on the other side."""
    import os
    import pty

    leader, follower = pty.openpty()
    settings = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", **environment}
    process = subprocess.Popen(
        ecg_process(*arguments), stdout=follower, stderr=follower, env=settings
    )
    os.close(follower)
    printed = b""
    try:
        while piece := os.read(leader, 65536):
            printed += piece
    except OSError:  # how Linux reports that the other side is closed
        pass
    os.close(leader)
    assert process.wait() == 0
    return printed


@pytest.mark.parametrize("command", ["train", "predict beats.csv", "anomaly fit --data beats.csv"])
def test_threads_that_there_are_not_are_refused(command: str, ecg: Ecg) -> None:
    result = ecg(*command.split(), "--threads", "0")
    assert result.exit_code == 2
    assert re.search(
        r"error: --threads: found 0; this process may use \d+ cores?, so valid is 1", result.stderr
    )
