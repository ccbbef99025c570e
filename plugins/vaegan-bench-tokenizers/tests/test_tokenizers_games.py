"""Who moves whom, by how much, and by which term: the games of the first stages, measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from vaegan_bench_tokenizers.first_stage import FirstStage
from vaegan_bench_tokenizers.fsq import FSQ
from vaegan_bench_tokenizers.kl_autoencoder import KLAutoencoder
from vaegan_bench_tokenizers.tokenizer import Tokenizer
from vaegan_bench_tokenizers.vq import VQ
from vaegan_bench_tokenizers.vq_vae import VQVAE
from vaegan_bench_tokenizers.vqgan import VQGAN

from vaegan_bench.api import Model
from vaegan_bench.losses.adversarial.nonsaturating import NonSaturating
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.losses.reconstruction.laplace import Laplace
from vaegan_bench.losses.regulariser.lecam import LeCam
from vaegan_bench.losses.regulariser.r1_r2 import R1R2
from vaegan_bench.models.vae import VAE
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.testing.coefficients import measure_coefficients
from vaegan_bench.testing.models import trains_everywhere
from vaegan_bench.testing.small_game import SmallGame, gradients
from vaegan_bench.training.loop import train
from vaegan_bench.training.trained_model import TrainedModel

torch.set_num_threads(1)
CPU = torch.device("cpu")
NETWORKS = Tokenizer(width=4, channels=2)
QUANTISERS = (VQ(entries=16), FSQ(levels="5 3"))

# Within the margins of the hinge, the costs of the two sides are multiples of each other for the autoencoder.
LOSSES: dict[str, Any] = {"perceptual": Gaussian(), "adversarial": NonSaturating()}
OF_IMAGES = {"reconstruction": 1.0, "perceptual": 1.0}
AGAINST = {"discriminator": {"discriminator": 1.0, "generator": 0.0}}
STATED = [
    (
        KLAutoencoder(**LOSSES, beta=0.3),
        {"autoencoder": {**OF_IMAGES, "prior": 0.3, "generator": 1.0, "discriminator": 0.0}, **AGAINST},
    ),
    (
        VQGAN(**LOSSES, quantiser=QUANTISERS[0]),
        {"autoencoder": {**OF_IMAGES, "commitment": 1.0, "generator": 1.0, "discriminator": 0.0}, **AGAINST},
    ),
    (
        VQGAN(**LOSSES, quantiser=QUANTISERS[1]),
        {"autoencoder": {**OF_IMAGES, "generator": 1.0, "discriminator": 0.0}, **AGAINST},
    ),
    (
        VQVAE(perceptual=Gaussian(), quantiser=QUANTISERS[0]),
        {"autoencoder": {**OF_IMAGES, "commitment": 1.0}},
    ),
]


@pytest.fixture
def float64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`.float()`, which guards against bfloat16, must not round what is compared."""
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("model", "stated"), STATED, ids=["kl-autoencoder", "vqgan", "vqgan-fsq", "vq-vae"])
def test_gradients_have_the_stated_coefficients(model: Model, stated: dict[str, dict[str, float]]) -> None:
    small_game = SmallGame(model, networks=NETWORKS)
    found = measure_coefficients(
        small_game.objectives(), small_game.state, {t for terms in stated.values() for t in terms}
    )
    assert set(found) == set(stated)
    for player, terms in stated.items():
        expected = dict.fromkeys(found[player], 0.0) | terms
        assert found[player] == pytest.approx(expected, rel=1e-6, abs=1e-7), player


def reached(small_game: SmallGame, term: str) -> set[str]:
    """The roles whose weights a term's gradient reaches."""
    value = small_game.objectives().terms[term]
    owned = {role: [w for w in net.parameters() if w.requires_grad] for role, net in small_game.modules.items()}
    found = {role: gradients(value, weights) for role, weights in owned.items() if weights}
    return {role for role, all_of in found.items() if any(g is not None and bool(g.any()) for g in all_of)}


