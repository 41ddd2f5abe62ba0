"""From the evidence of each window to the most probable sequence of two rhythms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def decode(evidence: NDArray[np.float64], penalty: float) -> NDArray[np.bool_]:
    """The most probable sequence of two states (Viterbi, IEEE Trans Inf Theory 13:260-269, 1967).

    With two states, the advantage of the second over the first is all there is to remember: where
    it exceeds the penalty, every better sequence is in the second state there, whatever follows;
    where it is below minus the penalty, in the first; in between, in the state that follows.

    Args:
        evidence: ``(steps,)`` log-likelihood of the second state less that of the first.
        penalty: of each change of state, as a log-likelihood; not negative.

    Returns:
        ``(steps,)`` whether the state is the second one.
    """
    advantage, advantages = 0.0, np.empty(len(evidence))
    for step, gain in enumerate(evidence.tolist()):
        advantage = max(-penalty, min(penalty, advantage)) + gain
        advantages[step] = advantage
    settled = np.abs(advantages) > penalty
    settled[-1:] = True
    steps = np.where(settled, np.arange(len(evidence)), len(evidence))
    deciding = np.minimum.accumulate(steps[::-1])[::-1]
    second: NDArray[np.bool_] = advantages[deciding] > 0
    return second
