"""LeCam: its averages by hand, and what they are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from vaegan_bench.api import JudgedImages, Model, Objectives, Play, PluginError, Regulariser, SelectorError, to_signed
from vaegan_bench.losses.regulariser.lecam import LeCam
from vaegan_bench.losses.regulariser.r1 import R1
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.loop import train
from vaegan_bench.training.state import TrainingState

CPU = torch.device("cpu")
STEPS = [
    ([1.0, 3.0, 2.0], [-4.0, 0.0, 1.0]),  # means 2 and −1
    ([5.0, 7.0, 9.0], [2.0, 3.0, -2.0]),  # means 7 and 1
    ([0.0, -3.0, 6.0], [-8.0, -1.0, 0.0]),  # means 1 and −3
]


def penalise(loss: LeCam, memory: nn.Module | None, real: list[float], fake: list[float]) -> list[float]:
    none = torch.zeros(len(real), 1, 1, 1)
    judged = JudgedImages(none, torch.tensor(real)), JudgedImages(none, torch.tensor(fake))
    value: Tensor = loss(lambda x: x.sum(), *judged, torch.Generator(), memory)
    return value.tolist()  # type: ignore[no-any-return]


def test_each_side_is_held_against_the_average_of_the_other() -> None:
    loss = LeCam(weight=0.5, decay=0.75)
    memory = loss.memory()
    averages = [(2.0, -1.0)]  # of real and fake, from the first batch
    averages.append((0.75 * 2.0 + 0.25 * 7.0, 0.75 * -1.0 + 0.25 * 1.0))
    averages.append((0.75 * averages[1][0] + 0.25 * 1.0, 0.75 * averages[1][1] + 0.25 * -3.0))
    for (real, fake), (of_real, of_fake) in zip(STEPS, averages, strict=True):
        expected = [0.5 * ((r - of_fake) ** 2 + (f - of_real) ** 2) for r, f in zip(real, fake, strict=True)]
        assert penalise(loss, memory, real, fake) == pytest.approx(expected)


def test_the_paper_s_decay_and_weight_are_the_defaults() -> None:
    loss = LeCam()
    memory = loss.memory()
    penalise(loss, memory, *STEPS[0])
    found = penalise(loss, memory, *STEPS[1])
    assert found[0] == pytest.approx(0.3 * ((5.0 + 0.98) ** 2 + (2.0 - 2.05) ** 2))


def test_averages_rest_in_evaluation_mode() -> None:
    loss = LeCam(weight=1.0)
    memory = loss.memory()
    penalise(loss, memory, *STEPS[0])
    memory.eval()
    assert [penalise(loss, memory, *STEPS[1])[1] for _ in range(2)] == pytest.approx([8.0**2 + 1.0**2] * 2)


def test_the_averages_have_no_gradient() -> None:
    loss = LeCam(weight=1.0)
    real, fake = torch.tensor([1.0, 4.0], requires_grad=True), torch.tensor([-1.0, 0.5], requires_grad=True)
    judged = (JudgedImages(torch.zeros(2, 1, 1, 1), logits) for logits in (real, fake))
    value = loss(lambda x: x.sum(), *judged, torch.Generator(), loss.memory())
    by_real, by_fake = torch.autograd.grad(value.sum(), [real, fake])
    torch.testing.assert_close(by_real, 2 * (real - fake.mean()).detach())
    torch.testing.assert_close(by_fake, 2 * (fake - real.mean()).detach())


def test_it_costs_no_further_pass() -> None:
    data, calls = blobs(), []
    for regulariser in (None, LeCam()):
        run = small_run(VAEGAN(regulariser=regulariser))
        state = TrainingState(run, data.shape, CPU)
        count = [0]
        state.modules["discriminator"].register_forward_hook(lambda *_, count=count: count.__setitem__(0, count[0] + 1))
        run.model.objectives(Play(state.modules, to_signed(data.train.images_NCHW[:8]), state.noise, 0, 6))
        calls.append(count[0])
    assert calls[0] == calls[1]


def test_a_run_remembers_its_logits() -> None:
    memory = train(small_run(GAN(regulariser=LeCam()), steps=3), blobs(), CPU).state.modules["memory"].state_dict()
    assert memory["started"] == 1
    assert memory["averages"].abs().min() > 0


@dataclass(frozen=True, kw_only=True)
class Twofold(Model):
    """A GAN with two regularisers."""

    name = "twofold"
    players: ClassVar = GAN.players
    gradient: Regulariser = R1()
    logits: Regulariser = LeCam()

    def objectives(self, play: Play) -> Objectives:
        return GAN(regulariser=self.logits).objectives(play)


def test_a_regulariser_that_remembers_nothing_hides_none_that_does() -> None:
    assert "memory" in train(small_run(Twofold(), steps=2), blobs(), CPU).state.modules
    assert "memory" not in TrainingState(small_run(Twofold(logits=R1())), blobs().shape, CPU).modules
    with pytest.raises(PluginError, match="'twofold' has 2 regularisers that remember something, and one role 'memory"):
        TrainingState(small_run(Twofold(gradient=LeCam())), blobs().shape, CPU)


def test_a_model_without_the_role_is_named() -> None:
    with pytest.raises(PluginError, match="owns the role 'memory'"):
        penalise(LeCam(), None, *STEPS[0])


@pytest.mark.parametrize("fields", ["decay=1", "decay=-0.1", "weight=-1"])
def test_impossible_values_are_refused(fields: str) -> None:
    with pytest.raises(SelectorError, match="must be"):
        Registry().build(Model, f"gan[regulariser=lecam[{fields}]]")
