"""A learned σ starts where the data put it, follows the error, and fits the networks that are evaluated."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from small import PlainDescent
from torch import Tensor

from vaegan_bench.api import Model, Modules, Objectives, Play, Prediction, ReconstructionLoss
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.losses.reconstruction.gaussian_learned import GaussianLearned
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.study.run import Run
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.loop import train
from vaegan_bench.training.optimizers.adam import Adam
from vaegan_bench.training.scale import start_scale
from vaegan_bench.training.state import TrainingState

CPU = torch.device("cpu")
LEARNED = VAE(reconstruction=GaussianLearned())


@dataclass(frozen=True, kw_only=True)
class LearnedLaplace(ReconstructionLoss):
    """A third-party likelihood with another best scale: the mean absolute error."""

    name = "learned-laplace"
    scale = "learned"

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        assert prediction.log_sigma is not None
        log_b = prediction.log_sigma
        return ((target - prediction.mean).abs() * torch.exp(-log_b) + log_b + math.log(2)).flatten(1).sum(1)


@dataclass(frozen=True, kw_only=True)
class Knowing(LearnedLaplace):
    """A likelihood of a prediction that is right to the last bit."""

    name = "knowing"

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        return GaussianLearned()(prediction._replace(mean=target), target)


@dataclass(frozen=True, kw_only=True)
class Undefined(LearnedLaplace):
    """A likelihood that is no number."""

    name = "undefined"

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        return GaussianLearned()(prediction, target) * math.nan


@dataclass(frozen=True, kw_only=True)
class Indifferent(LearnedLaplace):
    """A likelihood that asks for σ, and does not use it."""

    name = "indifferent"

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        return Gaussian()(prediction, target)


@dataclass(frozen=True, kw_only=True)
class Late(Model):
    """A VAE that rests in its first three steps."""

    name = "late"
    players: ClassVar = VAE.players
    reconstruction: ReconstructionLoss = GaussianLearned()

    def objectives(self, play: Play) -> Objectives:
        game = LEARNED.objectives(play)
        return game if play.step >= 3 else game.without({"autoencoder"})


def begun(model: Model) -> tuple[Run, TrainingState, Batches]:
    run, data = small_run(model), blobs()
    state = TrainingState(run, data.shape, CPU)
    return run, state, Batches(run.dataset, data.train, run.batch, run.seed, CPU)


def errors(modules: Modules, x_BCHW: Tensor) -> Tensor:
    """What is left of images, for a code that is drawn here."""
    (x_rec,) = modules.decode(modules.encode(x_BCHW).sample(torch.Generator().manual_seed(5)))
    return (x_BCHW - x_rec.mean).detach()


def errors_of_features(modules: Modules, x_BCHW: Tensor) -> Tensor:
    real, rec = modules.judge(x_BCHW, x_BCHW - errors(modules, x_BCHW))
    return (real.features_BF - rec.features_BF).detach()


def root_mean_square(errors: Tensor) -> float:
    return float(errors.square().mean().sqrt())


def sigma(modules: Modules) -> float:
    assert modules.log_sigma is not None
    return math.exp(modules.log_sigma.item())


Best = Callable[[Modules, Tensor], float]
STARTS: list[tuple[Model, int, Best]] = [
    (LEARNED, 0, lambda modules, x: root_mean_square(errors(modules, x))),
    (VAEGAN(similarity=GaussianLearned()), 0, lambda modules, x: root_mean_square(errors_of_features(modules, x))),
    (VAE(reconstruction=LearnedLaplace()), 0, lambda modules, x: float(errors(modules, x).abs().mean())),
    (Late(), 3, lambda modules, x: root_mean_square(errors(modules, x))),
]


@pytest.mark.parametrize(("model", "step", "best"), STARTS, ids=lambda value: str(getattr(value, "name", "")))
def test_sigma_starts_where_the_first_batch_of_its_player_puts_it(model: Model, step: int, best: Best) -> None:
    _, state, batches = begun(model)
    expected = best(state.modules, batches.at(step))
    assert abs(math.log(expected)) > 0.1  # σ = 1 would not do
    still = train(small_run(model, optimizer=PlainDescent(lr=0), steps=1), blobs(), CPU)
    assert sigma(still.state.modules) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("model", [LEARNED, VAEGAN(similarity=GaussianLearned())], ids=str)
def test_only_sigma_changes_before_the_first_step(model: Model) -> None:
    run, state, batches = begun(model)
    before = {role: {k: t.clone() for k, t in m.state_dict().items()} for role, m in state.modules.items()}
    noise = state.noise.get_state()
    start_scale(run, state.modules, batches)
    assert torch.equal(state.noise.get_state(), noise)
    changed = {
        f"{role}.{name}"
        for role, module in state.modules.items()
        for name, tensor in module.state_dict().items()
        if not torch.equal(tensor, before[role][name])
    }
    assert changed == {"scale.value"}


@pytest.mark.parametrize(
    ("loss", "log_sigma"), [(Knowing(), -5 * math.tanh(2)), (Undefined(), 0.0), (Indifferent(), 0.0)], ids=str
)
def test_sigma_is_a_number_within_its_bounds_whatever_the_loss(loss: ReconstructionLoss, log_sigma: float) -> None:
    run, state, batches = begun(VAE(reconstruction=loss))
    start_scale(run, state.modules, batches)
    assert math.log(sigma(state.modules)) == pytest.approx(log_sigma, abs=0.01)


def test_a_loss_that_does_not_use_sigma_leaves_it_where_it_is_to_the_end() -> None:
    run, data = small_run(VAE(reconstruction=Indifferent()), ema=0.5), blobs()
    state, batches = TrainingState(run, data.shape, CPU), Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    assert state.average is not None
    state.average.fit(run, state.modules, batches)
    assert sigma(state.evaluated_modules()) == 1.0


def test_sigma_follows_the_error() -> None:
    run = small_run(LEARNED, optimizer=Adam(lr=1e-3), steps=200)
    state, data = train(run, blobs(), CPU).state, blobs()
    batches = Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    ends = torch.cat([errors(state.modules, batches.at(step)) for step in range(195, 200)])
    _, at_first, _ = begun(LEARNED)
    assert root_mean_square(ends) < 0.7 * root_mean_square(errors(at_first.modules, batches.at(0)))
    assert sigma(state.modules) == pytest.approx(root_mean_square(ends), rel=0.05)


def test_sigma_fits_the_averaged_networks_as_they_are_evaluated() -> None:
    run, data = small_run(LEARNED, optimizer=Adam(lr=5e-3), steps=20, ema=0.5), blobs()
    state = train(run, data, CPU).state
    batches = Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    averaged, last = state.evaluated_modules(), torch.cat([batches.at(step) for step in range(16, 20)])
    assert sigma(averaged) == pytest.approx(root_mean_square(errors(averaged, last)), rel=0.02)
    # Neither that of the trained networks would do, nor an average of these.
    assert sigma(averaged) > 1.1 * sigma(state.modules)
    assert not any(weight.requires_grad for weight in averaged["scale"].parameters())
