"""Every score against an independent computation, and the statement on the patients."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as reference

from ecgcli.beats import Beats, read_beats, read_labelled, write_beats
from ecgcli.beats.resampling import resample_file
from ecgcli.errors import ConfigError, DataError
from ecgcli.evaluation.beats import (
    Evaluation,
    describe_patients,
    describe_split,
    evaluate_file,
    figure_names,
    parse_requirements,
)
from ecgcli.prediction import Classifier, load


@pytest.fixture(scope="module")
def classifier(trained: Path) -> Classifier:
    return load(trained)


@pytest.fixture(scope="module")
def evaluation(classifier: Classifier, demo: Path) -> Evaluation:
    return evaluate_file(classifier, demo / "synthetic_test.csv")


def test_the_figures_are_scikit_learns(
    evaluation: Evaluation, classifier: Classifier, demo: Path
) -> None:
    beats = read_labelled(demo / "synthetic_test.csv")
    truth = beats.known_labels
    probabilities = classifier.probabilities(beats)
    predicted = probabilities.argmax(1)
    by_class = reference.precision_recall_fscore_support(truth, predicted, zero_division=0)
    for label, name in enumerate("NSVFQ"):
        got = [evaluation.by_class[name][figure].value for figure in ("precision", "recall", "f1")]
        assert got == pytest.approx([column[label] for column in by_class[:3]])
        specificity = reference.recall_score(truth != label, predicted != label)
        assert evaluation.by_class[name]["specificity"].value == pytest.approx(specificity)
        area = reference.roc_auc_score(truth == label, probabilities[:, label])
        assert evaluation.roc[name].area == pytest.approx(area)
        assert evaluation.scores()[f"roc_auc_{name}"] == evaluation.roc[name].area
    overall = {name: score.value for name, score in evaluation.overall.items()}
    assert overall["accuracy"] == pytest.approx(reference.accuracy_score(truth, predicted))
    assert overall["macro_f1"] == pytest.approx(by_class[2].mean())
    assert overall["kappa"] == pytest.approx(reference.cohen_kappa_score(truth, predicted))
    assert evaluation.beats == len(truth)


def test_calibration_is_of_the_predicted_classes(evaluation: Evaluation) -> None:
    bins, error = evaluation.reliability, evaluation.calibration_error
    assert bins.beats.sum() == evaluation.beats
    hits = np.nansum(bins.beats * bins.accuracy)
    assert hits / evaluation.beats == pytest.approx(evaluation.overall["accuracy"].value)
    assert error.low <= error.value <= error.high
    assert evaluation.coverage[0].accuracy == pytest.approx(evaluation.overall["accuracy"].value)
    assert evaluation.coverage[0].macro_f1 == pytest.approx(evaluation.overall["macro_f1"].value)
    document = evaluation.as_json()["calibration"]
    assert document["expected_calibration_error"]["value"] == pytest.approx(error.value, abs=1e-6)
    assert len(document["bins"]) == 15


def test_the_interval_of_the_accuracy_is_the_binomials(evaluation: Evaluation) -> None:
    accuracy = evaluation.overall["accuracy"]
    half = 1.96 * np.sqrt(accuracy.value * (1 - accuracy.value) / evaluation.beats)
    assert accuracy.low == pytest.approx(accuracy.value - half, abs=half / 5)
    assert accuracy.high == pytest.approx(accuracy.value + half, abs=half / 5)


def test_a_class_that_is_not_in_the_file_is_null_and_not_zero(
    classifier: Classifier, demo: Path, tmp_path: Path
) -> None:
    beats = read_beats(demo / "synthetic_test.csv")
    write_beats(tmp_path / "no_f.csv", beats.take(np.flatnonzero(beats.known_labels != 3)))
    document = evaluate_file(classifier, tmp_path / "no_f.csv").as_json()
    assert document["by_class"]["F"]["recall"] == {"value": None, "low": None, "high": None}
    assert document["by_class"]["F"]["roc_auc"] is None
    assert document["by_class"]["F"]["support"] == 0
    assert document["overall"]["macro_f1"]["value"] > 0.6


def test_unlabelled_beats_cannot_be_evaluated(
    classifier: Classifier, beats: Beats, tmp_path: Path
) -> None:
    write_beats(tmp_path / "beats.csv", Beats(beats.samples))
    with pytest.raises(DataError, match="found 187 columns, so no class"):
        evaluate_file(classifier, tmp_path / "beats.csv")


def test_a_resampled_test_file_is_reported(
    classifier: Classifier, demo: Path, tmp_path: Path
) -> None:
    target = tmp_path / "small.csv"
    resample_file(demo / "synthetic_test.csv", target, force=True, majority=100)
    assert "test file was resampled by class" in evaluate_file(classifier, target).statement


class TestStatement:
    """The sentence on what the split can and cannot show."""

    def test_new_patients(self, evaluation: Evaluation) -> None:
        assert evaluation.statement == (
            "Synthetic beats: the score says nothing about real patients. "
            "None of the 8 test patients was trained on: "
            "the score is for patients that the model has not seen."
        )

    def test_patients_on_both_sides(self, classifier: Classifier, mitbih: Path) -> None:
        test = read_beats(mitbih / "mitbih_test.csv")
        train = classifier.card.training_data.model_copy(
            update={"synthetic": False, "patients": test.patients}
        )
        assert describe_split(train, test) == (
            "47 of the 47 test patients were also trained on: the score holds for new beats of "
            "known patients and says nothing about new patients."
        )

    @pytest.mark.parametrize(
        ("trained", "tested", "beginning"),
        [
            ("a", "a", "The test patient was also trained on:"),
            ("a", "ab", "1 of the 2 test patients was also trained on:"),
            ("ab", "ab", "2 of the 2 test patients were also trained on:"),
            ("a", "b", "The test patient was not trained on:"),
            ("a", "bc", "None of the 2 test patients was trained on:"),
        ],
    )
    def test_the_number_of_patients_and_the_verb_agree(
        self, trained: str, tested: str, beginning: str
    ) -> None:
        assert describe_patients(set(trained), set(tested)).startswith(beginning)

    @pytest.mark.parametrize(("trained", "tested"), [("p1/holter", "holter"), ("a", "p1/a")])
    def test_a_name_with_folders_may_be_the_one_without(self, trained: str, tested: str) -> None:
        sentence = describe_patients({trained, "x"}, {tested, "y"})
        assert sentence.startswith("The patients are unknown")

    def test_unknown_patients(self, classifier: Classifier, beats: Beats) -> None:
        train = classifier.card.training_data.model_copy(update={"synthetic": False})
        assert "The patients are unknown" in describe_split(train, beats)

    def test_the_training_beats_themselves(self, classifier: Classifier, demo: Path) -> None:
        train = read_beats(demo / "synthetic_train.csv")
        statement = describe_split(classifier.card.training_data, replace(train, info=None))
        assert "trained on these very beats" in statement


def test_every_figure_can_be_required_before_it_is_computed(
    classifier: Classifier, evaluation: Evaluation
) -> None:
    assert set(evaluation.scores()) <= set(figure_names(classifier.classes))


def test_requirements() -> None:
    names = ["accuracy", "macro_f1", "recall_S"]
    assert parse_requirements(["macro_f1=0.9", "recall_S=.5"], names) == {
        "macro_f1": 0.9, "recall_S": 0.5,
    }  # fmt: skip
    with pytest.raises(ConfigError, match="no figure macro_f2; did you mean macro_f1"):
        parse_requirements(["macro_f2=1"], names)
    for text in ("macro_f1", "macro_f1=high", "macro_f1=nan"):
        with pytest.raises(ConfigError, match="expected NAME=NUMBER"):
            parse_requirements([text], names)
