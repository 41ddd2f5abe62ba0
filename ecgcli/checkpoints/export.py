"""A network as an ONNX file for other software, with a small program that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecgcli import __version__
from ecgcli.beats import Beats, read_beats
from ecgcli.beats.views import width_of
from ecgcli.checkpoints import Card, Checkpoint
from ecgcli.checkpoints.engines import OpenVinoEngine, TorchEngine
from ecgcli.errors import CheckpointError, ConfigError
from ecgcli.files import atomic_write, write_text
from ecgcli.inputs import is_parquet
from ecgcli.models import list_networks

#: The largest difference of a probability between the file and the checkpoint: several times
#: the rounding of float32, and below what any output shows.
TOLERANCE = 1e-4
#: Beats that are compared.
CHECKED = 500
#: Inputs that the program beside the file computes from a beats CSV.
_INPUTS_OF_EXAMPLE = {"samples", "rr"}


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: of the ONNX file.
        example: the program beside it, or None where the model has an input that a program
            of that size cannot compute.
        example_kept: whether a file of that name existed, and was left as it is.
        beats: number of beats compared.
        difference: the largest difference of a probability between file and checkpoint.
    """

    path: Path
    example: Path | None
    example_kept: bool
    beats: int
    difference: float


def require_exportable(card: Card, out: Path) -> None:
    """Refuse what cannot be exported, before any beats are read.

    Raises:
        ConfigError: the model is no network, or the name does not end in .onnx.
    """
    if card.estimator:
        raise ConfigError(
            f"{card.model} is not a network and has no ONNX graph; export a network "
            f"({', '.join(list_networks())}), or run this model with ecg predict or ecgcli.load"
        )
    if out.suffix.lower() != ".onnx":
        ending = f"the ending {out.suffix}" if out.suffix else "no ending"
        raise ConfigError(f"--out {out}: found {ending}; valid: .onnx (which OpenVINO reads too)")


def beats_to_check(card: Card, data: Path | None, *, normalize: bool = False) -> tuple[Path, Beats]:
    """Beats to compare file and checkpoint on, spread over ``data``, and the file they are from.

    Args:
        card: of the checkpoint.
        data: a beats CSV; None is the file that the model was trained on.
        normalize: whether to scale the beats of ``data`` to 0..1.

    Raises:
        DataError: the file is not one of beats, or has no beats.
        ConfigError: ``data`` is None, and the training file is not here.
    """
    if data is None:
        data, normalize = _training_file(card), card.training_data.normalized
    beats = read_beats(data, card.classes, normalize=normalize)
    rows = np.unique(np.linspace(0, len(beats) - 1, CHECKED).astype(np.int64))
    return data, beats.take(rows)


def _training_file(card: Card) -> Path:
    files = [Path(file) for file in card.training_data.files]
    beats = [
        path for path in files if path.name.removesuffix(".gz").endswith(".csv") or is_parquet(path)
    ]
    if not beats or not beats[0].exists():
        trained_on = f" ({files[0]})" if files else ""
        raise ConfigError(
            f"the beats that the model was trained on{trained_on} are not here as a file of beats; "
            "name beats to check the export on: --data BEATS.csv"
        )
    return beats[0]


def export_onnx(checkpoint: Checkpoint, out: Path, beats: Beats) -> Exported:
    """Write the network as ``out``, and beside it NAME.py, which needs onnxruntime and numpy.

    The file takes the views of the card and computes the probabilities that
    `Classifier.probabilities` returns, the class offsets included. It gets its name after it
    has computed the same as the weights in torch. A program that exists already stays.

    Args:
        checkpoint: of a network.
        out: ends in .onnx.
        beats: to compare file and weights on.

    Raises:
        ConfigError: the checkpoint is of another kind of model, or ``out`` ends otherwise.
        DataError: the beats lack an input of the model.
        CheckpointError: the graph in the checkpoint is damaged, or computes something else.
        OutputError: a file cannot be written.
    """
    require_exportable(checkpoint.card, out)
    content = _with_metadata(_graph_of(checkpoint), checkpoint.card)
    difference = _difference(content, checkpoint, beats)
    if not difference <= TOLERANCE:  # also where it is not a number
        raise CheckpointError(
            "the graph in the checkpoint computes other probabilities than its weights: they "
            f"differ by up to {difference:.2g}, and {TOLERANCE:g} is tolerated; nothing was "
            "written; train again"
        )
    with atomic_write(out) as stream:
        stream.write(content)
    example = out.with_suffix(".py") if set(checkpoint.card.views) <= _INPUTS_OF_EXAMPLE else None
    kept = example is not None and example.exists()
    if example is not None and not kept:
        write_text(example, _program(out.name, checkpoint.card))
    return Exported(out, example, kept, len(beats), difference)


def _graph_of(checkpoint: Checkpoint) -> bytes:
    """The stored graph; a training that has not finished has none yet, and it is made."""
    if checkpoint.graph is not None:
        return checkpoint.graph
    from ecgcli.checkpoints.graph import export_graph
    from ecgcli.checkpoints.networks import load_network

    return export_graph(load_network(checkpoint).cpu(), checkpoint.card)


def _with_metadata(graph: bytes, card: Card) -> bytes:
    """The graph with what a program needs to know to use it."""
    import onnx

    try:
        model = onnx.load_from_string(graph)
        onnx.checker.check_model(model)
    except Exception as error:  # whatever its parsers raise
        raise CheckpointError("the graph in the checkpoint is damaged; train again") from error
    model.producer_name, model.producer_version = "ecg", __version__
    model.doc_string = (
        "Heartbeats to class probabilities, with the correction of the class balance included."
    )
    onnx.helper.set_model_props(model, _properties(card))
    return bytes(model.SerializeToString())


def _properties(card: Card) -> dict[str, str]:
    return {
        "model": card.model,
        "classes": " ".join(card.classes),
        "inputs": ", ".join(f"{view} (beats, {width_of(view)})" for view in card.views),
        "output": f"probabilities (beats, {len(card.classes)})",
        "sampling_rate": f"{card.sampling_rate:g}",
        "preprocessing": card.preprocessing,
        "licence": card.licence,
    }


def _difference(content: bytes, checkpoint: Checkpoint, beats: Beats) -> float:
    """The largest difference of a probability between the file's content and the weights."""
    exported = OpenVinoEngine(content, checkpoint.card.views).probabilities(beats)
    return float(np.abs(exported - TorchEngine(checkpoint).probabilities(beats)).max())


def _program(model: str, card: Card) -> str:
    """The Python program that runs the file ``model``, which lies beside it."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(  # noqa: S701  (Python, not HTML)
        loader=PackageLoader("ecgcli.checkpoints"), trim_blocks=True, keep_trailing_newline=True
    )
    template = environment.get_template("example.py.jinja")
    return template.render(model=model, views=card.views, rate=card.sampling_rate)
