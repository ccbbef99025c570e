"""The games of docs/referee.md as plugins would state them, each with the check that must find it and its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import Tensor
from torch.nn.functional import avg_pool2d, softplus
from torch.nn.functional import binary_cross_entropy as from_probabilities
from torch.nn.functional import binary_cross_entropy_with_logits as from_logits

from vaegan_bench.api import AdversarialLoss, Model, Objectives, Play, Plugin, PriorLoss, ReconstructionLoss, Versus
from vaegan_bench.losses.adversarial.hinge import Hinge
from vaegan_bench.losses.adversarial.nonsaturating import NonSaturating
from vaegan_bench.losses.prior.kl import kl_per_dimension
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.testing import adversarial_losses, models, prior_losses, reconstruction_losses

SCALE = 0.3
THREE: dict[str, tuple[str, ...]] = {role: (role,) for role in ("encoder", "decoder", "discriminator")}
TWO: dict[str, tuple[str, ...]] = {"autoencoder": ("encoder", "decoder"), "discriminator": ("discriminator",)}
WITH_HINGE = VAEGANPixel(adversarial=Hinge(), fakes="reconstructions")
FOOLING = VAEGANPixel(adversarial=NonSaturating(), fakes="reconstructions")

FOUND: list[tuple[Plugin, Callable[[Any], None], str]] = []


def found(check: Callable[[Any], None], words: str) -> Callable[[type[Any]], type[Any]]:
    """Make a plugin of a class, and note which check must say what of it."""

    def note(cls: type[Any]) -> type[Any]:
        cls.name = f"{cls.__name__.lower()}-as-written"
        made: type[Any] = dataclass(frozen=True, kw_only=True)(cls)
        FOUND.append((made(), check, words))
        return made

    return note


@found(models.sides_pull_against_each_other, "player 'decoder' lowers the scores of the images that it decodes")
class Pythae(Model):
    players: ClassVar = THREE

    def objectives(self, play: Play) -> Objectives:
        game = VAEGAN(fakes="samples").objectives(play)
        minimise = {
            "encoder": {"prior": 1.0, "similarity": 2 - SCALE},
            "decoder": {"similarity": 1 - SCALE, "discriminator": 1 - SCALE},
            "discriminator": {"discriminator": 1.0},
        }
        return replace(game, minimise=minimise)


@found(models.every_player_moves_its_own, "player 'discriminator' never moved its discriminator in 6 steps")
class Unmoved(Model):
    players: ClassVar = TWO

    def objectives(self, play: Play) -> Objectives:
        game = WITH_HINGE.objectives(play)
        return replace(game, minimise={"autoencoder": {"reconstruction": 2.0, "prior": 1e-6, "generator": 100.0}})


@found(
    models.gradients_reach_their_player,
    "never receives the gradient of 'perceptual', which it minimises: is something detached?",
)
class Unfelt(Model):
    players: ClassVar = TWO

    def objectives(self, play: Play) -> Objectives:
        game = WITH_HINGE.objectives(play)
        (decoded,) = play.modules.decode(play.modules.encode(play.x_BCHW).mu_BZ)
        small, smaller = avg_pool2d(play.x_BCHW, 2), avg_pool2d(decoded.mean.detach(), 2)
        terms = {**game.terms, "perceptual": (small - smaller).square().flatten(1).sum(1)}
        sides = {"autoencoder": {"reconstruction": 2.0, "perceptual": 0.5}, "discriminator": {"discriminator": 1.0}}
        return replace(game, terms=terms, minimise=sides)


@found(models.sides_pull_against_each_other, "player 'discriminator' raises the scores of decoded images")
class LeftBehind(Model):
    players: ClassVar = TWO

    def objectives(self, play: Play) -> Objectives:
        fooling = {"reconstruction": 2.0, "prior": 1e-6, "generator": 100.0, "discriminator": 1.0}
        sides = {"autoencoder": fooling, "discriminator": {"discriminator": 1.0, "generator": 100.0}}
        return replace(WITH_HINGE.objectives(play), minimise=sides)


@found(reconstruction_losses.prefers_the_target, "twice the target's contrast: are prediction and target exchanged?")
class ExchangedLogits(ReconstructionLoss):
    pixels_only = True

    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        return from_logits(0.5 * (target + 1), 2 * prediction.logits, reduction="none").flatten(1).sum(1)


@found(reconstruction_losses.prefers_the_target, "twice the target's contrast: are prediction and target exchanged?")
class ExchangedProbabilities(ReconstructionLoss):
    pixels_only = True

    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        pixel, probability = 0.5 * (target + 1), 0.5 * (prediction.mean + 1)
        return from_probabilities(pixel, probability, reduction="none").flatten(1).sum(1)


@found(
    models.gradients_reach_their_player,
    "never receives the gradient of 'generator', which it minimises: is something detached?",
)
class Detached(Model):
    players: ClassVar = TWO

    def objectives(self, play: Play) -> Objectives:
        game = FOOLING.objectives(play)
        (decoded,) = play.modules.decode(play.modules.encode(play.x_BCHW).mu_BZ)
        (judged,) = play.modules.judge(decoded.mean.detach())
        terms = {**game.terms, "generator": softplus(-judged.logits_B)}
        lower_bound_and_more = {"prior": 1.0, "reconstruction": 1.0, "generator": 1.0}
        return replace(
            game,
            terms=terms,
            minimise={"autoencoder": lower_bound_and_more, "discriminator": {"discriminator": 1.0}},
        )


@found(prior_losses.is_one_value_per_image, "the loss has the shape ()")
class SumOverTheBatch(PriorLoss):
    def __call__(self, posterior: Any, z_BZ: Tensor, noise: Any) -> Tensor:
        return kl_per_dimension(posterior).sum()


@found(reconstruction_losses.is_one_value_per_image, "the loss has the shape ()")
class MeanOverEverything(ReconstructionLoss):
    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        return (prediction.mean - target).square().mean()


@found(adversarial_losses.has_its_signs, "the discriminator's cost must rise when fakes score higher")
class BothReal(AdversarialLoss):
    def __call__(self, real_V: Tensor, fakes_V: Any) -> Versus:
        generator = sum(softplus(-fake_V) for fake_V in fakes_V)
        return Versus(softplus(-real_V) + generator, generator)
