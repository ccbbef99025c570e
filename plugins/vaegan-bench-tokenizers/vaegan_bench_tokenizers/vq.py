"""Vector quantisation: every place takes the nearest of a table of learned vectors."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from vaegan_bench.api import Codebook, LatentShape, Quantiser, at_least

GOLDEN = (math.sqrt(5) - 1) / 2
"""The step from one code taken from a batch to the next, as a share of the batch: it spreads them evenly."""
APART = 0.01
"""About how far copies of one code are moved apart where a batch has fewer codes than there are entries."""
AMPLE = 8
"""Codes of a batch for each entry from which on `least_use` holds as it is."""


class LearnedVectors(Codebook):
    """Entries that follow the mean of the codes that they stand for. All state is in buffers; nothing is drawn."""

    vector_KC: Tensor
    count_K: Tensor
    """How many codes of a batch each entry stands for, as a moving average; 0 before the first batch."""
    apart_KC: Tensor
    """Directions in which copies of one code are moved apart."""

    def __init__(self, settings: VQ, shape: LatentShape) -> None:
        super().__init__()
        self.settings, self.entries, self.places = settings, settings.entries, shape.height * shape.width
        self.register_buffer("vector_KC", torch.randn(self.entries, shape.channels))
        self.register_buffer("count_K", torch.zeros(self.entries))
        self.register_buffer("apart_KC", self.vector_KC * APART / math.sqrt(shape.channels))

    def forward(self, z_BZ: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The nearest entry at each place, straight through, and β times the squared distance to it."""
        z_BPC = self._places(z_BZ.detach())
        if self.training:
            self._replace_unused(z_BPC.flatten(0, 1))
        index_BP = self._closest(z_BPC)
        q_BZ = self._codes(index_BP)
        if self.training:
            self._follow(z_BPC.flatten(0, 1), index_BP.flatten())
        cost_B = self.settings.commitment * (z_BZ - q_BZ).square().sum(1)
        # In this order the value is the entry itself, without a rounding error.
        return q_BZ + (z_BZ - z_BZ.detach()), index_BP, cost_B

    def nearest(self, z_BZ: Tensor) -> Tensor:
        """The nearest entry at each place."""
        return self._codes(self._closest(self._places(z_BZ)))

    def _places(self, z_BZ: Tensor) -> Tensor:
        """The code of each place; (B, P, C)."""
        z_BCP: Tensor = z_BZ.unflatten(1, (-1, self.places))
        return z_BCP.transpose(1, 2)

    def _codes(self, index_BP: Tensor) -> Tensor:
        """The entries of all places; (B, Z)."""
        return self.vector_KC[index_BP].transpose(1, 2).flatten(1)

    def _closest(self, z_BPC: Tensor) -> Tensor:
        """The index of the nearest entry; (B, P). By differences, so every entry is nearest to itself."""
        mode = "donot_use_mm_for_euclid_dist"
        return torch.cdist(z_BPC.detach(), self.vector_KC, compute_mode=mode).argmin(2)

    @torch.no_grad()
    def _replace_unused(self, z_NC: Tensor) -> None:
        """Replace each entry of too little use by a code of the batch, and set its count to the least use."""
        n, least = len(z_NC), self._least_use(len(z_NC))
        step = next(s for s in itertools.count(round(GOLDEN * n)) if math.gcd(s, n) == 1)
        taken_K = torch.arange(self.entries, device=z_NC.device) * step % n
        unused_K = self.count_K < least
        self.vector_KC.copy_(torch.where(unused_K[:, None], z_NC[taken_K] + self.apart_KC, self.vector_KC))
        self.count_K.masked_fill_(unused_K, least)

    def _least_use(self, n: int) -> float:
        """The least use in batches of n codes: `least_use`, or in proportion less for less than `AMPLE` codes an entry.

        If a batch cannot give every entry that much, entries would be replaced at every step by the very codes that are
        quantised next, and the decoder would be trained on codes without a quantisation error.
        """
        return self.settings.least_use * min(1.0, n / (AMPLE * self.entries))

    @torch.no_grad()
    def _follow(self, z_NC: Tensor, index_N: Tensor) -> None:
        """N ← γN + (1 − γ)n and m ← γm + (1 − γ)Σz, where m = N·e is the sum of the codes whose mean is the entry e."""
        decay = self.settings.decay
        # A product of matrices adds up in the same order on every pass, which index_add_ does not on a GPU.
        is_of_NK = one_hot(index_N, self.entries).to(z_NC)
        with torch.autocast(z_NC.device.type, enabled=False):
            sum_KC = is_of_NK.T @ z_NC
        kept_K = decay * self.count_K
        self.count_K.copy_(kept_K + (1 - decay) * is_of_NK.sum(0))
        followed_KC = (self.vector_KC * kept_K[:, None] + (1 - decay) * sum_KC) / self.count_K[:, None]
        is_used_K1 = self.count_K[:, None] > 0  # without a past (γ = 0), an entry that no code was near has no mean
        self.vector_KC.copy_(torch.where(is_used_K1, followed_KC, self.vector_KC))


@dataclass(frozen=True, kw_only=True)
class VQ(Quantiser):
    """The nearest of K learned vectors (van den Oord et al., 2017, eq. 1–3), each a moving mean (appendix A.1).

    It starts from the first batch, and unused entries are replaced by codes of the batch (Dhariwal et al., 2020).
    """

    name = "vq"
    entries: int = 512
    """K, the number of vectors."""
    commitment: float = 0.25
    """β: the coefficient of the squared distance between a code and its entry, which only the encoder minimises."""
    decay: float = 0.99
    """γ of the moving averages."""
    least_use: float = 1.0
    """An entry that stands for fewer codes of a batch than this, on average, is replaced.

    In batches of n < 8K codes the limit is n / 8K times this, so that no batch is too small to keep all entries in use.
    """

    def __post_init__(self) -> None:
        at_least(self, entries=2, commitment=0)
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay must be in [0, 1), not {self.decay}")
        if not self.least_use > 0:
            raise ValueError(f"least_use must be above 0, not {self.least_use}")

    def build(self, shape: LatentShape) -> LearnedVectors:
        """A token for each place."""
        return LearnedVectors(self, shape)
