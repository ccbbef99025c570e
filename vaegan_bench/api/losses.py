"""The kinds of loss: one term of a game each, stated per example.

Reductions are paired everywhere: losses are summed over dimensions and averaged over the batch.
A coefficient such as γ has no meaning otherwise.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api.modules import Posterior, Prediction
from vaegan_bench.api.plugin import Plugin

Scale = Literal["fixed", "learned", "predicted"]


class ReconstructionLoss(Plugin):
    """−log p(target | z): of images, or of discriminator features."""

    kind: ClassVar[str] = "reconstruction loss"
    scale: ClassVar[Scale] = "fixed"
    """Where σ comes from: fixed by a field, one learned scalar, or predicted by the decoder."""
    pixels_only: ClassVar[bool] = False
    """True if the likelihood has no meaning on discriminator features."""
    density: ClassVar[bool] = False
    """Whether exp(−loss) is a density of the target, which integrates to 1: only such a loss can say how likely an
    image is. One whose σ depends on the batch is none."""
    surrogate: ClassVar[bool] = False
    """True if its paper stops part of the gradient, so that the gradient is not that of the value."""

    @abstractmethod
    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """The negative log-likelihood in nats, summed over dimensions; (B,)."""


class PriorLoss(Plugin):
    """How far the posterior is from the prior."""

    kind: ClassVar[str] = "prior loss"

    @abstractmethod
    def __call__(self, posterior: Posterior) -> Tensor:
        """The divergence in nats, summed over latent dimensions; (B,)."""


class Versus(NamedTuple):
    """The two sides of an adversarial loss, to be minimised each by its own player."""

    discriminator_B: Tensor
    generator_B: Tensor


class AdversarialLoss(Plugin):
    """What the discriminator and the generator minimise against each other."""

    kind: ClassVar[str] = "adversarial loss"

    @abstractmethod
    def __call__(self, real_B: Tensor, fakes_B: Sequence[Tensor]) -> Versus:
        """Both costs, from logits of one real batch and of one or more fake batches of equal size; (B,) each."""


Critic = Callable[[Tensor], Tensor]
"""Images (B, C, H, W) → logits (B,)."""


class Regulariser(Plugin):
    """A penalty on the discriminator's input gradients; needs second-order gradients."""

    kind: ClassVar[str] = "regulariser"

    @abstractmethod
    def __call__(self, critic: Critic, real_BCHW: Tensor, fake_BCHW: Tensor, noise: torch.Generator) -> Tensor:
        """The penalty, differentiable in the critic's weights; (B,)."""


class Gate(Plugin):
    """Decides from the discriminator's logits which players skip this step."""

    kind: ClassVar[str] = "gate"

    @abstractmethod
    def __call__(self, real_B: Tensor, fake_B: Tensor) -> frozenset[str]:
        """The subset of {'decoder', 'discriminator'} that keeps its weights in this step."""
