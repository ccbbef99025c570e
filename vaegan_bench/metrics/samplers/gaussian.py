"""A Gaussian of full covariance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Posterior, Sampler


@dataclass(frozen=True, kw_only=True)
class FittedGaussian(Sampler):
    """The Gaussian with the mean and the covariance of the aggregate posterior (Ghosh et al., 2020, §4)."""

    name = "gaussian"

    def __call__(self, posterior: Posterior, n: int, noise: torch.Generator) -> Tensor:
        """Draw codes; raises `BenchError` for posteriors that are NaN or infinite."""
        mean_Z, covariance_ZZ = aggregate(posterior)
        if not covariance_ZZ.isfinite().all():
            raise BenchError("Posteriors of training images are NaN or infinite.")
        epsilon_NZ = torch.randn(n, len(mean_Z), generator=noise, dtype=torch.float64)
        return (mean_Z + epsilon_NZ @ root_of(covariance_ZZ).T).float()


def aggregate(posterior: Posterior) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the mean over images of q(z|x), in float64.

    The covariance is that of the posterior means plus the mean of the posterior variances.
    """
    mu_NZ, variance_NZ = posterior.mu_BZ.double(), posterior.logvar_BZ.double().exp()
    mean_Z = mu_NZ.mean(0)
    centred_NZ = mu_NZ - mean_Z
    return mean_Z, centred_NZ.T @ centred_NZ / len(mu_NZ) + variance_NZ.mean(0).diag()


def root_of(covariance_ZZ: Tensor) -> Tensor:
    """R with R·Rᵀ the covariance, which may be singular: codes of a finite set need not fill all dimensions."""
    root_ZZ: Tensor
    root_ZZ, failed = torch.linalg.cholesky_ex(covariance_ZZ)
    if failed:
        values_Z, vectors_ZZ = torch.linalg.eigh(covariance_ZZ)
        root_ZZ = vectors_ZZ * values_Z.clamp(min=0).sqrt()
    return root_ZZ
