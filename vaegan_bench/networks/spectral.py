"""Any networks, with a discriminator whose slope is bounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import is_parametrized

from vaegan_bench.api import Extractor, ImageShape, LatentShape, Networks, at_least
from vaegan_bench.networks.compact import Compact


@dataclass(frozen=True, kw_only=True)
class Spectral(Networks):
    """Any networks, with spectral normalisation in the discriminator (Miyato et al., 2018, eq. 8, algorithm 1).

    All weights start from those of the inner networks. Encoder and decoder are the same. Batch norm within the
    discriminator is left as it is, so that its scales have no bound; the paper has no batch norm there.
    """

    name = "spectral"
    networks: Networks = Compact()
    """The networks whose discriminator is normalised."""
    power_iterations: int = 1
    """Iterations that refine the estimate of each layer's norm in every pass."""

    def __post_init__(self) -> None:
        at_least(self, power_iterations=1)

    @property
    def latent(self) -> int:  # type: ignore[override]  # nobody sets it: it is that of the inner networks
        """Z of the inner networks."""
        return self.networks.latent

    @property
    def per_image(self) -> tuple[str, ...]:  # type: ignore[override]  # no class variable: it depends on a field
        """The roles of the inner networks without the discriminator, whose normalisation changes in every pass."""
        return tuple(role for role in self.networks.per_image if role != "discriminator")

    @property
    def last_layers(self) -> Mapping[str, str]:  # type: ignore[override]  # no class variable: it depends on a field
        """The last layers of the inner networks without the discriminator's, whose weights are reparametrised."""
        return {role: name for role, name in self.networks.last_layers.items() if role != "discriminator"}

    @property
    def extractors(self) -> Mapping[str, Extractor]:  # type: ignore[override]  # no class variable: it depends on a field
        """The extractors through which the inner networks see images."""
        return self.networks.extractors

    @property
    def latent_shape(self) -> LatentShape:
        """The latent shape of the inner networks."""
        return self.networks.latent_shape

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """Build the inner network, the discriminator with normalised layers."""
        network = self.networks.build(role, shape, heads, conditions)
        return add_spectral_norm(network, self.power_iterations) if role == "discriminator" else network


def add_spectral_norm(network: nn.Module, power_iterations: int) -> nn.Module:
    """The same network, whose convolutions and linear layers have weights of spectral norm 1 (eq. 8).

    Layers that have it already stay as they are.
    """
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear | _ConvNd) and not is_parametrized(layer, "weight"):
            spectral_norm(layer, n_power_iterations=power_iterations)
    return network
