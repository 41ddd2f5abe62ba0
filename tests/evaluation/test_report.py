"""The report: a document for programs, pictures and a page for people."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from ecgcli import metrics
from ecgcli.checkpoints import load_checkpoint
from ecgcli.classes import AAMI_CLASSES
from ecgcli.evaluation.beats import Evaluation, evaluate_file
from ecgcli.evaluation.recordings import RecordingEvaluation, evaluate_recordings
from ecgcli.evaluation.report import report_folder, write_report
from ecgcli.evaluation.tables import aami_table, coverage_table, with_interval
from ecgcli.metrics import Score
from ecgcli.metrics.aami import summarize
from ecgcli.prediction import load


@pytest.fixture(scope="module")
def evaluation(trained: Path, demo: Path) -> Evaluation:
    classifier = replace(load(trained), path=Path("runs/<a&b>"))
    return evaluate_file(classifier, demo / "synthetic_test.csv")


def test_the_folder_is_beside_the_checkpoint_and_named_for_the_data() -> None:
    folder = report_folder(Path("runs/cnn/best.safetensors"), Path("data/mitbih_test.csv.gz"))
    assert folder == Path("runs/cnn/evaluation-mitbih_test")
    second = report_folder(Path("runs/cnn/best.safetensors"), Path("mitbih.fold2.csv"))
    assert second == Path("runs/cnn/evaluation-mitbih.fold2")


def test_everything_is_written_and_agrees(evaluation: Evaluation, tmp_path: Path) -> None:
    page = write_report(tmp_path / "report", evaluation)
    assert {path.name for path in page.parent.iterdir()} == {
        "report.json", "report.html", "confusion.png", "roc.png", "pr.png",
        "reliability.png", "errors.png", "worst.png",
    }  # fmt: skip
    document = json.loads((page.parent / "report.json").read_text())
    assert document == evaluation.as_json() | {"model_sha256": ""}  # the model is no file
    text = page.read_text()
    assert evaluation.statement in text
    assert "fusion of a ventricular and a normal beat" in text
    for metric in (*metrics.OVERALL, *metrics.BY_CLASS):
        assert metric.meaning
        assert metric.meaning.replace("'", "&#39;") in text
    for score in evaluation.overall.values():
        assert with_interval(score) in text
    assert with_interval(evaluation.calibration_error) in text
    for row in coverage_table(evaluation).rows:
        assert "".join(f"<td>{cell}</td>" for cell in row[1:]) in text
    assert "runs/&lt;a&amp;b&gt;" in text
    for picture in re.findall(r'src="(.*?)"', text):
        assert picture.startswith("data:image/png;base64,")
        image = imread(io.BytesIO(base64.b64decode(picture.partition(",")[2])))
        assert image.shape[0] > 400
        assert np.ptp(image[..., :3]) > 0.9  # something dark is drawn on white


def test_a_name_with_markup_is_text_on_the_page(evaluation: Evaluation, tmp_path: Path) -> None:
    page = write_report(tmp_path, replace(evaluation, data="<script>alert('x')</script>"))
    assert "<script>" not in page.read_text()
    assert "&lt;script&gt;" in page.read_text()


def test_one_record_has_no_interval(tmp_path: Path) -> None:
    matrix = np.zeros((7, 7), np.int64)
    matrix[:3, :3] = [[90, 1, 0], [2, 8, 0], [0, 0, 5]]
    one_record, two_records = (
        summarize({"100": matrix}, 0),
        summarize({"100": matrix, "101": matrix}, 0),
    )
    assert not [row for row in aami_table(one_record).rows if "(" in row[1]]
    assert [row for row in aami_table(two_records).rows if "(" in row[1]]
    evaluation = RecordingEvaluation("model", "data", "envelope", one_record, "statement")
    assert "95%" not in write_report(tmp_path, evaluation).read_text()
    assert "95%" in write_report(tmp_path, replace(evaluation, aami=two_records)).read_text()


def test_the_page_shows_the_run_that_the_model_is_from(
    trained: Path, demo: Path, tmp_path: Path
) -> None:
    evaluation = evaluate_file(load(trained), demo / "synthetic_test.csv")
    text = write_report(tmp_path, evaluation).read_text()
    assert base64.b64encode((trained / "curves.png").read_bytes()).decode() in text
    assert html.escape((trained / "config.yaml").read_text()) in text
    assert json.loads((trained / "environment.json").read_text())["git_commit"] in text
    assert not (tmp_path / "curves.png").exists()
    card = load_checkpoint(trained / "best.safetensors").card
    assert f"fingerprint: {card.training_data.fingerprint}" in text


def test_a_damaged_run_leaves_the_evaluation_and_is_named(
    run_copy: Path, demo: Path, tmp_path: Path
) -> None:
    (run_copy / "environment.json").write_text("{")
    evaluation = evaluate_file(load(run_copy), demo / "synthetic_test.csv")
    text = write_report(tmp_path, evaluation).read_text()
    assert evaluation.statement in text
    assert "environment.json: it is missing or damaged" in text


def test_notes_and_errors_of_recordings_are_on_the_page(mitdb: Path, tmp_path: Path) -> None:
    paths = [mitdb / "208.hea", mitdb / "100.hea"]
    evaluation = evaluate_recordings(load("recordings"), paths, data="mitdb")
    page = write_report(tmp_path, replace(evaluation, notes=("208: two <b>leads</b>",)))
    text = page.read_text()
    assert "<li>208: two &lt;b&gt;leads&lt;/b&gt;</li>" in text
    for name in ("errors.png", "worst.png"):
        assert base64.b64encode((tmp_path / name).read_bytes()).decode() in text
    errors = evaluation.mistakes.of("208")
    assert {error.record for error in errors} == {"208"}
    matrix = evaluation.aami.records["208"]
    names = [*AAMI_CLASSES, "no beat"]
    for error in errors:
        assert matrix[names.index(error.true), names.index(error.predicted)] > 0
        assert 0 < error.time < 1806
        assert error.samples.shape == (187,)


def test_a_score_reads_as_value_and_interval() -> None:
    assert with_interval(Score(0.93149, 0.92, 0.94)) == "0.931 (0.920-0.940)"
    assert with_interval(Score(float("nan"), float("nan"), float("nan"))) == "-"
