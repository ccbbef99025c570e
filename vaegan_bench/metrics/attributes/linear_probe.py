"""How well a linear classifier on the codes recognises each attribute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from vaegan_bench.api import BenchError, Extractor, Measurement, Metric, Outputs
from vaegan_bench.metrics.attributes.rows import Kind, auc, rows
from vaegan_bench.metrics.attributes.usable_attributes import oracle_logits, truth, truth_in_training
from vaegan_bench.metrics.extractors.attribute_scores import area_under_roc
from vaegan_bench.metrics.extractors.oracle import Oracle

ITERATIONS, HALVINGS = 100, 30
TOLERANCE = 1e-5
"""Of the gradient of the summed cost."""
ROUNDING = 1e-12
SEED = 2020
PROBE_AUC = Kind("probe-auc", "higher")


@dataclass(frozen=True, kw_only=True)
class LinearProbe(Metric):
    """Held-out AUC of logistic regressions on posterior means, fitted on training images (Alain & Bengio, 2017).

    Per attribute that some images have and some have not, and in their mean; none for a model without an encoder, nor
    for a conditional one, whose encoder is given the attributes.
    It says what the code holds, not what decoded images show: the oracle, which sees the images, is the ceiling.
    """

    name: ClassVar[str] = "linear-probe"
    family: ClassVar[str] = "attributes"
    needs_model: ClassVar[bool] = True

    extractor: Extractor = field(default_factory=Oracle)
    """The extractor whose AUC on the held-out images is the ceiling."""

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; no rows where the model has no encoder or is conditional, or where no attribute varies."""
        means_NZ, train_MZ = outputs.means, outputs.train_means
        if means_NZ is None or train_MZ is None or outputs.conditional or not outputs.data.attribute_names:
            return []
        on_MA, on_NA = truth_in_training(outputs), truth(outputs)
        varies_A = on_MA.any(0) & ~on_MA.all(0) & on_NA.any(0) & ~on_NA.all(0)
        if not varies_A.any():
            return []
        on_MA, on_NA = on_MA[:, varies_A], on_NA[:, varies_A]
        ceiling_A = area_under_roc(oracle_logits(outputs, self.extractor, "real")[:, varies_A], on_NA)
        logits_NA = fit_probes(train_MZ.cpu(), on_MA).logits(means_NZ.cpu())
        floor_A = area_under_roc(fit_probes(train_MZ.cpu(), shuffle(on_MA)).logits(means_NZ.cpu()), on_NA)
        names = [name for name, varies in zip(outputs.data.attribute_names, varies_A.tolist(), strict=True) if varies]
        protocol = {"n_train": len(train_MZ), "n_real": len(means_NZ), "attributes": len(names)}
        return rows(PROBE_AUC, auc(logits_NA, on_NA), names, protocol, ceiling_A=ceiling_A, floor_A=floor_A)


def shuffle(on_MA: Tensor) -> Tensor:
    """The attributes with images in random order; those of one image stay together."""
    return on_MA[torch.randperm(len(on_MA), generator=torch.Generator().manual_seed(SEED))]


class Probes(NamedTuple):
    """One logistic regression per attribute, float64."""

    centre_Z: Tensor
    spread_Z: Tensor
    weights_ZA: Tensor
    bias_A: Tensor

    def logits(self, z_NZ: Tensor) -> Tensor:
        """The log odds of each attribute; (N, A)."""
        return (z_NZ.double() - self.centre_Z) / self.spread_Z @ self.weights_ZA + self.bias_A


def fit_probes(z_MZ: Tensor, on_MA: Tensor) -> Probes:
    """Fit all attributes at once on standardised codes: ½|w|² plus the summed cross-entropy, the bias without penalty.

    By Newton's method, with steps halved while they raise the cost. Raises `BenchError` for codes that are not finite.
    """
    on_MA = on_MA.double()
    centre_Z, spread_Z = standard(z_MZ)
    x_MY = F.pad((z_MZ.double() - centre_Z) / spread_Z, (0, 1), value=1.0)
    weights_YA = x_MY.new_zeros(x_MY.shape[1], on_MA.shape[1])
    for _ in range(ITERATIONS):
        gradient_YA, move_YA = newton_move(x_MY, on_MA, weights_YA)
        if gradient_YA.abs().max() < TOLERANCE:
            break
        weights_YA = weights_YA - descending(x_MY, on_MA, weights_YA, move_YA)
    return Probes(centre_Z, spread_Z, weights_YA[:-1], weights_YA[-1])


def standard(z_MZ: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each dimension, float64; raises `BenchError` for codes that are not finite."""
    if not z_MZ.isfinite().all():
        raise BenchError("Posterior means of training images are NaN or infinite.")
    centre_Z, spread_Z = z_MZ.double().mean(0), z_MZ.double().std(0, correction=0)
    return centre_Z, torch.where(spread_Z > 0, spread_Z, torch.ones_like(spread_Z))  # a constant dimension becomes 0


def cost(x_MY: Tensor, on_MA: Tensor, weights_YA: Tensor) -> Tensor:
    """Summed cross-entropy and ½|w|² of each attribute; the last weight is the bias; (A,)."""
    entropy_MA = F.binary_cross_entropy_with_logits(x_MY @ weights_YA, on_MA, reduction="none")
    return entropy_MA.sum(0) + 0.5 * weights_YA[:-1].square().sum(0)


def newton_move(x_MY: Tensor, on_MA: Tensor, weights_YA: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient of the cost, and the inverse of its second derivatives times that; (Y, A) each.

    The second derivatives, which take most of the time, are in float32: they decide how many steps it takes to the
    minimum, and not where that is.
    """
    punished_Y = torch.ones_like(x_MY[0])
    punished_Y[-1] = 0
    p_MA = torch.sigmoid(x_MY @ weights_YA)
    gradient_YA = x_MY.T @ (p_MA - on_MA) + punished_Y[:, None] * weights_YA
    rough_MY, curvature_AM = x_MY.float(), (p_MA * (1 - p_MA)).float().T
    curved_AYY = torch.stack([(rough_MY * v_M[:, None]).T @ rough_MY for v_M in curvature_AM]) + punished_Y.diag()
    return gradient_YA, torch.linalg.solve(curved_AYY, gradient_YA.T[:, :, None])[:, :, 0].T


def descending(x_MY: Tensor, on_MA: Tensor, weights_YA: Tensor, move_YA: Tensor) -> Tensor:
    """The move, halved for each attribute until its cost does not rise."""
    before_A = cost(x_MY, on_MA, weights_YA)
    for _ in range(HALVINGS):
        rises_A = cost(x_MY, on_MA, weights_YA - move_YA) > before_A * (1 + ROUNDING)
        if not rises_A.any():
            break
        move_YA = torch.where(rises_A, move_YA / 2, move_YA)
    return move_YA
