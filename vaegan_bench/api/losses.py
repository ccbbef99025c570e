"""The kinds of loss: one term of a game each, stated per example.

Reductions are paired everywhere: losses are summed over dimensions and averaged over the batch.
A coefficient such as γ has no meaning otherwise.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

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
    """Whether exp(−loss) is a probability density of the target, which integrates to 1. Only such a loss can tell how
    likely an image is. A loss whose σ depends on the batch is not one."""
    surrogate: ClassVar[bool] = False
    """True if its paper stops part of the gradient, which then differs from the derivative of the value."""

    def demand_features(self, field: str) -> None:
        """Raise `ValueError` if it has no meaning on features, for models that compare features by this `field`."""
        if self.pixels_only:
            raise ValueError(
                f"{field} compares discriminator features, but '{self.name}' only pixels; "
                "choose another, such as gaussian"
            )

    @abstractmethod
    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """The negative log-likelihood in nats, summed over dimensions; (B,)."""


class PriorLoss(Plugin):
    """How far codes are from the prior."""

    kind: ClassVar[str] = "prior loss"
    of_batch: ClassVar[bool] = False
    """True if it compares all codes of a batch together with the prior. It is then not a sum over dimensions, and the
    value for one image depends on the other images."""

    @abstractmethod
    def __call__(self, posterior: Posterior, z_BZ: Tensor, noise: torch.Generator) -> Tensor:
        """How far codes are from N(0, I), in nats if it is a divergence of posteriors, summed over dimensions; (B,).

        `z_BZ` are the codes that were drawn from the posteriors and are decoded; `noise` is for draws from the prior.
        """


class Versus(NamedTuple):
    """The costs of the two sides of an adversarial loss, one per verdict; each player minimises its own."""

    discriminator_V: Tensor
    generator_V: Tensor


class AdversarialLoss(Plugin):
    """What the discriminator and the generator minimise against each other."""

    kind: ClassVar[str] = "adversarial loss"

    @abstractmethod
    def __call__(self, real_V: Tensor, fakes_V: Sequence[Tensor]) -> Versus:
        """Both costs, from logits of one real batch and of one or more fake batches of equal size; (V,) each.

        With P verdicts per image there are V = B·P logits; those of one image are consecutive.
        """


Critic = Callable[[Tensor], Tensor]
"""Images (B, C, H, W) → logits (B,): the mean of an image's verdicts where it has several."""


class JudgedImages(NamedTuple):
    """A batch of images as the discriminator saw it, with its logits."""

    x_BCHW: Tensor
    logits_B: Tensor
    """From the pass that the adversarial loss uses, so that a penalty on logits needs no further pass."""


class Regulariser(Plugin):
    """A penalty on the discriminator: on its gradients at images, which are then of second order, or on its logits."""

    kind: ClassVar[str] = "regulariser"
    share: float = 1.0
    """The share of each batch that it uses, rounded up, and at least two images: the mean over fewer images is about as
    large and costs less."""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be in (0, 1], not {self.share}")

    def memory(self) -> nn.Module | None:
        """The state that it keeps from step to step: a module with buffers, new for each run; None without a state.

        Models hold it as the role 'memory', so that it is part of every snapshot. It must not change in evaluation
        mode.
        """
        return None

    @abstractmethod
    def __call__(
        self, critic: Critic, real: JudgedImages, fake: JudgedImages, noise: torch.Generator, memory: nn.Module | None
    ) -> Tensor:
        """The penalty, differentiable in the critic's weights; (B,)."""


class DiscriminatorAugmentation(Plugin):
    """Augments images before the discriminator sees them; `Dataset.augment` varies the training images themselves."""

    kind: ClassVar[str] = "discriminator augmentation"
    strength: float
    """How strongly images are changed: 1 as in the paper; 0 leaves them as they are."""

    @abstractmethod
    def __call__(self, images_BCHW: Sequence[Tensor], noise: torch.Generator) -> list[Tensor]:
        """The batches, of equal size, augmented; differentiable in the images. Image i is changed equally in each."""


class Gate(Plugin):
    """Decides from the discriminator's logits which players skip this step."""

    kind: ClassVar[str] = "gate"

    @abstractmethod
    def __call__(self, real_B: Tensor, fake_B: Tensor) -> frozenset[str]:
        """The subset of the roles {'decoder', 'discriminator'} whose owners keep their weights in this step."""
