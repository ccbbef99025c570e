from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vaegan_bench.api import Extractor, ExtractorError, FeatureNetwork
from vaegan_bench.evaluation.given_images import data_of
from vaegan_bench.evaluation.references import References
from vaegan_bench.metrics.extractors.dinov2 import SMALL as DIGEST
from vaegan_bench.metrics.extractors.dinov2 import DINOv2Giant, DINOv2Small, load_backbone, prepared
from vaegan_bench.metrics.extractors.frozen_network import FrozenNetwork
from vaegan_bench.metrics.extractors.vision_transformer import Architecture, VisionTransformer
from vaegan_bench.system.tensor_files import State
from vaegan_bench.system.vision import load_torch_fidelity

Opened = Callable[[Extractor], FeatureNetwork]
SMALL = Architecture(width=384, depth=12, heads=6)
GATED = Architecture(width=1536, depth=2, heads=24, gated=True)
IMAGES = torch.randint(0, 256, (2, 3, 40, 40), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
# The first features that Meta's own code (the package dinov2 0.0.1.dev2) gives for IMAGES and `random_weights`.
SMALL_BY_META = [[0.6494766, 0.9242859, -0.0570712, -0.3819258], [0.5304180, 0.8825299, -0.0518023, -0.8460565]]
GATED_BY_META = [[0.2825260, -2.7529290, -0.3467247, 0.0294970], [0.6446610, 0.9825721, 0.9672505, 0.0063922]]


def random_weights(architecture: Architecture) -> State:
    """Weights with the names and shapes of Meta's files; norms and scales are near ½, all else near 0."""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in VisionTransformer(architecture).state_dict().items()}
    shapes["mask_token"] = torch.Size([1, architecture.width])
    noise = torch.Generator().manual_seed(0)
    state = {}
    for name in sorted(shapes):
        scales = name.endswith("gamma") or ("norm" in name and name.endswith("weight"))
        drawn = torch.randn(shapes[name], generator=noise)
        state[name] = 0.5 + drawn if scales else 0.05 * drawn
    return state


@pytest.fixture
def small(tmp_path: Path) -> Path:
    torch.save(random_weights(SMALL), tmp_path / "small.pth")
    return tmp_path / "small.pth"


@torch.no_grad()
def test_the_network_is_metas(small: Path, tmp_path: Path) -> None:
    torch.save(random_weights(GATED), tmp_path / "gated.pth")
    for path, architecture, expected in ((small, SMALL, SMALL_BY_META), (tmp_path / "gated.pth", GATED, GATED_BY_META)):
        features = load_backbone(path, architecture, "dinov2")(prepared(IMAGES))
        torch.testing.assert_close(features[:, :4], torch.tensor(expected), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_images_reach_it_as_in_torch_fidelity(
    small: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch, images: Tensor
) -> None:
    monkeypatch.setattr(torch.hub, "load", lambda *args, **kwargs: nn.AdaptiveAvgPool2d(8))
    monkeypatch.setenv("XFORMERS_DISABLED", "1")  # torch-fidelity sets it for good
    own = load_torch_fidelity().FeatureExtractorDinoV2("dinov2-vit-s-14", ["dinov2"])
    torch.testing.assert_close(nn.AdaptiveAvgPool2d(8)(prepared(images)), own(images)[0], rtol=1e-5, atol=1e-5)


def test_opened_from_a_file_it_has_features_and_no_logits(
    small: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaegan_bench.metrics.extractors.published_weights.sha256_of_file", lambda path: DIGEST)
    network = opened(DINOv2Small(weights=str(small)))
    found = network(IMAGES)
    assert found.features_NF.shape == (2, 384)
    assert found.logits_NK.shape == (2, 0)
    assert network.name == "dinov2-vit-s-14"
    assert network.digest == DIGEST
    assert dict(network.protocol) == {"resize": "bilinear (TensorFlow 1) 224x224", "dtype": "float32"}


def test_features_without_logits_are_kept_on_disk(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaegan_bench.metrics.extractors.published_weights.sha256_of_file", lambda path: DIGEST)
    extractor = DINOv2Small(weights=str(small))
    first, again = (References(data_of(IMAGES), tmp_path, torch.device("cpu")) for _ in range(2))
    found = first.features(extractor, "real", 2)
    monkeypatch.setattr(FrozenNetwork, "__call__", lambda *args: pytest.fail("extracted again"))
    kept = again.features(extractor, "real", 2)
    assert torch.equal(kept.features_NF, found.features_NF)
    assert kept.logits_NK.shape == (2, 0)


def test_other_weights_are_refused(small: Path, opened: Opened) -> None:
    with pytest.raises(ExtractorError, match="theirs with b938bf1b"):
        opened(DINOv2Small(weights=str(small)))


def test_the_largest_has_no_known_hash_and_must_fit(small: Path, opened: Opened) -> None:
    with pytest.raises(ExtractorError, match="does not hold weights of 'dinov2-vit-g-14'"):
        opened(DINOv2Giant(weights=str(small)))
