"""``ecg resample``: its rules, its manifest, invalid arguments."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ecgcli.beats import read_labelled

Ecg = Callable[..., Result]


def test_the_majority_is_cut_and_the_rest_kept(demo: Path, ecg: Ecg) -> None:
    train = demo / "synthetic_train.csv"
    result = ecg("resample", train, "-o", "out.csv", "--majority", 500)
    assert result.exit_code == 0
    assert result.stdout == "out.csv\n"
    before = read_labelled(train).counts()
    after = read_labelled("out.csv")
    assert after.counts() == {**before, "N": 500}
    assert after.patients == read_labelled(train).patients
    assert "data.train=out.csv" in result.stderr.splitlines()[-1]


def test_the_default_is_ten_thousand(mitbih: Path, ecg: Ecg) -> None:
    result = ecg("resample", mitbih / "mitbih_train.csv", "-o", "out.csv", "--json", "-q")
    document = json.loads(result.stdout)
    assert document == {"schema": 1} | json.loads(Path("out.resample.json").read_text())
    assert document["before"]["N"] == 72471
    assert document["after"] == {**document["before"], "N": 10000}
    assert len(document["dropped_rows"]) == 62471


def test_it_resamples_per_class_and_by_ratio(demo: Path, ecg: Ecg) -> None:
    train = demo / "synthetic_train.csv"
    result = ecg("resample", train, "-o", "a.csv", "--per-class", "N=300, V=100", "--json")
    assert json.loads(result.stdout)["after"]["N"] == 300
    assert json.loads(result.stdout)["after"]["V"] == 100
    result = ecg("resample", train, "-o", "b.csv", "--ratio", "2", "--json")
    after = json.loads(result.stdout)["after"]
    assert after["N"] == 2 * max(count for name, count in after.items() if name != "N")


def test_a_seed_is_a_draw(demo: Path, ecg: Ecg) -> None:
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        ecg("resample", demo / "synthetic_train.csv", "-o", f"{out}.csv", "--seed", seed,
            "--majority", 50)  # fmt: skip
    a, b, c = (Path(f"{out}.csv").read_bytes() for out in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--majority", "5", "--ratio", "2"], "exactly one of"),
        (["--per-class", "N:5"], "expected N=10000,V=5000"),
        (["--per-class", "X=5"], "there is no class X"),
        (["--per-class", "N=-1"], "class N: found -1, expected 0 or more beats"),
        (["--per-class", "N=10,V=5,N=20"], "name each class once"),
        (["--per-class", "F=99999"], "resampling drops beats, it makes none"),
    ],
)
def test_rules_that_cannot_be_followed(
    options: list[str], message: str, demo: Path, ecg: Ecg
) -> None:
    result = ecg("resample", demo / "synthetic_train.csv", "-o", "out.csv", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not Path("out.csv").exists()


def test_a_test_file_is_refused_unless_forced(demo: Path, ecg: Ecg) -> None:
    test = demo / "synthetic_test.csv"
    refused = ecg("resample", test, "-o", "out.csv", "--majority", 50)
    assert refused.exit_code == 2
    assert "looks like a test file" in refused.stderr
    assert "--force" in refused.stderr
    assert not Path("out.csv").exists()
    forced = ecg("resample", test, "-o", "out.csv", "--majority", 50, "--force")
    assert forced.exit_code == 0
    assert "every score measured on it is inflated" in forced.stderr
