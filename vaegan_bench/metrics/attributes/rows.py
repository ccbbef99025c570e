"""Numbers per attribute with their intervals over images, and the rows that show them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import Direction, Measurement
from vaegan_bench.metrics.extractors.attribute_scores import area_under_roc, influence_on_auc, influence_on_mean
from vaegan_bench.metrics.features.sets import Protocol
from vaegan_bench.metrics.intervals import Z, wilson

Ends = tuple[float | None, float | None]
NO_INTERVAL: Ends = (None, None)


class Estimate(NamedTuple):
    """One number per attribute, float64, and how far each image moves it."""

    values_A: Tensor
    """NaN where there is no number."""
    influence_NA: Tensor
    """Its squares, summed over images, are the variance of the number."""
    ends_A2: Tensor | None = None
    """Intervals of the single attributes, where there are better ones than the normal approximation."""

    def only(self, known_A: Tensor) -> Estimate:
        """The same estimate, without numbers for attributes outside `known_A`."""
        return self._replace(values_A=torch.where(known_A, self.values_A, torch.nan))

    def mean(self) -> Estimate:
        """The mean over the attributes that have a number, each counting equally, as one column."""
        has_A = self.values_A.isfinite()
        return Estimate(self.values_A[has_A].mean()[None], self.influence_NA[:, has_A].mean(1, keepdim=True))

    def interval(self, attribute: int, kind: Kind) -> Ends:
        """The 95 % interval, kept within the kind's range; none where the images do not differ, or are too few."""
        if self.ends_A2 is not None:
            low, high = self.ends_A2[attribute].tolist()
            return low, high
        value, reach = float(self.values_A[attribute]), Z * float(self.influence_NA[:, attribute].norm())
        if not reach > 0:
            return NO_INTERVAL
        return max(kind.least, value - reach), min(kind.most, value + reach)


class Kind(NamedTuple):
    """The kind of number in a row: its metric, direction, units and range."""

    metric: str
    direction: Direction
    units: str = "1"
    least: float = 0.0
    most: float = 1.0


def auc(scores_NA: Tensor, truth_NA: Tensor) -> Estimate:
    """The area under the ROC curve per attribute, with DeLong's intervals."""
    return Estimate(area_under_roc(scores_NA, truth_NA), influence_on_auc(scores_NA, truth_NA))


def means(values_NA: Tensor) -> Estimate:
    """The mean over images per attribute; NaN marks what was not measured."""
    among_NA = ~values_NA.isnan()
    return Estimate(values_NA.double().nanmean(0), influence_on_mean(values_NA, among_NA))


def shares(hits_NA: Tensor) -> Estimate:
    """The share of hits per attribute, from 1, 0, and NaN for what was not measured, with Wilson's intervals."""
    counted_A, hits_A = (~hits_NA.isnan()).sum(0).tolist(), hits_NA.nansum(0).tolist()
    ends = [wilson(int(hits), n) if n else (math.nan, math.nan) for hits, n in zip(hits_A, counted_A, strict=True)]
    return means(hits_NA)._replace(ends_A2=torch.tensor(ends, dtype=torch.float64))


def rows(
    kind: Kind,
    estimate: Estimate,
    names: Sequence[str],
    protocol: Protocol,
    *,
    overall: Estimate | None = None,
    ceiling_A: Tensor | None = None,
    floor_A: Tensor | None = None,
) -> list[Measurement]:
    """The mean over attributes (or `overall`), then one row per attribute that has a number; none where none has.

    The ceiling and the floor of the mean are those of the same attributes.
    """
    has_A = estimate.values_A.isfinite()
    if not has_A.any():
        return []
    bounds_A = [None if bound_A is None else bound_A[has_A].double() for bound_A in (ceiling_A, floor_A)]
    whole = overall or estimate.mean()
    found = [_row(kind, whole, 0, "", protocol, [None if b is None else b.mean() for b in bounds_A])]
    for place, attribute in enumerate(has_A.nonzero().flatten().tolist()):
        bounds = [None if b is None else b[place] for b in bounds_A]
        found.append(_row(kind, estimate, attribute, names[attribute], protocol, bounds))
    return found


def _row(
    kind: Kind, estimate: Estimate, attribute: int, name: str, protocol: Protocol, bounds: Sequence[Tensor | None]
) -> Measurement:
    low, high = estimate.interval(attribute, kind)
    ceiling, floor = (None if bound is None or bound.isnan() else float(bound) for bound in bounds)
    value = float(estimate.values_A[attribute])
    return Measurement(kind.metric, value, kind.direction, kind.units, protocol, name, low, high, ceiling, floor)
