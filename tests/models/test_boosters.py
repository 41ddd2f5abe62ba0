"""Boosted trees as a text: the same trees, or refused before LightGBM reads them."""

from __future__ import annotations

import random
import re
from contextlib import suppress

import lightgbm
import numpy as np
import pytest

from ecgcli.models import boosters
from ecgcli.models.boosters import check_booster, packed, unpacked
from ecgcli.trees import Trees

RANDOM = np.random.default_rng(1)
BEATS = RANDOM.random((600, 6), np.float32)


def fitted(boosting: str = "gbdt", classes: int = 3) -> lightgbm.Booster:
    several = {"objective": "multiclass", "num_class": classes}
    settings = {
        "verbosity": -1, "boosting": boosting, "bagging_freq": 1, "bagging_fraction": 0.6,
        "num_threads": 1, **(several if classes > 2 else {"objective": "binary"}),
    }  # fmt: skip
    data = lightgbm.Dataset(BEATS, np.arange(600) % classes)
    return lightgbm.train(settings, data, num_boost_round=4)


@pytest.fixture(scope="module", params=["gbdt", "rf"])
def booster(request: pytest.FixtureRequest) -> lightgbm.Booster:
    return fitted(request.param)


def test_what_is_read_computes_the_same(booster: lightgbm.Booster) -> None:
    text = unpacked(packed(booster.model_to_string()))
    check_booster(text)
    again = Trees(text).booster()
    assert np.array_equal(again.predict(BEATS), booster.predict(BEATS))
    for kind in ("gain", "split"):
        assert np.array_equal(again.feature_importance(kind), booster.feature_importance(kind))


def test_a_booster_of_two_classes_is_read_where_one_belongs() -> None:
    binary, several = fitted(classes=2), fitted()
    text = binary.model_to_string()
    check_booster(text, binary=True)
    assert np.array_equal(Trees(text).booster().predict(BEATS), binary.predict(BEATS))
    for model, is_binary in ((binary, False), (several, True)):
        with pytest.raises(ValueError, match="another number of classes"):
            check_booster(model.model_to_string(), binary=is_binary)
    with pytest.raises(ValueError, match="the trees are not"):
        check_booster(re.sub(r"left_child=-?\d+", "left_child=999", text, count=1), binary=True)


def test_trees_that_could_not_be_split_are_read() -> None:
    data = lightgbm.Dataset(np.zeros((90, 2)), np.arange(90) % 3)
    settings = {"objective": "multiclass", "num_class": 3, "verbosity": -1}
    flat = lightgbm.train(settings, data, num_boost_round=2)
    check_booster(flat.model_to_string())
    again = Trees(flat.model_to_string()).booster()
    assert np.array_equal(again.predict(BEATS[:, :2]), flat.predict(BEATS[:, :2]))


@pytest.mark.parametrize(
    ("pattern", "damaged"),
    [
        ("num_class=3", "num_class=4"),
        ("objective=multiclass", "objective=binary"),
        ("max_feature_idx=5", "max_feature_idx=9"),
        ("tree_sizes=", "tree_sizes=9"),
        ("Tree=1\n", "Tree=one\n"),
        (r"num_leaves=\d", "num_leaves=99"),
        ("num_cat=0", "num_cat=1"),
        ("is_linear=0", "is_linear=1"),
        (r"split_feature=\d", "split_feature=6"),
        (r"threshold=[\d.]+ ", "threshold="),
        (r"threshold=", "threshold=e"),
        (r"decision_type=\d+", "decision_type=1"),
        (r"left_child=-?\d+", "left_child=0"),
        (r"left_child=-?\d+", "left_child=999"),
        (r"right_child=-?\d+", "right_child=-999"),
        ("end of trees", "end"),
    ],
)
def test_a_damaged_text_is_refused(
    pattern: str, damaged: str, booster: lightgbm.Booster, capfd: pytest.CaptureFixture[str]
) -> None:
    text = re.sub(pattern, damaged, booster.model_to_string(), count=1)
    with pytest.raises(ValueError, match=r"^(this|the|a|\w+ is) "):
        check_booster(text)
    assert capfd.readouterr() == ("", "")  # it was not given to LightGBM, which prints


def test_a_text_damaged_anywhere_is_refused_or_computes(booster: lightgbm.Booster) -> None:
    """No crash, and no message: 300 changes of one letter, cuts and gaps."""
    chance, text = random.Random(1), booster.model_to_string()
    for _ in range(300):
        at = chance.randrange(len(text))
        rest = chance.choice(["", chance.choice("09-e. \n") + text[at + 1 :], text[at + 9 :]])
        with suppress(ValueError):
            check_booster(text[:at] + rest)
            assert Trees(text[:at] + rest).probabilities(BEATS).shape == (600, 3)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boosters, "LONGEST", 1_000_000)
    assert unpacked(packed("a" * 999_999)) == "a" * 999_999
    for array in (packed("a" * 1_000_001), packed("whole")[:-1], packed("whole")[1:]):
        with pytest.raises(ValueError, match="the compressed text is"):
            unpacked(array)
