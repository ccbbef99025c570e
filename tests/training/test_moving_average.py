"""The moving average of the evaluated networks: in closed form, of all of them, with statistics that fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from small import PlainDescent
from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Model, Modules, Networks, Objectives, Play, to_signed
from vaegan_bench.losses.reconstruction.gaussian_learned import GaussianLearned
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.study.run import Run
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.loop import take_step, train
from vaegan_bench.training.state import TrainingState
from vaegan_bench.training.trained_model import TrainedModel

CPU = torch.device("cpu")


class Number(nn.Module):
    """A network that is one number."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(start, dtype=torch.float64))


@dataclass(frozen=True, kw_only=True)
class Numbers(Networks):
    """1 for the encoder, 10 for the decoder, 100 for the discriminator."""

    name = "numbers"
    latent: int = 1

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        return Number({"encoder": 1.0, "decoder": 10.0, "discriminator": 100.0}[role])


@dataclass(frozen=True, kw_only=True)
class Steady(Model):
    """Every network moves by the learning rate in every step: the encoder once, the decoder twice that."""

    name = "steady"
    players: ClassVar = {"all": ("encoder", "decoder", "discriminator")}

    def objectives(self, play: Play) -> Objectives:
        encoder, decoder, discriminator = (play.modules[role].value for role in self.players["all"])
        return Objectives(terms={"sum": encoder + 2 * decoder + discriminator}, minimise={"all": {"sum": 1.0}})


def averages_after(steps: int, decay: float) -> dict[str, float]:
    run = small_run(Steady(), networks=Numbers(), optimizer=PlainDescent(lr=0.1), steps=steps, ema=decay)
    return {role: m.value.item() for role, m in train(run, blobs(), CPU).state.evaluated_modules().items()}


def in_closed_form(start: float, slope: float, steps: int, decay: float) -> float:
    """Weights w_t = start − t · slope, each with its share of the average, the newest last."""
    decays = [min(decay, (1 + t) / (10 + t)) for t in range(1, steps + 1)]
    total, left = 0.0, 1.0
    for t in range(steps, 0, -1):
        total += left * (1 - decays[t - 1]) * (start - t * slope)
        left *= decays[t - 1]
    return total + left * start


@pytest.mark.parametrize("decay", [0.05, 0.5, 0.9999])
def test_the_average_has_its_closed_form(decay: float) -> None:
    found = averages_after(30, decay)
    assert found["encoder"] == pytest.approx(in_closed_form(1, 0.1, 30, decay), rel=1e-6)
    assert found["decoder"] == pytest.approx(in_closed_form(10, 0.2, 30, decay), rel=1e-6)
    assert found["discriminator"] == pytest.approx(100 - 30 * 0.1)  # no metric looks at it


def test_an_average_never_reaches_back_beyond_its_training() -> None:
    # Without a warm-up, 0.9999³⁰⁰ = 97 % of the average would be the weights before training.
    found, newest = averages_after(300, 0.9999), 1 - 300 * 0.1
    lag = (found["encoder"] - newest) / 0.1  # in steps
    assert 20 < lag < 60


def test_no_average_evaluates_the_trained_networks() -> None:
    assert averages_after(30, 0.0)["encoder"] == pytest.approx(1 - 3.0)


MODELS: list[Model] = [VAE(), GAN(), VAEGAN(), VAEGAN(conditional=True)]


def ended(model: Model, steps: int = 12, **changes: Any) -> tuple[Run, TrainingState, Batches]:
    run, data = small_run(model, steps=steps, ema=0.7, **changes), blobs()
    state = train(run, data, CPU).state
    return run, state, Batches(run.dataset, data.train, run.batch, run.seed, CPU)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_every_network_that_is_evaluated_is_averaged(model: Model) -> None:
    _, state, _ = ended(model)
    for role, module in state.evaluated_modules().items():
        averaged = role in ("encoder", "decoder")
        for name, weight in module.named_parameters():
            trained = state.modules[role].get_parameter(name)
            assert torch.equal(weight, trained) != averaged, f"{role}.{name}"


def test_statistics_of_the_encoder_are_those_of_the_averaged_weights() -> None:
    run, state, batches = ended(VAE())
    encoder = state.evaluated_modules()["encoder"]
    first, norm = encoder.body[0], encoder.body[1]
    means, variances = zip(*(_moments(first(batches.at(step))) for step in range(run.steps)), strict=True)
    torch.testing.assert_close(norm.running_mean, torch.stack(means).mean(0))
    torch.testing.assert_close(norm.running_var, torch.stack(variances).mean(0))
    trained = state.modules["encoder"].body[1]
    assert not torch.allclose(norm.running_mean, trained.running_mean, rtol=1e-3)


