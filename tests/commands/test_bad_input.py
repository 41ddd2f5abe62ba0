"""Bad input: one clear line, the right exit code, nothing half-written, nothing lost."""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import Result

from ecgcli.beats import Beats, write_beats
from ecgcli.checkpoints.runs import BEST
from tests.helpers import ecg_process, small_document, without_root

Ecg = Callable[..., Result]


def rows(beats: Beats) -> list[list[str]]:
    return [
        [*(f"{value:.4f}" for value in samples), str(label)]
        for samples, label in zip(beats.samples, beats.known_labels, strict=True)
    ]


def changed(beats: Beats, row: int, column: int, cell: str) -> bytes:
    cells = rows(beats)
    cells[row][column] = cell
    return text(cells)


def text(cells: list[list[str]]) -> bytes:
    return "\n".join(",".join(row) for row in cells).encode() + b"\n"


CONTENT: dict[str, tuple[Callable[[Beats], bytes], str]] = {
    "empty": (lambda _: b"", "the file is empty"),
    "empty lines": (lambda _: b"\n" * 3 + b"\x0c\n", "the file is empty"),
    "a megabyte of lines": (
        lambda b: b"\n" * (1 << 20) + text(rows(b)),
        "its first rows are empty",
    ),
    "binary": (lambda _: b"\x7fELF\0\0\1", "this is a binary file"),
    "truncated gzip": (lambda b: gzip.compress(text(rows(b)))[:-9], "cut off or damaged"),
    "186 columns": (lambda b: text([row[2:] for row in rows(b)]), "found 186 columns"),
    "189 columns": (lambda b: text([[*row, "0"] for row in rows(b)]), "found 189 columns"),
    "ragged": (
        lambda b: text([*rows(b)[:4], rows(b)[4][:90]]),
        "row 5: found 90 columns where the rows above have 188",
    ),
    "a text cell": (lambda b: changed(b, 6, 2, "abc"), "row 7, column 3: found 'abc'"),
    "Latin-1": (lambda b: changed(b, 6, 2, "abc").replace(b"abc", b"\xe9"), "row 7, column 3"),
    "a cell of megabytes": (lambda _: b'"' + b"9" * 200_000 + b'"\n', "found 1 column"),
    "a number of megabytes": (lambda _: b"9" * 200_000 + b"\n", "found 1 column"),
    "NaN": (lambda b: changed(b, 3, 0, "nan"), "row 4, column 1: found nan"),
    "inf": (lambda b: changed(b, 3, 9, "-inf"), "row 4, column 10: found -inf"),
    "outside 0..1": (lambda b: changed(b, 0, 5, "1.5"), "row 1, column 6: found 1.5"),
    "label 7": (lambda b: changed(b, 9, 187, "7"), "row 10, column 188: found 7; a class is"),
    "label 1.5": (lambda b: changed(b, 9, 187, "1.5"), "row 10, column 188: found 1.5"),
}


def refused(result: Result, message: str, file: Path | None = None) -> None:
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    error = result.stderr.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error
    assert file is None or str(file) in error


@pytest.mark.parametrize("case", CONTENT)
def test_predict(case: str, beats: Beats, trained: Path, tmp_path: Path, ecg: Ecg) -> None:
    make, message = CONTENT[case]
    source, target = tmp_path / "beats.csv", tmp_path / "out.csv"
    source.write_bytes(make(beats))
    target.write_text("old")
    result = ecg("predict", source, "--model", trained, "-o", target, "-q")
    refused(result, message, source)
    assert len(result.stderr.splitlines()) == 1
    assert target.read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"beats.csv", "out.csv"}


