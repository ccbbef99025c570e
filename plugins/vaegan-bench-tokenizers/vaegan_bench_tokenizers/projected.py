"""A discriminator that sees images only through the features of a frozen network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaegan_bench.api import Extractor, ImageShape, LatentShape, Networks, PluginError, refuse_conditions
from vaegan_bench.metrics.extractors.efflite0 import EffLite0, load_network
from vaegan_bench.metrics.extractors.frozen_network import to_rgb
from vaegan_bench.networks.spectral import add_spectral_norm
from vaegan_bench_tokenizers.tokenizer import Tokenizer

TAPS = {2: 24, 4: 40, 10: 112, 15: 320}
"""Block of EfficientNet-Lite0 → channels, at a quarter of the size of the image, an eighth, and so on."""
VERDICTS = 4
"""Verdicts along each side, at every scale."""
SIDES = (128, 256)


@dataclass(frozen=True, kw_only=True)
class Projected(Networks):
    """Other networks whose discriminator judges frozen features, mixed at random (Sauer et al., 2021).

    Four small discriminators see one scale each of the features of EfficientNet-Lite0.
    """

    name = "projected"
    networks: Networks = Tokenizer()
    """The inner networks, whose encoder and decoder are used."""
    side: int = 128
    """Pixels to which images are resized before the frozen network sees them."""
    width: int = 64
    """Channels of the mixed features at the finest scale; they double from scale to scale, up to fourfold."""

    def __post_init__(self) -> None:
        if self.side not in SIDES:
            raise ValueError(f"side must be {' or '.join(map(str, SIDES))}, not {self.side}")
        if self.width < 1:
            raise ValueError(f"width must be at least 1, not {self.width}")

    @property
    def latent(self) -> int:  # type: ignore[override]  # nobody sets it: it is that of the inner networks
        """Z of the inner networks."""
        return self.networks.latent

    @property
    def latent_shape(self) -> LatentShape:
        """The shape in which the inner networks arrange Z."""
        return self.networks.latent_shape

    @property
    def per_image(self) -> tuple[str, ...]:  # type: ignore[override]  # no class variable: it depends on a field
        """The roles of the inner networks without the discriminator, whose spectral norms move with every pass."""
        return tuple(role for role in self.networks.per_image if role != "discriminator")

    @property
    def last_layers(self) -> Mapping[str, str]:  # type: ignore[override]  # no class variable: it depends on a field
        """The last layers of the inner networks, without that of the discriminator, which is replaced."""
        return {role: name for role, name in self.networks.last_layers.items() if role != "discriminator"}

    @property
    def extractors(self) -> Mapping[str, Extractor]:  # type: ignore[override]  # no class variable: it depends on a field
        """Those of the inner networks, and the frozen network for the discriminator."""
        return {**self.networks.extractors, "discriminator": EffLite0()}

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """The inner networks, with a discriminator of features."""
        refuse_conditions(self, conditions)
        if role != "discriminator":
            return self.networks.build(role, shape, heads, conditions)
        if shape.height != shape.width:
            raise PluginError(f"Networks 'projected' take square images, not {shape.height}×{shape.width}.")
        return ProjectedDiscriminator(self.side, [self.width * min(2**i, 4) for i in range(len(TAPS))])


class ProjectedDiscriminator(nn.Module):
    """x (B, C, H, W) → logits (B, P) of 4×4 places at each of four scales, and Dis_l(x), the finest mixed features.

    The frozen network is part of no state: it comes from a package, and is loaded once for each device.
    """

    def __init__(self, side: int, widths: list[int]) -> None:
        super().__init__()
        self.side, self.sides = side, [side // 4 // 2**i for i in range(len(widths))]
        self.mixing = RandomMixing(list(TAPS.values()), widths)
        judges = [_judge(width, int(math.log2(s // VERDICTS))) for width, s in zip(widths, self.sides, strict=True)]
        self.judges = nn.ModuleList(judges)

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Verdicts of all scales in a row, and the features of the finest."""
        mixed = self.mixing(self._seen(x_BCHW))
        verdicts = [judge(features) for judge, features in zip(self.judges, mixed, strict=True)]
        return torch.cat(verdicts, dim=1), mixed[0]

    def _seen(self, x_BCHW: Tensor) -> list[Tensor]:
        """The frozen features, from fine to coarse; on the meta device their shapes, for which no weights are read."""
        if x_BCHW.is_meta:
            taps = zip(TAPS.values(), self.sides, strict=True)
            return [x_BCHW.new_empty(len(x_BCHW), channels, side, side) for channels, side in taps]
        with torch.autocast(x_BCHW.device.type, enabled=False):
            x = resize(to_rgb(x_BCHW).float(), self.side)
            return frozen_features(x, frozen_network(x.device))


class RandomMixing(nn.Module):
    """Random projections that are never trained: across channels at each scale, then from coarse to fine.

    They spread what the frozen network knows over all channels, so that a discriminator cannot rely on a few of them.
    """

    def __init__(self, channels: list[int], widths: list[int]) -> None:
        super().__init__()
        for i, (inputs, width) in enumerate(zip(channels, widths, strict=True)):
            self.register_buffer(f"across_{i}", _kaiming(width, inputs, 1))
        for i, (fine, coarse) in enumerate(pairwise(widths)):
            self.register_buffer(f"down_{i}", _kaiming(fine, coarse, 3))

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """Mixed features, as many scales as given, from fine to coarse."""
        mixed = [F.conv2d(x, self.get_buffer(f"across_{i}")) for i, x in enumerate(features)]
        for i in reversed(range(len(mixed) - 1)):
            from_below = F.conv2d(mixed[i + 1], self.get_buffer(f"down_{i}"), padding=1)
            mixed[i] = mixed[i] + resize(from_below, mixed[i].shape[3])
        return mixed


def resize(x_BCHW: Tensor, side: int) -> Tensor:
    """Resize square images, bilinear; by matrix products, whose gradient has the same bits on every pass on a GPU."""
    eye_HH = torch.eye(x_BCHW.shape[3], dtype=x_BCHW.dtype, device=x_BCHW.device)
    weight_HS = F.interpolate(eye_HH[None], size=side, mode="linear")[0]
    resized: Tensor = weight_HS.T @ (x_BCHW @ weight_HS)
    return resized


def _kaiming(outputs: int, inputs: int, side: int) -> Tensor:
    """A random kernel that keeps the size of activations (He et al., 2015)."""
    return torch.randn(outputs, inputs, side, side) / math.sqrt(inputs * side * side)


def _judge(width: int, halvings: int) -> nn.Module:
    """Convolutions with spectral norm down to 4×4 verdicts."""
    layers: list[nn.Module] = []
    for _ in range(halvings):
        layers += [nn.Conv2d(width, width, 4, 2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
    return add_spectral_norm(nn.Sequential(*layers, nn.Conv2d(width, 1, 3, padding=1), nn.Flatten()), 1)


@lru_cache(maxsize=4)
def frozen_network(device: torch.device) -> nn.Module:
    """EfficientNet-Lite0 for inference. Raises `ExtractorError` where its weights are missing or not the known ones."""
    return load_network(SIDES[0]).to(device)


def frozen_features(x_BCHW: Tensor, network: nn.Module) -> list[Tensor]:
    """The output of four blocks for images in [-1, 1], from fine to coarse."""
    x = network.get_submodule("_swish")(network.get_submodule("_bn0")(network.get_submodule("_conv_stem")(x_BCHW)))
    found = []
    for i, block in enumerate(network.get_submodule("_blocks").children()):
        x = block(x)
        if i in TAPS:
            found.append(x)
    return found
