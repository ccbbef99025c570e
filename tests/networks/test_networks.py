"""Networks: the paper's parameter counts, shapes, taps, and models that run on all of them."""

from __future__ import annotations

import pytest
import torch

from vaegan_bench.api import ImageShape, Networks, PluginError
from vaegan_bench.losses.reconstruction.gaussian_learned import GaussianLearned
from vaegan_bench.losses.reconstruction.gaussian_predicted import GaussianPredicted
from vaegan_bench.losses.regulariser.gradient_penalty import GradientPenalty
from vaegan_bench.losses.regulariser.r1 import R1
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.networks.compact import Compact
from vaegan_bench.networks.larsen import Larsen
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.loop import train


@pytest.mark.parametrize(
    ("role", "weights"), [("encoder", 18_071_360), ("decoder", 4_693_155), ("discriminator", 10_953_857)]
)
def test_larsen_at_64_has_the_published_parameter_counts(role: str, weights: int) -> None:
    with torch.device("meta"):
        network = Larsen().build(role, ImageShape(3, 64, 64))
    assert sum(p.numel() for p in network.parameters()) == weights


@pytest.mark.parametrize(("size", "tap"), [(64, (256, 8, 8)), (32, (192, 8, 8))])
def test_larsen_taps_the_published_layer(size: int, tap: tuple[int, int, int]) -> None:
    with torch.device("meta"):
        logits, features = Larsen().build("discriminator", ImageShape(3, size, size))(torch.empty(2, 3, size, size))
    assert logits.shape == (2,)
    assert features.shape == (2, *tap)


def test_larsen_follows_the_published_details() -> None:
    with torch.random.fork_rng():
        encoder = Larsen().build("encoder", ImageShape(3, 32, 32))
    norms = [m for m in encoder.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {(norm.momentum, norm.eps) for norm in norms} == {(0.1, 1e-6)}
    convolution = next(m for m in encoder.modules() if isinstance(m, torch.nn.Conv2d))
    bound = 1 / (3 * 3 * 25) ** 0.5  # 1/(√3·√fan_in)
    assert convolution.bias is None
    assert 0.95 * bound < convolution.weight.abs().max().item() <= bound


SMALL = [Larsen(latent=5), Compact(latent=5, width=4, decoder_width=4)]


@pytest.mark.parametrize("networks", SMALL, ids=lambda n: n.name)
@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_keep_the_contract(networks: Networks, size: int, channels: int) -> None:
    shape = ImageShape(channels, size, size)
    with torch.device("meta"):
        x, z = torch.empty(2, *shape), torch.empty(2, 5)
        mu, logvar = networks.build("encoder", shape)(x)
        assert mu.shape == logvar.shape == (2, 5)
        assert networks.build("decoder", shape)(z).shape == x.shape
        assert networks.build("decoder", shape, heads=2)(z).shape == (2, 2 * channels, size, size)
        assert networks.build("discriminator", shape)(x)[0].shape == (2,)


@pytest.mark.parametrize("networks", [Larsen(), Compact()], ids=lambda n: n.name)
def test_what_networks_cannot_do_is_refused_in_words(networks: Networks) -> None:
    with pytest.raises(PluginError, match="no role 'narrator'"):
        networks.build("narrator", ImageShape(3, 32, 32))
    with pytest.raises(PluginError, match="--size"):
        networks.build("encoder", ImageShape(3, 48, 48))


@pytest.mark.parametrize(
    "model",
    [
        VAE(reconstruction=GaussianLearned()),
        VAE(reconstruction=GaussianPredicted()),
        VAEGAN(similarity=GaussianLearned()),
        VAEGANPixel(reconstruction=GaussianPredicted()),
        GAN(regulariser=GradientPenalty()),
        VAEGAN(regulariser=R1()),
    ],
    ids=str,
)
def test_every_kind_of_scale_and_penalty_trains(model: VAE) -> None:
    trained = train(small_run(model, steps=3), blobs(), torch.device("cpu"))
    assert trained.status == "ok"
    assert ("scale" in trained.state.modules) == ("learned" in str(model))


def test_a_learned_scale_moves() -> None:
    trained = train(small_run(VAE(reconstruction=GaussianLearned()), steps=3), blobs(), torch.device("cpu"))
    assert trained.state.modules["scale"]().item() != 0.0
