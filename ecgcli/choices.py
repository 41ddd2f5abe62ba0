"""Valid values of options, shared by the command line and the library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar, cast

from ecgcli.errors import ConfigError

Name = TypeVar("Name", bound=str)

#: Library that computes predictions; see `ecgcli.checkpoints.engines.load_engine`.
EngineName = Literal["auto", "openvino", "torch"]

#: Format of a table of predictions.
TableFormat = Literal["csv", "json", "parquet"]
TABLE_FORMATS: tuple[TableFormat, ...] = ("csv", "json", "parquet")

#: How the samples of beats are stored in parquet; all but float32 round them.
Storage = Literal["float32", "float16", "uint8"]

#: Total that the shares of a confusion matrix are relative to.
Over = Literal["true", "pred", "all"]

#: Method that reduces beats to fewer dimensions; see `ecgcli.insight.clustering.cluster`.
Reduction = Literal["pca", "umap"]

#: Method that measures each sample's contribution; see `ecgcli.insight.explanation.explain`.
Attribution = Literal["gradients", "occlusion"]

#: How the parts of a decomposed recording combine to the signal.
DecompositionModel = Literal["additive", "multiplicative"]

#: A modified copy of a recording to train on; see `ecgcli.training.copies`.
Copy = Literal["inverted", "fibrillation", "noise", "unreadable"]

#: How validation beats are held out of a training file.
HoldOut = Literal["stratified", "patient"]

#: Network that learns normal beats; see `ecgcli.anomaly.model.NETWORKS`.
Method = Literal["forecaster", "autoencoder"]


def format_for(target: Path | str, requested: Name | None, valid: Sequence[Name]) -> Name:
    """The format of a table: the one requested, else the one that the file's ending names.

    A file without an ending or with .txt, and standard output, take the first of ``valid``.

    Raises:
        ConfigError: it is a folder, or the ending is that of no valid format.
    """
    if Path(target).is_dir():
        raise ConfigError(f"--out {target}: this is a folder; name a file")
    ending = Path(target).suffix.lower().removeprefix(".")
    if requested is not None:
        return requested
    if ending in ("", "txt"):
        return valid[0]
    if ending not in valid:
        raise ConfigError(
            f"--out {target}: found the ending .{ending}; valid: "
            f"{', '.join(f'.{name}' for name in valid)}"
        )
    return cast(Name, ending)


def format_for_beats(target: Path | str) -> Literal["csv", "parquet"]:
    """The format of a file of beats to be written: CSV, which may be gzipped, or parquet.

    Raises:
        ConfigError: it is a folder, or the ending is that of neither.
    """
    name = str(target)
    return format_for(
        name.removesuffix(".gz") if name.endswith(".csv.gz") else name, None, ("csv", "parquet")
    )
