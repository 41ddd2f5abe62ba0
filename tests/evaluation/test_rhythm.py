"""Atrial fibrillation evaluated on real records, from annotated and from detected beats."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgcli.errors import DataError
from ecgcli.evaluation.recordings import evaluate_recordings
from ecgcli.evaluation.report import write_report
from ecgcli.evaluation.rhythm import evaluate_rhythm
from ecgcli.prediction import load
from ecgcli.weights import bundled_checkpoint


def test_annotated_beats(rhythm_records: Path, tmp_path: Path) -> None:
    paths = sorted(rhythm_records.glob("*.hea"))
    evaluation = evaluate_rhythm(bundled_checkpoint("fibrillation"), paths, data="ten records")
    assert evaluation.scores()["af_duration_sensitivity"] > 0.85
    assert evaluation.scores()["af_duration_specificity"] > 0.9  # 222 has flutter
    assert evaluation.statement.startswith("None of the 10 test patients was trained on")
    page = write_report(tmp_path, evaluation).read_text()
    assert "AF duration positive predictivity, flutter excluded" in page
    assert ">222</th>" in page


def test_a_model_knows_the_records_that_it_was_fitted_on(
    fibrillation_run: Path, rhythm_records: Path
) -> None:
    model = fibrillation_run / "fibrillation.safetensors"
    evaluation = evaluate_rhythm(model, [rhythm_records / "201.hea"], data="201")
    assert evaluation.statement.startswith("The test patient was also trained on")


def test_detected_beats(mitdb: Path, svdb: Path, tmp_path: Path) -> None:
    recordings = load("recordings")
    evaluation = evaluate_recordings(recordings, [mitdb / "202.hea"], data="202")
    assert evaluation.scores()["af_duration_sensitivity"] > 0.9
    assert evaluation.scores()["af_duration_positive_predictivity"] > 0.85
    document = evaluation.as_json()["fibrillation"]
    assert document["records"]["202"]["true_seconds"] == pytest.approx(586, abs=2)
    page = write_report(tmp_path, evaluation).read_text()
    assert "AF episode sensitivity" in page
    without = evaluate_recordings(recordings, [svdb / "800.hea"], data="800")
    assert without.fibrillation is None
    assert without.as_json()["fibrillation"] is None


def test_a_record_without_rhythm_annotations(svdb: Path) -> None:
    with pytest.raises(DataError, match=r"800\.hea: there are no rhythm annotations"):
        evaluate_rhythm(bundled_checkpoint("fibrillation"), [svdb / "800.hea"], data="800")
