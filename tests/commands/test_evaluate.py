"""``ecg evaluate``: the tables, the document, the requirement for CI."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ecgcli.evaluation.beats import evaluate_file
from ecgcli.prediction import load

Ecg = Callable[..., Result]


def test_tables_for_people_and_the_place_of_the_report(
    run_copy: Path, demo: Path, ecg: Ecg
) -> None:
    result = ecg("evaluate", run_copy, "--data", demo / "synthetic_test.csv")
    assert result.exit_code == 0
    report = json.loads((run_copy / "evaluation-synthetic_test" / "report.json").read_text())
    score = report["overall"]["macro_f1"]
    assert f"{score['value']:.3f} ({score['low']:.3f}-{score['high']:.3f})" in result.stdout
    for name, figures in report["by_class"].items():
        assert f"{figures['recall']['value']:.3f} (" in result.stdout, name
        assert f"{figures['roc_auc']:.4f}" in result.stdout, name
    error = report["calibration"]["expected_calibration_error"]
    assert f"{error['value']:.3f} ({error['low']:.3f}-{error['high']:.3f})" in result.stdout
    for row in report["calibration"]["coverage"][1:]:
        assert f"{row['coverage']:.1%}" in result.stdout
    assert report["statement"] in " ".join(result.stdout.split())
    began, *lines = result.stderr.splitlines()
    assert began == "evaluating on synthetic_test.csv ..."
    assert Path(lines[0].removeprefix("Report: ")).exists()
    assert Path(lines[1].removeprefix("Confusion matrix: ")).exists()
    assert (
        lines[2]
        == f"Next: ecg predict {demo / 'synthetic_test.csv'} --model {run_copy} -o predictions.csv"
    )


def test_the_report_of_pretrained_weights_is_in_the_folder_of_runs(demo: Path, ecg: Ecg) -> None:
    from ecgcli import weights

    def in_the_package() -> set[Path]:
        return set(Path(weights.__file__).parent.iterdir())

    before = in_the_package()
    result = ecg("evaluate", "beats", "--data", demo / "synthetic_test.csv")
    assert result.exit_code == 0, result.stderr
    report = "runs/pretrained/beats/evaluation-synthetic_test/report.html"
    assert f"Report: {report}\n" in result.stderr
    assert Path(report).exists()
    assert in_the_package() == before
    data = demo / "synthetic_test.csv"
    assert result.stderr.splitlines()[-1] == (
        f"Next: ecg predict {data} --model beats -o predictions.csv"
    )
    assert result.stdout.startswith(f"beats on {data}, ")


def test_json_is_the_report(run_copy: Path, demo: Path, ecg: Ecg) -> None:
    arguments = ("--data", demo / "synthetic_test.csv", "--out", "report", "--json", "--quiet")
    result = ecg("evaluate", run_copy, *arguments)
    assert result.stderr == ""
    document = json.loads(result.stdout)
    report = json.loads(Path("report/report.json").read_text())
    assert len(report.pop("model_sha256")) == 64
    assert document == {"schema": 1} | report
    assert sum(map(sum, document["confusion_matrix"])) == document["beats"]


@pytest.mark.parametrize(
    ("required", "code"),
    [
        (["macro_f1=0.5", "accuracy=0.5"], 0),
        (["macro_f1=1.1"], 3),
        (["accuracy=0.5", "recall_F=1.01"], 3),
        (["roc_auc_S=0.5"], 0),
        (["macro_f3=0.5"], 2),
        (["macro_f1"], 2),
    ],
)
def test_requirements_for_ci(
    required: list[str], code: int, run_copy: Path, demo: Path, ecg: Ecg
) -> None:
    options = [word for text in required for word in ("--require", text)]
    result = ecg("evaluate", run_copy, "--data", demo / "synthetic_test.csv", *options)
    assert result.exit_code == code
    report = run_copy / "evaluation-synthetic_test" / "report.html"
    assert report.exists() == (code != 2)  # a missed requirement still leaves the report
    if code == 3:
        name, least = required[-1].split("=")
        assert f"{name} is 0." in result.stderr
        assert f"required {float(least):g}" in result.stderr


@pytest.mark.parametrize("data", ["no-such-file.csv", "no-such-folder/100.hea"])
def test_a_required_figure_that_there_is_not_is_refused_before_any_work(
    data: str, run_copy: Path, ecg: Ecg
) -> None:
    if data.endswith(".hea"):
        Path(data).parent.mkdir()
        Path(data).touch()
    result = ecg("evaluate", run_copy, "--data", data, "--require", "veb_sensitivty=0.9")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: --require: there is no figure veb_sensitivty; did you mean veb_sensitivity?\n"
    )


def test_help_lists_the_figures_that_can_be_required(
    run_copy: Path, demo: Path, ecg: Ecg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    page = ecg("evaluate", "--help").stdout
    listed = set(re.findall(r"[a-z0-9_]+", page.partition("--require")[2].partition("--out")[0]))
    scores = evaluate_file(load(run_copy), demo / "synthetic_test.csv").scores()
    assert {re.sub("_[NSVFQ]$", "", name) for name in scores} <= listed


def test_the_engines_agree(run_copy: Path, demo: Path, ecg: Ecg) -> None:
    documents = [
        json.loads(
            ecg("evaluate", run_copy, "-d", demo / "synthetic_test.csv", "--engine", engine,
                "--json", "-q").stdout
        )
        for engine in ("openvino", "torch")
    ]  # fmt: skip
    assert documents[0]["confusion_matrix"] == documents[1]["confusion_matrix"]


def test_records_by_the_standard_with_peaks_found(run_copy: Path, mitdb: Path, ecg: Ecg) -> None:
    result = ecg("evaluate", run_copy, "--data", mitdb / "208.hea", "--skip-first", 300)
    assert result.exit_code == 0
    assert "R peaks detected by envelope" in result.stdout
    for row in ("QRS sensitivity", "VEB positive predictivity", "SVEB false positive rate"):
        assert row in result.stdout
    assert "The first 300 s of each record are excluded" in result.stdout
    folder = run_copy / "evaluation-208"
    document = json.loads((folder / "report.json").read_text())
    assert document["aami"]["skipped_seconds"] == 300
    page = (folder / "report.html").read_text()
    assert "VEB sensitivity" in page
    assert page.count("<html") == page.count("</html>") == 1
    shown = json.loads(ecg("confusion", run_copy, "--json").stdout)
    assert shown["confusion_matrix"] == document["confusion_matrix"]
    missed = ecg(
        "evaluate", run_copy, "--data", mitdb / "208", "--require", "veb_sensitivity=1.01", "-q"
    )
    assert missed.exit_code == 3


@pytest.mark.parametrize("seconds", [1e6, "inf"])
@pytest.mark.parametrize("model", ["beats", "fibrillation"])
def test_a_learning_period_that_leaves_nothing_is_an_error(
    model: str, seconds: object, mitdb: Path, ecg: Ecg
) -> None:
    result = ecg("evaluate", model, "-d", mitdb / "208.hea", "--skip-first", seconds, "-o", "out")
    assert result.exit_code == 2
    assert re.search(r"208\.hea: there are no (beats|rhythms) after the first", result.stderr)
    assert not Path("out").exists()


def test_beats_that_know_their_records_have_the_standards_figures(
    run_copy: Path, mitbih: Path, ecg: Ecg
) -> None:
    test = mitbih / "mitbih_test.csv"
    result = ecg("evaluate", run_copy, "--data", test, "--json", "-q")
    aami = json.loads(result.stdout)["aami"]
    assert len(aami["records"]) == 48
    matrix = sum(
        figures["matrix"][row][column]
        for figures in aami["records"].values()
        for row in range(5)
        for column in range(5)
    )
    assert matrix == 21892
    assert aami["dominant_s_record"] in (None, "232")
    later = ecg("evaluate", run_copy, "--data", test, "--skip-first", 300, "--json", "-q")
    assert 17_000 < json.loads(later.stdout)["beats"] < 19_000


def test_one_beat_is_counted_in_the_singular(run_copy: Path, demo: Path, ecg: Ecg) -> None:
    first = (demo / "synthetic_test.csv").read_text().splitlines()[0]
    Path("one.csv").write_text(f"{first}\n")
    result = ecg("evaluate", run_copy, "--data", "one.csv", "--out", "report")
    assert result.exit_code == 0, result.stderr
    assert "on one.csv, 1 beat\n" in result.stdout
    assert "on one.csv, 1 beat." in Path("report/report.html").read_text()
