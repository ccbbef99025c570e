"""A trained model in use: it encodes, decodes and samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from vaegan_bench.api import (
    BenchError,
    Codebook,
    Model,
    Modules,
    Posterior,
    Prediction,
    UnknownNameError,
    to_uint8,
)
from vaegan_bench.system.device import exact_convolutions
from vaegan_bench.training.conditions import Conditions


class TrainedModel:
    """A model with its trained networks, in evaluation mode. Images in are float in [-1, 1], images out too."""

    def __init__(self, model: Model, modules: Modules, latent: int, conditions: Conditions | None = None) -> None:
        """`conditions`, for a conditional model: the numbers that stand for each attribute's absence and presence."""
        self.model, self.modules, self.latent, self.conditions = model, modules, latent, conditions or {}
        for module in modules.values():
            module.eval()

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.modules.device

    @property
    def has_encoder(self) -> bool:
        """Whether the model can encode; a GAN cannot."""
        return "encoder" in self.modules

    @property
    def codebook(self) -> Codebook | None:
        """The network that quantises codes; None for a model without a quantiser."""
        return cast("Codebook | None", self.modules.get("quantiser"))

    @torch.no_grad()
    def tokens(self, x_BCHW: Tensor, attributes_BA: Tensor | None = None) -> Tensor | None:
        """The index of the finite set's member at each place of the codes, (B, P) int64.

        None for a model without a quantiser or without an encoder.
        """
        if self.codebook is None or not self.has_encoder:
            return None
        return self.modules.quantise(self._encode(x_BCHW, attributes_BA).mu_BZ).index_BP

    def to(self, device: str | torch.device) -> TrainedModel:
        """Move the weights to a device, in place."""
        for module in self.modules.values():
            module.to(device)
        return self

    @torch.no_grad()
    def encode(self, x_BCHW: Tensor, attributes_BA: Tensor | None = None) -> Posterior:
        """q(z|x) of images in [-1, 1]; a conditional model is given their attributes.

        The mean of a model with a quantiser is a code of its finite set. Raises `BenchError` for a model without an
        encoder, and for a conditional one without attributes.
        """
        if not self.has_encoder:
            raise BenchError(f"Model '{self.model.name}' has no encoder: it can sample and decode only.")
        posterior = self._encode(x_BCHW, attributes_BA)
        return posterior._replace(mu_BZ=self.modules.quantise(posterior.mu_BZ).z_BZ) if self.codebook else posterior

    @torch.no_grad()
    def decode(self, z_BZ: Tensor, attributes_BA: Tensor | None = None) -> Tensor:
        """The expected image of each code, (B, C, H, W) in [-1, 1]; a conditional model is given attributes.

        A model with a quantiser decodes the nearest code of its finite set.
        """
        return self._predict(z_BZ, attributes_BA).mean

    @torch.no_grad()
    def log_likelihood(self, x_BCHW: Tensor, z_BZ: Tensor, attributes_BA: Tensor | None = None) -> Tensor | None:
        """log p(x|z) in nats, of images in [-1, 1] given codes; (B,) float64 on the CPU.

        None for a model without a likelihood of pixels that is a density.
        """
        likelihood = self.model.likelihood()
        if likelihood is None or not likelihood.density:
            return None
        return -likelihood(self._predict(z_BZ, attributes_BA), x_BCHW.to(self.device)).cpu().double()

    def reconstruct(self, x_BCHW: Tensor, attributes_BA: Tensor | None = None) -> Tensor:
        """Encode to the posterior mean and decode; (B, C, H, W) in [-1, 1]."""
        return self.decode(self.encode(x_BCHW, attributes_BA).mu_BZ, attributes_BA)

    def codes(self, n: int, seed: int = 0) -> Tensor:
        """Draw n codes from the prior, on the CPU so that they are equal on every device; (n, Z)."""
        noise = torch.Generator().manual_seed(seed)
        return self.model.sample_prior(n, self.latent, noise)

    def sample(self, n: int = 1, seed: int = 0, attributes_NA: Tensor | None = None) -> Tensor:
        """Decode n draws from the prior; (n, C, H, W) in [-1, 1]."""
        return self.decode(self.codes(n, seed), attributes_NA)

    def images(self, z_NZ: Tensor, attributes_NA: Tensor | None = None, batch: int = 256) -> Tensor:
        """Decode any number of codes to images as a viewer sees them; (N, C, H, W) uint8 on the CPU.

        Raises `BenchError` where the decoder gives values that are not finite.
        """
        codes = z_NZ.split(batch)
        given = [None] * len(codes) if attributes_NA is None else attributes_NA.split(batch)
        decoded = (self.decode(z, attributes) for z, attributes in zip(codes, given, strict=True))
        return torch.cat([self._visible(x) for x in decoded])

    def _visible(self, x_BCHW: Tensor) -> Tensor:
        if not x_BCHW.isfinite().all():
            raise BenchError(f"The decoder of model '{self.model.name}' gave values that are NaN or infinite.")
        return to_uint8(x_BCHW).cpu()

    def attributes(self, having: Sequence[str], n: int) -> Tensor:
        """Attributes for n images that have those in `having` and no others; (n, A).

        Attributes are 1 and −1; if the data have scores, the mean scores of training images with and without each
        attribute. Raises `UnknownNameError` for a name that is no attribute of the data.
        """
        for name in having:
            if name not in self.conditions:
                raise UnknownNameError("attribute of this model's data:", name, self.conditions)
        ends = self.conditions.items()
        one_A = torch.tensor([present if name in having else absent for name, (absent, present) in ends])
        return one_A.expand(n, -1)

    def _encode(self, x_BCHW: Tensor, attributes_BA: Tensor | None) -> Posterior:
        with exact_convolutions():
            return self._conditioned_on(attributes_BA).encode(x_BCHW.to(self.device))

    def _predict(self, z_BZ: Tensor, attributes_BA: Tensor | None) -> Prediction:
        z = z_BZ.to(self.device)
        with exact_convolutions():
            return self._conditioned_on(attributes_BA).decode(self.codebook.nearest(z) if self.codebook else z)[0]

    def _conditioned_on(self, attributes_BA: Tensor | None) -> Modules:
        """The networks, conditioned on the attributes if the model is conditional; otherwise these are ignored.

        Raises `BenchError` for a conditional model without attributes.
        """
        if not self.model.conditional:
            return self.modules
        if attributes_BA is None:
            raise BenchError(f"Model '{self.model.name}' is conditional: give the attributes of each image.")
        return self.modules.condition_on(attributes_BA.to(self.device))
