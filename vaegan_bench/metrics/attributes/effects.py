"""Codes moved along the vectors of attributes, and what the oracle then sees in their images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Extractor, Outputs


class Trial(NamedTuple):
    """Codes to be moved, the vectors to move them along, and the oracle's decisions before; on the CPU."""

    codes_NZ: Tensor
    images_NCHW: Tensor
    """The codes, decoded; uint8."""
    before_NA: Tensor
    """The oracle's decisions on these images; bool."""
    without_NA: Tensor
    """Which images lack which attribute, and so may get it; bool."""
    vectors_AZ: Tensor
    known_A: Tensor
    """The attributes that the oracle knows; bool."""

    def measurable_attributes(self) -> list[int]:
        """The known attributes that have a vector and that some image lacks."""
        has_A = self.vectors_AZ.isfinite().all(1) & self.without_NA.any(0)
        return (self.known_A & has_A).nonzero().flatten().tolist()

    def places(self, attribute: int, most: int) -> Tensor:
        """The places of the first images without the attribute; (n,), n ≤ most."""
        return self.without_NA[:, attribute].nonzero().flatten()[:most]


class Effect(NamedTuple):
    """The effect of moving n codes along one vector on their images; float64."""

    crossed_NA: Tensor
    """1 where the oracle sees the attribute now and did not before, −1 the other way round, 0 elsewhere."""
    change_N: Tensor
    """Mean absolute difference of pixels, on [0, 1]."""

    def first(self, n: int) -> Effect:
        """The effect on the first n images."""
        return Effect(self.crossed_NA[:n], self.change_N[:n])

    def flips(self, attribute: int) -> Tensor:
        """1 where the attribute appeared, 0 elsewhere; (n,)."""
        return self.crossed_NA[:, attribute].clamp(min=0)

    def leakage(self, attribute: int, known_A: Tensor) -> Tensor:
        """The share of decisions on the other known attributes that changed; (n,), NaN where there are no others."""
        others_A = known_A.clone()
        others_A[attribute] = False
        return self.crossed_NA[:, others_A].abs().mean(1)


Effects = Mapping[int, Effect]
"""Attribute → the effect of its vector."""


def attribute_vectors(codes_MZ: Tensor, attributes_MA: Tensor) -> Tensor:
    """mean(z|on) − mean(z|off) per attribute, float64; (A, Z), NaN where all images have the attribute, or none.

    Raises `BenchError` for codes that are not finite.
    """
    if not codes_MZ.isfinite().all():
        raise BenchError("Codes for attribute vectors are NaN or infinite.")
    z_MZ, on_MA = codes_MZ.cpu().double(), attributes_MA.cpu().double()
    with_AZ: Tensor = on_MA.T @ z_MZ / on_MA.sum(0)[:, None]
    without_AZ: Tensor = (1 - on_MA).T @ z_MZ / (1 - on_MA).sum(0)[:, None]
    return with_AZ - without_AZ


def random_vectors(vectors_AZ: Tensor, seed: int) -> Tensor:
    """Directions drawn uniformly, each as long as the vector in its place; (A, Z)."""
    random_AZ = torch.randn(vectors_AZ.shape, generator=torch.Generator().manual_seed(seed), dtype=vectors_AZ.dtype)
    longer_A: Tensor = vectors_AZ.norm(dim=1) / random_AZ.norm(dim=1)
    return random_AZ * longer_A[:, None]


def decisions(outputs: Outputs, oracle: Extractor, images_NCHW: Tensor) -> Tensor:
    """Which attributes the oracle sees; (N, A) bool on the CPU."""
    return outputs.network(oracle)(images_NCHW).logits_NK.cpu() > 0


def effect(outputs: Outputs, oracle: Extractor, trial: Trial, attribute: int, alpha: float, most: int) -> Effect:
    """Move the first codes without the attribute by α times its vector, decode them, and compare."""
    places_N = trial.places(attribute, most)
    codes_NZ, before_NCHW = trial.codes_NZ[places_N], trial.images_NCHW[places_N]
    after_NCHW = outputs.decode(codes_NZ + alpha * trial.vectors_AZ[attribute].to(codes_NZ))
    crossed_NA = decisions(outputs, oracle, after_NCHW).double() - trial.before_NA[places_N].double()
    change_NP = (after_NCHW.double() - before_NCHW.double()).abs().flatten(1) / 255
    return Effect(crossed_NA, change_NP.mean(1))


def effects(outputs: Outputs, oracle: Extractor, trial: Trial, alpha: float, most: int) -> Effects:
    """The effect of the vector of each attribute that can be measured."""
    return {a: effect(outputs, oracle, trial, a, alpha, most) for a in trial.measurable_attributes()}


def flips(found: Effects, trial: Trial) -> Tensor:
    """1 where an image got the attribute, 0 where not, NaN where it was not moved; (N, A) float64."""
    return in_places({a: one.flips(a) for a, one in found.items()}, trial)


def leakage(found: Effects, trial: Trial) -> Tensor:
    """The share of other decisions that changed, NaN where an image was not moved; (N, A) float64."""
    return in_places({a: one.leakage(a, trial.known_A) for a, one in found.items()}, trial)


def in_places(values: Mapping[int, Tensor], trial: Trial) -> Tensor:
    """Values of the first images without each attribute, in these images' places; (N, A) float64, NaN elsewhere."""
    all_NA = torch.full(trial.without_NA.shape, torch.nan, dtype=torch.float64)
    for attribute, values_N in values.items():
        all_NA[trial.places(attribute, len(values_N)), attribute] = values_N
    return all_NA
