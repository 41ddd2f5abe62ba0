"""The probabilities of a recording's beats, from one lead or from several together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecgcli.arrays import Probabilities
from ecgcli.beats.preparation import Prepared, prepare
from ecgcli.prediction import Classifier
from ecgcli.recordings import ALL_LEADS, ReadOptions, Recording

#: Probabilities below this count as this: one lead alone does not exclude a class.
_LEAST = 1e-7


def prepare_for(
    classifier: Classifier,
    leads: Sequence[Recording],
    path: Path,
    options: ReadOptions,
    *,
    samples: bool = False,
) -> Prepared:
    """The beats that a classifier takes, of the leads that `read_leads` read.

    They are those of the first lead or, with `ALL_LEADS`, of all. The last beat is among them
    where the classifier does not need the signal up to the beat after it. Where it does not need
    the samples of a beat, the beats have them only with ``samples``.

    Raises:
        DataError: R peaks cannot be found.
        ConfigError: there is no such detector.
    """
    context = "context" in classifier.views
    return prepare(
        leads[0],
        path,
        options,
        leads[1:] if options.lead == ALL_LEADS else (),
        context=context,
        to_the_end="samples" not in classifier.views,
        samples=samples or "samples" in classifier.views,
    )


def probabilities_of(classifier: Classifier, prepared: Prepared) -> Probabilities:
    """The probabilities ``(beats, classes)`` of the beats of the first lead.

    Where the same beats are cut from other leads, they are the geometric mean over the leads in
    which a beat could be cut, scaled to a sum of 1 (a logarithmic opinion pool: Genest and Zidek,
    Combining probability distributions, Statistical Science, 1986).
    """
    first = prepared.beats
    probabilities = classifier.probabilities(first)
    if not prepared.others or not len(first):
        return probabilities
    total = np.log(np.maximum(probabilities, _LEAST, dtype=np.float64))
    leads = np.ones(len(first))
    for other in prepared.others:
        _, rows, same = np.intersect1d(first.known_peak, other.known_peak, return_indices=True)
        if len(rows):
            added = np.maximum(classifier.probabilities(other), _LEAST, dtype=np.float64)
            total[rows] += np.log(added[same])
            leads[rows] += 1
    mean = np.exp(total / leads[:, None])
    combined: Probabilities = (mean / mean.sum(axis=1, keepdims=True)).astype(probabilities.dtype)
    return combined
