"""Boosted trees in LightGBM's text, evaluated by NumPy for many rows at a time.

LightGBM follows a tree for each row. Here each split is one comparison of a whole column, and the
leaves that a row reaches in the two branches of a node are combined into that of the node, from
the leaves to the root, in one byte a row. For the trees of this package that is three to four
times as fast, with the same numbers to the last bit, and without the time that LightGBM takes to
import (`benchmarks/trees.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Features
from ecgcli.cores import thread_count

if TYPE_CHECKING:
    from lightgbm import Booster

#: Leaves of a tree beyond which LightGBM is faster: here every node costs, there only the depth.
MOST_LEAVES = 160
#: The most rows evaluated at a time, so that what is computed of them stays in the cache.
ROWS = 1 << 16

_END = "end of trees\n"
_ARRAYS = {
    "num_leaves": np.int64, "split_feature": np.int64, "threshold": np.float64,
    "decision_type": np.int64, "left_child": np.int64, "right_child": np.int64,
    "leaf_value": np.float64,
}  # fmt: skip
#: Bits of LightGBM's decision types: the split is by category; a missing value goes left; what is
#: missing (nothing: NaN counts as 0; zeros and NaN; NaN).
_BY_CATEGORY, _LEFT, _MISSING_ZERO, _MISSING_NAN = 1, 2, 4, 8
#: Absolute values up to this are zeros to LightGBM.
_ZERO = 1e-35


class Trees:
    """The trees of a booster that were stored as a text by ``Booster.model_to_string``.

    Args:
        text: of a booster without splits by category.

    Raises:
        ValueError: the text is not that of a booster.

    Attributes:
        text: the text up to the end of the trees.
        outputs: number of raw scores of a row.
        width: number of features of a row.
    """

    def __init__(self, text: str) -> None:
        if _END not in text:
            raise ValueError("the text has no end")
        self.text = text[: text.index(_END)] + _END
        self.outputs = _number(self.text, "num_tree_per_iteration")
        self.width = _number(self.text, "max_feature_idx") + 1
        self._averaged = "\naverage_output\n" in self.text
        self._forest = _Forest.read(self.text)

    def probabilities(self, features: Features) -> NDArray[np.float64]:
        """The probability ``(rows, outputs)`` of each class for features ``(rows, width)``."""
        scores = self.raw_scores(features)
        if self._averaged:
            scores /= len(self._forest.trees) / self.outputs
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
        return shares

    def raw_scores(self, features: Features) -> NDArray[np.float64]:
        """The sums ``(rows, outputs)`` of the values of the leaves that each row reaches."""
        if self._forest.most_leaves() > MOST_LEAVES:
            raw = self.booster().predict(features, raw_score=True)
            return np.asarray(raw, np.float64).reshape(len(features), self.outputs)
        scores = np.zeros((self.outputs, len(features)))
        count = max(1, -(-len(features) // ROWS))
        edges = [number * len(features) // count for number in range(count + 1)]
        pieces = [slice(first, stop) for first, stop in pairwise(edges)]
        with ThreadPoolExecutor(thread_count()) as threads:
            list(
                threads.map(
                    lambda rows: self._forest.add_scores(features[rows], scores[:, rows]), pieces
                )
            )
        return np.ascontiguousarray(scores.T)

    def booster(self) -> Booster:
        """The booster itself, read by LightGBM."""
        import lightgbm

        return lightgbm.Booster(model_str=self.text)


@dataclass(frozen=True)
class _Column:
    """A feature, how its missing values count, and the thresholds that splits compare it with."""

    feature: int
    kind: int
    thresholds: NDArray[np.float64]

    def ranks(self, features: Features) -> NDArray[Any]:
        """The number of thresholds below the feature of each row, ``(rows,)``.

        So a row is at most the threshold of rank ``k`` where its number is at most ``k``.
        """
        values = np.ascontiguousarray(features[:, self.feature])
        missing = np.isnan(values)
        if self.kind & _MISSING_ZERO:
            missing |= np.abs(values) <= _ZERO
        elif not self.kind & _MISSING_NAN:
            values, missing = np.where(missing, 0, values), np.zeros_like(missing)
        ranks = np.zeros(len(values), np.min_scalar_type(len(self.thresholds)))
        below = np.empty(len(values), bool)
        for threshold in _rounded_down(self.thresholds, values.dtype):
            ranks += np.greater(values, threshold, out=below)
        if missing.any():
            ranks[missing] = 0 if self.kind & _LEFT else len(self.thresholds)
        return ranks


def _rounded_down(thresholds: NDArray[np.float64], kind: np.dtype[Any]) -> NDArray[Any]:
    """The largest numbers of this type that are not above the thresholds."""
    rounded = thresholds.astype(kind)
    below = np.nextafter(rounded, kind.type(-np.inf))
    return np.where(rounded > thresholds, below, rounded)


class _Split(NamedTuple):
    """A split: rows of at most this rank in a column go left.

    ``left`` and ``right`` are the splits there, negative for a leaf. The leaves below are
    numbered from 0, those on the left first; ``on_the_left`` is their number.
    """

    column: int
    rank: int
    left: int
    right: int
    on_the_left: int


@dataclass(frozen=True)
class _Tree:
    """The splits of a tree, a branch after its trunk, and the values of its numbered leaves."""

    splits: list[_Split]
    values: NDArray[np.float64]

    @classmethod
    def grown(
        cls, nodes: Sequence[tuple[int, int, int, int]], values: NDArray[np.float64]
    ) -> _Tree:
        """The tree of nodes (column, rank, left child, right child) as LightGBM stores them.

        Raises:
            ValueError: they do not form a tree.
        """
        leaves: dict[int, list[int]] = {~leaf: [leaf] for leaf in range(len(values))}
        splits = []
        try:
            for number in range(len(nodes) - 1, -1, -1):
                column, rank, left, right = nodes[number]
                on_the_left = leaves.pop(left)
                splits.append(_Split(column, rank, left, right, len(on_the_left)))
                leaves[number] = on_the_left + leaves.pop(right)
        except KeyError as error:
            raise ValueError("the nodes of a tree do not form a tree") from error
        return cls(splits[::-1], values[leaves[0 if nodes else -1]])


@dataclass(frozen=True)
class _Forest:
    """All trees, and the columns that their splits look at."""

    columns: list[_Column]
    trees: list[_Tree]

    @classmethod
    def read(cls, text: str) -> _Forest:
        """Read the trees of a text.

        Raises:
            ValueError: the text is not that of whole trees.
        """
        arrays = {key: _joined(text, key, kind) for key, kind in _ARRAYS.items()}
        leaves, values = arrays.pop("num_leaves"), arrays.pop("leaf_value")
        sizes = {len(array) for array in arrays.values()}
        if sizes != {int((leaves - 1).sum())} or len(values) != leaves.sum():
            raise ValueError("the trees are cut off")
        if (arrays["decision_type"] & _BY_CATEGORY).any():
            raise ValueError("a split by category, of which there are none")
        columns, nodes = _columns_and_nodes(**arrays)
        trees, start = [], 0
        for own in np.split(values, np.cumsum(leaves)[:-1]):
            trees.append(_Tree.grown(nodes[start : start + len(own) - 1], own))
            start += len(own) - 1
        return cls(columns, trees)

    def most_leaves(self) -> int:
        """The number of leaves of the largest tree."""
        return max(len(tree.values) for tree in self.trees)

    def add_scores(self, features: Features, scores: NDArray[np.float64]) -> None:
        """Add the values of the leaves of each row to its scores ``(outputs, rows)``."""
        ranks = [column.ranks(features) for column in self.columns]
        rows = len(features)
        reached = list(np.zeros((max(self.most_leaves(), 2) - 1, rows), np.uint8))
        above, value = np.empty(rows, bool), np.empty(rows)
        for number, tree in enumerate(self.trees):
            _reach(tree.splits, ranks, reached, above)
            leaf = reached[0] if tree.splits else np.zeros(rows, np.uint8)
            scores[number % len(scores)] += np.take(tree.values, leaf, out=value, mode="wrap")


def _reach(
    splits: list[_Split],
    ranks: list[NDArray[Any]],
    reached: list[NDArray[np.uint8]],
    above: NDArray[np.bool_],
) -> None:
    """Put the leaf that each row reaches from split ``k`` into ``reached[k]``, ``(rows,)``.

    The leaf of a split is that of its left branch, or that of its right branch plus the number of
    leaves on the left: the larger of the two where the row goes right. ``above`` is scratch.
    """
    goes_right = above.view(np.uint8)
    for number in range(len(splits) - 1, -1, -1):
        column, rank, left, right, on_the_left = splits[number]
        leaf = reached[number]
        np.greater(ranks[column], rank, above)
        if right < 0:
            np.multiply(goes_right, on_the_left, leaf)
        else:
            np.add(reached[right], on_the_left, leaf)
            np.multiply(leaf, goes_right, leaf)
        if left >= 0:
            np.maximum(leaf, reached[left], out=leaf)


def _columns_and_nodes(
    split_feature: NDArray[Any],
    threshold: NDArray[Any],
    decision_type: NDArray[Any],
    left_child: NDArray[Any],
    right_child: NDArray[Any],
) -> tuple[list[_Column], list[tuple[int, int, int, int]]]:
    """The columns, and each node as (column, rank of its threshold, left child, right child)."""
    kinds, column = np.unique(16 * split_feature + decision_type, return_inverse=True)
    columns, rank = [], np.zeros(len(column), np.int64)
    for number, kind in enumerate(kinds.tolist()):
        own = column == number
        thresholds, rank[own] = np.unique(threshold[own], return_inverse=True)
        columns.append(_Column(kind // 16, kind % 16, thresholds))
    nodes = zip(*(each.tolist() for each in (column, rank, left_child, right_child)), strict=True)
    return columns, list(nodes)


def _joined(text: str, key: str, kind: type) -> NDArray[Any]:
    """The numbers of this name of all trees, one after the other."""
    lines = re.findall(f"\n{key}=(.+)", text)
    return np.array(" ".join(lines).split(), kind)


def _number(text: str, key: str) -> int:
    match = re.search(rf"\n{key}=(\d+)\n", text)
    if match is None:
        raise ValueError(f"{key} is missing")
    return int(match[1])
