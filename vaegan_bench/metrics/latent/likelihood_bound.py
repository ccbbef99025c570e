"""How likely held-out images are under a model, at least."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Measurement, Metric, Outputs, Posterior, at_least
from vaegan_bench.metrics.features.sets import Protocol
from vaegan_bench.metrics.intervals import Z, around

SEED = 2020
BATCH = 256
"""Codes that are decoded at a time, at most."""
LEVEL = 127.5
"""Grey levels in one unit of images in [-1, 1]: a density per level is smaller by this factor, in each dimension."""


@dataclass(frozen=True, kw_only=True)
class LikelihoodBound(Metric):
    """Importance-weighted lower bound on log p(x), in nats and in bits per dimension (Burda et al., 2016, eq. 8).

    Of 8-bit images under uniform dequantisation, so that it bounds the logarithm of a probability. None for a model
    without an encoder, or without a likelihood of pixels that is a density. Floors are those of uniform noise.
    """

    name: ClassVar[str] = "likelihood-bound"
    family: ClassVar[str] = "latent"
    needs_model: ClassVar[bool] = True

    codes: int = 64
    """K, the number of draws from the posterior of each image: more of them tighten the bound."""
    images: int = 256
    """How many held-out images are looked at."""

    def __post_init__(self) -> None:
        at_least(self, codes=1, images=1)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for posteriors that are not finite."""
        if outputs.posterior is None:
            return []
        x_NCHW = dequantise(outputs.real[: self.images])
        weights_NK = log_weights(outputs, x_NCHW, self.codes)
        if weights_NK is None:
            return []
        nats_N = bound(weights_NK) - x_NCHW[0].numel() * math.log(LEVEL)
        nats, reach = float(nats_N.mean()), Z * float(nats_N.std()) / len(nats_N) ** 0.5 if len(nats_N) > 1 else None
        protocol: Protocol = {"n_real": len(nats_N), "codes": self.codes, "dequantisation": "uniform", "seed": SEED}
        bit = -x_NCHW[0].numel() * math.log(2)  # one bit per dimension in nats, negative
        bits, reach_in_bits = nats / bit, None if reach is None else -reach / bit
        return [
            Measurement(self.name, nats, "higher", "nats", protocol, **around(nats, reach), floor=8 * bit),
            Measurement(
                "bits-per-dimension", bits, "lower", "bits", protocol, **around(bits, reach_in_bits), floor=8.0
            ),
        ]


def dequantise(images_NCHW: Tensor) -> Tensor:
    """8-bit images in [-1, 1], each value anywhere within its grey level (Theis et al., 2016, section 3.1); float32."""
    noise = torch.Generator().manual_seed(SEED)
    within = torch.rand(images_NCHW.shape, generator=noise) - 0.5
    return (images_NCHW.cpu().float() + within) / LEVEL - 1


def bound(log_weights_NK: Tensor) -> Tensor:
    """log (1/K) Σ w of each image, a lower bound on log p(x) in expectation (Burda et al., 2016, eq. 8); (N,)."""
    return log_weights_NK.logsumexp(1) - math.log(log_weights_NK.shape[1])


def log_weights(outputs: Outputs, x_NCHW: Tensor, codes: int) -> Tensor | None:
    """log p(x|z) + log p(z) − log q(z|x) of K codes from each image's posterior; (N, K) float64.

    `x_NCHW` are the first held-out images, dequantised. None where the model has no likelihood of pixels.
    """
    assert outputs.posterior is not None
    posterior = Posterior(*(part[: len(x_NCHW)] for part in outputs.posterior))
    if not all(part.isfinite().all() for part in posterior):
        raise BenchError("Posteriors of held-out images are NaN or infinite.")
    conditions_NA, noise = outputs.data.test.conditions, torch.Generator().manual_seed(SEED + 1)
    found, step = [], max(1, BATCH // codes)
    for first in range(0, len(x_NCHW), step):
        rows = slice(first, min(first + step, len(x_NCHW)))
        z_MZ, against_M = draw(Posterior(*(part[rows] for part in posterior)), codes, noise)
        likelihood_M = log_likelihood(outputs, x_NCHW[rows], conditions_NA[rows], z_MZ)
        if likelihood_M is None:
            return None
        found.append((likelihood_M + against_M).view(-1, codes))
        outputs.progress("bounding log p(x)", rows.stop, len(x_NCHW))
    return torch.cat(found)


def log_likelihood(outputs: Outputs, x_NCHW: Tensor, conditions_NA: Tensor, z_MZ: Tensor) -> Tensor | None:
    """log p(x|z) of equally many codes of each image, a batch at a time: one may have more than that; (M,) float64."""
    image_M = torch.arange(len(x_NCHW)).repeat_interleave(len(z_MZ) // len(x_NCHW))
    found = []
    for image_B, z_BZ in zip(image_M.split(BATCH), z_MZ.split(BATCH), strict=True):
        given_BA = conditions_NA[image_B] if outputs.conditional else None
        likelihood_B = outputs.log_likelihood(x_NCHW[image_B], z_BZ, given_BA)
        if likelihood_B is None:
            return None
        found.append(likelihood_B)
    return torch.cat(found)


def draw(posterior: Posterior, codes: int, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    """K codes from each posterior, and log p(z) − log q(z|x) of each, with p = N(0, I); (B·K, Z) and (B·K,) float64."""
    mu_MZ, logvar_MZ = (part.repeat_interleave(codes, 0).double() for part in posterior)
    epsilon_MZ = torch.randn(mu_MZ.shape, generator=noise, dtype=torch.float64)
    z_MZ = mu_MZ + (0.5 * logvar_MZ).exp() * epsilon_MZ
    return z_MZ.float(), 0.5 * (epsilon_MZ.square() + logvar_MZ - z_MZ.square()).sum(1)
