"""The loop: a game with a known answer, who moves, what is shared, and what happens when it goes wrong."""

from __future__ import annotations

import dataclasses
import math
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from duopoly import Duopoly, Numbers, numbers
from small import PlainDescent
from torch import Tensor

from vaegan_bench.api import ImageShape, Model, Objectives, Play, PluginError
from vaegan_bench.losses.gates.margin import Margin
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.study.term_weights import TermWeight
from vaegan_bench.testing import Blobs, blobs, small_run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.gradients import player_gradients, term_gradients
from vaegan_bench.training.history import History
from vaegan_bench.training.loop import take_step, train
from vaegan_bench.training.schedules.constant import Constant
from vaegan_bench.training.schedules.linear import Linear
from vaegan_bench.training.state import TrainingState

CPU = torch.device("cpu")


def test_a_game_with_a_known_equilibrium_is_solved() -> None:
    run = small_run(Duopoly(), networks=Numbers(), optimizer=PlainDescent(lr=0.1), steps=200)
    assert numbers(train(run, blobs(), CPU)) == pytest.approx((4.0, 4.0), abs=1e-4)


def test_players_move_at_the_same_time() -> None:
    # From a = b = 1 both see the slope 12 − 2·1 − 1 = 9; one that moved second would see 12 − 2 − 1.9.
    run = small_run(Duopoly(), networks=Numbers(), optimizer=PlainDescent(lr=0.1), steps=1)
    assert numbers(train(run, blobs(), CPU)) == pytest.approx((1.9, 1.9), abs=1e-6)


def test_a_player_left_out_keeps_its_weights() -> None:
    run = small_run(Duopoly(rest_from=1), networks=Numbers(), optimizer=PlainDescent(lr=0.1), steps=200)
    trained = train(run, blobs(), CPU)
    a, b = numbers(trained)
    assert b == pytest.approx(1.9, abs=1e-6)
    assert a == pytest.approx((12 - 1.9) / 2, abs=1e-4)  # the best answer to a rival who stays at 1.9
    assert trained.history[0]["moves of second"] == pytest.approx(1 / 50)


MODELS = [VAE(), GAN(), VAEGAN(), VAEGANPixel()]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_the_same_seed_gives_the_same_bits(model: Model) -> None:
    first, second = (train(small_run(model, ema=0.9), blobs(), CPU) for _ in range(2))
    assert first.history == second.history
    for role, module in first.state.evaluated_modules().items():
        same(module.state_dict(), second.state.evaluated_modules()[role].state_dict())


def test_another_seed_gives_other_weights() -> None:
    first, second = (train(small_run(VAE(), seed=seed), blobs(), CPU) for seed in (0, 1))
    assert first.history != second.history


def test_all_models_start_from_the_same_shared_weights() -> None:
    states = [TrainingState(small_run(model), ImageShape(3, 32, 32), CPU) for model in MODELS]
    for role in ("encoder", "decoder", "discriminator"):
        weights = [state.modules[role].state_dict() for state in states if role in state.modules]
        assert len(weights) >= 3 or role == "discriminator"
        for other in weights[1:]:
            same(weights[0], other)


@dataclass(frozen=True, kw_only=True)
class Remembering(Model):
    """A VAE that keeps weak references to its terms."""

    name = "remembering"
    players: ClassVar = VAE.players
    made: ClassVar[list[weakref.ref[Tensor]]] = []

    def objectives(self, play: Play) -> Objectives:
        assert [each() for each in self.made] == [None] * len(self.made)
        objectives = VAE().objectives(play)
        self.made.append(weakref.ref(objectives.terms["reconstruction"]))
        return objectives


def test_the_graph_of_a_step_is_freed_before_the_next_one() -> None:
    assert train(small_run(Remembering(), steps=4), blobs(), CPU).status == "ok"
    assert len(Remembering.made) == 4


def test_a_run_goes_on_from_a_snapshot_with_the_same_bits() -> None:
    run, data = small_run(VAEGAN(), ema=0.9), blobs()
    whole = TrainingState(run, data.shape, CPU)
    batches = Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    for _ in range(3):
        take_step(run, whole, batches)
    resumed = TrainingState(run, data.shape, CPU)
    resumed.load_state_dict(whole.state_dict())
    other_batches = Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    for _ in range(4):
        take_step(run, whole, batches)
        take_step(run, resumed, other_batches)
    for role, module in whole.evaluated_modules().items():
        same(module.state_dict(), resumed.evaluated_modules()[role].state_dict())


