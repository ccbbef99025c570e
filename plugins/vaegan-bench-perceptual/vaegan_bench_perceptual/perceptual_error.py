"""How far reconstructions are from their originals in the maps of a pretrained network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

import torch

from vaegan_bench.api import Extractor, MapNetwork, Measurement, Metric, Outputs
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.features.sets import protocol_of
from vaegan_bench.system.device import exact_convolutions
from vaegan_bench_perceptual.channel_weights import LPIPS, file_of
from vaegan_bench_perceptual.maps import map_distance, require_maps
from vaegan_bench_perceptual.vgg16_maps import VGG16Maps

BATCH = 64


@dataclass(frozen=True, kw_only=True)
class PerceptualError(Metric):
    """Mean squared distance of held-out images to their reconstructions in normalised maps (Zhang et al., 2018, eq. 1).

    'lpips' for VGG-16's maps with the weights of LPIPS, 'perceptual[…]' for others. Lower is better, 0 is perfect. None
    for a model without an encoder.
    """

    name: ClassVar[str] = "perceptual"
    family: ClassVar[str] = "reconstruction"
    needs_model: ClassVar[bool] = True
    pairs_suffice: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "extractor"
    headline: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("perceptual", LPIPS), "likeness of reconstructions to their originals"
    )
    known_as: ClassVar[Mapping[str, str]] = {LPIPS: "perceptual[extractor=vgg16-maps,channels=lpips]"}

    extractor: Extractor = EffLite0()
    channels: str | None = None
    """Weights of channels: 'lpips', or a file of a tensor for each map; by default all channels weigh the same."""

    def __post_init__(self) -> None:
        require_maps(self.extractor)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises as the loss `perceptual` does."""
        if outputs.reconstructions is None:
            return []
        network = cast(MapNetwork, outputs.network(self.extractor))
        total, device = 0.0, network(outputs.real[:1]).features_NF.device
        with torch.no_grad(), exact_convolutions():
            for images in zip(outputs.reconstructions.split(BATCH), outputs.real.split(BATCH), strict=True):
                shown, wanted = (each.to(device).float() for each in images)
                total += float(map_distance(network, shown, wanted, self.channels).double().sum())
        protocol = {**protocol_of(outputs, self.extractor), "n_real": len(outputs.real)}
        is_lpips = isinstance(self.extractor, VGG16Maps) and self.channels == LPIPS
        name = LPIPS if is_lpips else f"{self.name}[{network.name}]"
        if self.channels is not None:
            protocol |= {"channels": self.channels, "channel_weights": file_of(self.channels).digest[:12]}
        return [Measurement(name, total / len(outputs.real), "lower", "1", protocol)]
