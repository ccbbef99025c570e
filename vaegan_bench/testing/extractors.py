"""The conformance checks of extractors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import cast
from unittest import SkipTest

import torch
from torch import Tensor

from vaegan_bench.api import Data, Extractor, ExtractorError, FeatureNetwork, MapNetwork
from vaegan_bench.testing.small import CACHE, blobs
from vaegan_bench.testing.verdicts import Checks, demand, slope, untouched_randomness


@cache
def opened(extractor: Extractor) -> FeatureNetwork:
    """The extractor's network; the check is skipped where its weights are missing."""
    try:
        return extractor.open(many_blobs(), CACHE, torch.device("cpu"))
    except ExtractorError as error:
        raise SkipTest(str(error)) from error


@cache
def many_blobs() -> Data:
    """Blobs that are enough to train an oracle."""
    return blobs(n=640)


def images(channels: int = 3, n: int = 6) -> Tensor:
    """Images with structure; (n, C, 32, 32) uint8."""
    return blobs(n=n * 2, channels=channels).train.images_NCHW[:n]


def features_are_well_formed(extractor: Extractor) -> None:
    """Finite features for 1 and 3 channels; a name, a digest of the weights, and how images are preprocessed."""
    network = opened(extractor)
    for channels in (1, 3):
        found = network(images(channels))
        for name, values in (("features", found.features_NF), ("logits", found.logits_NK)):
            demand(
                values.ndim == 2 and len(values) == 6 and bool(values.isfinite().all()),
                f"{name} of 6 images have the shape {tuple(values.shape)}, or are not finite.",
            )
    named = network.name and network.digest
    demand(named, "has no name, or no digest of its weights: rows could not say which it was.")
    missing = {"resize", "dtype"} - set(network.protocol)
    demand(not missing, f"its protocol does not say {', '.join(sorted(missing))}.")
    width = found.logits_NK.shape[1]
    demand(not network.columns or len(network.columns) == width, f"names {len(network.columns)} of {width} logits.")


def each_image_stands_for_itself(extractor: Extractor) -> None:
    """Features repeat, and do not depend on what else is in the batch."""
    network = opened(extractor)
    with untouched_randomness():
        whole, again, part = (network(batch).features_NF for batch in (images(), images(), images()[:2]))
    demand(torch.equal(whole, again), "gives other features the second time: is it in evaluation mode?")
    demand(
        torch.allclose(whole[:2], part, rtol=1e-3, atol=1e-3 * float(whole.abs().max())),
        "features of an image depend on the other images of its batch: is batch norm in evaluation mode?",
    )


def maps_have_gradients(extractor: Extractor) -> None:
    """If it `has_maps`: finite maps (B, C, h, w), each of which follows the image as its gradient says."""
    if not extractor.has_maps:
        return
    network = opened(extractor)
    demand(hasattr(network, "maps"), "declares has_maps, and its network has no function `maps`.")
    see = cast(MapNetwork, network).maps
    for channels in (1, 3):
        image = images(channels, n=2).float()
        found = see(image)
        demand(
            bool(found) and all(each.ndim == 4 and len(each) == 2 for each in found),
            f"maps of 2 images have the shapes {[tuple(each.shape) for each in found]}, not (B, C, h, w).",
        )
        demand(all(bool(each.isfinite().all()) for each in found), "has maps that are not finite.")
        for depth in range(len(found)):
            _follows_its_gradient(see, image, depth)


def _follows_its_gradient(see: Callable[[Tensor], list[Tensor]], image: Tensor, depth: int) -> None:
    def size(x_BCHW: Tensor) -> Tensor:
        return see(x_BCHW)[depth].square().mean()

    leaf = image.clone().requires_grad_()
    value = size(leaf)
    demand(value.requires_grad, f"map {depth} has no gradient in the image: do not round, and use no no_grad.")
    (gradient,) = torch.autograd.grad(value, leaf)
    expected, moved = float(gradient.norm()), image.clone()
    measured = slope(lambda: size(moved), moved, gradient / expected, 0.5)
    demand(abs(measured - expected) < 0.1 * expected, f"the gradient of map {depth} is not that of its values.")


CHECKS: Checks = {Extractor: (features_are_well_formed, each_image_stands_for_itself, maps_have_gradients)}
