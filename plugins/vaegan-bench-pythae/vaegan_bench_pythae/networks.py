"""A study's networks behind pythae's interfaces.

pythae's losses expect images in [0, 1] and a discriminator that ends in a probability; the suite's networks see
images in [-1, 1] and end in a logit. The conversions happen here, and gradients flow through them.
"""

from __future__ import annotations

import torch
from pythae.models.base.base_utils import ModelOutput  # type: ignore[import-untyped]
from pythae.models.nn import BaseDecoder, BaseDiscriminator, BaseEncoder  # type: ignore[import-untyped]
from torch import Tensor

from vaegan_bench.api import Modules


def to_unit(x_BCHW: Tensor) -> Tensor:
    """Images in [-1, 1] to pythae's [0, 1]."""
    return 0.5 * (x_BCHW + 1)


def from_unit(x_BCHW: Tensor) -> Tensor:
    """Images in pythae's [0, 1] to [-1, 1]."""
    return 2 * x_BCHW - 1


def current_autocast(device: torch.device) -> torch.autocast:
    """The autocast state of the caller, to be entered again around the networks alone."""
    kind = device.type
    return torch.autocast(kind, torch.get_autocast_dtype(kind), enabled=torch.is_autocast_enabled(kind))


class Encoder(BaseEncoder):  # type: ignore[misc]  # pythae is untyped
    """The study's encoder for images in [0, 1]."""

    def __init__(self, ours: Modules, precision: torch.autocast) -> None:
        super().__init__()
        self.ours, self.precision = ours, precision
        self.network = ours["encoder"]

    def forward(self, x_BCHW: Tensor) -> ModelOutput:
        """The posterior's parameters, by pythae's names."""
        with self.precision:
            posterior = self.ours.encode(from_unit(x_BCHW))
        return ModelOutput(embedding=posterior.mu_BZ, log_covariance=posterior.logvar_BZ)


class Decoder(BaseDecoder):  # type: ignore[misc]  # pythae is untyped
    """The study's decoder, giving images in [0, 1]."""

    def __init__(self, ours: Modules, precision: torch.autocast) -> None:
        super().__init__()
        self.ours, self.precision = ours, precision
        self.network = ours["decoder"]

    def forward(self, z_BZ: Tensor) -> ModelOutput:
        """The decoded images, by pythae's name."""
        with self.precision:
            (prediction,) = self.ours.decode(z_BZ)
        return ModelOutput(reconstruction=to_unit(prediction.mean))


class Discriminator(BaseDiscriminator):  # type: ignore[misc]  # pythae is untyped
    """The study's discriminator, as two layers: 1 is Dis_l, 2 the probability of 'real'."""

    depth = 2

    def __init__(self, ours: Modules, precision: torch.autocast) -> None:
        super().__init__()
        self.ours, self.precision = ours, precision
        self.network = ours["discriminator"]

    def forward(self, x_BCHW: Tensor, output_layer_levels: list[int] | None = None) -> ModelOutput:
        """The probability, and the layers that were asked for, by pythae's names."""
        with self.precision:
            (judgement,) = self.ours.judge(from_unit(x_BCHW))
        probability_B1 = torch.sigmoid(judgement.logits_B)[:, None]
        layers = {1: judgement.features_BF, 2: probability_B1}
        wanted = {f"embedding_layer_{level}": layers[level] for level in output_layer_levels or []}
        return ModelOutput(embedding=probability_B1, **wanted)
