"""The non-saturating game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import softplus

from vaegan_bench.api import AdversarialLoss, Versus


@dataclass(frozen=True, kw_only=True)
class NonSaturating(AdversarialLoss):
    """The generator minimises −log D(fake): strong gradients while the fakes are bad (Goodfellow et al., 2014, §3)."""

    name = "nonsaturating"

    def __call__(self, real_V: Tensor, fakes_V: Sequence[Tensor]) -> Versus:
        """Discriminator: −log D(x) − Σ log(1 − D(fake)); generator: −Σ log D(fake)."""
        discriminator = softplus(-real_V) + sum(softplus(fake) for fake in fakes_V)
        generator = sum((softplus(-fake) for fake in fakes_V), real_V.new_zeros(len(real_V)))
        return Versus(discriminator, generator)
