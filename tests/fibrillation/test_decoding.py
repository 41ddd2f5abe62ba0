"""The most probable sequence of two states, against all sequences."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgcli.fibrillation.decoding import decode

Evidence = st.lists(st.floats(-5, 5), min_size=1, max_size=9)


def score(states: tuple[bool, ...], evidence: list[float], penalty: float) -> float:
    changes = sum(one != other for one, other in pairwise(states))
    return sum(e for e, second in zip(evidence, states, strict=True) if second) - penalty * changes


@given(evidence=Evidence, penalty=st.floats(0, 6))
def test_no_sequence_is_more_probable(evidence: list[float], penalty: float) -> None:
    decoded = tuple(decode(np.array(evidence), penalty).tolist())
    best = max(
        score(states, evidence, penalty) for states in product([False, True], repeat=len(evidence))
    )
    assert score(decoded, evidence, penalty) == pytest.approx(best, abs=1e-9)


def test_a_short_doubt_does_not_end_an_episode() -> None:
    evidence = np.array([-5.0] * 4 + [5.0] * 4 + [-3.0] + [5.0] * 4 + [-5.0] * 4)
    assert decode(evidence, 8.0).astype(int).tolist() == [0] * 4 + [1] * 9 + [0] * 4
    assert decode(evidence, 0.0).astype(int).tolist() == (evidence > 0).astype(int).tolist()


def test_nothing_to_decode() -> None:
    assert len(decode(np.empty(0), 8.0)) == 0
