"""The distance in features: a linear network with a known answer, EfficientNet-Lite0, and extractors that cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from small_studies import tables_alone
from torch import Tensor
from vaegan_bench_perceptual import FeatureDistance
from vaegan_bench_perceptual.features import levels, opened

import vaegan_bench as vb
from vaegan_bench.api import Data, Extractor, PluginError, Prediction, Progress, SelectorError, silent
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.extractors.frozen_network import FrozenNetwork
from vaegan_bench.metrics.extractors.oracle import Oracle
from vaegan_bench.models.vae import VAE
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report import tables

NOISE = torch.Generator().manual_seed(11)
X = torch.rand(2, 3, 8, 8, generator=NOISE, dtype=torch.float64) * 2 - 1
Y = torch.rand(2, 3, 8, 8, generator=NOISE, dtype=torch.float64) * 2 - 1
OPENED: list[torch.device] = []


def quadrants(images_BCHW: Tensor) -> Tensor:
    """Levels as shares of 255: the mean of each quadrant and channel."""
    return torch.nn.functional.adaptive_avg_pool2d(images_BCHW / 255, 2).flatten(1)


def whole_levels_only(images_BCHW: Tensor) -> Tensor:
    if images_BCHW.dtype != torch.uint8:
        raise TypeError("whole levels, please")
    return quadrants(images_BCHW)


HOW: dict[str, Callable[[Tensor], Tensor]] = {
    "smooth": quadrants,
    "squared": lambda images: quadrants(images).square(),
    "rounding": lambda images: quadrants(images.to(torch.uint8).double()),
    "uint8": whole_levels_only,
}


@dataclass(frozen=True, kw_only=True)
class Quadrants(Extractor):
    """Twelve features with a known answer."""

    name = "quadrants"
    how: str = "smooth"

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FrozenNetwork:
        OPENED.append(device)
        features = HOW[self.how]
        return FrozenNetwork(
            name="q", digest="q", protocol={}, device=device, batch=2, forward=lambda x: (features(x), x.new_empty(0))
        )


def test_it_is_the_mean_squared_error_of_features_times_the_number_of_values() -> None:
    value = FeatureDistance(extractor=Quadrants())(Prediction(X), Y)
    means = (X - Y).reshape(2, 3, 2, 4, 2, 4).mean((3, 5)) / 2
    torch.testing.assert_close(value, means.square().mean((1, 2, 3)) * 3 * 8 * 8)


def test_gradients_agree_with_finite_differences() -> None:
    loss = FeatureDistance(extractor=Quadrants(how="squared"))
    assert torch.autograd.gradcheck(lambda mean: loss(Prediction(mean), Y), X.clone().requires_grad_())


def test_gradients_reach_the_prediction_and_not_the_target() -> None:
    mean, target = X.clone().requires_grad_(), Y.clone().requires_grad_()
    value = FeatureDistance(extractor=Quadrants())(Prediction(mean), target).sum()
    reached, not_reached = torch.autograd.grad(value, [mean, target], allow_unused=True)
    assert reached.abs().min() > 0
    assert not_reached is None


def test_a_loss_of_pixels_can_be_added() -> None:
    both = FeatureDistance(extractor=Quadrants(), pixels=Gaussian(sigma=0.5))(Prediction(X), Y)
    apart = FeatureDistance(extractor=Quadrants())(Prediction(X), Y) + Gaussian(sigma=0.5)(Prediction(X), Y)
    torch.testing.assert_close(both, apart)


def test_a_network_is_opened_once() -> None:
    opened.cache_clear()
    OPENED.clear()
    for _ in range(3):
        FeatureDistance(extractor=Quadrants(how="squared"))(Prediction(X), Y)
    assert [torch.device("cpu")] == OPENED


def test_efficientnet_sees_the_same_as_a_metric_does() -> None:
    noise = torch.Generator().manual_seed(0)
    a, b = (torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=noise) for _ in range(2))
    network = EffLite0().open(None, Path(), torch.device("cpu"))  # type: ignore[arg-type]  # it looks at no data
    expected = (network(a).features_NF - network(b).features_NF).square().mean(1) * 3 * 32 * 32
    x, y = (images.float() / 127.5 - 1 for images in (a, b))
    torch.testing.assert_close(FeatureDistance()(Prediction(x), y), expected, rtol=1e-3, atol=1e-3)


def test_a_grey_image_is_seen_as_a_colour_image_of_equal_channels() -> None:
    x, y = X.float()[:, :1], Y.float()[:, :1]
    grey, colour = (
        FeatureDistance()(Prediction(x), y),
        FeatureDistance()(Prediction(x.expand(X.shape)), y.expand(X.shape)),
    )
    torch.testing.assert_close(3 * grey, colour)


def test_the_gradient_through_efficientnet_agrees_with_a_finite_difference() -> None:
    mean, target = X.float()[:1].requires_grad_(), Y.float()[:1]
    value = FeatureDistance()(Prediction(mean), target).sum()
    (gradient,) = torch.autograd.grad(value, mean)
    step, size = 1e-3, gradient.norm()
    ahead, behind = (FeatureDistance()(Prediction(mean + s * gradient / size), target).sum() for s in (step, -step))
    torch.testing.assert_close((ahead - behind) / (2 * step), size, rtol=0.02, atol=0)


def test_levels_are_those_of_a_viewer() -> None:
    assert levels(torch.tensor([-1.0, 0.0, 1.0])).tolist() == [0.0, 127.5, 255.0]


def test_an_extractor_that_learns_is_refused_with_its_reason() -> None:
    with pytest.raises(ValueError, match="learns from the data"):
        FeatureDistance(extractor=Oracle())
    with pytest.raises(SelectorError, match="'oracle' learns from the data"):
        Registry(["vaegan_bench_perceptual"]).build(VAE, "vae[reconstruction=features[extractor=oracle]]")


@pytest.mark.parametrize("how", ["rounding", "uint8"])
def test_an_extractor_without_a_derivative_is_refused(how: str) -> None:
    with pytest.raises(PluginError, match="no derivative in the image"):
        FeatureDistance(extractor=Quadrants(how=how))(Prediction(X), Y)


def test_a_study_says_which_numbers_are_on_features_that_a_model_was_trained_on(tmp_path: Path) -> None:
    with tables_alone():
        rows = vb.run(
            "smoke", models=["vae", "vae[reconstruction=features]"], steps=2, seeds=1, samples=20, calibrate=False,
            metrics=["frechet[extractor=efflite0]", "reconstruction"], plugins=["vaegan_bench_perceptual"],
            results=tmp_path, cache=tmp_path,
        ).rows  # fmt: skip
    assert rows.groupby("model")["trained_on"].unique().map(list).to_dict() == {
        "vae": [""],
        "vae[reconstruction=features]": ["efflite0"],
    }
    pairs = tables.compare(rows, "vae", "vae[reconstruction=features]").set_index("metric")["verdict"]
    assert "trained on features of efflite0" in pairs["frechet[efflite0]"]
    assert "trained on" not in pairs["psnr"]
