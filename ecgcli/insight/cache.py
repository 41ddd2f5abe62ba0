"""The embedding of the beats that others are compared with, kept from one search to the next.

It is a file beside the run, and is used only for the inputs, the weights and the version of ecg
that it was computed with, and if some of its rows, computed again, come out the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from ecgcli import __version__
from ecgcli.arrays import Tensors
from ecgcli.beats import Beats
from ecgcli.beats.views import inputs_of
from ecgcli.checkpoints.container import read_tensors, write_tensors
from ecgcli.checkpoints.runs import results_folder
from ecgcli.errors import CheckpointError, OutputError
from ecgcli.insight.embedding import Embedding, embed
from ecgcli.prediction import Classifier
from ecgcli.progress import SILENT, Progress

#: The name of the file, of the tensor in it, and of the metadata that state what it was made of.
FILE, _TENSOR, _KEY = "embedding.safetensors", "embedding", "ecg_embedding_of"
#: The number of rows computed again, and how much they may differ: a GPU rounds differently.
_TRIED, _TOLERANCE = 32, 0.01

_FOREIGN = "this file was not written by ecg similar, and stays; the embedding is not kept"
_DAMAGED = "this file is damaged; the beats are embedded again"
_STALE = "this is the embedding of other beats or by another model; the beats are embedded again"
_WRONG = "this is not what the model computes; the beats are embedded again"


def cache_of(classifier: Classifier) -> Path:
    """Where the embedding is kept: in the run, or below ``runs/pretrained``."""
    return results_folder(classifier.path) / FILE


def embed_once(
    classifier: Classifier, beats: Beats, cache: Path, progress: Progress = SILENT
) -> Embedding:
    """`embed`, unless a file has the result already; it is written where it has not.

    Messages say which it was. A file that is no such embedding is neither used nor replaced; a
    file that cannot be written is reported, and is no error.

    Args:
        classifier: a model that is a network.
        beats: the beats to embed.
        cache: the file; it need not exist.
        progress: called with the number of beats embedded, and with the messages.

    Raises:
        DataError: the beats lack an input of the network.
        ConfigError: the classifier is not a network.
    """
    key = _key(classifier, beats)
    kept, problem = _read(cache, key)
    if kept is not None and not _is_right(kept, classifier, beats):
        kept, problem = None, _WRONG
    if kept is not None:
        progress.message(f"Embedding: read from {cache}")
        return kept
    if problem:
        progress.message(f"{cache}: {problem}")
    embedding = embed(classifier, beats, progress)
    if problem != _FOREIGN:
        _keep({_TENSOR: embedding}, key, cache, progress)
    return embedding


def _read(cache: Path, key: str) -> tuple[Embedding | None, str]:
    """The embedding in a file; or None, and why it cannot be used if there is a file."""
    if not cache.exists() and not cache.is_symlink():
        return None, ""
    if cache.is_symlink() or not cache.is_file():
        return None, _FOREIGN
    try:
        tensors, metadata = read_tensors(cache)
    except CheckpointError:
        return None, _DAMAGED
    if _KEY not in metadata:
        return None, _FOREIGN
    if metadata[_KEY] != key:
        return None, _STALE
    return tensors.get(_TENSOR), _WRONG


def _keep(tensors: Tensors, key: str, cache: Path, progress: Progress) -> None:
    try:
        write_tensors(cache, tensors, {_KEY: key})
    except OutputError as error:
        progress.message(f"The embedding is not kept: {error}")
    else:
        progress.message(f"Embedding: kept in {cache}")


def _key(classifier: Classifier, beats: Beats) -> str:
    """SHA-256 of what the embedding depends on: the version, the network and its inputs."""
    card = classifier.card
    digest = hashlib.sha256(repr((__version__, card.model, card.arguments, card.views)).encode())
    inputs = zip(card.views, inputs_of(beats, card.views), strict=True)
    for name, values in (*sorted(classifier.checkpoint.weights.items()), *inputs):
        digest.update(f"{name} {values.dtype} {values.shape} ".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def _is_right(kept: Embedding, classifier: Classifier, beats: Beats) -> bool:
    """Whether the embedding has the form of one of these beats, and some of its rows are right."""
    rows = np.unique(np.linspace(0, len(beats) - 1, _TRIED).astype(np.intp))
    computed = embed(classifier, beats.take(rows))
    if kept.dtype != np.float32 or kept.shape != (len(beats), computed.shape[1]):
        return False
    margin = _TOLERANCE * float(np.abs(computed).max())
    return bool(np.isfinite(kept).all() and np.allclose(kept[rows], computed, _TOLERANCE, margin))
