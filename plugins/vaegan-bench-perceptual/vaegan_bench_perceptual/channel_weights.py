"""Weights of channels of maps, fitted to people's judgements."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from vaegan_bench.api import PluginError
from vaegan_bench.metrics.extractors.published_weights import PublishedWeights, WeightsFile, known_file, plain_tensors

LPIPS = "lpips"
FILE = "weights-vgg16-lpips.pth"
KNOWN = PublishedWeights(
    extractor=LPIPS, url=f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}", sha256="",
    file=FILE,
)  # fmt: skip
"""The weights of version 0.1 of LPIPS for VGG-16, as torch-fidelity publishes them."""


def file_of(channels: str) -> WeightsFile:
    """The file that `channels` means: that of LPIPS for 'lpips', or one at this path.

    Raises `ExtractorError` where it is missing.
    """
    return known_file(KNOWN, None if channels == LPIPS else channels)


@lru_cache(maxsize=4)
def channel_weights(channels: str, device: torch.device) -> tuple[Tensor, ...]:
    """A weight ≥ 0 for each channel of each map, in the order of the maps; (C_l,) each.

    `channels` is 'lpips', or a file of tensors in this order. Raises `ExtractorError` where the file is missing or is
    none of tensors.
    """
    weights = plain_tensors(file_of(channels).path, LPIPS).values()
    return tuple(weight.flatten().float().to(device) for weight in weights)


def matching(weights: tuple[Tensor, ...], maps: list[Tensor], channels: str) -> tuple[Tensor, ...]:
    """The weights; raises `PluginError` where they are those of other maps."""
    fitted, there = [len(weight) for weight in weights], [each.shape[1] for each in maps]
    if fitted != there:
        raise PluginError(
            f"channels={channels} has weights for maps of {fitted} channels, and the extractor has maps of {there}: "
            "choose the extractor that they were fitted for, 'vgg16-maps' for LPIPS."
        )
    return weights
