"""Samplers: sources of codes other than the prior."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api.modules import Posterior
from vaegan_bench.api.plugin import Plugin


class Sampler(Plugin):
    """A density that is fitted to the codes of training images once a model is trained, and sampled from."""

    kind: ClassVar[str] = "sampler"

    @abstractmethod
    def __call__(self, posterior: Posterior, n: int, noise: torch.Generator) -> Tensor:
        """Fit the density to the posteriors of training images and draw n codes from it; (n, Z) float32 on the CPU.

        The posteriors and the noise are on the CPU, too. The same posteriors, n and noise give the same codes. Raises
        `BenchError` for posteriors to which no density can be fitted, such as NaN.
        """
