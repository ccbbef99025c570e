"""How good samples would be if the prior were a Gaussian that fits the codes of the training images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Extractor, Measurement, Metric, Outputs, Posterior
from vaegan_bench.metrics.extractors.native import Native
from vaegan_bench.metrics.features.sets import check_features, column, protocol_of
from vaegan_bench.metrics.samples.frechet import frechet_distance, moments_of_real

SEED = 2020


@dataclass(frozen=True, kw_only=True)
class FittedFrechet(Metric):
    """Fréchet distance of images decoded from a Gaussian fitted to training images' codes (Ghosh et al., 2020).

    'fitted-fid' on Inception's features, 'fitted-frechet[…]' on any other; lower is better. By how much it is below
    `frechet` is what the gap between prior and aggregate posterior costs; the rest is the decoder's. None for a model
    without an encoder.
    """

    name: ClassVar[str] = "fitted-frechet"
    family: ClassVar[str] = "sample quality"
    needs_model: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "extractor"
    known_as: ClassVar[Mapping[str, str]] = {"fitted-fid": "fitted-frechet[extractor=inception]"}

    extractor: Extractor = field(default_factory=Native)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure on as many images as there are samples; raises `BenchError` as `frechet` does, and for broken codes.

        A conditional model decodes with the attributes that its samples have.
        """
        if outputs.train_posterior is None:
            return []
        images_NCHW = outputs.decode(draw(outputs.train_posterior, len(outputs.samples)))
        network = outputs.network(self.extractor)
        fake_NF = check_features(network(images_NCHW, outputs.progress).features_NF, "samples")
        value = frechet_distance(moments_of_real(outputs, self.extractor, fake_NF), fake_NF)
        numbers = {"n_real": len(outputs.real), "n_fake": len(fake_NF), "n_train": len(outputs.train_posterior.mu_BZ)}
        protocol = {**protocol_of(outputs, self.extractor), **numbers, "seed": SEED}
        return [Measurement(column(self.name, outputs, self.extractor, "fitted-fid"), value, "lower", "1", protocol)]


def draw(posterior: Posterior, n: int) -> Tensor:
    """Codes from the Gaussian with the mean and the covariance of the aggregate posterior; (n, Z) float32.

    Raises `BenchError` for codes that are NaN or infinite.
    """
    mean_Z, covariance_ZZ = aggregate(posterior)
    if not covariance_ZZ.isfinite().all():
        raise BenchError("Posteriors of training images are NaN or infinite.")
    noise = torch.Generator().manual_seed(SEED)
    epsilon_NZ = torch.randn(n, len(mean_Z), generator=noise, dtype=torch.float64)
    root_ZZ: Tensor = torch.linalg.cholesky(covariance_ZZ)
    return (mean_Z + epsilon_NZ @ root_ZZ.T).float()


def aggregate(posterior: Posterior) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the mean over images of q(z|x), in float64.

    The covariance is that of the posterior means plus the mean of the posterior variances.
    """
    mu_NZ, variance_NZ = posterior.mu_BZ.double(), posterior.logvar_BZ.double().exp()
    mean_Z = mu_NZ.mean(0)
    centred_NZ = mu_NZ - mean_Z
    return mean_Z, centred_NZ.T @ centred_NZ / len(mu_NZ) + variance_NZ.mean(0).diag()
