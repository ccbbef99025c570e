"""The gate in the authors' code of VAE/GAN."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from vaegan_bench.api import Gate


@dataclass(frozen=True, kw_only=True)
class Margin(Gate):
    """Rests the player that is too far ahead (code of Larsen et al., 2016; not in the paper)."""

    name = "margin"
    equilibrium: float = 0.68
    """The cost in nats at which neither side is ahead; log 2 = 0.69 for a discriminator that guesses,
    shown as many fake images as real ones."""
    margin: float = 0.35
    """How far a cost may be from the equilibrium."""

    def __call__(self, real_B: Tensor, fake_B: Tensor) -> frozenset[str]:
        """Rest the discriminator if a cost is too low, the decoder if one is too high, nobody if both would rest."""
        costs = torch.stack([softplus(-real_B).mean(), softplus(fake_B).mean()]).tolist()
        rests = {
            "discriminator": min(costs) < self.equilibrium - self.margin,
            "decoder": max(costs) > self.equilibrium + self.margin,
        }
        return frozenset() if all(rests.values()) else frozenset(player for player, rest in rests.items() if rest)
