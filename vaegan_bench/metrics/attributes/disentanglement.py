"""Whether each dimension of the code is about one factor, each factor in one dimension, and all of it in the code."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import Measurement, Metric, Outputs
from vaegan_bench.metrics.attributes.factors import factors_of, surprise, varies
from vaegan_bench.metrics.attributes.linear_probe import SEED, shuffle
from vaegan_bench.metrics.attributes.rows import Estimate, Kind, rows
from vaegan_bench.metrics.attributes.sparse_classifiers import Classifiers, fit_sparse
from vaegan_bench.metrics.features.sets import Protocol

DISENTANGLED = "dci-disentanglement"
COMPLETE = Kind("dci-completeness", "higher")
INFORMATIVE = Kind("dci-informativeness", "higher", least=-math.inf)


@dataclass(frozen=True, kw_only=True)
class Disentanglement(Metric):
    """Disentanglement, completeness and informativeness of codes (DCI; Eastwood & Williams, 2018, section 2).

    From the weights of sparse logistic regressions of each factor on the posterior means of training images, and from
    how well they predict held-out images. Factors are attributes where the data have no others. None for a model
    without an encoder, nor for a conditional one, whose encoder is given the attributes; no disentanglement of a single
    factor, and no completeness of codes of one dimension.
    """

    name: ClassVar[str] = "disentanglement"
    family: ClassVar[str] = "attributes"
    needs_model: ClassVar[bool] = True
    known_as: ClassVar[Mapping[str, str]] = {"dci": "disentanglement"}

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for codes that are not finite."""
        known = factors_of(outputs)
        known = known.only(varies(known.values_NF) & varies(known.train_MF))
        means_NZ, train_MZ = outputs.means, outputs.train_means
        if means_NZ is None or train_MZ is None or outputs.conditional or not known.names:
            return []
        means_NZ, train_MZ = means_NZ.cpu(), train_MZ.cpu()
        fitted = fit_sparse(train_MZ, known.train_MF, known.counts_F)
        chance = fit_sparse(train_MZ, shuffle(known.train_MF), known.counts_F)
        protocol = {"n_train": len(train_MZ), "n_real": len(means_NZ), known.word: len(known.names), "seed": SEED}
        shares_ZF, by_chance_ZF = importance(fitted), importance(chance)
        return [
            *disentanglement_rows(shares_ZF, by_chance_ZF, protocol),
            *completeness_rows(shares_ZF, by_chance_ZF, known.names, protocol),
            *rows(
                INFORMATIVE, informativeness(fitted, means_NZ, known.values_NF), known.names, protocol,
                ceiling_A=torch.ones(len(known.names)),
                floor_A=informativeness(chance, means_NZ, known.values_NF).values_A,
            ),
        ]  # fmt: skip


def disentanglement_rows(shares_ZF: Tensor, by_chance_ZF: Tensor, protocol: Protocol) -> list[Measurement]:
    """One row; none for a single factor, which every dimension is about."""
    if shares_ZF.shape[1] < 2:
        return []
    value, floor = disentanglement(shares_ZF), disentanglement(by_chance_ZF)
    return [Measurement(DISENTANGLED, value, "higher", "1", protocol, ceiling=1.0, floor=floor)]


def completeness_rows(
    shares_ZF: Tensor, by_chance_ZF: Tensor, names: Sequence[str], protocol: Protocol
) -> list[Measurement]:
    """The mean, and a row per factor; none for a single dimension, in which every factor is."""
    if shares_ZF.shape[0] < 2:
        return []
    complete = Estimate(completeness(shares_ZF), torch.zeros(1, len(names)))
    ceiling_F, floor_F = torch.ones(len(names)), completeness(by_chance_ZF)
    return rows(COMPLETE, complete, names, protocol, ceiling_A=ceiling_F, floor_A=floor_F)


def importance(fitted: Classifiers) -> Tensor:
    """The share of each dimension in the prediction of each factor, (Z, F); 0 for a factor that no dimension predicts.

    It is the sum of a dimension's absolute weights over the factor's values, over that of all dimensions.
    """
    size_ZF = fitted.weights_ZFV.abs().sum(2)
    return size_ZF / size_ZF.sum(0).clamp(min=torch.finfo(size_ZF.dtype).tiny)


def disentanglement(shares_ZF: Tensor) -> float:
    """1 − the entropy of a dimension's importance over factors, weighted by its importance.

    The weights are shares of all factors, so that those that no dimension predicts count as 0, as in completeness.
    """
    weight_Z = shares_ZF.sum(1) / shares_ZF.shape[1]
    return float((weight_Z * concentration(shares_ZF)).sum())


def completeness(shares_ZF: Tensor) -> Tensor:
    """1 − the entropy of a factor's importance over dimensions; 0 for a factor that no dimension predicts; (F,)."""
    return concentration(shares_ZF.T).where(shares_ZF.any(0), 0.0)


def concentration(size_RC: Tensor) -> Tensor:
    """1 − the entropy of each row, in units of the entropy of equal entries, of which there are at least two; (R,)."""
    shares_RC = size_RC / size_RC.sum(1, keepdim=True).clamp(min=torch.finfo(size_RC.dtype).tiny)
    entropy_R: Tensor = torch.special.entr(shares_RC).sum(1)
    return 1 - entropy_R / math.log(size_RC.shape[1])


def informativeness(fitted: Classifiers, z_NZ: Tensor, values_NF: Tensor) -> Estimate:
    """1 − cross-entropy over entropy: how much of each factor's entropy the classifiers explain."""
    cost_NF, surprise_NF = fitted.surprise(z_NZ, values_NF), surprise(values_NF)
    cost_F, entropy_F = cost_NF.mean(0), surprise_NF.mean(0)
    ratio_F = cost_F / entropy_F
    influence_NF = -(cost_NF - cost_F - ratio_F * (surprise_NF - entropy_F)) / entropy_F / len(values_NF)
    return Estimate(1 - ratio_F, influence_NF)
