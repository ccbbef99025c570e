"""The gradient penalty of WGAN-GP."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaegan_bench.api import Critic, JudgedImages, Regulariser, at_least


def input_gradient(critic: Critic, x_BCHW: Tensor) -> Tensor:
    """∂critic(x)/∂x per example, differentiable in the critic's weights; (B, C·H·W)."""
    x = x_BCHW.detach().requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return gradient.float().flatten(1)


@dataclass(frozen=True, kw_only=True)
class GradientPenalty(Regulariser):
    """Pulls the critic's gradient norm towards 1 between real and fake images (Gulrajani et al., 2017, eq. 3)."""

    name = "gradient-penalty"
    weight: float = 10.0
    """λ of the paper."""
    share: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, weight=0)

    def __call__(
        self, critic: Critic, real: JudgedImages, fake: JudgedImages, noise: torch.Generator, memory: nn.Module | None
    ) -> Tensor:
        """λ(‖∇s(x̂)‖ − 1)² at x̂ uniformly between a real and a fake image; (B,)."""
        x_BCHW = real.x_BCHW
        mix = torch.rand((len(x_BCHW), 1, 1, 1), generator=noise, device=x_BCHW.device)
        between = x_BCHW + mix * (fake.x_BCHW - x_BCHW)
        norm_B = (input_gradient(critic, between).square().sum(1) + 1e-12).sqrt()
        return self.weight * (norm_B - 1).square()
