"""Whether each factor or attribute is in one dimension of the code, rather than spread over several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import pad

from vaegan_bench.api import BenchError, Measurement, Metric, Outputs, at_least
from vaegan_bench.metrics.attributes.factors import factors_of, surprise, varies
from vaegan_bench.metrics.attributes.linear_probe import SEED, shuffle
from vaegan_bench.metrics.attributes.rows import Estimate, Kind, rows

GAP = Kind("mig", "higher")


@dataclass(frozen=True, kw_only=True)
class MutualInformationGap(Metric):
    """How much more of a factor one dimension of the code knows than any other (Chen et al., 2018, eq. 6).

    'mig', in [0, 1]: the difference of mutual information over the factor's entropy, by histograms of the posterior
    means of held-out images. Per factor, or per attribute where the data have no factors, that varies, and in their
    mean; none for a model without an encoder, nor for a conditional one, whose encoder is given the attributes.
    """

    name: ClassVar[str] = "mutual-information-gap"
    family: ClassVar[str] = "attributes"
    needs_model: ClassVar[bool] = True
    known_as: ClassVar[Mapping[str, str]] = {"mig": "mutual-information-gap"}

    bins: int = 20
    """Bins of each dimension's histogram, with equally many images each."""

    def __post_init__(self) -> None:
        at_least(self, bins=2)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for codes that are not finite."""
        known = factors_of(outputs)
        known = known.only(varies(known.values_NF))
        if outputs.means is None or outputs.conditional or not known.names:
            return []
        bins_NZ = discretise(outputs.means.cpu().double(), self.bins)
        protocol = {"n_real": len(bins_NZ), known.word: len(known.names), "bins": self.bins, "seed": SEED}
        found, floor_F = gap(bins_NZ, known.values_NF), gap(bins_NZ, shuffle(known.values_NF)).values_A
        return rows(GAP, found, known.names, protocol, ceiling_A=torch.ones_like(floor_F), floor_A=floor_F)


def discretise(z_NZ: Tensor, bins: int) -> Tensor:
    """The number of each value's bin, between quantiles of its dimension; equal values share a bin; (N, Z) int64.

    Raises `BenchError` for codes that are not finite.
    """
    if not z_NZ.isfinite().all():
        raise BenchError("Posterior means of held-out images are NaN or infinite.")
    shares_B = torch.arange(1, bins, dtype=z_NZ.dtype) / bins
    edges_ZB = torch.stack([z_N.quantile(shares_B) for z_N in z_NZ.T])  # all at once would be too many for torch
    return torch.searchsorted(edges_ZB, z_NZ.T.contiguous(), right=True).T


def gap(bins_NZ: Tensor, values_NF: Tensor) -> Estimate:
    """(I(z₁; v) − I(z₂; v)) / H(v) of each factor v; z₁ and z₂ are the two dimensions with most information."""
    bins_NY = pad(bins_NZ, (0, 1))  # a dimension without information, for codes of one dimension
    log_FVYB, information_FY = log_ratios(bins_NY, values_NF)
    best_2F = information_FY.topk(2, dim=1).indices.T
    factor_F = torch.arange(values_NF.shape[1])
    first_NF, next_NF = (log_FVYB[factor_F, values_NF, best_F, bins_NY[:, best_F]] for best_F in best_2F)
    lead_NF, surprise_NF = first_NF - next_NF, surprise(values_NF)
    entropy_F, lead_F = surprise_NF.mean(0), lead_NF.mean(0)
    values_F = lead_F / entropy_F
    influence_NF = (lead_NF - lead_F - values_F * (surprise_NF - entropy_F)) / entropy_F / len(values_NF)
    return Estimate(values_F, influence_NF)


def log_ratios(bins_NZ: Tensor, values_NF: Tensor) -> tuple[Tensor, Tensor]:
    """log p(b, v)/(p(b) p(v)) of each factor, its value, dimension and bin, and its mean I(z; v) in nats.

    (F, V, Z, B), 0 where no image is, and (F, Z); float64.
    """
    n, dimensions, bins, values = *bins_NZ.shape, int(bins_NZ.max()) + 1, int(values_NF.max()) + 1
    cells = dimensions * bins
    place_NZ = bins_NZ + bins * torch.arange(dimensions)
    counts = [
        torch.bincount((v_N[:, None] * cells + place_NZ).flatten(), minlength=values * cells) for v_N in values_NF.T
    ]
    joint_FVZB = torch.stack(counts).view(-1, values, dimensions, bins).double() / n
    alone_FVZB = joint_FVZB.sum(1, keepdim=True) * joint_FVZB.sum(3, keepdim=True)
    log_FVZB = torch.where(joint_FVZB > 0, joint_FVZB / alone_FVZB, 1.0).log()
    return log_FVZB, (joint_FVZB * log_FVZB).sum((1, 3))
