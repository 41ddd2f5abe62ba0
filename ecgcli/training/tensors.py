"""The views of beats, indexed by rows: tensors on the device, or samples read from disk."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ecgcli.beats import Beats
from ecgcli.beats.mapped import MappedBeats
from ecgcli.beats.views import VIEWS, inputs_of


class MappedView:
    """The samples of beats on disk; rows of it are read and put on the device."""

    def __init__(self, beats: MappedBeats, device: torch.device) -> None:
        self._beats, self._device = beats, device

    def __getitem__(self, rows: Tensor | slice) -> Tensor:
        places = rows if isinstance(rows, slice) else rows.cpu().numpy()
        samples = self._beats.maps.read(self._beats.rows[places])
        return torch.from_numpy(samples).to(self._device)


#: Indexed by a tensor of rows or a slice, it gives ``(rows, width)`` on the device.
View = Tensor | MappedView


def views_on(device: torch.device, beats: Beats, names: Sequence[str]) -> tuple[View, ...]:
    """The views of the beats, on the device; samples that lie on disk stay there."""
    if isinstance(beats, MappedBeats):
        return tuple(
            MappedView(beats, device)
            if name == "samples"
            else torch.from_numpy(VIEWS[name].of(beats)).to(device)
            for name in names
        )
    return tuple(torch.from_numpy(view).to(device) for view in inputs_of(beats, names))