@pytest.mark.parametrize("model", [KLAutoencoder(), *(VQGAN(quantiser=q) for q in QUANTISERS)], ids=str)
def test_the_generators_term_reaches_the_encoder_too_and_commitment_only_the_encoder(model: FirstStage) -> None:
    small_game = SmallGame(model, networks=NETWORKS)
    assert reached(small_game, "generator") == {"encoder", "decoder", "discriminator"}
    assert reached(small_game, "reconstruction") == {"encoder", "decoder"}
    if isinstance(model, VQGAN) and isinstance(model.quantiser, VQ):
        assert reached(small_game, "commitment") == {"encoder"}
    else:
        assert "commitment" not in small_game.objectives().terms


@pytest.mark.parametrize("model", [KLAutoencoder(), VQGAN(quantiser=QUANTISERS[0])], ids=str)
def test_fakes_are_reconstructions_and_verdicts_are_those_of_patches(model: FirstStage) -> None:
    small_game = SmallGame(model, networks=NETWORKS)
    for module in small_game.modules.values():
        module.eval()  # a code book moves on with every pass in training
    play = small_game.play()
    game = model.objectives(play)
    again = small_game.play()
    posterior = again.modules.encode(again.x_BCHW)
    drawn = posterior.sample(again.noise) if isinstance(model, KLAutoencoder) else None
    z = again.modules.quantise(posterior.mu_BZ).z_BZ if drawn is None else drawn
    (x_rec,) = again.modules.decode(z)
    assert torch.equal(again.noise.get_state(), play.noise.get_state()), "noise is drawn for the posterior alone"
    real, fake = again.modules.judge(again.x_BCHW, x_rec.mean)
    assert real.verdicts_BP.shape == (len(again.x_BCHW), 14 * 14)
    torch.testing.assert_close(game.terms["generator"], -fake.verdicts_V)
    hinge = (1 - real.verdicts_V).clamp(min=0) + (1 + fake.verdicts_V).clamp(min=0)
    torch.testing.assert_close(game.terms["discriminator"], hinge)


def test_the_kl_autoencoder_without_its_opponent_is_a_vae_with_a_weak_prior() -> None:
    mine, theirs = (
        SmallGame(m, networks=NETWORKS).objectives() for m in (KLAutoencoder(), VAE(reconstruction=Laplace()))
    )
    for term in ("prior", "reconstruction"):
        torch.testing.assert_close(mine.terms[term], theirs.terms[term])
    assert mine.minimise["autoencoder"]["prior"] == 1e-6


@pytest.mark.parametrize("regulariser", [R1R2(), LeCam()], ids=str)
def test_penalties_work_on_patches(regulariser: R1R2 | LeCam) -> None:
    trained = train(small_run(VQGAN(regulariser=regulariser), networks=NETWORKS, steps=3), blobs(), CPU)
    assert trained.status == "ok"
    assert "regulariser" in trained.history[-1]


@pytest.mark.parametrize("quantiser", QUANTISERS, ids=str)
def test_a_trained_model_decodes_members_of_its_set_and_a_moving_average_shares_them(quantiser: VQ | FSQ) -> None:
    run = small_run(VQGAN(quantiser=quantiser), networks=NETWORKS, steps=20, ema=0.9)
    state = train(run, blobs(), CPU).state
    model = TrainedModel(run.model, state.evaluated_modules(), NETWORKS.latent)
    x = blobs().test.images_NCHW.float() / 127.5 - 1
    codes = model.encode(x).mu_BZ
    assert model.codebook is not None
    assert torch.equal(model.codebook.nearest(codes), codes)
    places = codes.unflatten(1, (2, 64)).transpose(1, 2).flatten(0, 1)
    assert 1 < len(places.unique(dim=0)) <= model.codebook.entries
    torch.testing.assert_close(model.reconstruct(x), model.decode(codes))


def test_a_code_book_comes_into_use() -> None:
    run = small_run(VQVAE(quantiser=VQ(entries=32)), networks=NETWORKS, steps=60)
    state = train(run, blobs(), CPU).state
    model = TrainedModel(run.model, state.evaluated_modules(), NETWORKS.latent)
    tokens = model.tokens(blobs().train.images_NCHW.float() / 127.5 - 1)
    assert tokens is not None
    assert len(tokens.unique()) >= 24


def test_fsq_trains_everywhere_where_channels_fit() -> None:
    trains_everywhere(replace(VQGAN(), quantiser=FSQ(levels="5 3")))
