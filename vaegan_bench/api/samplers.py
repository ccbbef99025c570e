"""Where codes of samples come from, if not from the prior."""

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
        """Draw n codes from what fits the posteriors of training images; (n, Z) float32 on the CPU.

        All is on the CPU. The same posteriors, n and noise give the same codes. Raises `BenchError` for posteriors that
        no density fits, such as NaN.
        """
