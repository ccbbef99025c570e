"""The relativistic pairing game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import softplus

from vaegan_bench.api import AdversarialLoss, Versus


@dataclass(frozen=True, kw_only=True)
class Relativistic(AdversarialLoss):
    """Scores only count in pairs of a real and a fake image (Jolicoeur-Martineau, 2019; Huang et al., 2024, eq. 2).

    Image i is paired with fake i of each batch: in a VAE/GAN, with its own reconstruction and with a sample. Neither
    side gains by moving all scores together, so the discriminator must score every fake relative to a real image. The
    paper of 2024 combines this loss with the regulariser 'r1-r2', without which the game need not converge.
    """

    name = "relativistic"

    def __call__(self, real_V: Tensor, fakes_V: Sequence[Tensor]) -> Versus:
        """Discriminator: Σ softplus(s(fake) − s(x)); generator: Σ softplus(s(x) − s(fake))."""
        nothing = real_V.new_zeros(len(real_V))
        discriminator = sum((softplus(fake - real_V) for fake in fakes_V), nothing)
        generator = sum((softplus(real_V - fake) for fake in fakes_V), nothing)
        return Versus(discriminator, generator)
