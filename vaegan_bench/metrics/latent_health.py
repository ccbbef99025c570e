"""How much the codes say, and how many of their dimensions say anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vaegan_bench.api import BenchError, Measurement, Metric, Outputs
from vaegan_bench.losses.prior.kl import kl_per_dimension

ACTIVE = 0.01
"""The variance of its posterior mean over pictures above which a dimension is active (Burda et al., 2016)."""


@dataclass(frozen=True, kw_only=True)
class LatentHealth(Metric):
    """KL of the posteriors to the prior, in nats, and the number of active dimensions (Burda et al., 2016, 5.2).

    On held-out pictures; none for a model without an encoder. No active dimension is posterior collapse.
    """

    name: ClassVar[str] = "latent-health"
    family: ClassVar[str] = "latent"

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for fewer than two pictures and for codes that are not finite."""
        if outputs.posterior is None:
            return []
        kl_NZ, means_NZ = kl_per_dimension(outputs.posterior).double(), outputs.posterior.mu_BZ.double()
        if len(means_NZ) < 2:
            raise BenchError("One held-out picture: the variance of codes needs at least two.")
        if not kl_NZ.isfinite().all():
            raise BenchError("Posteriors of held-out pictures are NaN or infinite.")
        protocol = {"n_real": len(means_NZ), "latent": means_NZ.shape[1], "threshold": ACTIVE}
        active = int((means_NZ.var(0) > ACTIVE).sum())
        return [
            Measurement("kl", float(kl_NZ.sum(1).mean()), "none", "nats", protocol),
            Measurement("active-units", active, "none", "dimensions", protocol),
        ]
