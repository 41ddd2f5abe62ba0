"""Options that do not apply to the input are refused, not ignored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

OF_RECORDINGS = (
    ("--lead", "II"), ("--units", "mV"), ("--annotations", "none"), ("--detector", "envelope"),
)  # fmt: skip
TAKE_EITHER = {
    "predict": ("predict", "{data}"),
    "evaluate": ("evaluate", "beats", "--data", "{data}"),
    "anomaly score": ("anomaly", "score", "{data}"),
    "forecast": ("forecast", "{data}"),
}


def refusal(result: Result) -> str:
    """The one line that a refused command writes."""
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


@pytest.mark.parametrize("command", TAKE_EITHER)
@pytest.mark.parametrize("option", OF_RECORDINGS, ids=lambda option: option[0])
def test_options_of_recordings_for_beats(
    command: str, option: tuple[str, str], demo: Path, ecg: Callable[..., Result]
) -> None:
    data = demo / "synthetic_test.csv"
    arguments = [part.format(data=data) for part in TAKE_EITHER[command]]
    assert refusal(ecg(*arguments, *option)).startswith(
        f"error: {option[0]} is for recordings; {data} holds beats that are cut already"
    )


@pytest.mark.parametrize("command", TAKE_EITHER)
def test_options_of_beats_for_recordings(
    command: str, mitdb: Path, ecg: Callable[..., Result]
) -> None:
    data = mitdb / "100.hea"
    arguments = [part.format(data=data) for part in TAKE_EITHER[command]]
    assert refusal(ecg(*arguments, "--normalize")) == (
        f"error: --normalize is for beats; {data} is a recording, whose beats are cut and "
        "scaled by this command"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("predict", "beats.csv", "--jobs", 2), "--jobs is for recordings; beats.csv holds"),
        (("predict", "-", "--fs", 360), "--fs is for recordings; - holds"),
        (("forecast", "100.hea", "--rows", "3"), "--rows is for beats; 100.hea is a recording"),
        (("cluster", "b.csv", "--model", "beats", "--classes", "ptb"), "--classes is for clusters"),
        (("prepare", "100.hea", "-o", "b.csv", "--seed", 1), "--seed is for --split random and"),
        (
            ("prepare", "d", "-o", "b.csv", "--split", "ds1-ds2", "--test-fraction", 0.1),
            "--test-fraction is for --split random and",
        ),
        (("explain", "b.csv", "--seed", 1), "--seed is for the draws of --check"),
        (("predict", "b.csv", "--json", "--format", "csv"), "--format csv is named too"),
        (("forecast", "b.csv", "--json", "--format", "csv"), "--format csv is named"),
        (("predict", "100.hea", "--model", "beats", "--jobs", 2), "--jobs is for several"),
        (("features", "b.csv", "--list"), "--list is about no file: leave out BEATS and its"),
        (("features", "--list", "-o", "f.csv"), "--list is about no file"),
        (("view", "100.hea", "--predictions", "p.csv", "--engine", "torch"), "and --engine"),
        (("view", "100.hea", "--predictions", "p.csv", "--abstain", 0), "--abstain and"),
        (("review", "100.hea", "--answers", "a.csv", "--port", 80), "--answers needs no browser"),
        (("review", "100.hea", "--answers", "a.csv", "--open"), "leave out --port and --open"),
        (("models", "--json", "show", "cnn"), "at the end: ecg models show ... --json"),
        (("config", "-q", "copy", "cnn"), "--quiet belongs at the end: ecg config copy"),
    ],
)
def test_other_options(
    arguments: tuple[str, ...], message: str, ecg: Callable[..., Result]
) -> None:
    assert message in refusal(ecg(*arguments))


def test_a_default_that_was_typed_counts_as_typed(demo: Path, ecg: Callable[..., Result]) -> None:
    """What counts is whether it was typed, not whether it differs from the default."""
    result = ecg("predict", demo / "synthetic_test.csv", "--annotations", "auto")
    assert "--annotations is for recordings" in refusal(result)


def test_an_unknown_detector_is_refused_where_beats_are_annotated(
    mitdb: Path, ecg: Callable[..., Result]
) -> None:
    result = ecg("predict", mitdb / "100.hea", "-m", "beats", "--detector", "xqr")
    assert "there is no detector xqr; did you mean xqrs" in refusal(result)


def test_an_option_of_recordings_for_a_csv_names_the_rate_that_makes_it_one(
    ecg: Callable[..., Result],
) -> None:
    Path("strip.csv").write_text("0.1\n0.2\n")
    result = ecg("predict", "strip.csv", "--units", "mV")
    assert result.exit_code == 2
    assert result.stderr.endswith("; if it is a recording, give --fs too\n")
