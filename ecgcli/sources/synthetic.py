"""Synthetic recordings from a published dynamical model.

McSharry PE, Clifford GD, Tarassenko L, Smith LA. A dynamical model for generating
synthetic electrocardiogram signals. IEEE Trans Biomed Eng 50(3):289-294, 2003.

The model moves around a circle, once per beat; events at fixed angles (P, Q, R, S, T)
push the signal up or down as it passes them. On the circle the angle is known for
every instant from the RR intervals, which leaves a linear equation for the signal.
A class changes the events of its beat and the intervals around it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import SYNTHETIC_PREFIX
from ecgcli.recordings import Recording

BEATS = 200
SIMULATION_RATE = 360.0

#: Share of each class, by its annotation symbol.
SHARES = {"N": 0.80, "A": 0.05, "V": 0.08, "F": 0.03, "/": 0.04}

#: Angle (rad), amplitude and width (rad) of the events P Q R S T; N as published, Table I.
_NORMAL = np.array(
    [
        [-np.pi / 3, 1.2, 0.25],
        [-np.pi / 12, -5.0, 0.1],
        [0.0, 30.0, 0.1],
        [np.pi / 12, -7.5, 0.1],
        [np.pi / 2, 0.75, 0.4],
    ]
)
_PREMATURE_ATRIAL = _NORMAL + np.array(
    [[-0.2, -1.8, 0], [0, 0, 0], [0, 0, 0], [0, 2, 0], [-0.15, -0.2, 0]]
)
_VENTRICULAR = np.array(
    [
        [-np.pi / 3, 0.0, 0.25],
        [-np.pi / 7, -1.0, 0.2],
        [0.0, 12.0, 0.22],
        [np.pi / 5, -4.0, 0.25],
        [np.pi / 2, -1.2, 0.45],
    ]
)
_PACED = np.array(
    [
        [-np.pi / 20, 60.0, 0.02],
        [-np.pi / 10, -2.0, 0.1],
        [0.0, 9.0, 0.2],
        [np.pi / 6, -6.0, 0.15],
        [np.pi / 2, -0.9, 0.35],
    ]
)
_EVENTS = {
    "N": _NORMAL,
    "A": _PREMATURE_ATRIAL,
    "V": _VENTRICULAR,
    "F": (_NORMAL + _VENTRICULAR) / 2,
    "/": _PACED,
}
#: RR intervals before and after a beat, as shares of the patient's mean.
_INTERVALS = {"N": (1, 1), "A": (0.75, 1.1), "V": (0.7, 1.35), "F": (0.95, 1.1), "/": (0.95, 0.95)}


def simulate(patient: int, seed: int) -> Recording:
    """A recording of `BEATS` annotated beats of one simulated patient, one lead, 360 Hz."""
    random = np.random.default_rng([seed, patient])
    symbols = tuple(random.choice(list(SHARES), BEATS, p=list(SHARES.values())))
    peaks = np.cumsum(_rr_intervals(symbols, random))
    events = _patient_events(symbols, random)
    time = np.arange(0, peaks[-1] + 1, 1 / SIMULATION_RATE)
    signal = _integrate(_push(time, peaks, events))
    signal *= 1.2 / np.percentile(signal, 99.5)  # a normal R peak is about 1.2 mV
    signal += 0.15 * np.sin(2 * np.pi * (0.25 * time + random.random()))  # breathing
    signal += random.normal(0, random.uniform(0.01, 0.04), len(signal))  # muscle
    name = f"{SYNTHETIC_PREFIX}-{patient:02d}"
    positions = np.round(peaks * SIMULATION_RATE)
    return Recording(name, name, signal, SIMULATION_RATE, "II", positions, symbols)


def _rr_intervals(symbols: tuple[str, ...], random: np.random.Generator) -> NDArray[np.float64]:
    """The interval before each beat, in seconds."""
    before, after = np.array([_INTERVALS[symbol] for symbol in symbols]).T
    mean = random.uniform(0.7, 1.0)
    slow = 0.04 * np.sin(np.linspace(0, 40, len(symbols)))
    jitter = random.normal(0, 0.03, len(symbols))
    intervals: NDArray[np.float64] = mean * (1 + slow + jitter) * before
    intervals[1:] *= after[:-1]
    return intervals


def _patient_events(symbols: tuple[str, ...], random: np.random.Generator) -> NDArray[np.float64]:
    """Events ``(beats, 5, 3)``: those of the class, varied by patient and slightly by beat."""
    events = np.array([_EVENTS[symbol] for symbol in symbols])
    person = random.normal(1, [0.0, 0.15, 0.1], (5, 3))
    beat = random.normal(1, [0.0, 0.08, 0.05], (len(symbols), 5, 3))
    return events * person * beat


def _push(
    time: NDArray[np.float64], peaks: NDArray[np.float64], events: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The right-hand side of the model's equation for the signal, without its decay."""
    turns = np.interp(time, peaks, np.arange(len(peaks)), left=-0.5, right=len(peaks) - 0.5)
    beat = np.clip(np.round(turns).astype(int), 0, len(peaks) - 1)
    angle = 2 * np.pi * (turns - beat)
    centre, amplitude, width = np.moveaxis(events[beat], 2, 0)
    distance = angle[:, None] - centre
    push: NDArray[np.float64] = -amplitude * distance * np.exp(-(distance**2) / (2 * width**2))
    return np.asarray(push.sum(axis=1))


def _integrate(push: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve ``dz/dt = push - z`` sample by sample, exactly for a push constant between samples."""
    from scipy.signal import lfilter

    decay = np.exp(-1 / SIMULATION_RATE)
    signal: NDArray[np.float64] = lfilter([0, 1 - decay], [1, -decay], push)
    return signal
