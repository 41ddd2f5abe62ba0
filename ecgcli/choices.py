"""Valid values of options, shared by the command line and the library."""

from __future__ import annotations

from typing import Literal

#: Library that computes predictions; see `ecgcli.checkpoints.engines.load_engine`.
EngineName = Literal["auto", "openvino", "torch"]

#: Format of a table of predictions.
TableFormat = Literal["csv", "json", "parquet"]

#: Total that the shares of a confusion matrix are relative to.
Over = Literal["true", "pred", "all"]

#: Method that reduces beats to fewer dimensions; see `ecgcli.insight.clustering.cluster`.
Reduction = Literal["pca", "umap"]

#: Method that measures each sample's contribution; see `ecgcli.insight.explanation.explain`.
Attribution = Literal["gradients", "occlusion"]

#: How the parts of a decomposed recording combine to the signal.
DecompositionModel = Literal["additive", "multiplicative"]

#: A modified copy of a recording to train on; see `ecgcli.training.copies`.
Copy = Literal["inverted", "fibrillation"]

#: How validation beats are held out of a training file.
HoldOut = Literal["stratified", "patient"]

#: Network that learns normal beats; see `ecgcli.anomaly.model.NETWORKS`.
Method = Literal["forecaster", "autoencoder"]
