"""The maps of VGG-16 that LPIPS compares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from vaegan_bench.api import Data, Extractor, FeatureNetwork, Progress, silent
from vaegan_bench.metrics.extractors import vgg16
from vaegan_bench.metrics.extractors.frozen_network import FrozenNetwork, features_only, to_rgb
from vaegan_bench.metrics.extractors.published_weights import known_file, not_weights_of, plain_tensors
from vaegan_bench.system.vision import load_torchvision

NAME = "vgg16-maps"
KNOWN = replace(vgg16.KNOWN, extractor=NAME)
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""How LPIPS normalises channels in [-1, 1]: the mean and the spread of ImageNet, rounded."""
LAST = (3, 8, 15, 22, 29)
"""The layers whose outputs are the maps: the last activation of each resolution."""


@dataclass(frozen=True, kw_only=True)
class VGG16Maps(Extractor):
    """Five maps of VGG-16 (Simonyan & Zisserman, 2015), those of LPIPS (Zhang et al., 2018), without classes.

    Images are not resized, and have at least 16 pixels on each side. Its 1,472 features are the means of all channels.
    """

    name: ClassVar[str] = NAME
    has_maps: ClassVar[bool] = True
    same_network: ClassVar[str] = vgg16.VGG16.name
    weights: str | None = None
    """torchvision's file; by default the one in torch.hub's folder, fetched if absent."""

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        """Load the network; `data` and `cache` are not used.

        Raises `ExtractorError` where the weights are neither there nor to be fetched, or are not the known ones.
        """
        found = known_file(KNOWN, self.weights, progress)
        layers = _layers(found.path).to(device)

        def maps(images_BCHW: Tensor) -> list[Tensor]:
            x, seen = _input(images_BCHW), list[Tensor]()
            for place, layer in enumerate(layers):
                x = layer(x)
                seen += [x] if place in LAST else []
            return seen

        return FrozenNetwork(
            name=NAME,
            digest=found.digest,
            protocol={"resize": "none", "dtype": "float32"},
            forward=features_only(lambda images: torch.cat([each.mean((2, 3)) for each in maps(images)], dim=1)),
            maps=maps,
            device=device,
            batch=32 if device.type == "cpu" else 128,
        )


def _layers(path: Path) -> nn.Sequential:
    """The layers up to the last map, with the weights in the file."""
    state = {name.removeprefix("features."): tensor for name, tensor in plain_tensors(path, NAME).items()}
    with torch.device("meta"):  # draws no weights, of which there would be 138 million
        layers: nn.Sequential = load_torchvision().models.vgg16().features[: LAST[-1] + 1]
    try:
        layers.load_state_dict({name: state[name] for name in layers.state_dict()}, assign=True)
    except (KeyError, RuntimeError) as error:
        raise not_weights_of(path, NAME) from error
    return layers.eval().requires_grad_(False)


def _input(images_BCHW: Tensor) -> Tensor:
    x_BCHW = to_rgb(images_BCHW).float() / 127.5 - 1
    shift, scale = (x_BCHW.new_tensor(values)[:, None, None] for values in (SHIFT, SCALE))
    return (x_BCHW - shift) / scale
