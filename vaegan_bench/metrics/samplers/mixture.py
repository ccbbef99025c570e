"""A mixture of Gaussians."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, PluginError, Posterior, Sampler, at_least
from vaegan_bench.metrics.samplers.gaussian import root_of


@dataclass(frozen=True, kw_only=True)
class FittedMixture(Sampler):
    """A mixture of Gaussians of full covariance, fitted to a draw from each posterior (Ghosh et al., 2020, §4).

    scikit-learn fits it: `pip install "vaegan-bench[mixture]"`.
    """

    name = "mixture"
    components: int = 10
    """As in that paper."""
    floor: float = 1e-6
    """Added to the diagonal of each covariance."""

    def __post_init__(self) -> None:
        at_least(self, components=1, floor=0)

    def __call__(self, posterior: Posterior, n: int, noise: torch.Generator) -> Tensor:
        """Draw codes; raises `PluginError` without scikit-learn, and `BenchError` for codes that it cannot fit."""
        try:
            from sklearn.mixture import GaussianMixture  # type: ignore[import-untyped]
        except ImportError as error:
            raise PluginError(
                f"Sampler '{self}' needs scikit-learn: pip install \"vaegan-bench[mixture]\", or choose gaussian."
            ) from error
        seed = int(torch.randint(2**31 - 1, (), generator=noise))
        codes_NZ = posterior.sample(noise).double()
        if not codes_NZ.isfinite().all() or len(codes_NZ) < self.components:
            raise BenchError(f"No mixture of {self.components} fits {len(codes_NZ)} codes: too few, NaN or infinite.")
        try:
            fitted = GaussianMixture(self.components, reg_covar=self.floor, random_state=seed).fit(codes_NZ.numpy())
        except ValueError as error:
            raise BenchError(
                f"Sampler '{self}' cannot fit {len(codes_NZ)} codes: some lie too close together for its floor. "
                f"Choose a floor above {self.floor:g}, fewer components, or gaussian."
            ) from error
        weights, means = (torch.from_numpy(part) for part in (fitted.weights_, fitted.means_))
        roots_KZZ = torch.stack([root_of(covariance_ZZ) for covariance_ZZ in torch.from_numpy(fitted.covariances_)])
        chosen_N = torch.multinomial(weights, n, replacement=True, generator=noise)
        epsilon_NZ = torch.randn(n, codes_NZ.shape[1], generator=noise, dtype=torch.float64)
        return (means[chosen_N] + torch.einsum("nij,nj->ni", roots_KZZ[chosen_N], epsilon_NZ)).float()
