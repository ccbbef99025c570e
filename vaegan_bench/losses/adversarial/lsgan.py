"""The least-squares game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from vaegan_bench.api import AdversarialLoss, Versus


@dataclass(frozen=True, kw_only=True)
class LSGAN(AdversarialLoss):
    """Least squares towards 1 for real and 0 for fake (Mao et al., 2017, eq. 9)."""

    name = "lsgan"

    def __call__(self, real_V: Tensor, fakes_V: Sequence[Tensor]) -> Versus:
        """Discriminator: ½(s(x) − 1)² + Σ ½ s(fake)²; generator: Σ ½(s(fake) − 1)²."""
        discriminator = 0.5 * (real_V - 1).square() + sum(0.5 * fake.square() for fake in fakes_V)
        generator = sum((0.5 * (fake - 1).square() for fake in fakes_V), real_V.new_zeros(len(real_V)))
        return Versus(discriminator, generator)
