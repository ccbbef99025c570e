"""The hinge game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import relu

from vaegan_bench.api import AdversarialLoss, Versus


@dataclass(frozen=True, kw_only=True)
class Hinge(AdversarialLoss):
    """Margins for the discriminator, a plain score for the generator (Miyato et al., 2018, eq. 16–17)."""

    name = "hinge"

    def __call__(self, real_V: Tensor, fakes_V: Sequence[Tensor]) -> Versus:
        """Discriminator: max(0, 1 − s(x)) + Σ max(0, 1 + s(fake)); generator: −Σ s(fake)."""
        discriminator = relu(1 - real_V) + sum(relu(1 + fake) for fake in fakes_V)
        generator = real_V.new_zeros(len(real_V)) - sum(fakes_V)
        return Versus(discriminator, generator)
