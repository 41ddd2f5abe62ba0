"""``ecg predict`` where there are results: kept if they are what would be made, else made again."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import Result

Ecg = Callable[..., Result]


def test_a_summary_without_its_figures_is_made_again(
    trained: Path, records: Path, ecg: Ecg
) -> None:
    arguments = ("predict", records, "--model", trained, "-o", "results", "--jobs", 1)
    ecg(*arguments)
    note = Path("results/100.summary.json")
    whole = json.loads(note.read_text())
    for damage in (
        whole | {"beats": "many"}, [], {"made_with": whole["made_with"]},
        whole | {"mean_rate": "fast"}, whole | {"recording": None},
    ):  # fmt: skip
        note.write_text(json.dumps(damage))
        again = ecg(*arguments)
        assert again.exit_code == 0
        assert "(2 done before)" in again.stderr
        assert json.loads(note.read_text()) == whole


def test_results_of_another_model_or_detector_are_made_again(
    trained: Path, run_copy: Path, records: Path, ecg: Ecg
) -> None:
    arguments = ("predict", records, "-o", "results", "--jobs", 1, "--annotations", "none")
    ecg(*arguments, "--model", trained)
    assert "(3 done before)" in ecg(*arguments, "--model", trained).stderr
    assert "done before" not in ecg(*arguments, "--model", run_copy).stderr
    again = ecg(*arguments, "--model", run_copy, "--detector", "sleepecg")
    assert "done before" not in again.stderr
    made_with = json.loads(Path("results/100.summary.json").read_text())["made_with"]
    assert made_with["detector"] == "sleepecg"
    assert made_with["model"].startswith(str(run_copy))


def test_results_of_another_threshold_are_made_again(
    trained: Path, records: Path, ecg: Ecg
) -> None:
    arguments = ("predict", records, "-o", "results", "--jobs", 1, "--model", trained)
    ecg(*arguments)
    result = ecg(*arguments, "--abstain", 0.9)
    assert "done before" not in result.stderr
    summary = json.loads(Path("results/summary.json").read_text())
    assert all(row["abstained"] > 0 for row in summary["recordings"])
    assert "?" in set(pd.read_csv("results/208.csv")["class"])


@pytest.fixture
def days(records: Path, tmp_path: Path) -> None:
    """The folders dayA and dayB, each with a recording named holter, of two people."""
    for day, record in (("dayA", "100"), ("dayB", "208")):
        folder = tmp_path / day
        folder.mkdir()
        header = (records / f"{record}.hea").read_text().replace(f"{record}.dat", "holter.dat")
        (folder / "holter.hea").write_text(header.replace(record, "holter", 1))
        for ending in ("dat", "atr"):
            shutil.copy(records / f"{record}.{ending}", folder / f"holter.{ending}")


@pytest.mark.usefixtures("days")
def test_the_result_of_another_recording_of_the_same_name_is_kept(trained: Path, ecg: Ecg) -> None:
    assert ecg("predict", "dayA", "--model", trained, "-o", "res").exit_code == 0
    first = Path("res/holter.csv").read_bytes()
    second = ecg("predict", "dayB", "--model", trained, "-o", "res")
    assert second.exit_code == 2
    assert "holter.csv is the result of" in second.stderr
    assert "choose another folder" in second.stderr
    assert Path("res/holter.csv").read_bytes() == first
    assert ecg("predict", "dayB", "--model", trained, "-o", "other").exit_code == 0
    assert Path("other/holter.csv").read_bytes() != first


@pytest.mark.usefixtures("days")
def test_a_changed_recording_is_done_again(trained: Path, ecg: Ecg) -> None:
    assert ecg("predict", "dayA", "--model", trained, "-o", "res").exit_code == 0
    first = Path("res/holter.csv").read_bytes()
    shutil.copy("dayB/holter.dat", "dayA/holter.dat")
    header = Path("dayB/holter.hea").read_text()
    Path("dayA/holter.hea").write_text(header)
    shutil.copy("dayB/holter.atr", "dayA/holter.atr")
    again = ecg("predict", "dayA", "--model", trained, "-o", "res")
    assert again.exit_code == 0, again.stderr
    assert Path("res/holter.csv").read_bytes() != first


@pytest.mark.usefixtures("days")
def test_results_in_several_formats_are_each_of_the_recording_as_it_is(
    trained: Path, ecg: Ecg
) -> None:
    arguments = ("predict", "dayA", "--model", trained, "-o", "res", "-j", 1)
    part = Path("res/beats.parquet/recording=holter/beats.parquet")
    ecg(*arguments, "--beats-parquet")
    ecg(*arguments, "--format", "json")
    assert "(1 done before)" in ecg(*arguments, "--beats-parquet").stderr
    shutil.copytree("dayB", "dayA", dirs_exist_ok=True)
    ecg(*arguments, "--format", "json")
    beats = len(json.loads(Path("res/holter.json").read_text())["beats"])
    assert len(pd.read_csv("res/holter.csv")) != beats
    assert "done before" not in ecg(*arguments).stderr
    assert len(pd.read_csv("res/holter.csv")) == beats
    assert "done before" not in ecg(*arguments, "--beats-parquet").stderr
    assert len(pd.read_parquet(part)) == beats


@pytest.mark.usefixtures("days")
def test_another_format_does_not_replace_the_result_of_another_recording(
    trained: Path, ecg: Ecg
) -> None:
    ecg("predict", "dayA", "--model", trained, "-o", "res")
    before = {path: path.read_bytes() for path in Path("res").glob("holter*")}
    refused = ecg("predict", "dayB", "--model", trained, "-o", "res", "--format", "json")
    assert refused.exit_code == 2
    assert "holter.summary.json is the result of" in refused.stderr
    assert {path: path.read_bytes() for path in Path("res").glob("holter*")} == before


@pytest.mark.usefixtures("days")
def test_the_result_of_another_version_is_made_again(
    trained: Path, ecg: Ecg, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("predict", "dayA", "--model", trained, "-o", "res", "-j", 1)
    ecg(*arguments)
    monkeypatch.setattr("ecgcli.prediction.cohort.__version__", "99")
    assert "done before" not in ecg(*arguments).stderr
    assert "(1 done before)" in ecg(*arguments).stderr


@pytest.mark.usefixtures("days")
@pytest.mark.parametrize(
    "damage", ["", "{", "[1]", '"text"', "\0", "not finite", "a key", "a name"]
)
def test_a_damaged_summary_is_made_again(damage: str, trained: Path, ecg: Ecg) -> None:
    ecg("predict", "dayA", "--model", trained, "-o", "res")
    note = Path("res/holter.summary.json")
    whole = note.read_text()
    changed = {
        "not finite": re.sub('"mean_rate": [0-9.]+', '"mean_rate": NaN', whole),
        "a key": whole.replace('"known_seconds"', '"known"'),
        "a name": whole.replace('"holter.csv"', "[1]"),
    }
    note.write_text(changed.get(damage, damage))
    again = ecg("predict", "dayA", "--model", trained, "-o", "res")
    assert again.exit_code == 0, again.stderr
    assert "res/holter.summary.json: damaged; it was made again" in again.stderr
    assert note.read_text() == whole


@pytest.mark.usefixtures("days")
def test_a_result_that_another_command_replaced_is_made_again(trained: Path, ecg: Ecg) -> None:
    arguments = ("predict", "dayA", "--model", trained, "-o", "res", "--report", "pages")
    ecg(*arguments)
    table, page = Path("res/holter.csv"), Path("pages/holter.html")
    made = table.read_bytes()
    other = ("predict", "dayA/holter.hea", "--model", "beats", "-q")
    ecg(*other, "-o", table)
    assert table.read_bytes() != made
    assert f"{table}: changed; it was made again" in ecg(*arguments).stderr
    assert table.read_bytes() == made
    ecg(*other, "-o", "other.csv", "--report", "pages")
    assert "gradient boosting" in page.read_text()  # from the card of the other model
    assert f"{page}: changed; it was made again" in ecg(*arguments).stderr
    assert "gradient boosting" not in page.read_text()
    assert "(1 done before)" in ecg(*arguments).stderr


@pytest.mark.usefixtures("days")
def test_a_name_that_no_file_can_have_is_a_failure_among_others(trained: Path, ecg: Ecg) -> None:
    result = ecg("predict", "dayA", "a\0b", "--model", trained, "-o", "res")
    assert result.exit_code == 2
    assert "a\\x00b" in result.stderr
    assert Path("res/dayA/holter.csv").exists()


@pytest.mark.usefixtures("days")
def test_recordings_of_one_name_keep_their_folders(trained: Path, tmp_path: Path, ecg: Ecg) -> None:
    alone = {
        day: ecg("predict", f"{day}/holter.hea", "--model", trained, "-q").stdout
        for day in ("dayA", "dayB")
    }
    (tmp_path / "holters").mkdir()
    for day in ("dayA", "dayB"):
        shutil.move(day, tmp_path / "holters" / day)
    arguments = ("predict", "holters", "--model", trained, "-o", "res", "--jobs", 2)
    result = ecg(*arguments)
    assert result.exit_code == 0, result.stderr
    for day in ("dayA", "dayB"):
        assert Path(f"res/{day}/holter.csv").read_text() == alone[day]
        assert Path(f"res/{day}/holter.summary.json").exists()
    summary = json.loads(Path("res/summary.json").read_text())
    assert [result["recording"] for result in summary["recordings"]] == [
        "dayA/holter",
        "dayB/holter",
    ]
    assert "(2 done before)" in ecg(*arguments).stderr
    assert json.loads(Path("res/summary.json").read_text()) == summary
