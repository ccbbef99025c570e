"""The R1 and R2 penalties together."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaegan_bench.api import Critic, JudgedImages, Regulariser, at_least
from vaegan_bench.losses.regulariser.gradient_penalty import input_gradient


@dataclass(frozen=True, kw_only=True)
class R1R2(Regulariser):
    """Punishes the slope on real and on fake images (Mescheder et al., 2018, eq. 9–10; Huang et al., 2024).

    Near its equilibrium, a game converges with either penalty; the relativistic game needs both while samples are bad.
    It costs two second derivatives, where 'r1' costs one.
    """

    name = "r1-r2"
    weight: float = 1.0
    """γ of both papers, which choose it for each data set; not the γ of VAE/GAN."""
    share: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, weight=0)

    def __call__(
        self, critic: Critic, real: JudgedImages, fake: JudgedImages, noise: torch.Generator, memory: nn.Module | None
    ) -> Tensor:
        """½γ(‖∇s(x)‖² + ‖∇s(fake)‖²), each batch judged alone; (B,)."""
        real_B, fake_B = (input_gradient(critic, x_BCHW).square().sum(1) for x_BCHW in (real.x_BCHW, fake.x_BCHW))
        return 0.5 * self.weight * (real_B + fake_B)
