"""Families: beats of one class and one shape."""

from __future__ import annotations

import numpy as np

from ecgcli.view import NO_FAMILY
from ecgcli.view.families import POINTS, find_families, sort_by_shape
from tests.view.pages import beats_of, page_of, synthetic


def bumps(centre: float, count: int, height: float = 1.0) -> np.ndarray:
    random = np.random.default_rng(count)
    shape = np.exp(-(((np.arange(POINTS) - centre) / 4) ** 2))
    noise = random.normal(0, 0.02, (count, POINTS))
    return (height * shape + noise).astype(np.float32)


def test_shapes_are_sorted_by_place_and_size() -> None:
    shapes = np.concatenate([bumps(25, 50), bumps(45, 30), bumps(25, 20, height=3)])
    families = sort_by_shape(shapes)
    assert [sorted(rows.tolist()) for rows in families] == [
        list(range(50)), list(range(50, 80)), list(range(80, 100)),
    ]  # fmt: skip


def test_a_single_odd_beat_joins_the_nearest_family() -> None:
    families = sort_by_shape(np.concatenate([bumps(25, 50), bumps(60, 1)]))
    assert [len(rows) for rows in families] == [51]


def test_flat_beats_are_one_family() -> None:
    assert [len(rows) for rows in sort_by_shape(np.zeros((5, POINTS), np.float32))] == [5]


def test_every_classified_beat_is_in_a_family_of_its_class() -> None:
    page = page_of(synthetic())
    letters = page.beats.letters
    for number, family in enumerate(page.families):
        members = page.members == number
        assert set(letters[members]) == {family.letter}
        assert members.sum() == family.beats
        assert members[family.example]
    assert page.members[-1] == NO_FAMILY  # the last beat has no class
    assert sum(family.beats for family in page.families) == (letters != "").sum()


def test_beats_at_the_very_ends_are_left_out() -> None:
    beats = beats_of(np.array([0.01, 1.0, 2.0, 3.99]), np.zeros(4, np.uint8))
    families, members = find_families(beats, np.sin(np.arange(400) / 5), 100.0)
    assert members.tolist() == [NO_FAMILY, 0, 0, NO_FAMILY]
    assert families[0].beats == 2