@pytest.mark.parametrize("case", CONTENT)
def test_train_evaluate_and_resample(
    case: str, beats: Beats, trained: Path, tmp_path: Path, ecg: Ecg
) -> None:
    make, message = CONTENT[case]
    source = tmp_path / "beats.csv"
    source.write_bytes(make(beats))
    (tmp_path / "c.yaml").write_text(f"data: {{train: {source}}}")
    refused(ecg("train", "-q", "--config", "c.yaml"), message, source)
    refused(ecg("evaluate", trained, "--data", source, "-o", "report"), message, source)
    refused(ecg("resample", source, "-o", "out.csv", "--majority", 2), message, source)
    assert {path.name for path in tmp_path.iterdir()} == {"beats.csv", "c.yaml"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("²\n0.1\n0.2\n", "too short"),
        ("0.1\n²\n0.2\n", "row 2, column 1: found '²'"),
        ("0.1\n[/b]\n0.2\n", "row 2, column 1: found '[/b]'"),
        ("II\n0.1\n0.2\n", "too short"),
        ("0.1,0.2\n0.1\n1,2,3\n", "cannot be read as a table"),
        (",\n,\n,\n", "cannot be read as a table"),
        (f'II\n0.1\n"{"x" * 200_000}"\n', "row 3, column 1: found 'xxx"),
        (f"II\n0.1\n{'9' * 200_000}\n", "sample 1 is infinite"),
    ],
)
def test_a_recording_of_odd_cells(content: str, message: str, ecg: Ecg) -> None:
    Path("x.csv").write_text(content)
    result = ecg("predict", "x.csv", "--fs", 250, "--units", "mV", "-m", "beats", "-q")
    refused(result, message, Path("x.csv"))
    assert len(result.stderr.splitlines()) == 1
    assert len(result.stderr) < 300


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("time", "²", "the sidecar cannot be read"),
        ("time", "[/b]", "the sidecar cannot be read: could not convert string to float: '[/b]'"),
        ("time", "x" * 200_000, "the sidecar cannot be read: could not convert"),
    ],
)
def test_a_sidecar_of_odd_cells(column: str, cell: str, message: str, demo: Path, ecg: Ecg) -> None:
    Path("x.csv").symlink_to(demo / "synthetic_test.csv")
    info = pd.read_csv(demo / "synthetic_test.info.csv", dtype=str, keep_default_na=False)
    info.loc[3, column] = cell
    info.to_csv("x.info.csv", index=False)
    refused(ecg("evaluate", "beats", "--data", "x.csv"), message, Path("x.info.csv"))


def test_raw_amplitudes_are_refused_with_the_option_that_helps(
    beats: Beats, trained: Path, tmp_path: Path, ecg: Ecg
) -> None:
    source = tmp_path / "raw.csv"
    source.write_bytes(changed(beats, 0, 5, "1.5"))
    refused(ecg("predict", source, "--model", trained), "--normalize")
    assert ecg("predict", source, "--model", trained, "--normalize").exit_code == 0


def test_missing_files_and_folders(trained: Path, tmp_path: Path, ecg: Ecg) -> None:
    refused(ecg("predict", "none.csv", "--model", trained), "none.csv: no such file")
    refused(ecg("predict", tmp_path, "--model", trained), "no recordings")
    refused(ecg("evaluate", trained, "--data", "none.csv"), "none.csv: no such file")
    refused(ecg("resample", "none.csv", "-o", "out.csv"), "none.csv: no such file")
    refused(ecg("confusion", "none.csv", "--truth", "none.csv"), "none.csv: no such file")
    refused(ecg("download", "--from", tmp_path), "no such file")


def test_paths_that_are_not_models(demo: Path, run_copy: Path, tmp_path: Path, ecg: Ecg) -> None:
    beats = demo / "synthetic_test.csv"
    refused(ecg("evaluate", "--data", beats), "no trained model under runs/")
    refused(ecg("predict", beats, "--model", "none"), "none: no such run or checkpoint")
    refused(ecg("predict", beats, "--model", tmp_path), "not a trained run")
    refused(ecg("predict", beats, "--model", beats), "no whole safetensors file")
    checkpoint = run_copy / BEST
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    refused(ecg("predict", beats, "--model", run_copy), "cut off")
    checkpoint.write_bytes(b"\x80\x04cposix\nsystem\n(S'touch executed'\ntR.")
    refused(ecg("predict", beats, "--model", run_copy), "pickle")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trainig": {}}, "unknown key trainig; did you mean training?"),
        ({"training": {"epochs": "ten"}}, "training.epochs: found 'ten'"),
        ({"model": {"name": "cnn", "kernal": 3}}, "unknown key model.kernal; did you mean kernel?"),
        ({"data": {"train": "data/mitbih_train.csv"}}, "ecg download, then ecg train --config"),
        ({"data": {"train": "data/synthetic_train.csv"}}, "ecg download demo"),
    ],
)
def test_configs(change: dict[str, object], message: str, tmp_path: Path, ecg: Ecg) -> None:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"data": {"train": "x.csv"}, **change}))
    refused(ecg("train", "-q", "--config", "c.yaml"), message)
    assert {path.name for path in tmp_path.iterdir()} == {"c.yaml"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("licence: 2001-99-99", "not valid YAML"),
        ("licence: 2001-01-01", "licence: found datetime.date(2001, 1, 1), expected text"),
        ("licence: !!timestamp x", "not valid YAML"),
        ("licence: !!bool x", "not valid YAML"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ('licence: "\\ud800"', "licence: found"),
        ('data: {train: "a\\0b.csv"}', "it holds a character that cannot be printed"),
        ('runs: "a\\0b"', "runs: found 'a\\x00b'; it holds a character that cannot be printed"),
        (f"data: {{train: {'a' * 5000}.csv}}", "the name is too long for a file"),
        ("seed: 18446744073709551615", "seed: found 18446744073709551615, expected a number of"),
        ("data: {train: x.csv, resample: {ratio: .inf}}", "ratio: found inf"),
        ("training: {learning_rate: .inf}", "learning_rate: found inf"),
        ("training: {weight_decay: .nan}", "weight_decay: found nan"),
        ("model: {channels: [1000000000]}", "model.channels.0: found 1000000000, expected"),
        ("1: 2", "1"),
    ],
)
def test_odd_configs(text: str, message: str, tmp_path: Path, ecg: Ecg) -> None:
    first = "" if "data:" in text else "data: {train: x.csv}\n"
    (tmp_path / "c.yaml").write_text(first + text)
    refused(ecg("train", "-q", "--config", "c.yaml"), message)


