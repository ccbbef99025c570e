"""The image encoders of CLIP as torch-fidelity has them: features that were learned from images with captions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from vaegan_bench.metrics.extractors.folding import fold_batch_norm
from vaegan_bench.metrics.extractors.published_extractor import PublishedExtractor
from vaegan_bench.metrics.extractors.published_weights import PublishedWeights
from vaegan_bench.system.vision import load_torch_fidelity


def _encoder(class_name: str, selector: str, network: str, features: int, side: int) -> type[PublishedExtractor]:
    """The plugin class of one image encoder; all of them differ in name and words only."""

    @dataclass(frozen=True, kw_only=True)
    class CLIP(PublishedExtractor):
        name: ClassVar[str] = selector

        def published(self) -> PublishedWeights:
            """OpenAI's file."""
            return weights_of(self.name)

        def load(self, path: Path, device: torch.device) -> tuple[Callable[[Tensor], Tensor], int]:
            """The image encoder, and its resolution."""
            network = _network(self.name, path).to(device)
            side: int = network.resolution  # type: ignore[assignment]  # torch takes attributes for tensors or modules
            return lambda images_BCHW: network(images_BCHW)[0], side

    CLIP.__name__ = CLIP.__qualname__ = class_name
    CLIP.__doc__ = f"""{features} features of CLIP's image encoder {network} (Radford et al., 2021), without classes.

    Images are resized to {side}×{side} (bilinear as in TensorFlow 1, no antialiasing). OpenAI's weights.
    """
    return CLIP


ClipRN50 = _encoder("ClipRN50", "clip-rn50", "ResNet-50", features=1024, side=224)
ClipRN101 = _encoder("ClipRN101", "clip-rn101", "ResNet-101", features=512, side=224)
ClipRN50x4 = _encoder("ClipRN50x4", "clip-rn50x4", "ResNet-50×4", features=640, side=288)
ClipRN50x16 = _encoder("ClipRN50x16", "clip-rn50x16", "ResNet-50×16", features=768, side=384)
ClipRN50x64 = _encoder("ClipRN50x64", "clip-rn50x64", "ResNet-50×64", features=1024, side=448)
ClipViTB32 = _encoder("ClipViTB32", "clip-vit-b-32", "ViT-B/32", features=512, side=224)
ClipViTB16 = _encoder("ClipViTB16", "clip-vit-b-16", "ViT-B/16", features=512, side=224)
ClipViTL14 = _encoder("ClipViTL14", "clip-vit-l-14", "ViT-L/14", features=768, side=224)
ClipViTL14At336 = _encoder("ClipViTL14At336", "clip-vit-l-14-336px", "ViT-L/14@336px", features=768, side=336)
ENCODERS = [
    ClipRN50, ClipRN101, ClipRN50x4, ClipRN50x16, ClipRN50x64, ClipViTB32, ClipViTB16, ClipViTL14, ClipViTL14At336
]  # fmt: skip


def weights_of(name: str) -> PublishedWeights:
    """OpenAI's file for one encoder, as torch-fidelity knows it."""
    clip = load_torch_fidelity().feature_extractor_clip
    sha256 = clip.MODEL_METADATA[name]["hash"]
    return PublishedWeights(extractor=name, url=clip.MODEL_URLS[name], sha256=sha256, file=f"{name}-{sha256}.pt")


def _network(name: str, path: Path) -> nn.Module:
    # The file is a TorchScript archive, which torch refuses to load as plain tensors: only a file with the known
    # SHA-256, all 64 digits of it, comes here.
    build = load_torch_fidelity().FeatureExtractorCLIP
    with torch.random.fork_rng(devices=[]):
        network: nn.Module = build(name, ["clip"], feature_extractor_weights_path=str(path))
    return fold_batch_norm(network)
