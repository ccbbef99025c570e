"""Where plugins compute, and in which memory layout: values and gradients must not depend on either."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vaegan_bench.system.device import choose_device, exact_convolutions, with_layout
from vaegan_bench.testing.verdicts import demand


class Place(NamedTuple):
    """A device, and the memory layout of images, kernels and features on it."""

    device: torch.device
    layout: torch.memory_format

    def take(self, x: Tensor) -> Tensor:
        """A copy of `x` here."""
        layout = self.layout if x.ndim == 4 else torch.contiguous_format
        return x.detach().clone().to(self.device, memory_format=layout)

    def move(self, module: nn.Module) -> nn.Module:
        """The network, moved here."""
        return with_layout(module.to(self.device), self.layout)


def agrees_with_the_cpu(compute: Callable[[Place], Mapping[str, Tensor]]) -> None:
    """Demand the same tensors as in torch's own layout on the CPU where the harness computes, but for rounding.

    Some operations of torch have had wrong gradients on one kind of device in one layout, without an error.
    """
    here = Place(choose_device("auto"), torch.channels_last)
    with exact_convolutions():
        expected, found = compute(Place(torch.device("cpu"), torch.contiguous_format)), compute(here)
    rounding = 1e-4 * max((float(x.norm()) for x in expected.values()), default=0.0)
    for name, x in expected.items():
        demand(
            name in found and float((found[name].cpu() - x).norm()) <= 1e-2 * float(x.norm()) + rounding,
            f"{name} differs between channels-last layout on {here.device} and contiguous layout on cpu: index tensors "
            "by element, not by their place in memory. If you already do, it may be a bug of torch on this device.",
        )
