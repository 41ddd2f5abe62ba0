"""Boosted trees as a text: compressed for a checkpoint, and checked in any file but the bundled.

LightGBM trusts its own text: it reads as many bytes and numbers as the text states, and follows
whatever node a tree names. A damaged text would make it read other memory, or never end.
The check takes several times as long as reading the trees, so the bundled weights are spared it.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

# No possessive quantifiers: Python before 3.11.5 gets them wrong.
#: Bytes of the longest text that is unpacked; that of the bundled weights has 4 million.
LONGEST = 1 << 28

_NUMBER = r"-?(?:\d{1,40}(?:\.\d{1,40})?(?:e[+-]\d{1,3})?|inf|nan)"
_HEAD = re.compile(
    r"tree\nversion=v4\nnum_class=(?P<classes>\d{1,3})\nnum_tree_per_iteration=(?P=classes)\n"
    r"label_index=0\nmax_feature_idx=(?P<last_feature>\d{1,6})\n"
    rf"objective=(?P<objective>multiclass num_class:(?P=classes)|binary sigmoid:{_NUMBER})\n"
    r"(?:average_output\n)?"
    r"feature_names=(?P<names>[\w ]+)\n"
    rf"feature_infos=(?P<ranges>(?:(?:\[{_NUMBER}:{_NUMBER}\]|none) ?)+)\n"
    r"tree_sizes=(?P<sizes>\d{1,9}(?: \d{1,9})*)\n\n"
)
_TREES = re.compile(
    r"(?:Tree=\d+\nnum_leaves=[1-9]\d{0,5}\nnum_cat=0\n"
    rf"(?:(?!is_linear|num_)[a-z_]+=(?:{_NUMBER}(?: {_NUMBER})*)?\n)+"
    rf"is_linear=0\nshrinkage={_NUMBER}\n\n\n?)+"
)
_END = "end of trees\n"

_OF_SPLITS = (
    "split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child",
    "internal_value", "internal_weight", "internal_count",
)  # fmt: skip
_OF_LEAVES = ("leaf_value", "leaf_weight", "leaf_count")


def packed(text: str) -> NDArray[np.uint8]:
    """The text as a compressed array."""
    return np.frombuffer(zlib.compress(text.encode(), 9), np.uint8)


def unpacked(array: NDArray[Any]) -> str:
    """The text of an array from `packed`.

    Raises:
        ValueError: the array is damaged or cut off, or its text is longer than `LONGEST`.
    """
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(array.tobytes(), LONGEST)
    except zlib.error as error:
        raise ValueError("the compressed text is damaged") from error
    if not stream.eof:
        raise ValueError("the compressed text is cut off or too long")
    return text.decode()


def check_booster(text: str, *, binary: bool = False) -> None:
    """Refuse a text that LightGBM would not survive.

    Args:
        text: of a booster of several classes.
        binary: the text is of a booster of two classes, with one tree for both.

    Raises:
        ValueError: the text is not that of a whole booster.
    """
    head = _HEAD.match(text)
    end = text.find(_END)
    if head is None or not _TREES.fullmatch(text, head.end(), end):
        raise ValueError("this is not the text of a booster")
    if head["objective"].startswith("binary") != binary or (binary and head["classes"] != "1"):
        raise ValueError("this is the text of a booster of another number of classes")
    features = int(head["last_feature"]) + 1
    if {len(head[key].split(" ")) for key in ("names", "ranges")} != {features}:
        raise ValueError("the features differ in number")
    _check_sizes(text[head.end() : end], [int(size) for size in head["sizes"].split(" ")])
    _check_nodes(text[head.end() : end], features)


def _check_sizes(trees: str, sizes: list[int]) -> None:
    """Refuse trees that do not lie where their sizes say."""
    starts = [0, *np.cumsum(sizes).tolist()]
    if [match.start() for match in re.finditer("^Tree=", trees, re.MULTILINE)] != starts[:-1]:
        raise ValueError("the trees are not of the sizes stated")
    if starts[-1] != len(trees):
        raise ValueError("the trees do not end where they should")


def _check_nodes(trees: str, features: int) -> None:
    """Refuse arrays of other lengths than their tree states, and nodes that form no tree."""
    lines: dict[str, list[str]] = defaultdict(list)
    for line in trees.splitlines():
        key, _, numbers = line.partition("=")
        lines[key].append(numbers)

    def joined(key: str) -> NDArray[np.int64]:
        return np.fromstring(" ".join(lines[key]), np.int64, sep=" ")

    leaves = joined("num_leaves")
    for keys, expected in ((_OF_SPLITS, leaves - 1), (_OF_LEAVES, leaves)):
        for key in keys:
            counts = np.array([line.count(" ") + bool(line) for line in lines[key]])
            stated = (leaves > 1) | (key == "leaf_value")  # a lone leaf has its value alone
            if len(counts) != len(leaves) or ((counts != expected) & stated).any():
                raise ValueError(f"{key} is cut off")
    if (joined("decision_type") % 2).any():
        raise ValueError("a split by category, of which there are none")
    used, tree = joined("split_feature"), np.repeat(np.arange(len(leaves)), leaves - 1)
    node = np.arange(len(tree)) - np.repeat(np.cumsum(leaves - 1) - (leaves - 1), leaves - 1)
    children = np.stack([joined("left_child"), joined("right_child")])
    later = (children < 0) | ((children > node) & (children < leaves[tree] - 1))
    places = children + tree * 2 * leaves.max()
    if not (later.all() and (children >= -leaves[tree]).all() and (used < features).all()):
        raise ValueError("a tree names a node or a feature that there is not")
    if len(np.unique(places)) != places.size:
        raise ValueError("the nodes of a tree do not form a tree")
