"""Bands that hold the rest of a beat with a stated probability.

The forecaster's futures give quantiles at each sample. A network is rarely as sure as it
should be, so each band is widened or narrowed around its median by one factor, such that
on normal beats held out of the fitting it holds its share of samples: split conformal
prediction (Lei et al., JASA 2018) with the half-width as the scale. The guarantee is over
samples of beats like those, all horizons together, not for a single sample of a single beat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ecgcli.anomaly.forecaster import BLOCK, NOISE, Forecaster
from ecgcli.arrays import Samples
from ecgcli.beats import within_beats
from ecgcli.progress import SILENT, Progress

#: The bands, in percent.
BANDS = (50, 90)
#: Futures drawn of each beat.
DRAWS = 100
#: Beats the factors are fitted on, at most, each forecast from a random sample of these.
FITTED_ON = 1000
FIRST_ORIGIN, LAST_ORIGIN = 10, 120

#: The median, then the low and high of each band.
_LEVELS = [0.5, *(side for band in BANDS for side in (0.5 - band / 200, 0.5 + band / 200))]
#: Quantiles are of this many futures at least.
_FEWEST = 10
#: Beats forecast at a time.
_AT_A_TIME = 32
#: The least half-width, in units of the beat's height: a future drawn alike every time.
_LEAST = 1e-4


@dataclass(frozen=True)
class Bands:
    """A forecast at each sample, ``(…, samples)``: the median, and each band's low and high.

    They are of the futures in which the beat still goes on; ``ended`` is the share of
    those in which it has given way to the zero padding.
    """

    median: Samples
    low: dict[int, Samples]
    high: dict[int, Samples]
    ended: Samples

    def holds(self, truth: Samples, band: int) -> NDArray[np.bool_]:
        """Where the truth lies within a band."""
        inside: NDArray[np.bool_] = (self.low[band] <= truth) & (truth <= self.high[band])
        return inside


def forecast(
    network: Forecaster,
    samples: Samples,
    known: int,
    factors: dict[str, float] | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Bands:
    """What comes after the first ``known`` samples of beats ``(beats, 187)``.

    Args:
        network: the forecaster.
        samples: the beats; what lies after ``known`` is not looked at.
        known: how many samples are given, 1 to 186.
        factors: what to multiply the half-widths by; not at all without.
        seed: of the futures drawn.
        progress: of the beats.

    Returns:
        Bands of ``(beats, 187 - known)``.
    """
    ended, median, *sides = _futures(network, samples[:, :known], seed, progress)
    low, high = {}, {}
    for band, below, above in zip(BANDS, sides[::2], sides[1::2], strict=True):
        factor = (factors or {}).get(str(band), 1.0)
        low[band] = np.clip(median - factor * np.maximum(median - below, _LEAST), 0, 1)
        high[band] = np.clip(median + factor * np.maximum(above - median, _LEAST), 0, 1)
    return Bands(np.clip(median, 0, 1), low, high, ended)


def fit_band_factors(
    network: Forecaster,
    samples: Samples,
    seed: int,
    progress: Progress = SILENT,
) -> dict[str, float]:
    """The factor of each band, fitted on normal beats that the network did not learn."""
    random = np.random.default_rng(seed)
    chosen = samples[random.permutation(len(samples))[:FITTED_ON]]
    groups = _by_origin(len(chosen), random)
    needed: dict[int, list[Samples]] = {band: [] for band in BANDS}
    done = 0
    for known, rows in groups:
        beats = chosen[rows]
        inside, truth = within_beats(beats)[:, known:], beats[:, known:]
        _, median, *sides = _futures(network, beats[:, :known], seed)
        for band, below, above in zip(BANDS, sides[::2], sides[1::2], strict=True):
            half = np.where(truth > median, above - median, median - below)
            needed[band].append((np.abs(truth - median) / np.maximum(half, _LEAST))[inside])
        done += len(rows)
        progress.update("calibrating", done, len(chosen))
    return {str(b): float(np.quantile(np.concatenate(needed[b]), b / 100)) for b in BANDS}


def _futures(
    network: Forecaster,
    heads: Samples,
    seed: int,
    progress: Progress = SILENT,
) -> Samples:
    """Of the futures of ``heads (beats, known)``: ended, median, low and high of each band.

    Returns:
        ``(2 + 2 * bands, beats, 187 - known)``.
    """
    device = next(network.parameters()).device
    torch.manual_seed(seed)
    given = torch.from_numpy(np.ascontiguousarray(heads))
    found = []
    for done in range(0, len(given), _AT_A_TIME):
        part = given[done : done + _AT_A_TIME].to(device)
        futures = network.continuations(part, DRAWS)[:, :, heads.shape[1] :].cpu()
        found.append(_summary(futures.numpy()))
        progress.update("forecasting", min(done + _AT_A_TIME, len(given)), len(given))
    return np.concatenate(found, 1)


def _summary(futures: Samples) -> Samples:
    """See `_futures`; of ``(beats, draws, samples)``.

    Where fewer than `_FEWEST` of the futures go on, the quantiles stay as they were last.
    """
    length = futures.shape[2]
    going_on = np.arange(length) < _ends(futures)[:, :, None]
    # The futures that go on come first, in order; so a quantile is one of them.
    ordered = np.sort(np.where(going_on, futures, np.inf), axis=1)
    ordered[np.isinf(ordered)] = 0  # of no future: only read where none goes on from the start
    alive = going_on.sum(1)
    at = np.where(alive >= _FEWEST, np.arange(length), 0)
    at = np.maximum.accumulate(at, axis=1)  # where there were enough last
    rows = np.arange(len(futures))[:, None]
    counts = np.maximum(alive[rows, at], 1)
    found = [1 - alive / DRAWS]
    for level in _LEVELS:
        place = level * (counts - 1)
        below = np.floor(place).astype(np.intp)
        above = np.minimum(below + 1, counts - 1)
        low, high = ordered[rows, below, at], ordered[rows, above, at]
        found.append(low + (place - below) * (high - low))
    return np.array(found, np.float32)


def _ends(futures: Samples) -> NDArray[np.intp]:
    """Where the zero padding of each future ``(beats, draws, samples)`` begins.

    That is where a block's length of samples is as near to zero as the noise of the training.
    """
    quiet = np.pad(np.abs(futures) < 3 * NOISE, ((0, 0), (0, 0), (0, BLOCK)), constant_values=True)
    quiet_after = np.cumsum(quiet, axis=2, dtype=np.int32)
    runs = np.pad(quiet_after, ((0, 0), (0, 0), (1, 0)))
    ends: NDArray[np.intp] = (runs[:, :, BLOCK:] - runs[:, :, :-BLOCK] == BLOCK).argmax(2)
    return ends


def _by_origin(beats: int, random: np.random.Generator) -> list[tuple[int, NDArray[np.intp]]]:
    """Rows in groups of about a batch, each with the number of samples given."""
    parts = max(1, -(-beats // _AT_A_TIME))
    origins = random.integers(FIRST_ORIGIN, LAST_ORIGIN, parts)
    rows = np.array_split(np.arange(beats), parts)
    return [(int(known), part) for known, part in zip(origins, rows, strict=True)]


def one_block_ahead(network: Forecaster, samples: Samples, seed: int = 0) -> Bands:
    """What was expected of each block of beats ``(beats, 187)``, given the samples before it.

    These bands are the network's own, without the factors, which are for whole forecasts.
    """
    torch.manual_seed(seed)
    device = next(network.parameters()).device
    with torch.inference_mode():
        mixture = network(torch.from_numpy(samples).to(device))[1]
        draws = torch.stack([mixture.draw().flatten(1) for _ in range(10 * DRAWS)]).cpu()
    median, *sides = torch.quantile(draws, torch.tensor(_LEVELS), dim=0).clip(0, 1).numpy()
    return Bands(
        median,
        dict(zip(BANDS, sides[::2], strict=True)),
        dict(zip(BANDS, sides[1::2], strict=True)),
        np.zeros_like(median),
    )
