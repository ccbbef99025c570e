"""Regularisers and gates act on the players that own 'discriminator' and 'decoder', whatever these are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import Gate, JudgedImages, Model, Objectives, Play, PluginError, Regulariser
from vaegan_bench.losses.adversarial.minimax import Minimax
from vaegan_bench.losses.regulariser.lecam import LeCam
from vaegan_bench.losses.regulariser.r1 import R1
from vaegan_bench.models.gan import GAN, referee
from vaegan_bench.study.assembly import stated_game
from vaegan_bench.testing import NETWORKS, blobs, small_run
from vaegan_bench.training.loop import train


@dataclass(frozen=True, kw_only=True)
class Renamed(Model):
    """The GAN, whose players are called neither decoder nor discriminator."""

    name = "renamed"
    players: ClassVar = {"generator": ("decoder",), "critic": ("discriminator", "memory")}
    gate: Gate | None = None
    regulariser: Regulariser | None = None

    def objectives(self, play: Play) -> Objectives:
        (x_prior,) = play.modules.decode(self.sample_prior(len(play.x_BCHW), play.latent, play.noise))
        real, fake = play.modules.judge(play.x_BCHW, x_prior.mean)
        versus = Minimax()(real.verdicts_V, [fake.verdicts_V])
        game = Objectives(
            terms={"generator": versus.generator_V, "discriminator": versus.discriminator_V},
            minimise={"generator": {"generator": 1.0}, "critic": {"discriminator": 1.0}},
        )
        logits = real.logits_B, fake.logits_B
        judged = JudgedImages(play.x_BCHW, logits[0]), JudgedImages(x_prior.mean, logits[1])
        return referee(self, game, play, logits, judged, self.gate, self.regulariser)


@dataclass(frozen=True, kw_only=True)
class Rests(Gate):
    """Rests one side in every step."""

    name = "rests"
    role: str

    def __call__(self, real_B: Tensor, fake_B: Tensor) -> frozenset[str]:
        return frozenset({self.role})


PARTS: list[dict[str, Any]] = [
    {"regulariser": R1(weight=3.0)},
    {"regulariser": LeCam(weight=3.0)},
    {"gate": Rests(role="decoder")},
    {"gate": Rests(role="discriminator")},
]


def weights(model: Model) -> Tensor:
    """All numbers that a short training leaves in both networks."""
    modules = train(small_run(model, steps=3), blobs(), torch.device("cpu")).state.modules
    return torch.cat([w.flatten() for role in ("decoder", "discriminator") for w in modules[role].parameters()])


@pytest.mark.parametrize("parts", PARTS, ids=lambda parts: " ".join(map(str, parts.values())))
def test_a_game_does_not_depend_on_the_names_of_its_players(parts: dict[str, Any]) -> None:
    known = weights(GAN(**parts))
    assert torch.equal(weights(Renamed(**parts)), known)
    assert not torch.equal(weights(GAN()), known)


def test_the_plan_shows_a_penalty_on_the_owner_of_the_discriminator() -> None:
    game = stated_game(Renamed(regulariser=R1()), NETWORKS, 32)
    assert game == {"generator": {"generator": 1.0}, "critic": {"discriminator": 1.0, "regulariser": 1.0}}


def test_a_role_without_an_owner_is_named() -> None:
    assert Renamed().owner("memory") == "critic"
    with pytest.raises(PluginError, match="No player of model 'renamed' owns the role 'encoder'"):
        Renamed().owner("encoder")
