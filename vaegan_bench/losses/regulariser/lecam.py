"""The LeCam penalty."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaegan_bench.api import Critic, JudgedImages, PluginError, Regulariser, at_least


class LogitAverages(nn.Module):
    """Exponential moving averages of the logits of real and of fake images, which begin at the first batch's means."""

    averages: Tensor
    started: Tensor
    """1 once it has seen a batch, else 0."""

    def __init__(self, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("averages", torch.zeros(2))
        self.register_buffer("started", torch.zeros(()))

    @torch.no_grad()
    def forward(self, real_B: Tensor, fake_B: Tensor) -> Tensor:
        """The averages with this batch in them; in evaluation mode, those of the batches so far; (2,)."""
        means = torch.stack([real_B.mean(), fake_B.mean()]).to(self.averages)
        if self.training:
            self.averages.lerp_(means, 1 - self.decay * self.started)
            self.started.fill_(1)
        return self.averages.clone()


@dataclass(frozen=True, kw_only=True)
class LeCam(Regulariser):
    """Holds logits of real images near the average of fake ones, and the other way round (Tseng et al., 2021).

    It needs no second derivatives and no further pass. With few training images, which a discriminator learns by heart,
    it keeps the logits of real and of fake images from moving further apart than the game needs.
    """

    name = "lecam"
    weight: float = 0.3
    """λ; the default is the authors' for the hinge loss and spectral norm. For the logistic loss they have 1e-6."""
    decay: float = 0.99
    """The decay of the moving averages."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, weight=0)
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay must be in [0, 1), not {self.decay}")

    def memory(self) -> nn.Module:
        """The moving averages."""
        return LogitAverages(self.decay)

    def __call__(
        self, critic: Critic, real: JudgedImages, fake: JudgedImages, noise: torch.Generator, memory: nn.Module | None
    ) -> Tensor:
        """λ((s(x) − α_F)² + (s(fake) − α_R)²); the averages α_R and α_F have no gradient; (B,)."""
        if memory is None:
            raise PluginError("lecam needs a model that owns the role 'memory'; this one does not.")
        averages: Tensor = memory(real.logits_B, fake.logits_B)
        average_real, average_fake = averages.unbind()
        return self.weight * ((real.logits_B - average_fake).square() + (fake.logits_B - average_real).square())
