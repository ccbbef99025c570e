"""Spectral normalisation of any networks: norms by SVD, the inner weights, and trainings that go on."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vaegan_bench.api import ImageShape, LatentShape, Networks, PluginError
from vaegan_bench.losses.regulariser.r1_r2 import R1R2
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.networks.larsen import Larsen
from vaegan_bench.networks.spectral import Spectral, add_spectral_norm
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.assembly import build_modules
from vaegan_bench.testing import NETWORKS, blobs, small_run
from vaegan_bench.testing.passes import build_network
from vaegan_bench.training.loop import train

SHAPE = ImageShape(3, 32, 32)
CPU = torch.device("cpu")


def discriminator(networks: Networks) -> nn.Module:
    return build_modules(GAN(), networks, 0, SHAPE, CPU)["discriminator"]


def matrices(network: nn.Module) -> list[Tensor]:
    """The weights of every layer as it uses them, (outputs, the rest)."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    return [layer.weight.detach().flatten(1) for layer in layers]


@pytest.mark.parametrize("inner", [NETWORKS, Larsen(latent=5)], ids=str)
def test_layers_have_a_largest_singular_value_of_one_and_keep_their_directions(inner: Networks) -> None:
    network, plain = discriminator(Spectral(networks=inner, power_iterations=60)), discriminator(inner)
    x = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for _ in range(20):
            network(x)
    normalised, original = matrices(network.eval()), matrices(plain)
    assert len(normalised) == len(original) > 3
    for found, weight in zip(normalised, original, strict=True):
        largest = torch.linalg.svdvals(weight)[0]
        assert abs(largest - 1) > 0.05  # it was not 1 before
        torch.testing.assert_close(found, weight / largest, rtol=2e-3, atol=1e-5)
        assert torch.linalg.svdvals(found)[0].item() == pytest.approx(1, rel=2e-3)


def test_all_weights_start_from_those_of_the_inner_networks() -> None:
    found, inner = (build_modules(VAEGAN(), n, 3, SHAPE, CPU) for n in (Spectral(networks=NETWORKS), NETWORKS))
    for role in ("encoder", "decoder"):
        for name, tensor in inner[role].state_dict().items():
            assert torch.equal(found[role].state_dict()[name], tensor)
    mine = found["discriminator"].state_dict()
    for name, tensor in inner["discriminator"].state_dict().items():
        before, _, last = name.rpartition(".")
        assert torch.equal(mine[f"{before}.parametrizations.weight.original" if last == "weight" else name], tensor)


def test_what_else_is_known_of_networks_is_that_of_the_inner_ones() -> None:
    networks = Registry().build(Networks, "spectral[networks=compact[latent=7,width=4]]")
    assert networks.latent == 7
    assert networks.per_image == ()  # its pass moves with every batch
    assert networks.last_layers == {"decoder": "last.weight"}
    assert networks.latent_shape == LatentShape(7, 1, 1)
    assert networks.extractors == {}
    assert str(networks) == "spectral[networks=compact[latent=7,width=4]]"
    with pytest.raises(PluginError, match="no role 'narrator'"):
        networks.build("narrator", SHAPE)


def test_a_conditional_discriminator_is_normalised_as_well() -> None:
    network = build_network(Spectral(networks=NETWORKS), "discriminator", SHAPE, conditions=4)
    assert len(matrices(network)) == 5
    assert all("parametrizations" in name for name, weight in network.named_parameters() if weight.ndim > 1)


def test_normalising_twice_is_normalising_once() -> None:
    network = discriminator(Spectral(networks=NETWORKS))
    names = list(network.state_dict())
    assert list(add_spectral_norm(network, 1).state_dict()) == names


def test_a_penalty_takes_its_own_pass_through_it() -> None:
    run = small_run(GAN(regulariser=R1R2()), networks=Spectral(networks=NETWORKS), steps=4)
    assert train(run, blobs(), CPU).status == "ok"


def test_trained_layers_stay_bounded() -> None:
    run = small_run(VAEGAN(), networks=Spectral(networks=NETWORKS, power_iterations=10), steps=12, ema=0.9)
    trained = train(run, blobs(), CPU)
    assert trained.status == "ok"
    found = [torch.linalg.svdvals(w)[0].item() for w in matrices(trained.state.modules["discriminator"].eval())]
    assert found == pytest.approx([1.0] * 4, abs=0.1)  # the last move came after the last pass