@dataclass(frozen=True, kw_only=True)
class Explodes(Model):
    """A VAE whose prior term turns into NaN at a step."""

    name = "explodes"
    players: ClassVar = {"autoencoder": ("encoder", "decoder")}
    at: int = 7

    def objectives(self, play: Play) -> Objectives:
        game = VAE().objectives(play)
        prior = game.terms["prior"] * (float("nan") if play.step + 1 >= self.at else 1.0)
        return dataclasses.replace(game, terms={**game.terms, "prior": prior})


def test_divergence_ends_the_run_and_names_the_step() -> None:
    trained = train(small_run(Explodes(at=7), steps=200), blobs(), CPU)
    assert trained.status == "diverged at step 7"
    assert trained.state.step == 50  # noticed at the next look, not at the end


def test_a_row_of_the_history_is_the_mean_over_its_steps() -> None:
    history = History(["player"])
    history.add(1, {"term": torch.tensor([1.0, 3.0]), "seldom": torch.tensor(7.0)}, ["player"])
    history.add(2, {"term": torch.tensor(5.0)}, [])
    assert history.flush({"player.term": 0.5}, {"player.term": 2.0}) is None
    means = {"term": 3.5, "seldom": 7.0, "moves of player": 0.5}
    assert history.rows == [{"step": 2, **means, "weight of player.term": 0.5, "gradient of player.term": 2.0}]


@dataclass(frozen=True, kw_only=True)
class Detached(Model):
    """An autoencoder that forgot its encoder."""

    name = "detached"
    players: ClassVar = {"autoencoder": ("encoder", "decoder")}

    def objectives(self, play: Play) -> Objectives:
        game = VAE().objectives(play)
        blind = play.modules.decode(torch.zeros(4, play.latent))[0].mean.sum()
        return dataclasses.replace(game, terms={"blind": blind}, minimise={"autoencoder": {"blind": 1.0}})


def test_weights_that_no_gradient_reaches_are_named() -> None:
    with pytest.raises(PluginError, match=r"'autoencoder' minimises nothing.*encoder\."):
        train(small_run(Detached()), blobs(), CPU)


def test_warm_up_scales_the_prior_term_alone() -> None:
    warm_up = TermWeight("prior", Linear(end=4.0, over=10))
    run, data = small_run(VAE(), steps=60, term_weights=(warm_up,)), blobs()
    trained = train(run, data, CPU)
    assert [row["weight of autoencoder.prior"] for row in trained.history] == [4.0, 4.0]
    assert [row["weight of autoencoder.reconstruction"] for row in trained.history] == [1.0, 1.0]
    state, batches = TrainingState(run, data.shape, CPU), Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    seen = [take_step(run, state, batches).objectives.minimise["autoencoder"]["prior"] for _ in range(12)]
    assert seen == pytest.approx([0.4 * step for step in range(10)] + [4.0, 4.0])


def test_a_weight_of_zero_leaves_a_term_out_and_rests_whom_nothing_is_left(tmp_path: Path) -> None:
    without = small_run(GAN(), term_weights=(TermWeight("discriminator.discriminator", Constant(value=0)),))
    trained = train(without, blobs(), CPU)
    assert trained.history[-1]["moves of discriminator"] == 0
    assert trained.history[-1]["moves of decoder"] == 1
    # The decoder of a VAE without its reconstruction minimises nothing, which is no mistake of its author.
    alone = train(small_run(VAE(), term_weights=(TermWeight("reconstruction", Constant(value=0)),)), blobs(), CPU)
    assert alone.status == "ok"
    assert alone.history[-1]["gradient of autoencoder.reconstruction"] == 0


