"""Codes from a finite set: what replaces a code by one of them."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, NamedTuple

from torch import Tensor, nn

from vaegan_bench.api.plugin import Plugin


class LatentShape(NamedTuple):
    """How networks arrange their Z = C·h·w latent dimensions, channels first."""

    channels: int
    height: int
    width: int


class Quantised(NamedTuple):
    """A batch of codes, each place of which has been replaced by one of finitely many vectors."""

    z_BZ: Tensor
    """(B, Z); its gradient passes on to what was quantised, as if nothing had been rounded."""
    index_BP: Tensor
    """(B, P) int64 in [0, K): which of them each place has."""
    cost_B: Tensor
    """(B,), what keeps encoder and code book together, summed over places; 0 where nothing has to be kept together."""


class Codebook(nn.Module):
    """A network of the role 'quantiser', which owns the finite set, learned or fixed."""

    entries: int
    """K, how many vectors a place may have."""

    def forward(self, z_BZ: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What an encoder gives → the three parts of `Quantised`. Only in training mode may it change what it owns."""
        raise NotImplementedError

    def nearest(self, z_BZ: Tensor) -> Tensor:
        """The member of the set next to any code, (B, Z), which for a member is the member itself."""
        raise NotImplementedError


class Quantiser(Plugin):
    """Replaces each place of a code by one of a finite set of vectors."""

    kind: ClassVar[str] = "quantiser"

    @abstractmethod
    def build(self, shape: LatentShape) -> Codebook:
        """The network of the role 'quantiser', from torch's random state; codes are (B, Z) with Z = C·h·w.

        Raises `PluginError` for a shape that does not fit it.
        """