def alias_bomb() -> str:
    """A YAML list of a few hundred bytes that stands for 9^12 items."""
    lists = ["&a0 [x, x, x, x, x, x, x, x, x]"]
    lists += [f"&a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return f"[{', '.join(lists)}]"


@pytest.mark.parametrize(
    "text",
    ["seed: {}", "data: {{train: {}}}", "data: {}", "model: {{name: cnn, channels: {}}}", "{}"],
)
def test_a_config_that_stands_for_more_than_any_memory(text: str, tmp_path: Path, ecg: Ecg) -> None:
    """Both in the file and in an override it is refused, and the message is short."""
    first = "" if text.startswith(("data", "{}")) else "data: {train: x.csv}\n"
    (tmp_path / "c.yaml").write_text(first + text.format(alias_bomb()))
    result = ecg("train", "-q", "--config", "c.yaml")
    refused(result, "found [")
    assert len(result.stderr) < 300
    refused(ecg("train", "-q", "--config", "demo", f"seed={alias_bomb()}"), "seed: found [[")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed=[/b]", "seed: found ['/b'], expected a whole number"),
        ("[/b]=1", "unknown key [/b]"),
        ("training.device=meta", "training.device: 'meta' is not available"),
        ("model.channels=[9999,9999,9999]", "a network of more than 100,000,000 parameters"),
        ("licence=!!timestamp x", "the value is not valid YAML"),
        (f"runs={'r' * 5000}", "too long"),
        (f"name={'n' * 5000}", "File name too long"),
    ],
)
def test_odd_overrides(override: str, message: str, demo: Path, tmp_path: Path, ecg: Ecg) -> None:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(small_document(demo, tmp_path / "runs")))
    refused(ecg("train", "-q", "--config", "c.yaml", override), message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("resample", "{data}", "-o", "o.csv", "--force", "--ratio", "nan"),
            "ratio: found nan, expected",
        ),
        (
            ("resample", "{data}", "-o", "o.csv", "--force", "--ratio", "-1"),
            "ratio: found -1, expected",
        ),
        (("predict", "{data}", "-m", "beats", "--abstain", "nan"), "--abstain: found nan"),
        (("explain", "{data}", "-m", "beats", "--rows", "9" * 5000), "--rows: found"),
        (
            ("predict", "{mitdb}/100.hea", "-m", "beats", "--annotations", "/"),
            "found annotations '/'; valid",
        ),
        (("predict", "n" * 5000), "the name is too long for a file"),
    ],
)
def test_odd_options(
    arguments: tuple[str, ...], message: str, demo: Path, mitdb: Path, ecg: Ecg
) -> None:
    data = demo / "synthetic_test.csv"
    refused(ecg(*(part.format(data=data, mitdb=mitdb) for part in arguments)), message)


def test_names_that_are_not_utf8(mitdb: Path, tmp_path: Path, ecg: Ecg) -> None:
    """As an argument: refused. In a folder: that recording is left out, and the others are read."""
    command = [*ecg_process("predict"), os.fsencode(tmp_path) + b"/\xff.csv"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.endswith("\\udcff.csv': this is not UTF-8; rename the file\n")
    for ending in ("hea", "dat", "atr"):
        (tmp_path / f"100.{ending}").symlink_to(mitdb / f"100.{ending}")
    shutil.copy(mitdb / "101.hea", os.fsencode(tmp_path) + b"/\xff.hea")
    several = ecg("predict", tmp_path, "-m", "beats", "-o", "out", "--jobs", 1)
    assert several.exit_code == 2
    assert "its name is not UTF-8" in several.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [row["recording"] for row in summary["recordings"]] == ["100"]
    assert len(summary["failures"]) == 1


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["prepare", "100.hea", "-o", ""], "-o"),
        (["evaluate", "beats", "--data", "beats.csv", "--out="], "--out"),
        (["predict", ""], "predict"),
    ],
)
def test_a_variable_of_the_shell_that_is_not_set(words: list[str], option: str, ecg: Ecg) -> None:
    result = ecg(*words)
    assert result.exit_code == 2
    assert result.stderr == f"error: what follows {option} is empty; is a variable not set?\n"
    assert not list(Path().iterdir())


