"""How much information the codes hold, and how many of their dimensions hold any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from vaegan_bench.api import BenchError, Exhibits, Measurement, Metric, Outputs, Posterior, Spectrum
from vaegan_bench.losses.prior.kl import kl_per_dimension
from vaegan_bench.metrics.intervals import Z

ACTIVE = 0.01
"""The variance of its posterior mean over images above which a dimension is active (Burda et al., 2016)."""
INFORMATIVE = 0.01
"""Nats of KL above which the figure counts a dimension."""


@dataclass(frozen=True, kw_only=True)
class LatentHealth(Metric):
    """KL of the posteriors to the prior, in nats, and the number of active dimensions (Burda et al., 2016, 5.2).

    On held-out images; none for a model without an encoder. No active dimension is posterior collapse.
    """

    name: ClassVar[str] = "latent-health"
    family: ClassVar[str] = "latent"
    needs_model: ClassVar[bool] = True

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for fewer than two images and for codes that are not finite."""
        if outputs.posterior is None:
            return []
        kl_NZ = kl_per_dimension(outputs.posterior).double()
        if len(kl_NZ) < 2:
            raise BenchError("One held-out image: the variance of codes needs at least two.")
        if not kl_NZ.isfinite().all():
            raise BenchError("Posteriors of held-out images are NaN or infinite.")
        protocol = {"n_real": len(kl_NZ), "latent": kl_NZ.shape[1], "threshold": ACTIVE}
        kl, reach = float(kl_NZ.sum(1).mean()), Z * float(kl_NZ.sum(1).std()) / len(kl_NZ) ** 0.5
        low, high = max(0.0, kl - reach), kl + reach
        return [
            Measurement("kl", kl, "none", "nats", protocol, low=low, high=high),
            Measurement("active-units", int(active_units(outputs.posterior)), "none", "dimensions", protocol),
        ]

    def exhibits(self, outputs: Outputs) -> Exhibits:
        """'latent': the mean over images of the KL of each dimension, in nats; (Z,) float32."""
        if outputs.posterior is None:
            return {}
        kl_Z = kl_per_dimension(outputs.posterior).double().mean(0).float().cpu().numpy()
        return {"latent": Spectrum(kl_Z, "KL", "nats", dimension="latent dimension", threshold=INFORMATIVE)}


def active_units(posterior: Posterior) -> Tensor:
    """How many dimensions have a posterior mean that varies over images by more than 0.01; 0-dimensional int64."""
    return (posterior.mu_BZ.double().var(0) > ACTIVE).sum()
