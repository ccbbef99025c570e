"""Losses and a metric that compare images as eyes do, or try to."""

from __future__ import annotations

from vaegan_bench.api import Plugin, hookimpl
from vaegan_bench_perceptual.features import FeatureDistance
from vaegan_bench_perceptual.focal_frequency import FocalFrequency
from vaegan_bench_perceptual.maps import PerceptualDistance
from vaegan_bench_perceptual.perceptual_error import PerceptualError
from vaegan_bench_perceptual.ssim import SSIM
from vaegan_bench_perceptual.ssim_pyramid import SSIMPyramid
from vaegan_bench_perceptual.vgg16_maps import VGG16Maps


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """Five losses, the metric of one of them, and the maps of VGG-16."""
    return [SSIM, SSIMPyramid, FocalFrequency, FeatureDistance, PerceptualDistance, PerceptualError, VGG16Maps]
