"""The R1 penalty."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaegan_bench.api import Critic, JudgedImages, Regulariser, at_least
from vaegan_bench.losses.regulariser.gradient_penalty import input_gradient


@dataclass(frozen=True, kw_only=True)
class R1(Regulariser):
    """Punishes the discriminator's gradient on real images (Mescheder et al., 2018, eq. 9)."""

    name = "r1"
    weight: float = 10.0
    """γ of that paper; not the γ of VAE/GAN."""
    share: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, weight=0)

    def __call__(
        self, critic: Critic, real: JudgedImages, fake: JudgedImages, noise: torch.Generator, memory: nn.Module | None
    ) -> Tensor:
        """½γ‖∇s(x)‖² on real images; (B,)."""
        return 0.5 * self.weight * input_gradient(critic, real.x_BCHW).square().sum(1)
