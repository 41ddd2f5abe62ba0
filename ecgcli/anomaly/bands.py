"""Bands that hold the rest of a beat with a stated probability.

The futures drawn from the forecaster give quantiles at each sample. The network's own
uncertainty is rarely well calibrated, so each band is widened or narrowed around its median
by one factor, such that it holds its share of the samples of held-out normal beats: split
conformal prediction (Lei et al., JASA 2018) with the half-width as the scale. The guarantee
is over samples of such beats, all horizons together, not for each sample of each beat.
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
#: Futures drawn for each beat.
DRAWS = 100
#: The most beats that the factors are fitted on.
FITTED_ON = 1000
#: The range of the random sample from which each of these beats is forecast.
FIRST_ORIGIN, LAST_ORIGIN = 10, 120

#: The median, then the low and high of each band.
_LEVELS = [0.5, *(side for band in BANDS for side in (0.5 - band / 200, 0.5 + band / 200))]
#: The fewest futures that quantiles are computed from.
_FEWEST = 10
#: Beats forecast at a time.
_AT_A_TIME = 32
#: The least half-width, in units of the beat's height, for where all futures are equal.
_LEAST = 1e-4


@dataclass(frozen=True)
class Bands:
    """A forecast at each sample, ``(…, samples)``: the median, and each band's low and high.

    They describe the futures in which the beat has not ended; ``ended`` is the share of
    futures in which it has, and the zero padding has begun.
    """

    median: Samples
    low: dict[int, Samples]
    high: dict[int, Samples]
    ended: Samples

    def holds(self, truth: Samples, band: int) -> NDArray[np.bool_]:
        """Whether each true sample lies within a band."""
        inside: NDArray[np.bool_] = (self.low[band] <= truth) & (truth <= self.high[band])
        return inside


def forecast(
    network: Forecaster,
    samples: Samples,
    observed: int,
    factors: dict[str, float] | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Bands:
    """Forecast the rest of beats ``(beats, 187)`` from their first ``observed`` samples.

    Args:
        network: the forecaster.
        samples: the beats; samples after ``observed`` are not used.
        observed: number of observed samples, 1 to 186.
        factors: a factor of the half-widths for each band; all 1 by default.
        seed: of the futures drawn.
        progress: called with the number of beats forecast.

    Returns:
        Bands of ``(beats, 187 - observed)``.
    """
    ended, median, *sides = _futures(network, samples[:, :observed], seed, progress)
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
    """The factor of each band, fitted on held-out normal beats ``(beats, 187)``."""
    random = np.random.default_rng(seed)
    chosen = samples[random.permutation(len(samples))[:FITTED_ON]]
    groups = _by_origin(len(chosen), random)
    needed: dict[int, list[Samples]] = {band: [] for band in BANDS}
    done = 0
    for observed, rows in groups:
        beats = chosen[rows]
        inside, truth = within_beats(beats)[:, observed:], beats[:, observed:]
        _, median, *sides = _futures(network, beats[:, :observed], seed)
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
    """The summary of the futures of ``heads (beats, observed)``: ended, median, and each band.

    A band is its low and its high.

    Returns:
        ``(2 + 2 * bands, beats, 187 - observed)``.
    """
    device = next(network.parameters()).device
    torch.manual_seed(seed)
    beginnings = torch.from_numpy(np.ascontiguousarray(heads))
    summaries = []
    for done in range(0, len(beginnings), _AT_A_TIME):
        part = beginnings[done : done + _AT_A_TIME].to(device)
        futures = network.continuations(part, DRAWS)[:, :, heads.shape[1] :].cpu()
        summaries.append(_summary(futures.numpy()))
        progress.update("forecasting", min(done + _AT_A_TIME, len(beginnings)), len(beginnings))
    return np.concatenate(summaries, 1)


def _summary(futures: Samples) -> Samples:
    """See `_futures`; for futures ``(beats, draws, samples)``.

    Where fewer than `_FEWEST` futures continue, the last quantiles of enough are repeated.
    """
    length = futures.shape[2]
    continues = np.arange(length) < _ends(futures)[:, :, None]
    # Futures that continue are sorted to the front; quantiles are taken among these.
    ordered = np.sort(np.where(continues, futures, np.inf), axis=1)
    ordered[np.isinf(ordered)] = 0  # read only where no future continues from the first sample
    alive = continues.sum(1)
    at = np.where(alive >= _FEWEST, np.arange(length), 0)
    at = np.maximum.accumulate(at, axis=1)  # the last sample with enough futures
    rows = np.arange(len(futures))[:, None]
    counts = np.maximum(alive[rows, at], 1)
    summary = [1 - alive / DRAWS]
    for level in _LEVELS:
        position = level * (counts - 1)
        below = np.floor(position).astype(np.intp)
        above = np.minimum(below + 1, counts - 1)
        low, high = ordered[rows, below, at], ordered[rows, above, at]
        summary.append(low + (position - below) * (high - low))
    return np.array(summary, np.float32)


def _ends(futures: Samples) -> NDArray[np.intp]:
    """The sample at which the zero padding of each future ``(beats, draws, samples)`` begins.

    That is the first of a block of samples that differ from zero only by training noise.
    """
    quiet = np.pad(np.abs(futures) < 3 * NOISE, ((0, 0), (0, 0), (0, BLOCK)), constant_values=True)
    quiet_after = np.cumsum(quiet, axis=2, dtype=np.int32)
    runs = np.pad(quiet_after, ((0, 0), (0, 0), (1, 0)))
    ends: NDArray[np.intp] = (runs[:, :, BLOCK:] - runs[:, :, :-BLOCK] == BLOCK).argmax(2)
    return ends


def _by_origin(beats: int, random: np.random.Generator) -> list[tuple[int, NDArray[np.intp]]]:
    """Rows in groups of about `_AT_A_TIME`, each with a random number of observed samples."""
    parts = max(1, -(-beats // _AT_A_TIME))
    origins = random.integers(FIRST_ORIGIN, LAST_ORIGIN, parts)
    rows = np.array_split(np.arange(beats), parts)
    return [(int(observed), part) for observed, part in zip(origins, rows, strict=True)]


def one_block_ahead(network: Forecaster, samples: Samples, seed: int = 0) -> Bands:
    """The forecast of each block of beats ``(beats, 187)``, given the samples before it.

    These bands are the network's own: the factors apply to forecasts of the rest of a beat.
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
