"""What the page stores is what the browser reads back: decoded here as static/data.js does."""

from __future__ import annotations

import base64
import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ecgcli.view.encoding import (
    LARGEST,
    MILLIVOLTS_PER_STEP,
    MISSING,
    encode_lead,
    encode_numbers,
    encode_overview,
)


def decoded(line: str) -> NDArray[np.int16]:
    low, high = np.frombuffer(zlib.decompress(base64.b64decode(line)), np.uint8).reshape(2, -1)
    folded = low.astype(np.int32) | (high.astype(np.int32) << 8)
    return np.cumsum((folded >> 1) ^ -(folded & 1)).astype(np.int16)


@given(st.lists(st.floats(-200, 200) | st.just(float("nan")), min_size=1, max_size=400))
def test_a_lead_reads_back_to_half_a_step(values: list[float]) -> None:
    signal = np.array(values)
    pieces = encode_lead(signal, sampling_rate=1.5).split("\n")  # 90 samples a piece
    levels = np.concatenate([decoded(piece) for piece in pieces])
    missing = np.isnan(signal)
    assert (levels[missing] == MISSING).all()
    limit = LARGEST * MILLIVOLTS_PER_STEP
    near = np.abs(levels * MILLIVOLTS_PER_STEP - np.clip(signal, -limit, limit))
    assert (near[~missing] <= MILLIVOLTS_PER_STEP / 2 + 1e-9).all()
    assert all(len(decoded(piece)) == 90 for piece in pieces[:-1])


def test_the_overview_has_the_lowest_and_highest_of_each_quarter_of_a_second() -> None:
    signal = np.array([0.0, 1, -2, 0.5, np.nan, 3, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan])
    low, high = (decoded(line) for line in encode_overview(signal, 16).split("\n"))
    assert (low * MILLIVOLTS_PER_STEP)[:2].tolist() == [-2, 3]
    assert (high * MILLIVOLTS_PER_STEP)[:2].tolist() == [1, 3]
    assert low[2] == high[2] == MISSING


def test_numbers_name_their_type_as_javascript_does() -> None:
    packed = encode_numbers(np.array([1, 70_000], np.uint32))
    assert packed["type"] == "Uint32"
    assert zlib.decompress(base64.b64decode(packed["data"])) == b"\x01\0\0\0\x70\x11\x01\0"
