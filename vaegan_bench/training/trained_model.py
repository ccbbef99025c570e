"""A trained model in use: it encodes, decodes and samples."""

from __future__ import annotations

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Model, Modules, Posterior, to_uint8


class TrainedModel:
    """A model with its trained networks, in evaluation mode. Pictures in are float in [-1, 1], pictures out too."""

    def __init__(self, model: Model, modules: Modules, latent: int) -> None:
        self.model, self.modules, self.latent = model, modules, latent
        for module in modules.values():
            module.eval()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.modules.device

    @property
    def has_encoder(self) -> bool:
        """Whether the model can encode; a GAN cannot."""
        return "encoder" in self.modules

    def to(self, device: str | torch.device) -> TrainedModel:
        """Move the weights to a device, in place."""
        for module in self.modules.values():
            module.to(device)
        return self

    @torch.no_grad()
    def encode(self, x_BCHW: Tensor) -> Posterior:
        """q(z|x) of pictures in [-1, 1]. Raises `BenchError` for a model without an encoder."""
        if not self.has_encoder:
            raise BenchError(f"Model '{self.model.name}' has no encoder: it can sample and decode only.")
        return self.modules.encode(x_BCHW.to(self.device))

    @torch.no_grad()
    def decode(self, z_BZ: Tensor) -> Tensor:
        """The expected picture of each code, (B, C, H, W) in [-1, 1]."""
        return self.modules.decode(z_BZ.to(self.device))[0].mean

    def reconstruct(self, x_BCHW: Tensor) -> Tensor:
        """Encode to the posterior mean and decode; (B, C, H, W) in [-1, 1]."""
        return self.decode(self.encode(x_BCHW).mu_BZ)

    def codes(self, n: int, seed: int = 0) -> Tensor:
        """Draw n codes from the prior, on the CPU so that they are equal on every device; (n, Z)."""
        noise = torch.Generator().manual_seed(seed)
        return self.model.sample_prior(n, self.latent, noise)

    def sample(self, n: int = 1, seed: int = 0) -> Tensor:
        """Decode n draws from the prior; (n, C, H, W) in [-1, 1]."""
        return self.decode(self.codes(n, seed))

    def pictures(self, z_NZ: Tensor, batch: int = 256) -> Tensor:
        """Decode any number of codes to pictures as a viewer sees them; (N, C, H, W) uint8 on the CPU."""
        return torch.cat([to_uint8(self.decode(z)).cpu() for z in torch.split(z_NZ, batch)])
