"""The reading of curves, on the histories of real trainings on the MIT-BIH files."""

from __future__ import annotations

import pytest

from ecgcli.training.history import Epoch, History
from ecgcli.training.reading import describe_curves

#: Training loss, validation loss, validation accuracy and macro-F1 of each epoch.
REAL = {
    # The config cnn with class N cut to 2,000 beats.
    "level": """
        0.778993,0.216044,0.929069,0.524139
        0.432611,0.142942,0.961508,0.788396
        0.388137,0.152684,0.949743,0.752926
        0.347405,0.125282,0.973387,0.854539
        0.319216,0.12301,0.968018,0.797962
        0.298838,0.105378,0.978527,0.878217
        0.279594,0.104475,0.980925,0.90451
        0.262582,0.103852,0.97944,0.885753
        0.254056,0.100939,0.979555,0.886163
        0.250162,0.100331,0.98024,0.887521""",
    # 560 beats, without augmentation, dropout or weight decay: every second epoch.
    "overfitting": """
        0.807592,0.808961,0.786979,0.387275
        0.365987,0.282797,0.93181,0.572244
        0.232659,0.229983,0.941062,0.748079
        0.144332,0.273712,0.92667,0.726706
        0.122457,0.263844,0.947002,0.734663
        0.0627162,0.340287,0.945174,0.740186
        0.0230262,0.393298,0.93558,0.735543
        0.0454219,0.458616,0.944146,0.736819
        0.0281121,0.391387,0.944146,0.747183""",
    # A learning rate of 0.0001.
    "too short": """
        0.770415,0.243629,0.919246,0.503434
        0.459344,0.193553,0.936037,0.575351""",
    # A learning rate of 5.
    "nothing": """
        3.21519e+06,0.683426,0.827756,0.181152
        1.33119,0.682166,0.827756,0.181152
        1.35341,0.690755,0.827756,0.181152""",
}


def history(rows: str) -> History:
    figures = [[float(cell) for cell in row.split(",")] for row in rows.split()]
    return [
        Epoch(number, 0.001, train_loss, 0.9, 0.9, loss, accuracy, macro_f1, 1.0)
        for number, (train_loss, loss, accuracy, macro_f1) in enumerate(figures, 1)
    ]


def test_a_training_that_went_well() -> None:
    course, kept, classes = describe_curves(history(REAL["level"]))
    assert course.startswith("There is no sign of overfitting")
    assert "ended at 0.1003" in course
    assert kept.startswith("Epoch 7 of 10 was kept, because its macro-F1")
    assert "0.905" in kept
    assert "accuracy, 0.981" in classes
    assert "macro-F1, 0.905" in classes


def test_overfitting() -> None:
    course, classes = describe_curves(history(REAL["overfitting"]))
    assert course.startswith("Overfitting since epoch 3: the validation loss rose from 0.2300")
    assert "of epoch 3, were kept" in course
    assert "macro-F1, 0.748" in classes


@pytest.mark.parametrize(
    ("rows", "beginning", "advice"),
    [
        (REAL["too short"], "The validation loss was still falling", "training.epochs=4"),
        (REAL["nothing"], "The model learnt nothing", "lower training.learning_rate"),
        ("0.5,0.4,0.95,0.94\n0.6,0.5,0.94,0.92", "The training is unstable", "learning_rate"),
        ("0.5,0.4,0.95,0.94", "One epoch is a point, not a curve", "training.epochs"),
    ],
)
def test_what_can_be_done_is_said(rows: str, beginning: str, advice: str) -> None:
    course = describe_curves(history(rows))[0]
    assert course.startswith(beginning)
    assert advice in course


def test_classes_recognized_alike_need_no_sentence() -> None:
    rows = "0.5,0.4,0.95,0.93\n0.3,0.39,0.96,0.95"
    assert not any("Every beat weighs" in line for line in describe_curves(history(rows)))
