"""Whether each attribute is in one dimension of the code, rather than spread over several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import pad

from vaegan_bench.api import BenchError, Measurement, Metric, Outputs, at_least
from vaegan_bench.metrics.attributes.linear_probe import SEED, shuffle
from vaegan_bench.metrics.attributes.rows import Estimate, Kind, rows
from vaegan_bench.metrics.attributes.usable_attributes import truth

GAP = Kind("mig", "higher")


@dataclass(frozen=True, kw_only=True)
class MutualInformationGap(Metric):
    """How much more of an attribute one dimension of the code knows than any other (Chen et al., 2018, eq. 6).

    'mig', in [0, 1]: the difference of mutual information over the attribute's entropy, by histograms of the posterior
    means of held-out images. Per attribute that some images have and some have not, and in their mean; none for a model
    without an encoder.
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
        if outputs.means is None or not outputs.data.attribute_names:
            return []
        on_NA = truth(outputs)
        varies_A = on_NA.any(0) & ~on_NA.all(0)
        if not varies_A.any():
            return []
        on_NA, bins_NZ = on_NA[:, varies_A], discretise(outputs.means.cpu().double(), self.bins)
        names = [name for name, varies in zip(outputs.data.attribute_names, varies_A.tolist(), strict=True) if varies]
        protocol = {"n_real": len(on_NA), "attributes": len(names), "bins": self.bins, "seed": SEED}
        floor_A = gap(bins_NZ, shuffle(on_NA)).values_A
        return rows(GAP, gap(bins_NZ, on_NA), names, protocol, ceiling_A=torch.ones_like(floor_A), floor_A=floor_A)


def discretise(z_NZ: Tensor, bins: int) -> Tensor:
    """The number of each value's bin, between quantiles of its dimension; equal values share a bin; (N, Z) int64.

    Raises `BenchError` for codes that are not finite.
    """
    if not z_NZ.isfinite().all():
        raise BenchError("Posterior means of held-out images are NaN or infinite.")
    shares_B = torch.arange(1, bins, dtype=z_NZ.dtype) / bins
    edges_ZB = torch.stack([z_N.quantile(shares_B) for z_N in z_NZ.T])  # all at once would be too many for torch
    return torch.searchsorted(edges_ZB, z_NZ.T.contiguous(), right=True).T


def gap(bins_NZ: Tensor, on_NA: Tensor) -> Estimate:
    """(I(z₁; v) − I(z₂; v)) / H(v) of each attribute v, with the two dimensions that know most of it."""
    bins_NY = pad(bins_NZ, (0, 1))  # beside a dimension that knows nothing, for codes of one dimension
    log_A2YB, information_AY = log_ratios(bins_NY, on_NA)
    best_2A = information_AY.topk(2, dim=1).indices.T
    attribute_A, side_NA = torch.arange(on_NA.shape[1]), on_NA.long()
    first_NA, next_NA = (log_A2YB[attribute_A, side_NA, best_A, bins_NY[:, best_A]] for best_A in best_2A)
    share_A, lead_NA = on_NA.double().mean(0), first_NA - next_NA
    surprise_NA = -torch.where(on_NA, share_A, 1 - share_A).log()
    entropy_A, lead_A = surprise_NA.mean(0), lead_NA.mean(0)
    values_A = lead_A / entropy_A
    influence_NA = (lead_NA - lead_A - values_A * (surprise_NA - entropy_A)) / entropy_A / len(on_NA)
    return Estimate(values_A, influence_NA)


def log_ratios(bins_NZ: Tensor, on_NA: Tensor) -> tuple[Tensor, Tensor]:
    """log p(b, v)/(p(b) p(v)) of each attribute off and on, dimension and bin, and its mean I(z; v) in nats.

    (A, 2, Z, B), 0 where no image is, and (A, Z); float64.
    """
    n, dimensions, bins = *bins_NZ.shape, int(bins_NZ.max()) + 1
    place_NZ = bins_NZ + bins * torch.arange(dimensions)
    counts = [[_count(place_NZ[on_N == side], dimensions * bins) for side in (False, True)] for on_N in on_NA.T]
    joint_A2ZB = torch.stack([torch.stack(sides) for sides in counts]).view(-1, 2, dimensions, bins).double() / n
    alone_A2ZB = joint_A2ZB.sum(1, keepdim=True) * joint_A2ZB.sum(3, keepdim=True)
    log_A2ZB = torch.where(joint_A2ZB > 0, joint_A2ZB / alone_A2ZB, 1.0).log()
    return log_A2ZB, (joint_A2ZB * log_A2ZB).sum((1, 3))


def _count(places: Tensor, length: int) -> Tensor:
    return torch.bincount(places.flatten(), minlength=length)
