"""The Wasserstein game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from vaegan_bench.api import AdversarialLoss, Versus


@dataclass(frozen=True, kw_only=True)
class Wasserstein(AdversarialLoss):
    """A critic's score difference (Arjovsky et al., 2017, eq. 2); needs a gradient penalty to stay Lipschitz."""

    name = "wgan"

    def __call__(self, real_V: Tensor, fakes_V: Sequence[Tensor]) -> Versus:
        """Critic: Σ s(fake) − n·s(x) over n fake batches; generator: −Σ s(fake)."""
        fake_scores = sum(fakes_V, real_V.new_zeros(len(real_V)))
        return Versus(fake_scores - len(fakes_V) * real_V, -fake_scores)
