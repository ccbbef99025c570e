"""Codes from a finite set, and the quantisers that replace other codes by them."""

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
    """A batch of codes in which each place has been replaced by one of finitely many vectors."""

    z_BZ: Tensor
    """(B, Z); its gradient passes on to the original codes, as if nothing had been replaced."""
    index_BP: Tensor
    """(B, P) int64 in [0, K): the index of the vector at each place."""
    cost_B: Tensor
    """(B,), the cost that keeps the encoder close to the code book, summed over places; 0 where none is needed."""


class Codebook(nn.Module):
    """A network of the role 'quantiser', which owns the finite set, learned or fixed."""

    entries: int
    """K, how many vectors a place may have."""

    def forward(self, z_BZ: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """An encoder's codes → the three parts of `Quantised`. It may change its own state only in training mode."""
        raise NotImplementedError

    def nearest(self, z_BZ: Tensor) -> Tensor:
        """The member of the set that is nearest to each code, (B, Z); for a member, the member itself."""
        raise NotImplementedError


class Quantiser(Plugin):
    """Replaces each place of a code by one of a finite set of vectors."""

    kind: ClassVar[str] = "quantiser"

    @abstractmethod
    def build(self, shape: LatentShape) -> Codebook:
        """The network of the role 'quantiser', from torch's random state; codes are (B, Z) with Z = C·h·w.

        Raises `PluginError` for a shape that does not fit it.
        """
