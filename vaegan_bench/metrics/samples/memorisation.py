"""Does a generator repeat itself, or the training images?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Exhibits, Extractor, ImagePairs, Measurement, Metric, Outputs, Progress, silent
from vaegan_bench.metrics.extractors.native import Native
from vaegan_bench.metrics.features.pairs import around
from vaegan_bench.metrics.features.sets import check_features, protocol_of, to_float64_device
from vaegan_bench.metrics.intervals import wilson
from vaegan_bench.metrics.samples.near_images import have_near, nearest_pairs
from vaegan_bench.metrics.samples.neighbours import Neighbours, nearest_among, nearest_others
from vaegan_bench.system.memo import memo

NEAR = 0.05
"""Images nearer than this share of the usual distance between real images are duplicates."""
SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Memorisation(Metric):
    """Near-duplicates among samples, and authenticity: samples that are no copies (Alaa et al., 2022, section 3).

    'duplicates': the share of samples with another sample nearer than 5 % of the real images' root-mean-square
    pairwise distance, pixel by pixel; lower is better. 'authenticity[…]': the share of samples that are farther from
    their nearest training image than that one is from its own nearest other, in feature space. It is read beside its
    ceiling, that of held-out images: below, there are copies; above, samples stray from all images. So it has no
    direction. None where there are no training images.
    """

    name: ClassVar[str] = "memorisation"
    family: ClassVar[str] = "sample quality"
    uses_samples: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "extractor"

    extractor: Extractor = field(default_factory=Native)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for fewer than two images of a kind and for features that are not finite."""
        found = [_duplicates(outputs)]
        return [*found, self._authenticity(outputs)] if _has_training(outputs) else found

    def exhibits(self, outputs: Outputs) -> Exhibits:
        """'nearest-training': the ten samples nearest to a training image, each with that image.

        Nearest by pixels, as the eye sees it; by features, all samples far from the real images have one neighbour.
        """
        if not _has_training(outputs):
            return {}
        samples, train = (to_float64_device(side) for side in (outputs.samples, outputs.train))
        nearest = nearest_pairs(samples, train, SHOWN, outputs.progress)
        samples_K, copied_K = nearest.rows_K.cpu(), nearest.others_K.cpu()
        pairs_K2CHW = torch.stack([outputs.samples.cpu()[samples_K], outputs.train.cpu()[copied_K]], dim=1)
        pairs_K2HWC = pairs_K2CHW.permute(0, 1, 3, 4, 2).contiguous().numpy()
        return {"nearest-training": ImagePairs(pairs_K2HWC, names=("sample", "nearest in training"))}

    def _authenticity(self, outputs: Outputs) -> Measurement:
        train_NF, samples_NF = self._features(outputs)
        real_NF = check_features(outputs.features(self.extractor, "real").features_NF, "real images", at_least=1)
        counted, n = int(authentic(_nearest(samples_NF, train_NF), _own(train_NF)).sum()), len(samples_NF)
        numbers = {"n_real": len(real_NF), "n_train": len(train_NF), "n_fake": n}
        low, high = wilson(counted, n)
        return Measurement(
            f"authenticity[{outputs.network(self.extractor).name}]",
            counted / n,
            "none",
            "share",
            {**protocol_of(outputs, self.extractor), **numbers},
            low=low,
            high=high,
            ceiling=_ceiling(train_NF, real_NF),
        )

    def _features(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        train_NF = check_features(outputs.features(self.extractor, "train").features_NF, "training images")
        return train_NF, check_features(outputs.features(self.extractor, "samples").features_NF, "samples", at_least=1)


def near_duplicates(samples_NCHW: Tensor, real_NCHW: Tensor, progress: Progress = silent) -> float:
    """The share of samples whose nearest other sample is nearer than 5 % of real images' usual distance.

    That is the root-mean-square distance of pairs, per value of an image; images are uint8 and may differ in size
    between the sides. Raises `BenchError` for fewer than two of either.
    """
    for images, what in ((samples_NCHW, "samples"), (real_NCHW, "real images")):
        if len(images) < 2:
            raise BenchError(f"{len(images)} {what}: near-duplicates need at least 2.")
    samples, real = to_float64_device(samples_NCHW), around(to_float64_device(real_NCHW).flatten(1))
    usual = 2 * float(real.norms.sum()) / (len(real) - 1) / real.width
    near_N = have_near(samples, NEAR**2 * usual * samples[0].numel(), progress)
    return float(near_N.double().mean())


def authentic(nearest: Neighbours, own_N: Tensor) -> Tensor:
    """Whether each image is farther from its nearest training image than that one from its nearest other; (N,).

    `own_N` are the squared distances of training images to their nearest others.
    """
    return nearest.squared_NK[:, 0] > own_N[nearest.rows_NK[:, 0]]


def _has_training(outputs: Outputs) -> bool:
    return len(outputs.train) > 1


def _duplicates(outputs: Outputs) -> Measurement:
    n, share = len(outputs.samples), near_duplicates(outputs.samples, outputs.real, outputs.progress)
    protocol = {"n_real": len(outputs.real), "n_fake": n, "near": NEAR}
    return Measurement("duplicates", share, "lower", "share", protocol)


@memo
def _own(train_NF: Tensor) -> Tensor:
    """The squared distances of training images to their nearest others, which all runs share."""
    return nearest_others(around(train_NF), 1).squared_NK[:, 0]


@memo
def _ceiling(train_NF: Tensor, real_NF: Tensor) -> float:
    """The authenticity of held-out images, which all runs share."""
    return float(authentic(_nearest(real_NF, train_NF), _own(train_NF)).double().mean())


def _nearest(images_NF: Tensor, train_NF: Tensor) -> Neighbours:
    """The training image nearest to each image."""
    train = around(train_NF)
    return nearest_among(around(images_NF, train.centre_F), train, 1)
