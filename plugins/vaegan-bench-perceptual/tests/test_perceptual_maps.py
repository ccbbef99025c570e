"""The distance in maps: known answers on maps made by hand, and EfficientNet-Lite0 as it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor
from vaegan_bench_perceptual import FeatureDistance, PerceptualDistance
from vaegan_bench_perceptual.maps import difference_of
from vaegan_bench_perceptual.vgg16_maps import VGG16Maps

from vaegan_bench.api import Data, Extractor, Prediction, Progress, SelectorError, silent
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.extractors.frozen_network import FrozenNetwork
from vaegan_bench.models.vae import VAE
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.testing import small_run

NOISE = torch.Generator().manual_seed(3)
X = torch.rand(2, 3, 8, 8, generator=NOISE, dtype=torch.float64) * 2 - 1
Y = torch.rand(2, 3, 8, 8, generator=NOISE, dtype=torch.float64) * 2 - 1


@dataclass(frozen=True, kw_only=True)
class TwoScales(Extractor):
    """The image and its quarter, as shares of 255: two maps with a known answer."""

    name = "two-scales"
    has_maps: ClassVar[bool] = True

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FrozenNetwork:
        def maps(images_BCHW: Tensor) -> list[Tensor]:
            return [images_BCHW / 255, torch.nn.functional.avg_pool2d(images_BCHW / 255, 4)]

        return FrozenNetwork(
            name="t", digest="t", protocol={}, device=device, batch=2, maps=maps,
            forward=lambda x: (x.flatten(1), x.new_empty(0)),
        )  # fmt: skip


def test_maps_are_compared_by_the_directions_of_their_channels() -> None:
    a = torch.tensor([[[[3.0, 0.0]], [[4.0, 2.0]]]])  # (3, 4) and (0, 2): directions (.6, .8) and (0, 1)
    b = torch.tensor([[[[8.0, 5.0]], [[6.0, 0.0]]]])  # (8, 6) and (5, 0): directions (.8, .6) and (1, 0)
    assert difference_of(a, b).tolist() == pytest.approx([((0.04 + 0.04) + (1 + 1)) / 2])
    assert difference_of(a, 7 * a).tolist() == pytest.approx([0])


def test_it_is_the_sum_over_maps_times_the_number_of_values() -> None:
    value = PerceptualDistance(extractor=TwoScales())(Prediction(X), Y)
    expected = torch.zeros(2, dtype=torch.float64)
    for size in (1, 4):
        x, y = ((0.5 * image + 0.5).reshape(2, 3, 8 // size, size, 8 // size, size).mean((3, 5)) for image in (X, Y))
        cosine = (x * y).sum(1) / (x.square().sum(1) * y.square().sum(1)).sqrt()
        expected += (2 - 2 * cosine).mean((1, 2))  # of vectors of length 1
    torch.testing.assert_close(value, expected * 3 * 8 * 8)
    both = PerceptualDistance(extractor=TwoScales(), pixels=Gaussian())(Prediction(X), Y)
    torch.testing.assert_close(both, value + Gaussian()(Prediction(X), Y))


def test_gradients_reach_the_prediction_alone_and_are_those_of_the_value() -> None:
    loss = PerceptualDistance(extractor=TwoScales())
    assert torch.autograd.gradcheck(lambda mean: loss(Prediction(mean), Y), X.clone().requires_grad_())
    target = Y.clone().requires_grad_()
    assert torch.autograd.grad(
        loss(Prediction(X.clone().requires_grad_()), target).sum(), target, allow_unused=True
    ) == (None,)


def test_the_maps_of_efficientnet_have_five_resolutions_and_take_grey_images() -> None:
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=NOISE)
    network = EffLite0().open(None, Path(), torch.device("cpu"))  # type: ignore[arg-type]  # it looks at no data
    assert isinstance(network, FrozenNetwork)
    maps = network.maps(images.float())
    assert [tuple(each.shape[1:]) for each in maps] == [
        (16, 48, 48),
        (24, 24, 24),
        (40, 12, 12),
        (112, 6, 6),
        (320, 3, 3),
    ]
    grey = network.maps(images[:, :1].float())[0]
    torch.testing.assert_close(grey, network.maps(images[:, :1].expand(-1, 3, -1, -1).float())[0])


def test_a_thing_in_another_place_costs_more_than_none_which_pooled_features_do_not_say() -> None:
    noise = torch.Generator().manual_seed(3)
    coarse = torch.rand(1, 3, 4, 4, generator=noise) * 1.6 - 0.8
    without = torch.nn.functional.interpolate(coarse, size=(32, 32), mode="bicubic").clamp(-1, 1)
    here, elsewhere = without.clone(), without.clone()
    here[..., 4:14, 4:14] = 0.8
    elsewhere[..., 18:28, 18:28] = 0.8
    moved, missing = (float(PerceptualDistance()(Prediction(image), here)) for image in (elsewhere, without))
    assert moved > 1.3 * missing
    moved, missing = (float(FeatureDistance()(Prediction(image), here)) for image in (elsewhere, without))
    assert moved < 0.5 * missing


@pytest.mark.parametrize(("extractor", "says"), [("oracle", "must show maps, and 'oracle' does not; efflite0 does")])
def test_an_extractor_without_maps_is_refused(extractor: str, says: str) -> None:
    with pytest.raises(SelectorError, match=says):
        Registry(["vaegan_bench_perceptual"]).build(VAE, f"vae[reconstruction=perceptual[extractor={extractor}]]")


def test_who_trains_on_the_maps_of_vgg_has_trained_on_vgg() -> None:
    model = VAE(reconstruction=PerceptualDistance(extractor=VGG16Maps()))
    assert small_run(model).seen_through == ("vgg16",)
    assert small_run(VAE(reconstruction=PerceptualDistance(extractor=TwoScales()))).seen_through == ()