def test_the_gradient_of_each_term_is_logged_with_its_coefficient() -> None:
    run, data = small_run(VAEGAN(gamma=0.25)), blobs()
    state, batches = TrainingState(run, data.shape, CPU), Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    play = Play(state.modules, batches.at(0), state.noise, 0, run.networks.latent)
    game = run.model.objectives(play)
    norms = term_gradients(game, state)
    assert set(norms) == set(game.coefficients())
    summed = {player: [w.grad.clone() for w in own if w.grad is not None] for player, own in state.parameters.items()}
    for player, term in (("encoder", "prior"), ("decoder", "similarity"), ("discriminator", "discriminator")):
        found = torch.autograd.grad(
            game.terms[term].mean(), state.parameters[player], retain_graph=True, allow_unused=True
        )
        norm = torch.stack([g.square().sum() for g in found if g is not None]).sum().sqrt()
        assert norms[f"{player}.{term}"] == pytest.approx(game.minimise[player][term] * float(norm), rel=1e-5)
    for player, whole in player_gradients(game, state).items():  # the step that is logged moves as all others do
        torch.testing.assert_close(summed[player], list(whole), rtol=1e-3, atol=1e-5)


def test_a_term_that_is_left_out_has_no_part_in_a_logged_step_even_where_it_is_infinite() -> None:
    run, data = small_run(VAE()), blobs()
    state, batches = TrainingState(run, data.shape, CPU), Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    game = run.model.objectives(Play(state.modules, batches.at(0), state.noise, 0, run.networks.latent))
    broken = replace(game, terms={**game.terms, "prior": game.terms["prior"] * math.inf})
    norms = term_gradients(broken.weigh({("autoencoder", "prior"): 0.0}), state)
    assert norms["autoencoder.prior"] == 0
    assert all(bool(weight.grad.isfinite().all()) for weight in state.parameters["autoencoder"])


@pytest.mark.parametrize(
    ("real", "fake", "rests"),
    [
        (0.0, 0.0, set()),  # both guess: costs log 2
        (3.0, -3.0, {"discriminator"}),  # it knows everything
        (-3.0, 3.0, {"decoder"}),  # it is fooled by everything
        (3.0, 3.0, set()),  # one cost too low, one too high: both move
    ],
)
def test_the_margin_gate_rests_who_is_ahead(real: float, fake: float, rests: set[str]) -> None:
    assert Margin()(torch.full((4,), real), torch.full((4,), fake)) == rests


def test_bfloat16_trains() -> None:
    trained = train(small_run(VAEGAN(), precision="bfloat16"), blobs(), CPU)
    assert trained.status == "ok"
    assert all(p.dtype == torch.float32 for p in trained.state.modules["encoder"].parameters())


def test_every_epoch_shows_every_image_once() -> None:
    run, data = small_run(VAE()), blobs()
    batches = Batches(run.dataset, data.train, 12, seed=3, device=CPU)
    epochs = [torch.cat([batches.at(step) for step in range(e * 6, e * 6 + 6)]) for e in (0, 1)]
    sums = [sorted(epoch.flatten(1).sum(1).tolist()) for epoch in epochs]
    assert sums[0] == sums[1]
    assert not torch.equal(epochs[0], epochs[1])


@dataclass(frozen=True, kw_only=True)
class Shaken(Blobs):
    """Blobs with noise on top, as an augmentation."""

    name = "shaken"

    def augment(self, x_BCHW: Tensor, noise: torch.Generator) -> Tensor:
        return x_BCHW + torch.randn(x_BCHW.shape, generator=noise)


def test_all_models_see_the_same_images_whatever_else_they_draw() -> None:
    seen: dict[str, list[Tensor]] = {}
    data = blobs()
    for model in MODELS:
        run = small_run(model, dataset=Shaken())
        state, batches = TrainingState(run, data.shape, CPU), Batches(run.dataset, data.train, 16, run.seed, CPU)
        seen[model.name] = [batches.at(state.step)]
        take_step(run, state, batches)
        seen[model.name].append(batches.at(state.step))
    for images in seen.values():
        assert all(torch.equal(mine, first) for mine, first in zip(images, seen["vae"], strict=True))


def test_weights_that_the_last_move_ruined_are_a_divergence() -> None:
    trained = train(small_run(VAE(), optimizer=PlainDescent(lr=float("inf")), steps=1), blobs(), CPU)
    assert trained.status == "diverged at step 1"


def same(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert isinstance(value, Tensor)
        assert torch.equal(value, second[name]), name
