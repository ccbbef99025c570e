"""Multinomial logistic regressions of factors on codes with an L1 penalty, which leave dimensions out."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from vaegan_bench.metrics.attributes.linear_probe import SEED, standard

STRENGTHS = tuple(10 ** (-g / 2) for g in range(1, 7))
"""Penalties that are compared, as shares of the smallest that leaves out every dimension, which is compared, too."""
HELD_BACK = 5
"""One in this many training images is held back to compare penalties."""
ERRORS = 2
"""The standard errors by which a larger penalty may be worse than the best."""
ITERATIONS = 300
TOLERANCE = 1e-4
"""Of the weights, per iteration."""


class Classifiers(NamedTuple):
    """One multinomial logistic regression per factor, float64."""

    centre_Z: Tensor
    spread_Z: Tensor
    weights_ZFV: Tensor
    """0 for dimensions that are left out."""
    bias_FV: Tensor
    """−∞ for values that a factor does not have."""

    def surprise(self, z_NZ: Tensor, values_NF: Tensor) -> Tensor:
        """−log of the probability of each image's value, in nats; (N, F)."""
        return _surprise(self.logits(z_NZ), values_NF)

    def logits(self, z_NZ: Tensor) -> Tensor:
        """(N, F, V)."""
        x_NZ = (z_NZ.double() - self.centre_Z) / self.spread_Z
        return torch.einsum("nz,zfv->nfv", x_NZ, self.weights_ZFV) + self.bias_FV


class Problem(NamedTuple):
    """Standardised codes with a column of ones, and the values of each factor, one-hot."""

    x_MY: Tensor
    hot_MFV: Tensor
    counts_F: Tensor
    """How many values each factor has."""


def fit_sparse(z_MZ: Tensor, values_MF: Tensor, counts_F: Tensor) -> Classifiers:
    """Fit all factors at once, each with the penalty that is chosen for it on images that were held back.

    `counts_F` says how many values each has. The penalty is the largest that is not clearly worse there than the best.
    Raises `BenchError` for codes that are not finite.
    """
    centre_Z, spread_Z = standard(z_MZ)
    x_MY = F.pad((z_MZ.double() - centre_Z) / spread_Z, (0, 1), value=1.0)
    order_M = torch.randperm(len(x_MY), generator=torch.Generator().manual_seed(SEED))
    back_M, fit_M = order_M[: len(order_M) // HELD_BACK], order_M[len(order_M) // HELD_BACK :]
    hot_MFV = F.one_hot(values_MF[fit_M], int(counts_F.max())).double()
    path_GYFV = path(Problem(x_MY[fit_M], hot_MFV, counts_F))
    costs_GMF = torch.stack([_surprise(_logits(x_MY[back_M], w), values_MF[back_M]) for w in path_GYFV])
    chosen_F, factor_F = choose(costs_GMF), torch.arange(values_MF.shape[1])
    weights_YFV = path_GYFV[chosen_F, :, factor_F].transpose(0, 1)
    return Classifiers(centre_Z, spread_Z, weights_YFV[:-1], weights_YFV[-1])


def path(given: Problem) -> Tensor:
    """The fit without weights, then one for each of `STRENGTHS`, largest penalty first; (G, Y, F, V), biases last."""
    found = [without_weights(given)]
    most_F = slope(given, found[0])[:-1].abs().amax((0, 2))
    for strength in STRENGTHS:
        found.append(descend(given, strength * most_F, found[-1]))
    return torch.stack(found)


def without_weights(given: Problem) -> Tensor:
    """Biases alone: the logarithms of shares, with half an image more for each value, since some may be absent."""
    values = given.hot_MFV.shape[2]
    has_FV = torch.arange(values) < given.counts_F[:, None]
    bias_FV = (given.hot_MFV.sum(0) + 0.5).masked_fill(~has_FV, 0.0).log().log_softmax(1)
    return torch.cat([bias_FV.new_zeros(given.x_MY.shape[1] - 1, *bias_FV.shape), bias_FV[None]])


def descend(given: Problem, penalty_F: Tensor, start_YFV: Tensor) -> Tensor:
    """Minimise mean cross-entropy + penalty · |weights|₁, biases without penalty (FISTA: Beck & Teboulle, 2009).

    Its momentum starts again whenever it points uphill (O'Donoghue & Candès, 2015, 3.2). The step is one over the
    largest curvature, where that of a softmax is at most ½ (Böhning, 1992).
    """
    step = float(2 * len(given.x_MY) / torch.linalg.eigvalsh(given.x_MY.T @ given.x_MY)[-1])
    here_YFV = ahead_YFV = start_YFV
    speed = 1.0
    for _ in range(ITERATIONS):
        next_YFV = shrink(ahead_YFV - step * slope(given, ahead_YFV), step * penalty_F)
        moved_YFV = (next_YFV - here_YFV).nan_to_num()  # values that a factor does not have stay at −∞
        if ((ahead_YFV - next_YFV).nan_to_num() * moved_YFV).sum() > 0:
            speed = 1.0
        faster = (1 + math.sqrt(1 + 4 * speed**2)) / 2
        here_YFV, ahead_YFV = next_YFV, next_YFV + (speed - 1) / faster * moved_YFV
        if moved_YFV.abs().max() < TOLERANCE * (1 + here_YFV[:-1].abs().max()):
            break
        speed = faster
    return here_YFV


def slope(given: Problem, weights_YFV: Tensor) -> Tensor:
    """The gradient of the mean cross-entropy."""
    off_MFV = _logits(given.x_MY, weights_YFV).softmax(2) - given.hot_MFV
    return (given.x_MY.T @ off_MFV.flatten(1)).view_as(weights_YFV) / len(off_MFV)


def shrink(weights_YFV: Tensor, reach_F: Tensor) -> Tensor:
    """Soft thresholding: weights nearer to 0 by `reach_F`, and 0 where they are within it; biases unchanged."""
    punished_YFV = weights_YFV[:-1]
    nearer_YFV = punished_YFV.sign() * (punished_YFV.abs() - reach_F[:, None]).clamp(min=0)
    return torch.cat([nearer_YFV, weights_YFV[-1:]])


def choose(costs_GMF: Tensor) -> Tensor:
    """The first place in the path whose mean cost is within two standard errors of the smallest; (F,).

    The errors are those of the differences in cost of the same images: costs alone differ much less between images
    where a classifier knows nothing. With one error, that of the costs, it is the rule of Breiman et al. (1984, 3.4.3).
    """
    best_F, factor_F = costs_GMF.mean(1).argmin(0), torch.arange(costs_GMF.shape[2])
    worse_GMF = costs_GMF - costs_GMF[best_F, :, factor_F].T
    error_GF = worse_GMF.std(1) / math.sqrt(worse_GMF.shape[1])
    return (worse_GMF.mean(1) <= ERRORS * error_GF).int().argmax(0)


def _logits(x_MY: Tensor, weights_YFV: Tensor) -> Tensor:
    slopes_YK = weights_YFV[:-1].flatten(1)
    return (x_MY[:, :-1] @ slopes_YK).view(-1, *weights_YFV.shape[1:]) + weights_YFV[-1]


def _surprise(logits_MFV: Tensor, values_MF: Tensor) -> Tensor:
    return -logits_MFV.log_softmax(2).gather(2, values_MF[:, :, None])[:, :, 0]