def _moments(x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
    values_CN = x_BCHW.detach().transpose(0, 1).flatten(1)
    return values_CN.mean(1), values_CN.var(1)


def test_statistics_are_of_the_last_fifty_batches() -> None:
    run, state, batches = ended(VAE(), steps=53)
    encoder = state.evaluated_modules()["encoder"]
    means = [_moments(encoder.body[0](batches.at(step)))[0] for step in range(3, 53)]
    torch.testing.assert_close(encoder.body[1].running_mean, torch.stack(means).mean(0))
    assert run.steps == 53


def test_a_decoder_sees_reconstructions_and_samples_in_one_batch_as_in_training() -> None:
    _, state, _ = ended(VAEGAN())
    decoder = state.evaluated_modules()["decoder"]
    batches_seen = decoder.body[2].num_batches_tracked
    assert batches_seen == 12  # one joint batch per step; reconstructions and samples apart would be 24


def test_fitting_changes_neither_the_trained_networks_nor_the_noise_of_training() -> None:
    run, data = small_run(VAEGAN(similarity=GaussianLearned()), steps=12, ema=0.7), blobs()
    state, batches = TrainingState(run, data.shape, CPU), Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    for _ in range(run.steps):
        take_step(run, state, batches)
    before, noise = {r: _copies(m) for r, m in state.modules.items()}, state.noise.get_state()
    assert state.average is not None
    state.average.fit(run, state.modules, batches)
    for role, module in state.modules.items():
        assert module.training
        for name, tensor in module.state_dict().items():
            assert torch.equal(tensor, before[role][name]), f"{role}.{name}"
    assert torch.equal(state.noise.get_state(), noise)


def test_the_games_of_the_fit_treat_images_one_by_one_where_training_does(monkeypatch: pytest.MonkeyPatch) -> None:
    run, data = small_run(VAEGAN(), steps=3, ema=0.7), blobs()
    state, batches = TrainingState(run, data.shape, CPU), Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    judged = list[int]()
    state.modules["discriminator"].register_forward_hook(lambda _, inputs, __: judged.append(len(inputs[0])))
    take_step(run, state, batches)
    in_training = judged.copy()
    judged.clear()
    assert state.average is not None
    state.average.fit(run, state.modules, batches)
    assert state.modules.per_image == {"discriminator"}
    assert set(judged) == set(in_training) == {run.batch}


def _copies(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


@dataclass(frozen=True, kw_only=True)
class SeldomEncodes(Model):
    """A VAE that rests from its third step on: no game of its last steps uses a network."""

    name = "seldom-encodes"
    players: ClassVar = {"autoencoder": ("encoder", "decoder")}

    def objectives(self, play: Play) -> Objectives:
        if play.step < 2:
            return VAE().objectives(play)
        return Objectives(terms={"nothing": torch.zeros(())}, minimise={})


def test_networks_that_the_last_games_did_not_use_keep_their_statistics() -> None:
    _, state, _ = ended(SeldomEncodes(), steps=60)
    averaged, trained = state.evaluated_modules()["encoder"].body[1], state.modules["encoder"].body[1]
    assert torch.equal(averaged.running_mean, trained.running_mean)
    assert averaged.running_mean.abs().max() > 0


@dataclass(frozen=True, kw_only=True)
class FrozenNorm(Networks):
    """Compact networks whose first batch norm is a pretrained one, in evaluation mode."""

    name = "frozen-norm"
    latent: int = 6

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        network = small_run(VAE()).networks.build(role, shape, heads)
        norm = next(layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d))
        norm.eval().requires_grad_(False)
        norm.running_mean.fill_(0.25)
        return network


def test_frozen_layers_in_evaluation_mode_keep_their_statistics() -> None:
    _, state, _ = ended(VAE(), networks=FrozenNorm(), steps=5)
    norms = [each for each in state.evaluated_modules()["encoder"].modules() if isinstance(each, nn.BatchNorm2d)]
    assert norms[0].running_mean.unique().tolist() == [0.25]
    assert all(norm.running_mean.unique().tolist() != [0] for norm in norms[1:])
    trained = [each for each in state.modules["encoder"].modules() if isinstance(each, nn.BatchNorm2d)]
    assert [norm.training for norm in trained] == [False] + [True] * (len(trained) - 1)


@dataclass(frozen=True, kw_only=True)
class Dimmed(Networks):
    """Compact networks behind a buffer that is no statistic."""

    name = "dimmed"
    latent: int = 6

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        network = small_run(VAE()).networks.build(role, shape, heads)
        network.register_buffer("dimmer", torch.zeros(2))
        network.register_forward_hook(_count)
        return network


def _count(module: nn.Module, _: Any, outputs: Any) -> None:
    if module.training:
        module.get_buffer("dimmer").add_(1)


def test_other_buffers_come_from_the_trained_networks() -> None:
    _, state, _ = ended(GAN(), networks=Dimmed(), steps=5)
    # Five steps of training, then five games for the statistics.
    assert state.evaluated_modules()["decoder"].get_buffer("dimmer").tolist() == [10, 10]


def test_averaged_networks_do_not_encode_worse_for_statistics_that_do_not_fit() -> None:
    run, state, _ = ended(VAE(), steps=150)
    data = blobs()
    x = to_signed(data.test.images_NCHW)

    def error(modules: Modules) -> float:
        return float((TrainedModel(run.model, modules, run.networks.latent).reconstruct(x) - x).square().mean())

    fitted = error(state.evaluated_modules())
    copied = state.evaluated_modules()
    for role in ("encoder", "decoder"):
        for mine, theirs in zip(copied[role].buffers(), state.modules[role].buffers(), strict=True):
            mine.copy_(theirs)
    assert fitted < error(copied)
