"""The projected discriminator: what it sees, what of it is trained, and a game with it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from vaegan_bench_tokenizers import projected
from vaegan_bench_tokenizers.projected import Projected, RandomMixing, frozen_features, frozen_network, resize
from vaegan_bench_tokenizers.tokenizer import Tokenizer
from vaegan_bench_tokenizers.vq import VQ
from vaegan_bench_tokenizers.vqgan import VQGAN

import vaegan_bench as vb
from vaegan_bench.api import ImageShape, LatentShape, Model, Networks, SelectorError
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.networks.spectral import Spectral
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report import tables
from vaegan_bench.study.dry_build import build_without_memory
from vaegan_bench.study.term_weights import TermWeight
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.testing.passes import build_network
from vaegan_bench.testing.small_game import SmallGame
from vaegan_bench.training.adaptive_weights.adaptive import Adaptive
from vaegan_bench.training.loop import train

torch.set_num_threads(1)
CPU = torch.device("cpu")
NETWORKS = Projected(networks=Tokenizer(width=4, channels=2), width=4)


def discriminator() -> nn.Module:
    return build_network(NETWORKS, "discriminator", ImageShape(3, 32, 32))


def image(size: int = 32) -> Tensor:
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_the_frozen_network_is_the_extractor() -> None:
    network, levels = frozen_network(CPU), (image(96) + 1) * 127.5
    *_, last = frozen_features((levels - 127) / 128, network)
    head = network.get_submodule("_bn1")(network.get_submodule("_conv_head")(last))
    pooled = network.get_submodule("_swish")(head).mean((2, 3))
    extractor = EffLite0().open(blobs(), Path(), CPU)
    expected, _ = extractor.forward(levels)  # type: ignore[attr-defined]
    torch.testing.assert_close(pooled, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("before", "after"), [(32, 128), (8, 16), (64, 48)])
def test_resizing_is_bilinear(before: int, after: int) -> None:
    expected = interpolate(image(before), size=(after, after), mode="bilinear")
    torch.testing.assert_close(resize(image(before), after), expected, rtol=1e-5, atol=1e-5)


def test_each_of_four_scales_gives_as_many_verdicts() -> None:
    network = discriminator()
    logits, features = network(image())
    assert logits.shape == (2, 4 * 4 * 4)
    assert features.shape == (2, 4, 32, 32)
    for i, judge in enumerate(network.judges):
        before = logits.clone()
        with torch.no_grad():
            judge[-2].bias.add_(1.0)
        changed = (network.eval()(image())[0] - before).abs() > 0.5
        assert changed[:, 16 * i : 16 * (i + 1)].all()


@pytest.mark.parametrize("side", [128, 256])
def test_its_shapes_are_known_without_memory_or_weights(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    networks = Projected(width=4, side=side)
    known = [y.shape for y in networks.build("discriminator", ImageShape(3, 32, 32))(image())]
    monkeypatch.delattr(projected, "frozen_network")
    with torch.device("meta"):
        found = networks.build("discriminator", ImageShape(3, 32, 32))(torch.zeros(2, 3, 32, 32))
    assert [y.shape for y in found] == known


def test_every_adversarial_model_can_be_planned_with_it() -> None:
    registry = Registry(["vaegan_bench_tokenizers", "vaegan_bench_rivals"])
    models = [registry.build(Model, name) for name in registry.of_kind("model")]
    runs = [small_run(m, networks=NETWORKS) for m in models if "discriminator" in sum(m.players.values(), ())]
    assert {"vaegan", "vqgan", "bigan"} < {run.model.name for run in runs}
    fitting, skips = build_without_memory(runs)
    assert not skips
    assert fitting == runs


def test_fine_scales_see_coarse_ones_and_not_the_other_way_round() -> None:
    with torch.random.fork_rng():
        mixing = RandomMixing([2, 3, 4], [5, 6, 7])
    features = [
        torch.randn(1, c, s, s, generator=torch.Generator().manual_seed(c)) for c, s in ((2, 16), (3, 8), (4, 4))
    ]
    before = mixing(features)
    for place, reached in ((2, [True, True, True]), (1, [True, True, False]), (0, [True, False, False])):
        moved = [f + (i == place) for i, f in enumerate(features)]
        assert [not torch.equal(a, b) for a, b in zip(before, mixing(moved), strict=True)] == reached


def test_projections_and_the_frozen_network_are_not_trained_but_images_get_their_gradient() -> None:
    network, x = discriminator(), image().requires_grad_()
    assert all(name.startswith("judges.") for name, _ in network.named_parameters())
    assert sum(tensor.numel() for tensor in network.state_dict().values()) < 30_000  # EfficientNet has millions
    (slope,) = torch.autograd.grad(network(x)[0].sum(), x)
    assert slope.abs().amax((1, 2, 3)).min() > 0


def test_a_vqgan_plays_against_it_with_an_adaptive_weight() -> None:
    weights = (TermWeight("autoencoder.generator", Adaptive()),)
    model = VQGAN(quantiser=VQ(entries=8))
    run = small_run(model, networks=NETWORKS, steps=2, batch=4, term_weights=weights)
    trained = train(run, blobs(), CPU)
    assert trained.status == "ok"
    assert trained.history[-1]["weight of autoencoder.generator"] not in (0.0, 1.0)
    start, end = SmallGame(model, networks=NETWORKS).modules["discriminator"], trained.state.modules["discriminator"]
    for name, weight in end.named_parameters():
        assert not torch.equal(weight, start.get_parameter(name)), name
    for name, projection in end.get_submodule("mixing").named_buffers():
        assert torch.equal(projection, start.get_buffer(f"mixing.{name}")), name


def test_what_else_is_known_of_networks_is_that_of_the_inner_ones() -> None:
    networks = Registry(["vaegan_bench_tokenizers"]).build(Networks, "projected[networks=tokenizer[channels=3]]")
    assert networks.latent_shape == LatentShape(3, 8, 8)
    assert networks.latent == 192
    assert networks.per_image == ("encoder", "decoder")
    assert networks.last_layers == {"decoder": "last.weight"}
    with pytest.raises(SelectorError, match="side must be 128 or 256"):
        Registry(["vaegan_bench_tokenizers"]).build(Networks, "projected[side=96]")


@pytest.mark.parametrize("networks", [NETWORKS, Spectral(networks=NETWORKS)], ids=str)
def test_models_with_a_discriminator_are_trained_through_the_extractor(networks: Networks) -> None:
    expected = {VAE(): (), GAN(): ("efflite0",), VAEDisl(): ("efflite0",)}  # the last borrows the discriminator
    assert {model: small_run(model, networks=networks).seen_through for model in expected} == expected
    assert small_run(GAN()).seen_through == ()


def test_no_verdict_is_drawn_on_the_features_through_which_a_discriminator_looks(tmp_path: Path) -> None:
    rows = vb.run(
        "smoke", models=["vae", "gan"], networks="projected[width=4,networks=tokenizer[width=4]]", steps=2, seeds=1,
        samples=20, calibrate=False, metrics=["frechet[extractor=efflite0]", "reconstruction"],
        plugins=["vaegan_bench_tokenizers"], results=tmp_path, cache=tmp_path,
    ).rows  # fmt: skip
    assert rows.groupby("model")["trained_on"].unique().map(list).to_dict() == {"vae": [""], "gan": ["efflite0"]}
    pairs = tables.compare(rows, "vae", "gan").set_index("metric")["verdict"]
    assert "trained on features of efflite0" in pairs["frechet[efflite0]"]
