"""The rivals as users meet them: registered, trained, sampled, borrowed from."""

from __future__ import annotations

import pytest
import torch
from rivals_game import CPU, LATENT, RIVALS, state_of
from vaegan_bench_rivals.bigan import BiGAN
from vaegan_bench_rivals.sngan import SNGAN
from vaegan_bench_rivals.wgan_gp import WGANGP

from vaegan_bench.api import Model, SelectorError
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.loop import take_step, train
from vaegan_bench.training.state import TrainingState
from vaegan_bench.training.trained_model import TrainedModel


def named(value: object) -> str:
    return getattr(value, "name", "")


def test_all_rivals_are_registered_under_their_names() -> None:
    known = Registry(["vaegan_bench_rivals"]).of_kind("model")
    assert {model.name for model in RIVALS} <= set(known)


def test_selectors_reach_the_fields() -> None:
    registry = Registry(["vaegan_bench_rivals"])
    assert registry.build(Model, "wgan-gp[n_critic=3,regulariser=r1]").n_critic == 3  # type: ignore[attr-defined]
    for model in RIVALS:
        assert registry.build(Model, str(model)) == model


@pytest.mark.parametrize(
    "selector", ["wae-gan[encoder=random]", "wgan-gp[n_critic=0]", "soft-introvae[alpha=0]", "bigan[adversarial=lsgan]"]
)
def test_what_means_nothing_is_refused(selector: str) -> None:
    with pytest.raises(SelectorError):
        Registry(["vaegan_bench_rivals"]).build(Model, selector)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("model", RIVALS, ids=named)
def test_three_steps_move_every_player_and_leave_a_model_that_samples(model: Model, size: int) -> None:
    run = small_run(model, steps=3, size=size)
    trained = train(run, blobs(size), CPU)
    assert trained.status == "ok"
    before = TrainingState(run, blobs(size).shape, CPU)
    for player, weights in trained.state.parameters.items():
        assert any(not torch.equal(a, b) for a, b in zip(before.parameters[player], weights, strict=True))
    use = TrainedModel(model, trained.state.evaluated_modules(), LATENT)
    samples = use.sample(2)
    assert samples.shape == (2, 3, size, size)
    assert samples.abs().max() <= 1
    assert use.has_encoder == ("encoder" in model.players)
    if use.has_encoder:
        assert use.reconstruct(samples).shape == samples.shape


@pytest.mark.parametrize(("model", "share"), [(WGANGP(), 0.2), (SNGAN(), 0.2), (WGANGP(n_critic=1), 1.0)], ids=named)
def test_the_generator_moves_once_in_n_steps_of_its_critic(model: Model, share: float) -> None:
    (row,) = train(small_run(model, steps=10), blobs(), CPU).history
    assert row["moves of decoder"] == pytest.approx(share)
    assert row["moves of discriminator"] == 1.0


def test_between_its_moves_the_generator_meets_n_steps_of_the_critic() -> None:
    run, data = small_run(WGANGP(n_critic=3)), blobs()
    state = TrainingState(run, data.shape, CPU)
    batches = Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    moved = []
    for _ in range(7):
        before = [weight.detach().clone() for weight in state.parameters["decoder"]]
        take_step(run, state, batches)
        pairs = zip(before, state.parameters["decoder"], strict=True)
        moved.append(any(not torch.equal(old, new) for old, new in pairs))
    assert moved == [True, False, False, True, False, False, True]


@pytest.mark.parametrize("gan", [SNGAN(), BiGAN(width=16)], ids=named)
def test_a_rivals_discriminator_can_be_lent(gan: Model) -> None:
    lender = train(small_run(gan, steps=2), blobs(), CPU).state.modules["discriminator"].state_dict()
    borrower = train(small_run(VAEDisl(gan=gan), steps=2), blobs(), CPU, borrowed={"discriminator": lender})
    assert borrower.status == "ok"
    for name, tensor in borrower.state.modules["discriminator"].state_dict().items():
        assert torch.equal(tensor, lender[name])


@pytest.mark.parametrize("model", RIVALS, ids=named)
def test_rivals_start_from_the_weights_of_the_built_in_models(model: Model) -> None:
    own, built_in = weights_of(state_of(model)), weights_of(state_of(VAEGAN()))
    shared = own.keys() & built_in.keys()
    roles = {role for owned in model.players.values() for role in owned} & {"encoder", "decoder", "discriminator"}
    assert {name.partition(".")[0] for name in shared} == roles
    assert all(torch.equal(own[name], built_in[name]) for name in shared)


def weights_of(state: TrainingState) -> dict[str, torch.Tensor]:
    """Weights by role and name, whatever wraps them."""
    everything = ((f"{role}.{n}", w) for role, net in state.modules.items() for n, w in net.named_parameters())
    return {
        name.replace("encoder.encoder.", "encoder.").replace("parametrizations.weight.original", "weight"): weight
        for name, weight in everything
    }
