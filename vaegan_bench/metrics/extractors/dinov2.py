"""DINOv2: features that were learned from images alone, with neither classes nor captions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.metrics.extractors.published_extractor import PublishedExtractor
from vaegan_bench.metrics.extractors.published_weights import PublishedWeights, not_weights_of, plain_tensors
from vaegan_bench.metrics.extractors.vision_transformer import Architecture, VisionTransformer
from vaegan_bench.system.vision import load_torch_fidelity

SIDE = 224
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
ONLY_IN_TRAINING = "mask_token"


def _backbone(class_name: str, network: str, sha256: str, architecture: Architecture) -> type[PublishedExtractor]:
    """The plugin class of one size."""
    selector = f"dinov2-{network.lower().replace('/', '-')}"
    model = f"dinov2_{network.lower().replace('/', '').replace('-', '')}"
    file = f"{model}_pretrain.pth"
    url = f"https://dl.fbaipublicfiles.com/dinov2/{model}/{file}"
    known = PublishedWeights(extractor=selector, url=url, sha256=sha256, file=file)

    @dataclass(frozen=True, kw_only=True)
    class DINOv2(PublishedExtractor):
        name: ClassVar[str] = selector

        def published(self) -> PublishedWeights:
            """Meta's file."""
            return known

        def load(self, path: Path, device: torch.device) -> tuple[Callable[[Tensor], Tensor], int]:
            """The backbone behind its preprocessing."""
            network = load_backbone(path, architecture, self.name).to(device)
            return lambda images_BCHW: network(prepared(images_BCHW)), SIDE

    DINOv2.__name__ = DINOv2.__qualname__ = class_name
    DINOv2.__doc__ = f"""{architecture.width} features of DINOv2's {network} (Oquab et al., 2024), without classes.

    Images are resized to {SIDE}×{SIDE} (bilinear as in TensorFlow 1, no antialiasing). Meta's weights.
    """
    return DINOv2


# Meta publishes no hashes: these are the ones that several projects give for Meta's files. For the largest none was
# found: any file that fits is accepted, and every number on it carries its hash.
SMALL = "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9"
BASE = "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73"
LARGE = "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428"

DINOv2Small = _backbone("DINOv2Small", "ViT-S/14", SMALL, Architecture(width=384, depth=12, heads=6))
DINOv2Base = _backbone("DINOv2Base", "ViT-B/14", BASE, Architecture(width=768, depth=12, heads=12))
DINOv2Large = _backbone("DINOv2Large", "ViT-L/14", LARGE, Architecture(width=1024, depth=24, heads=16))
DINOv2Giant = _backbone("DINOv2Giant", "ViT-g/14", "", Architecture(width=1536, depth=40, heads=24, gated=True))


def load_backbone(path: Path, architecture: Architecture, name: str) -> VisionTransformer:
    """The network with the weights of a file in Meta's format.

    torch-fidelity runs the code on facebookresearch/dinov2's main branch instead, which must be fetched and may change.
    """
    state = plain_tensors(path, name)
    with torch.device("meta"):
        network = VisionTransformer(architecture)
    try:
        network.load_state_dict({k: v for k, v in state.items() if k != ONLY_IN_TRAINING}, assign=True)
    except Exception as error:  # tensors of other names or shapes, or no mapping at all
        raise not_weights_of(path, name) from error
    return network.float().eval().requires_grad_(False)


def prepared(images_BCHW: Tensor) -> Tensor:
    """RGB images in [0, 255], resized and normalised as torch-fidelity does it for DINOv2."""
    resize = load_torch_fidelity().interpolate_compat_tensorflow.interpolate_bilinear_2d_like_tensorflow1x
    x_BCHW: Tensor = resize(images_BCHW.float(), size=(SIDE, SIDE), align_corners=False)
    mean, std = (x_BCHW.new_tensor(values)[:, None, None] * 255 for values in (MEAN, STD))
    return (x_BCHW - mean) / std
