"""pythae's losses beside the suite's own: where they state the same mathematics, they must agree."""

from __future__ import annotations

import pytest
import torch
from by_hand import IMAGES, networks
from torch import Tensor
from vaegan_bench_pythae import PythaeVAE, PythaeVAEGAN
from vaegan_bench_pythae.networks import Decoder, Discriminator, Encoder, current_autocast, from_unit, to_unit

from vaegan_bench.api import Model, Play, to_signed
from vaegan_bench.losses.reconstruction.bernoulli import Bernoulli
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.testing import NETWORKS, blobs, small_run
from vaegan_bench.training.gradients import player_gradients
from vaegan_bench.training.loop import train
from vaegan_bench.training.state import TrainingState

CPU = torch.device("cpu")


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Tensor]]:
    """ε and prior codes that both sides are handed, in the order in which each draws them."""
    epsilon, prior = torch.randn(2, 16, NETWORKS.latent, generator=torch.Generator().manual_seed(3))
    drawn = {"core": [], "pythae": [epsilon, prior]}
    monkeypatch.setattr(torch, "randn", lambda *_, **__: drawn["core"].pop(0))
    monkeypatch.setattr(torch, "randn_like", lambda *_, **__: drawn["pythae"].pop(0).clone())
    return {"epsilon": [epsilon], "prior first": [prior, epsilon], **drawn}


def gradients(model: Model, evaluating: bool = False) -> tuple[dict[str, tuple[Tensor, ...]], dict[str, Tensor]]:
    data = blobs()
    state = TrainingState(small_run(model), data.shape, CPU)
    if evaluating:
        for module in state.modules.values():
            module.eval()
    x = to_signed(data.train.images_NCHW[:16])
    game = model.objectives(Play(state.modules, x, state.noise, 0, NETWORKS.latent))
    return player_gradients(game, state), {**game.terms, **game.log}


def assert_equal_gradients(ours: dict[str, tuple[Tensor, ...]], core: dict[str, tuple[Tensor, ...]]) -> None:
    assert ours.keys() == core.keys()
    for player in core:
        for mine, theirs in zip(ours[player], core[player], strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5 * float(theirs.abs().max() + 1))


@pytest.mark.parametrize(
    ("loss", "likelihood"), [("mse", Gaussian(sigma=2.0)), ("bce", Bernoulli())], ids=["mse", "bce"]
)
def test_the_vae_is_ours_with_the_likelihood_that_its_loss_means(
    loss: str, likelihood: Gaussian | Bernoulli, codes: dict[str, list[Tensor]]
) -> None:
    """½ · squared error in [0, 1] is a Gaussian of σ = 2 in [-1, 1]; cross-entropy is Bernoulli."""
    codes["core"] += codes["epsilon"]
    core, core_terms = gradients(VAE(reconstruction=likelihood))
    ours, terms = gradients(PythaeVAE(reconstruction_loss=loss))
    assert_equal_gradients(ours, core)
    torch.testing.assert_close(terms["prior"], core_terms["prior"].mean())


def test_the_vaegan_routed_as_in_the_paper_is_ours_without_reconstructed_fakes(codes: dict[str, list[Tensor]]) -> None:
    """With fixed batch statistics: pythae decodes codes and prior codes apart, the suite as one batch."""
    codes["core"] += codes["prior first"]
    core, core_terms = gradients(VAEGAN(gamma=0.7, adversarial_weight=0.3, fakes="samples"), evaluating=True)
    ours, terms = gradients(PythaeVAEGAN(adversarial_loss_scale=0.3, routing="paper"), evaluating=True)
    assert_equal_gradients(ours, core)
    torch.testing.assert_close(terms["prior"], core_terms["prior"].mean())
    torch.testing.assert_close(terms["discriminator_loss"], core_terms["discriminator"].mean())


def test_networks_are_handed_to_pythae_in_its_units() -> None:
    """Images in [0, 1], layer 1 the tapped features, layer 2 the probability of 'real'."""
    modules, precision = networks(), current_autocast(CPU)
    unit = to_unit(IMAGES)
    assert 0 <= unit.min() < 0.5 < unit.max() <= 1
    torch.testing.assert_close(from_unit(unit), IMAGES)
    judged = Discriminator(modules, precision)(unit, [1, 2])
    logits, features = modules["discriminator"](IMAGES)
    torch.testing.assert_close(judged["embedding_layer_1"], features.flatten(1))
    torch.testing.assert_close(judged["embedding_layer_2"], torch.sigmoid(logits)[:, None])
    torch.testing.assert_close(judged["embedding"], torch.sigmoid(logits)[:, None])
    posterior = Encoder(modules, precision)(unit)
    mu, logvar = modules["encoder"](IMAGES)
    torch.testing.assert_close(posterior["embedding"], mu)
    torch.testing.assert_close(posterior["log_covariance"], logvar)
    decoded = Decoder(modules, precision)(mu)["reconstruction"]
    torch.testing.assert_close(decoded, 0.5 + 0.5 * modules["decoder"](mu).tanh())


@pytest.mark.parametrize("model", [PythaeVAE(), PythaeVAEGAN()], ids=str)
def test_noise_is_that_of_the_step_and_global_randomness_is_left_alone(model: Model) -> None:
    before = torch.get_rng_state()
    _, first = gradients(model)
    assert torch.equal(before, torch.get_rng_state())
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(99)
        _, again = gradients(model)
    assert all(torch.equal(first[name], again[name]) for name in first)
    state = TrainingState(small_run(model), blobs().shape, CPU)
    x = to_signed(blobs().train.images_NCHW[:16])
    state.noise.manual_seed(8)
    other = model.objectives(Play(state.modules, x, state.noise, 0, NETWORKS.latent))
    assert all(not torch.equal(first[name], other.terms[name]) for name in other.terms if "prior" not in name)


@pytest.mark.parametrize("model", [PythaeVAE(reconstruction_loss="bce"), PythaeVAEGAN()], ids=str)
def test_networks_keep_their_precision_and_losses_are_in_float32(model: Model) -> None:
    state = TrainingState(small_run(model), blobs().shape, CPU)
    kinds: set[torch.dtype] = set()
    state.modules["decoder"].register_forward_hook(lambda _, __, output: kinds.add(output.dtype))
    x = to_signed(blobs().train.images_NCHW[:16])
    with torch.autocast("cpu", torch.bfloat16):
        game = model.objectives(Play(state.modules, x, state.noise, 0, NETWORKS.latent))
        assert torch.is_autocast_enabled("cpu")
    assert kinds == {torch.bfloat16}
    assert {term.dtype for term in game.terms.values()} == {torch.float32}


def test_a_short_training_rebuilds_better_than_it_began() -> None:
    trained = train(small_run(PythaeVAE(), steps=100), blobs(), CPU)
    assert trained.status == "ok"
    assert trained.history[-1]["reconstruction"] < 0.5 * trained.history[0]["reconstruction"]


def test_selectors_build_the_models_and_refuse_what_pythae_would() -> None:
    registry = Registry(["vaegan_bench_pythae"])
    built = registry.build(Model, "pythae-vaegan[adversarial_loss_scale=0.2,routing=paper,reconstruction_layer=-1]")
    assert built == PythaeVAEGAN(adversarial_loss_scale=0.2, routing="paper", reconstruction_layer=-1)
    for text in ("adversarial_loss_scale=1.5", "reconstruction_layer=3", "reconstruction_layer=0", "routing=mine"):
        with pytest.raises(Exception, match=text.partition("=")[0]):
            registry.build(Model, f"pythae-vaegan[{text}]")
