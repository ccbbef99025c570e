"""The conformance checks of samplers."""

from __future__ import annotations

import torch
from torch import Tensor

from vaegan_bench.api import Posterior, Sampler
from vaegan_bench.testing.verdicts import Checks, demand, seeded, unchanged, untouched_randomness

N, DRAWN = 600, 4000


def posterior(spread: float = 0.3) -> Posterior:
    """Posteriors of training images: their means form a stretched and shifted cloud; (600, 3) each."""
    mu = torch.randn(N, 3, generator=seeded(1)) * torch.tensor([2.0, 0.5, 1.0]) + torch.tensor([4.0, 0.0, -1.0])
    mu[:, 1] += 0.3 * mu[:, 0]
    return Posterior(mu, torch.full_like(mu, spread).square().log())


def draw(sampler: Sampler, given: Posterior, n: int = DRAWN, seed: int = 5) -> Tensor:
    """Codes from a sampler, with noise from `seed`."""
    return sampler(given, n, seeded(seed))


def draws_are_codes(sampler: Sampler) -> None:
    """It draws as many finite codes as are asked for, (n, Z) float32, a single one too."""
    for n in (1, 7):
        codes = draw(sampler, posterior(), n)
        demand(
            codes.shape == (n, 3) and codes.dtype == torch.float32,
            f"gives {tuple(codes.shape)} of {codes.dtype} for {n} codes of 3 dimensions, not float32.",
        )
        demand(bool(codes.isfinite().all()), "draws codes that are not finite.")


def draws_repeat(sampler: Sampler) -> None:
    """The same noise gives the same codes, other noise gives others; nothing else is drawn from, nothing changes."""
    given = posterior()
    with untouched_randomness(), unchanged(mu=given.mu_BZ, logvar=given.logvar_BZ):
        first, second, other = (draw(sampler, given, 50, seed) for seed in (5, 5, 6))
    demand(torch.equal(first, second), "the same noise gives other codes: draw from the generator it is handed alone.")
    demand(not torch.equal(first, other), "other noise gives the same codes.")


def draws_fit_the_posteriors(sampler: Sampler) -> None:
    """Draws have the mean and the covariance of the posteriors together, the width of single posteriors included."""
    given = posterior(spread=0.8)
    codes, wanted = draw(sampler, given).double(), given.mu_BZ.double()
    off = float((codes.mean(0) - wanted.mean(0)).abs().max())
    demand(off < 0.25, f"draws codes whose mean is off by {off:.2f}: fit them to the codes, not to N(0, I).")
    covariance = wanted.T.cov() + 0.8**2 * torch.eye(3, dtype=torch.float64)
    off = float((codes.T.cov() - covariance).norm() / covariance.norm())
    demand(off < 0.15, f"draws codes whose covariance is off by {off:.0%}: count the variances of posteriors, too.")


CHECKS: Checks = {Sampler: (draws_are_codes, draws_repeat, draws_fit_the_posteriors)}
