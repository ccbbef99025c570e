"""Attribute vectors compared where they do equally much: at the length that flips half of the images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import Extractor, Outputs
from vaegan_bench.metrics.attributes.effects import Effects, Trial, effect
from vaegan_bench.metrics.attributes.rows import Estimate
from vaegan_bench.metrics.extractors.attribute_scores import influence_on_mean

ALPHAS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""How far codes are moved, one after the other, until half of the images flip."""
HALF = 0.5
IMAGES = 128
"""The most images per attribute; a weak vector needs all of the shifts in `ALPHAS`."""


class Point(NamedTuple):
    """The effect of a shift by α on n images, float64: whether they flipped, their leakage and their change."""

    alpha: float
    flips_N: Tensor
    leakage_N: Tensor
    change_N: Tensor

    def measures(self) -> Tensor:
        """α, leakage and change; (n, 3)."""
        return torch.stack([torch.full_like(self.flips_N, self.alpha), self.leakage_N, self.change_N], 1)


class Match(NamedTuple):
    """α, leakage and change where half of the images flip, and how far each image moves them."""

    values_3: Tensor
    influence_N3: Tensor


def find_matches(
    outputs: Outputs, oracle: Extractor, trial: Trial, done: Mapping[float, Effects], most: int
) -> dict[int, Match]:
    """The match of each attribute whose vector reaches one; `done` holds effects that are known, by α."""
    walks = {a: walk(outputs, oracle, trial, a, done, most) for a in trial.measurable_attributes()}
    return {a: match for a, points in walks.items() if (match := first_match(points)) is not None}


def walk(
    outputs: Outputs, oracle: Extractor, trial: Trial, attribute: int, done: Mapping[float, Effects], most: int
) -> Iterator[Point]:
    """The points for α = 0, where nothing changes, and for each of `ALPHAS`; each shift is computed only on demand."""
    nothing_N = torch.zeros(len(trial.places(attribute, most)), dtype=torch.float64)
    yield Point(0.0, nothing_N, nothing_N, nothing_N)
    for alpha in ALPHAS:
        known = done.get(alpha, {}).get(attribute)
        found = known.first(most) if known is not None else effect(outputs, oracle, trial, attribute, alpha, most)
        yield Point(alpha, found.flips(attribute), found.leakage(attribute, trial.known_A), found.change_N)


def first_match(points: Iterable[Point]) -> Match | None:
    """Where the straight lines between the points first reach a flip rate of ½; None where they never do."""
    for before, after in pairwise(points):
        if after.flips_N.mean() >= HALF:
            return between(before, after)
    return None


def between(before: Point, after: Point) -> Match:
    """The match on the line between two points, the first with a flip rate below ½, the second with one of at least ½.

    Each image influences the place on the line where the flip rate is ½, and the values there (delta method).
    """
    rise_N, step_N3 = after.flips_N - before.flips_N, after.measures() - before.measures()
    share = (HALF - before.flips_N.mean()) / rise_N.mean()
    there_N3 = before.measures() + share * step_N3
    flips_N1 = (before.flips_N + share * rise_N)[:, None]
    moves_share_N1 = -_influence(flips_N1) / rise_N.mean()
    return Match(there_N3.mean(0), _influence(there_N3) + moves_share_N1 * step_N3.mean(0))


def estimates(found: Mapping[int, Match], trial: Trial) -> list[Estimate]:
    """α, leakage and change at the match, per attribute; NaN for those that have none."""
    values_A3 = torch.full((len(trial.known_A), 3), torch.nan, dtype=torch.float64)
    for attribute, match in found.items():
        values_A3[attribute] = match.values_3
    influence_3NA = torch.zeros(3, *trial.without_NA.shape, dtype=torch.float64)
    for attribute, match in found.items():
        places_N = trial.places(attribute, len(match.influence_N3))
        influence_3NA[:, places_N, attribute] = match.influence_N3.T
    return [Estimate(values_A, influence_NA) for values_A, influence_NA in zip(values_A3.T, influence_3NA, strict=True)]


def _influence(values_NK: Tensor) -> Tensor:
    return influence_on_mean(values_NK, torch.ones_like(values_NK, dtype=torch.bool))
