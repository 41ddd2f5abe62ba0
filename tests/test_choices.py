"""The format of a table: by an option, else by the ending of the file, and never by a guess."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import Result

from ecgcli.choices import format_for
from ecgcli.errors import ConfigError

FORMATS = ("csv", "json", "parquet")


def test_the_ending_names_the_format_and_an_option_comes_first() -> None:
    assert format_for("out.parquet", None, FORMATS) == "parquet"
    assert format_for("OUT.JSON", None, FORMATS) == "json"
    assert format_for("out.xlsx", "json", FORMATS) == "json"
    for text in ("-", "out.txt", "out", "/dev/stdout"):
        assert format_for(text, None, FORMATS) == "csv"
    with pytest.raises(ConfigError, match=r"ending \.xlsx; valid: \.csv, \.json, \.parquet"):
        format_for("out.xlsx", None, FORMATS)


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "{beats}", "--model", "beats", "-o", "x.xml"),
        ("predict", "{record}", "--model", "recordings", "-o", "x.xml"),
        ("features", "{beats}", "-o", "x.xml"),
        ("forecast", "{beats}", "-o", "x.xml"),
        ("cluster", "{beats}", "-o", "x.xml"),
        ("decompose", "{record}", "-o", "x.xml"),
        ("prepare", "{record}", "-o", "x.xml"),
        ("resample", "{beats}", "-o", "x.xml"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_an_ending_that_no_format_has_and_a_folder_are_refused(
    arguments: tuple[str, ...], demo: Path, mitdb: Path, ecg: Callable[..., Result]
) -> None:
    places = {"beats": demo / "synthetic_train.csv", "record": mitdb / "100.hea"}
    result = ecg(*(word.format(**places) for word in arguments))
    assert result.exit_code == 2
    assert "--out x.xml: found the ending .xml; valid: .csv" in result.stderr
    assert not Path("x.xml").exists()
    for folder in (".", "made"):
        Path(folder).mkdir(exist_ok=True)
        result = ecg(*(word.format(**places) for word in arguments[:-1]), folder)
        assert result.exit_code == 2
        assert f"--out {folder}: this is a folder; name a file" in result.stderr
    assert [path.name for path in Path().rglob("*")] == ["made"]


def test_features_in_every_format(demo: Path, ecg: Callable[..., Result]) -> None:
    for ending in FORMATS:
        result = ecg("features", demo / "synthetic_test.csv", "-o", f"f.{ending}")
        assert result.exit_code == 0, result.stderr
    table = pd.read_csv("f.csv")
    pd.testing.assert_frame_equal(pd.read_parquet("f.parquet"), table, rtol=1e-5, check_dtype=False)
    assert list(json.loads(Path("f.json").read_text())[0]) == list(table.columns)