@pytest.mark.parametrize("command", ["cluster", "explain", "prepare", "resample", "forecast"])
def test_a_seed_of_20_digits(command: str, demo: Path, ecg: Ecg) -> None:
    data = demo / "synthetic_test.csv"
    out = ("-o", "o.csv") if command in ("prepare", "resample") else ()
    result = ecg(command, data, *out, "--seed", "12345678901234567890")
    assert result.exit_code == 2
    assert "--seed" in result.stderr


def test_a_class_without_beats_and_fewer_beats_than_a_batch(
    beats: Beats, tmp_path: Path, ecg: Ecg
) -> None:
    write_beats(tmp_path / "beats.csv", beats)
    (tmp_path / "c.yaml").write_text("data: {train: beats.csv}")
    refused(ecg("train", "-q", "-c", "c.yaml"), "fewer than one batch of 128")
    import numpy as np

    write_beats(tmp_path / "beats.csv", beats.take(np.flatnonzero(beats.known_labels != 3)))
    refused(ecg("train", "-q", "-c", "c.yaml"), "class F has 0 beats")


class TestPlacesThatCannotBeWritten:
    """The system refuses; the message names the place and the reason."""

    def run(self, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            without_root(ecg_process(*arguments)), capture_output=True, text=True, check=False,
            **options,
        )  # fmt: skip

    def refused(self, result: subprocess.CompletedProcess[str], reason: str) -> None:
        assert result.returncode == 2, result.stderr
        assert result.stdout == ""
        error = result.stderr.splitlines()[-1]
        assert error.startswith("error: cannot write ")
        assert reason in error

    def test_a_folder_without_rights(self, trained: Path, demo: Path, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir()
        (tmp_path / "c.yaml").write_text(yaml.safe_dump(small_document(demo, closed / "runs")))
        closed.chmod(0o500)
        test = demo / "synthetic_test.csv"
        for arguments in (
            ("predict", test, "--model", trained, "-o", closed / "out.csv"),
            ("evaluate", trained, "--data", test, "-o", closed),
            ("confusion", trained, "--truth", test, "--png", closed / "x.png"),
            ("resample", demo / "synthetic_train.csv", "-o", closed / "out.csv"),
            ("download", "demo", "--out", closed),
            ("train", "-q", "--config", tmp_path / "c.yaml"),
        ):
            self.refused(self.run(*arguments), "Permission denied")
        assert list(closed.iterdir()) == []

    def test_a_read_only_run_folder(self, run_copy: Path, demo: Path) -> None:
        before = {path.name: path.read_bytes() for path in run_copy.iterdir()}
        (run_copy / ".lock").unlink(missing_ok=True)
        run_copy.chmod(0o500)
        self.refused(self.run("train", "-q", "--resume", run_copy), "Permission denied")
        data = demo / "synthetic_test.csv"
        self.refused(self.run("evaluate", run_copy, "--data", data), "Permission denied")
        run_copy.chmod(0o700)
        before.pop(".lock", None)
        assert {path.name: path.read_bytes() for path in run_copy.iterdir()} == before

    def test_a_full_device(self, trained: Path, demo: Path) -> None:
        data = demo / "synthetic_test.csv"
        for form in ("csv", "json", "parquet"):
            command = ("predict", data, "--model", trained, "-o", "/dev/full", "--format", form)
            self.refused(self.run(*command), "No space left on device")

    def test_a_disk_that_fills_up_while_training(self, demo: Path, tmp_path: Path) -> None:
        """A limit on the size of files simulates a full disk: the saved state exceeds it."""
        document = small_document(demo, tmp_path / "runs")
        (tmp_path / "c.yaml").write_text(yaml.safe_dump(document))

        def small_disk() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

        result = self.run("train", "-q", "-c", tmp_path / "c.yaml", preexec_fn=small_disk)
        self.refused(result, "File too large")
        left = [path.name for path in (tmp_path / "runs" / "small").iterdir()]
        assert set(left) <= {"config.yaml", "environment.json", ".lock"}
