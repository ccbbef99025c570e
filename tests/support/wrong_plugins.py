"""Plugins that are each wrong in one way, and the words by which the conformance checks must say so."""

from __future__ import annotations

import itertools
import math
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from vaegan_bench.api import (
    AdaptiveWeight,
    AdversarialLoss,
    BenchError,
    Codebook,
    Data,
    Dataset,
    DiscriminatorAugmentation,
    Engine,
    Extractor,
    Gate,
    ImageShape,
    LatentShape,
    Measurement,
    Metric,
    Model,
    Networks,
    Objectives,
    Optimizer,
    ParameterGroups,
    Play,
    Plugin,
    PluginError,
    PriorLoss,
    Progress,
    Quantiser,
    ReconstructionLoss,
    Regulariser,
    Schedule,
    SelectorError,
    Versus,
    Work,
    refuse_conditions,
    silent,
)
from vaegan_bench.execution.engines.serial import Serial
from vaegan_bench.losses.adversarial.nonsaturating import NonSaturating
from vaegan_bench.losses.prior.kl import kl_per_dimension
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.networks.compact import Compact
from vaegan_bench.testing import blobs
from vaegan_bench.training.schedules.constant import Constant

WRONG: list[tuple[Plugin, str]] = []


def wrong(sentence: str) -> Any:
    """Make a plugin of a class and note what must be said of it."""

    def note(cls: type[Any]) -> type[Any]:
        cls.name = cls.__name__.lower()
        made: type[Any] = dataclass(frozen=True, kw_only=True)(cls)
        WRONG.append((made(), sentence))
        return made

    return note


def squares(prediction: Any, target: Tensor) -> Tensor:
    return (prediction.mean - target).square().flatten(1)


def pixel_error(outputs: Any) -> Tensor:
    error: Tensor = (outputs.real.float() - outputs.reconstructions.float()).square().mean()
    return error


@wrong("declares density = True, and exp(−loss) integrates to 2.51 over the target, not to 1")
class WithoutItsConstant(ReconstructionLoss):
    density = True

    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        return 0.5 * squares(prediction, target).sum(1)


@wrong("is the sign wrong?")
class WrongSign(ReconstructionLoss):
    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        return -squares(prediction, target).sum(1)


@wrong("twice the target's contrast: are prediction and target exchanged?")
class ExchangesItsArguments(ReconstructionLoss):
    pixels_only = True

    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        probability, pixel = 0.5 * (prediction.mean + 1), 0.5 * (target + 1)
        return nn.functional.binary_cross_entropy(pixel, probability, reduction="none").flatten(1).sum(1)


@wrong("no gradient reaches the prediction: is something detached")
class Detached(ReconstructionLoss):
    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        return (prediction.mean.detach() - target).square().flatten(1).sum(1)


@wrong("the gradient with respect to the prediction is not finite")
class RootOfZero(ReconstructionLoss):
    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        edges = prediction.mean - prediction.mean.roll(0, -1)  # a forgotten shift: 0 everywhere
        return squares(prediction, target).sum(1) + edges.square().sqrt().flatten(1).sum(1)


@wrong("the gradient of the prediction differs between channels-last layout on cpu and")
class CountsPlacesInMemory(ReconstructionLoss):
    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        apart = (prediction.mean - target).square()
        numbers = apart[0].numel()
        return (apart.as_strided((len(apart), numbers), (numbers, 1)) * torch.linspace(0.5, 1.5, numbers)).sum(1)


@wrong("four tiles of an image cost 1.0")
class MeanInsteadOfSum(ReconstructionLoss):
    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        return squares(prediction, target).mean(1)


@wrong("the loss has the shape ()")
class MeanOverTheBatch(ReconstructionLoss):
    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        return squares(prediction, target).sum(1).mean()


@wrong("changes its input target in place")
class InPlace(ReconstructionLoss):
    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        return target.sub_(prediction.mean.detach()).square().flatten(1).sum(1) + 0 * squares(prediction, target).sum(1)


@wrong("draws from torch's global random generator")
class UnseededNoise(ReconstructionLoss):
    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        return squares(prediction, target + 0.01 * torch.randn_like(target)).sum(1)


@wrong("draws from numpy's global random generator")
class UnseededNumpy(PriorLoss):
    def __call__(self, posterior: Any, z_BZ: Tensor, noise: Any) -> Tensor:
        return kl_per_dimension(posterior).sum(1) + 0.0 * np.random.rand()


@wrong("is not that of the value (finite differences)")
class HalfDetached(ReconstructionLoss):
    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        error = prediction.mean - target
        return (error * error.detach()).flatten(1).sum(1)


@wrong("changes with its place in the batch")
class RollsTheBatch(ReconstructionLoss):
    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        weight = torch.arange(1, len(target) + 1, dtype=target.dtype)
        return squares(prediction, target).sum(1) * weight


@wrong("no gradient reaches mu")
class DetachedKL(PriorLoss):
    def __call__(self, posterior: Any, z_BZ: Tensor, noise: Any) -> Tensor:
        return kl_per_dimension(posterior._replace(mu_BZ=posterior.mu_BZ.detach())).sum(1)


@wrong("no gradient reaches logvar")
class DetachedVariance(PriorLoss):
    def __call__(self, posterior: Any, z_BZ: Tensor, noise: Any) -> Tensor:
        return kl_per_dimension(posterior._replace(logvar_BZ=posterior.logvar_BZ.detach())).sum(1)


@wrong("posteriors with variances of e⁻⁸ cost no more than N(0, I): is a sign wrong")
class CollapsesTheVariance(PriorLoss):
    def __call__(self, posterior: Any, z_BZ: Tensor, noise: Any) -> Tensor:
        return (kl_per_dimension(posterior) + posterior.logvar_BZ).sum(1)


@wrong("posteriors with variances of e⁸ cost no more than N(0, I)")
class ForgetsTheVariance(PriorLoss):
    def __call__(self, posterior: Any, z_BZ: Tensor, noise: Any) -> Tensor:
        return 0.5 * posterior.mu_BZ.square().sum(1)


@wrong("twice the latent dimensions cost 1.00 times as much")
class MeanKL(PriorLoss):
    def __call__(self, posterior: Any, z_BZ: Tensor, noise: Any) -> Tensor:
        return kl_per_dimension(posterior).mean(1)


@wrong("twice the latent dimensions cost 1.00 times as much, not 2: sum over all dimensions")
class SecretBatch(PriorLoss):
    def __call__(self, posterior: Any, z_BZ: Tensor, noise: Any) -> Tensor:
        return z_BZ.mean().square().expand(len(z_BZ))


@wrong("the same noise gives another value")
class DrawsOnItsOwn(PriorLoss):
    of_batch: ClassVar[bool] = True

    def __init__(self) -> None:
        self.__dict__["own"] = torch.Generator().manual_seed(0)

    def __call__(self, posterior: Any, z_BZ: Tensor, noise: Any) -> Tensor:
        prior_BZ = torch.randn(z_BZ.shape, generator=self.own, dtype=z_BZ.dtype)  # type: ignore[attr-defined]
        return (kl_per_dimension(posterior) - 1e-3 * prior_BZ.square()).sum(1)


@wrong("the generator's cost must fall when fakes score higher")
class GeneratorHelps(AdversarialLoss):
    def __call__(self, real_V: Tensor, fakes_V: Any) -> Versus:
        cost = nn.functional.softplus(-real_V) + sum(nn.functional.softplus(fake) for fake in fakes_V)
        return Versus(cost, cost)


@wrong("the discriminator's cost must fall when real images score higher")
class DiscriminatorClimbs(AdversarialLoss):
    def __call__(self, real_V: Tensor, fakes_V: Any) -> Versus:
        return Versus(real_V - sum(fakes_V), -sum(fakes_V))


LEVEL = [0.0]


@wrong("another value the second time: is there unseeded noise, or something that it remembers from call to call?")
class RemembersALevel(AdversarialLoss):
    def __call__(self, real_V: Tensor, fakes_V: Any) -> Versus:
        LEVEL[0] += 0.01
        return Versus(sum(fakes_V) - len(fakes_V) * real_V + LEVEL[0], -sum(fakes_V))


@wrong("ignores one of two batches of fakes")
class FirstFakeOnly(AdversarialLoss):
    def __call__(self, real_V: Tensor, fakes_V: Any) -> Versus:
        return Versus(fakes_V[0] - real_V, -fakes_V[0])


@wrong("the generator's cost must not fall when real images score higher")
class GeneratorRaisesReal(AdversarialLoss):
    def __call__(self, real_V: Tensor, fakes_V: Any) -> Versus:
        softplus = nn.functional.softplus
        return Versus(sum(softplus(fake - real_V) for fake in fakes_V), sum(softplus(-real_V - f) for f in fakes_V))


@wrong("the gradient with respect to the real logits is not that of the value")
class DetachesRealHalfway(AdversarialLoss):
    def __call__(self, real_V: Tensor, fakes_V: Any) -> Versus:
        softplus, held = nn.functional.softplus, real_V.detach()
        return Versus(sum(softplus(fake - real_V) for fake in fakes_V), sum(softplus(held - fake) for fake in fakes_V))


@wrong("does not reach the critic's weights: take the input's gradient with create_graph=True")
class FirstOrderOnly(Regulariser):
    def __call__(self, critic: Any, real: Any, fake: Any, noise: torch.Generator, memory: Any) -> Tensor:
        x = real.x_BCHW.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(x).sum(), x)
        return gradient.square().flatten(1).sum(1)


LAST: dict[str, Tensor] = {}


@wrong("keep what it must remember in its `memory`")
class RemembersBesideItsMemory(Regulariser):
    def __call__(self, critic: Any, real: Any, fake: Any, noise: torch.Generator, memory: Any) -> Tensor:
        last = LAST.get("logits", torch.zeros(()))
        LAST["logits"] = last + 1 + real.logits_B.mean().detach()
        return (real.logits_B - last).square()


class Level(nn.Module):
    """The latest mean, in a buffer that may or may not be kept, and that moves in evaluation mode too."""

    def __init__(self, persistent: bool) -> None:
        super().__init__()
        self.register_buffer("level", torch.zeros(()), persistent=persistent)

    def forward(self, logits_B: Tensor) -> Tensor:
        before: Tensor = self.level.clone()
        if self.training or "level" in self.state_dict():
            self.level.copy_(logits_B.detach().mean())
        return before


@wrong("goes on differently from its memory's state_dict")
class ForgetsOnResuming(Regulariser):
    def memory(self) -> nn.Module:
        return Level(persistent=False)

    def __call__(self, critic: Any, real: Any, fake: Any, noise: torch.Generator, memory: Any) -> Tensor:
        return (real.logits_B - memory(real.logits_B)).square()


@wrong("changes level of its memory in evaluation mode")
class RemembersInEvaluation(Regulariser):
    def memory(self) -> nn.Module:
        return Level(persistent=True)

    def __call__(self, critic: Any, real: Any, fake: Any, noise: torch.Generator, memory: Any) -> Tensor:
        return real.logits_B.square() + 0 * memory(real.logits_B)


@dataclass(frozen=True, kw_only=True)
class Brighten(DiscriminatorAugmentation):
    """What the wrong augmentations share: a strength, and noise for one batch."""

    strength: float = 1.0

    def noise_for(self, x_BCHW: Tensor, noise: torch.Generator) -> Tensor:
        return self.strength * torch.rand((len(x_BCHW), 1, 1, 1), generator=noise)


@wrong("keep number and shapes")
class ShowsTheFirst(Brighten):
    def __call__(self, images_BCHW: Any, noise: torch.Generator) -> list[Tensor]:
        return [images_BCHW[0] + self.noise_for(images_BCHW[0], noise)]


@wrong("draws from torch's global random generator")
class DrawsGlobally(Brighten):
    def __call__(self, images_BCHW: Any, noise: torch.Generator) -> list[Tensor]:
        u_B111 = torch.rand(len(images_BCHW[0]), 1, 1, 1)
        return [x + self.strength * u_B111 for x in images_BCHW]


@wrong("changes equal images in two batches differently")
class DrawsForEachBatch(Brighten):
    def __call__(self, images_BCHW: Any, noise: torch.Generator) -> list[Tensor]:
        return [x + self.noise_for(x, noise) for x in images_BCHW]


@wrong("changes images at strength 0")
class IgnoresItsStrength(Brighten):
    def __call__(self, images_BCHW: Any, noise: torch.Generator) -> list[Tensor]:
        u_B111 = torch.rand((len(images_BCHW[0]), 1, 1, 1), generator=noise)
        return [x + u_B111 for x in images_BCHW]


@wrong("no gradient reaches the first batch")
class RoundsToLevels(Brighten):
    def __call__(self, images_BCHW: Any, noise: torch.Generator) -> list[Tensor]:
        u_B111 = self.noise_for(images_BCHW[0], noise)
        return [(x + u_B111).detach() for x in images_BCHW]


@wrong("the gradient with respect to the first batch is not that of the value")
class StopsHalfOfTheGradient(Brighten):
    def __call__(self, images_BCHW: Any, noise: torch.Generator) -> list[Tensor]:
        u_B111 = self.noise_for(images_BCHW[0], noise)
        return [x + u_B111 * x.detach() for x in images_BCHW]


@wrong("gives values that are not finite")
class DividesByTheDarkest(Brighten):
    def __call__(self, images_BCHW: Any, noise: torch.Generator) -> list[Tensor]:
        u_B111 = self.noise_for(images_BCHW[0], noise)
        return [x + u_B111 * (1 + x).log() for x in images_BCHW]


@wrong("rests encoder")
class RestsTheEncoder(Gate):
    def __call__(self, real_B: Tensor, fake_B: Tensor) -> frozenset[str]:
        return frozenset({"encoder"})


@wrong("two players own discriminator")
class LeaksIntoTheDiscriminator(Model):
    players: ClassVar = {
        "encoder": ("encoder",),
        "decoder": ("decoder", "discriminator"),
        "discriminator": ("discriminator",),
    }

    def objectives(self, play: Play) -> Objectives:
        return VAEGAN().objectives(play)


@wrong("player 'autoencoder' (encoder, decoder) never receives the gradient of 'prior'")
class DetachedMu(Model):
    players: ClassVar = {"autoencoder": ("encoder", "decoder")}

    def objectives(self, play: Play) -> Objectives:
        game = VAE().objectives(play)
        return replace(game, terms={**game.terms, "prior": game.terms["prior"].detach()})


@wrong("owns encoder.")
class ForgottenEncoder(Model):
    players: ClassVar = {"autoencoder": ("encoder", "decoder")}

    def objectives(self, play: Play) -> Objectives:
        z = torch.randn(len(play.x_BCHW), play.latent, generator=play.noise)
        (x_rec,) = play.modules.decode(z)
        cost = (x_rec.mean - play.x_BCHW).square().flatten(1).sum(1)
        return Objectives(terms={"reconstruction": cost}, minimise={"autoencoder": {"reconstruction": 1.0}})


@wrong("leaves gradients in")
class CallsBackward(Model):
    players: ClassVar = {"autoencoder": ("encoder", "decoder")}

    def objectives(self, play: Play) -> Objectives:
        game = VAE().objectives(play)
        game.of("autoencoder").backward(retain_graph=True)
        return game


@wrong("toggles requires_grad")
class TogglesGradients(Model):
    players: ClassVar = {"decoder": ("decoder",), "discriminator": ("discriminator",)}

    def objectives(self, play: Play) -> Objectives:
        game = GAN().objectives(play)
        play.modules["discriminator"].requires_grad_(False)
        return game


@wrong("take all noise from play.noise")
class OwnNoise(Model):
    players: ClassVar = {"autoencoder": ("encoder", "decoder")}

    def objectives(self, play: Play) -> Objectives:
        private = torch.Generator()
        private.seed()
        return VAE().objectives(replace(play, noise=private))


@wrong("player 'decoder' lowers the scores of the images that it decodes")
class GeneratorSign(Model):
    players: ClassVar = {"decoder": ("decoder",), "discriminator": ("discriminator",)}

    def objectives(self, play: Play) -> Objectives:
        game = GAN().objectives(play)
        return replace(game, terms={**game.terms, "generator": -game.terms["generator"]})


@wrong("which makes them easier to tell from real ones: the sign of an adversarial term is wrong.")
class FollowsTheDiscriminator(Model):
    """What it wants of features must not hide what it wants of scores."""

    players: ClassVar = {"encoder": ("encoder",), "decoder": ("decoder",), "discriminator": ("discriminator",)}

    def objectives(self, play: Play) -> Objectives:
        game = VAEGAN().objectives(play)
        return replace(game, minimise={**game.minimise, "decoder": {"similarity": 1.0, "discriminator": 1.0}})


@wrong("player 'discriminator' raises the scores of decoded images: its sign is wrong.")
class TakesFakesForReal(Model):
    players: ClassVar = {"decoder": ("decoder",), "discriminator": ("discriminator",)}

    def objectives(self, play: Play) -> Objectives:
        game = GAN(adversarial=NonSaturating()).objectives(play)
        mixed = {"discriminator": 0.5, "generator": 1.0}
        return replace(game, minimise={**game.minimise, "discriminator": mixed})


@wrong("player 'discriminator' lowers the scores of real images: its sign is wrong")
class DiscriminatorSign(Model):
    players: ClassVar = {"decoder": ("decoder",), "discriminator": ("discriminator",)}

    def objectives(self, play: Play) -> Objectives:
        game = GAN().objectives(play)
        return replace(game, minimise={**game.minimise, "discriminator": {"discriminator": -1.0}})


@wrong("player 'decoder' never moved its decoder in 6 steps: let it move within these, and delay it by the weight of")
class NeverMoves(Model):
    players: ClassVar = {"decoder": ("decoder",), "discriminator": ("discriminator",)}

    def objectives(self, play: Play) -> Objectives:
        return GAN().objectives(play).without({"decoder"})


@wrong("which is not among the terms")
class MisspeltTerm(Model):
    players: ClassVar = {"autoencoder": ("encoder", "decoder")}

    def objectives(self, play: Play) -> Objectives:
        return replace(VAE().objectives(play), minimise={"autoencoder": {"priour": 1.0}})


@wrong("logs 'balance' as float: log a float tensor")
class LogsANumber(Model):
    players: ClassVar = {"autoencoder": ("encoder", "decoder")}

    def objectives(self, play: Play) -> Objectives:
        return replace(VAE().objectives(play), log={"balance": 0.3})


@wrong("logs 'used' as torch.int64: log a float tensor")
class LogsACount(Model):
    players: ClassVar = {"autoencoder": ("encoder", "decoder")}

    def objectives(self, play: Play) -> Objectives:
        return replace(VAE().objectives(play), log={"used": torch.tensor([3, 4])})


class Counting(nn.Module):
    """Updates its statistics whenever it is used."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Any:
        self.seen += 1
        return self.inner(x)


@wrong("changes its seen: honour .eval()")
class EvaluationUpdatesStatistics(Networks):
    latent: int = 6

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        refuse_conditions(self, conditions)
        return Counting(Compact(latent=6, width=4, decoder_width=4).build(role, shape, heads))


@wrong("a pass through the encoder changes its body.1.running_mean, body.1.running_var")
class ForgetsItsBatchNorm(Networks):
    latent: int = 6
    per_image: ClassVar = ("discriminator", "encoder")

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        return Compact(latent=6, width=4, decoder_width=4).build(role, shape, heads, conditions)


class Centred(nn.Module):
    """A discriminator whose logits have the mean 0 in every batch."""

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits, features = self.discriminator(x)
        return logits - logits.mean() * self.training, features


@wrong("the discriminator gives an image other outputs alone than in a batch: name its role in `joint`")
class Centres(Model):
    players: ClassVar = GAN.players

    def build(self, role: str, networks: Networks, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        network = networks.build(role, shape, heads)
        return Centred(network) if role == "discriminator" else network

    def objectives(self, play: Play) -> Objectives:
        return GAN().objectives(play)


@wrong("starts from the same weights whatever the seed")
class ConstantWeights(Networks):
    latent: int = 6

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        refuse_conditions(self, conditions)
        module = Compact(latent=6, width=4, decoder_width=4).build(role, shape, heads)
        for weight in module.parameters():
            nn.init.constant_(weight, 0.01)
        return module


class Measured(nn.Module):
    """A network that computes from its weights while it is built."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.norm = sum(float(weight.norm()) for weight in network.parameters())

    def forward(self, x: Tensor) -> Any:
        return self.network(x)


class Transposed(torch.autograd.Function):
    """A copy of kernels whose gradient is put back in the order in which kernels lie in memory."""

    @staticmethod
    def forward(ctx: Any, kernel_OIKK: Tensor) -> Tensor:
        ctx.strides = kernel_OIKK.stride()
        return kernel_OIKK.clone()

    @staticmethod
    def backward(ctx: Any, gradient_OIKK: Tensor) -> Tensor:
        return gradient_OIKK.contiguous().as_strided(gradient_OIKK.shape, ctx.strides)


class Copying(nn.Conv2d):
    """A convolution with a copy of its kernels."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, Transposed.apply(self.weight), self.bias, padding=self.padding)


@wrong("the decoder's gradient of 1.weight differs between channels-last layout on cpu and")
class KnowsOneLayout(Networks):
    latent: int = 6

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        refuse_conditions(self, conditions)
        network = Compact(latent=6, width=4, decoder_width=4).build(role, shape, heads)
        channels = heads * shape.channels
        return nn.Sequential(network, Copying(channels, channels, 3, padding=1)) if role == "decoder" else network


@wrong("cannot build its decoder on the meta device, as every plan does first: ")
class ComputesWhileBuilding(Networks):
    latent: int = 6

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        refuse_conditions(self, conditions)
        network = Compact(latent=6, width=4, decoder_width=4).build(role, shape, heads)
        return Measured(network) if role == "decoder" else network


@wrong("the encoder that is built for attributes takes none: pass conditions on, or call refuse_conditions")
class ForgetsConditions(Networks):
    latent: int = 6

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        return Compact(latent=6, width=4, decoder_width=4).build(role, shape, heads)


@wrong("takes conditions for some roles, and refuses them for ['decoder']")
class RefusesSomeConditions(Networks):
    latent: int = 6

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        if role == "decoder":
            refuse_conditions(self, conditions)
        return Compact(latent=6, width=4, decoder_width=4).build(role, shape, heads, conditions)


class Added(nn.Module):
    """A discriminator, and beside it a linear layer for attributes."""

    def __init__(self, discriminator: nn.Module, conditions: int) -> None:
        super().__init__()
        self.discriminator, self.attributes = discriminator, nn.Linear(conditions, 1)

    def forward(self, x: Tensor, attributes: Tensor) -> tuple[Tensor, Tensor]:
        logits, features = self.discriminator(x)
        return logits + self.attributes(attributes).squeeze(1), features


@wrong("cannot see whether they fit")
class AddsAttributes(Networks):
    latent: int = 6

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        networks = Compact(latent=6, width=4, decoder_width=4)
        if role == "discriminator" and conditions:
            return Added(networks.build(role, shape), conditions)
        return networks.build(role, shape, heads, conditions)


class AddedToPatches(Added):
    """The same with two verdicts on each image, to which attributes add unequally."""

    def forward(self, x: Tensor, attributes: Tensor) -> tuple[Tensor, Tensor]:
        logits, features = self.discriminator(x)
        return logits[:, None] + self.attributes(attributes) * torch.tensor([1.0, 2.0]), features


@wrong("cannot see whether they fit")
class AddsAttributesToPatches(Networks):
    latent: int = 6

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        networks = Compact(latent=6, width=4, decoder_width=4)
        if role == "discriminator" and conditions:
            return AddedToPatches(networks.build(role, shape), conditions)
        return networks.build(role, shape, heads, conditions)


@wrong("the encoder has no weight that is trained")
class FrozenEncoder(Networks):
    latent: int = 6

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        refuse_conditions(self, conditions)
        network = Compact(latent=6, width=4, decoder_width=4).build(role, shape, heads)
        return network.requires_grad_(role != "encoder")


@wrong("the encoder that is built for attributes takes none: pass conditions on")
class KeepsConditions(Model):
    players: ClassVar = VAE.players
    conditional: bool = False

    def build(self, role: str, networks: Networks, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        return networks.build(role, shape, heads)

    def objectives(self, play: Play) -> Objectives:
        return VAE().objectives(play)


@wrong(
    "'error' prefers noise, and copies of one training image, to real images, or cannot tell them apart: is its "
    "direction wrong?"
)
class WrongDirection(Metric):
    family: ClassVar[str] = "reconstruction"

    def __call__(self, outputs: Any) -> list[Measurement]:
        if outputs.reconstructions is None:
            return []
        return [Measurement("error", float(pixel_error(outputs)), "higher", "1")]


@wrong("'error' prefers noise, and copies of one training image, to real images")
class WrongBesideRight(Metric):
    """Copies of one image are reconstructed as well as by a perfect model, and differ in the first number alone."""

    family: ClassVar[str] = "reconstruction"
    uses_samples: ClassVar[bool] = True

    def __call__(self, outputs: Any) -> list[Measurement]:
        real, samples = (images.float().flatten(1).std(1).mean() for images in (outputs.real, outputs.samples))
        rows = [Measurement("contrast error", float((real - samples).abs()), "lower", "1")]
        if outputs.reconstructions is not None:
            rows.append(Measurement("error", float(pixel_error(outputs)), "higher", "1"))
        return rows


@wrong("'error' is a Tensor: make it a number of Python's")
class ValueOnTheGPU(Metric):
    family: ClassVar[str] = "reconstruction"

    def __call__(self, outputs: Any) -> list[Measurement]:
        if outputs.reconstructions is None:
            return []
        return [Measurement("error", pixel_error(outputs), "lower", "1")]  # type: ignore[arg-type]


@wrong("raises AttributeError: 'Prediction' object has no attribute 'men' (wrong_plugins.py:")
class Misspelt(ReconstructionLoss):
    def __call__(self, prediction: Any, target: Tensor) -> Tensor:
        return (prediction.men - target).square().flatten(1).sum(1)


@wrong("raises FileNotFoundError")
class WithoutItsFile(Dataset):
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        raise FileNotFoundError(2, "No such file or directory", "faces.npy")


@wrong("for a model without an encoder: return an empty list")
class NeedsAnEncoder(Metric):
    family: ClassVar[str] = "reconstruction"

    def __call__(self, outputs: Any) -> list[Measurement]:
        return [Measurement("error", float(pixel_error(outputs)), "lower", "1")]


@wrong("'DerivesByAMethod.scaled' is handed to outputs.reference: hand it a module-level function")
class DerivesByAMethod(Metric):
    family: ClassVar[str] = "sample quality"
    uses_samples: ClassVar[bool] = True
    factor: float = 2.0
    extractor: Extractor = field(default_factory=EffLite0)

    def scaled(self, real: Any) -> dict[str, Tensor]:
        return {"mean": self.factor * real.features_NF.mean(0)}

    def __call__(self, outputs: Any) -> list[Measurement]:
        real_F = outputs.reference(self.extractor, self.scaled)["mean"]
        distance = (real_F - outputs.features(self.extractor, "samples").features_NF.mean(0)).norm()
        return [Measurement("distance[efflite0]", float(distance), "lower", "1")]


@wrong("has the family 'samples': choose one of sample quality, reconstruction, attributes, latent")
class MisspeltFamily(Metric):
    family: ClassVar[str] = "samples"
    uses_samples: ClassVar[bool] = True

    def __call__(self, outputs: Any) -> list[Measurement]:
        return level(outputs)


@wrong("'level' has the units None: a text, '1' for a mere number")
class WithoutUnits(Metric):
    family: ClassVar[str] = "sample quality"
    uses_samples: ClassVar[bool] = True

    def __call__(self, outputs: Any) -> list[Measurement]:
        return [replace(row, units=None) for row in level(outputs)]  # type: ignore[arg-type]


def level(outputs: Any) -> list[Measurement]:
    return [Measurement("level", float(outputs.samples.float().mean()), "none", "1")]


@wrong("depends on samples and does not say so: declare uses_samples = True")
class SecretSampler(Metric):
    family: ClassVar[str] = "sample quality"

    def __call__(self, outputs: Any) -> list[Measurement]:
        return level(outputs)


@wrong("'level' depends on outputs.codes, and its protocol does not say where codes come from")
class SilentAboutCodes(Metric):
    family: ClassVar[str] = "latent"
    needs_model: ClassVar[bool] = True

    def __call__(self, outputs: Any) -> list[Measurement]:
        return [Measurement("level", float(outputs.decode(outputs.codes(20)).float().mean()), "none", "1")]


@wrong("declares uses_samples, and no number depends on samples")
class IdleSampler(Metric):
    family: ClassVar[str] = "sample quality"
    uses_samples: ClassVar[bool] = True

    def __call__(self, outputs: Any) -> list[Measurement]:
        return [Measurement("level", float(outputs.real.float().mean()), "none", "1")]


@wrong("declares extractor_field = 'network', which is no field with an extractor")
class WithoutItsExtractor(Metric):
    family: ClassVar[str] = "sample quality"
    uses_samples: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "network"

    def __call__(self, outputs: Any) -> list[Measurement]:
        return level(outputs)


@wrong("needs classes, and accepts an extractor that has none: refuse it")
class NeedsClassesInSilence(Metric):
    family: ClassVar[str] = "sample quality"
    uses_samples: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "extractor"
    needs_classes: ClassVar[bool] = True
    extractor: Extractor = field(default_factory=EffLite0)

    def __call__(self, outputs: Any) -> list[Measurement]:
        return level(outputs)


@wrong("refuses extractors without classes as its extractor: declare needs_classes")
class RefusesInSilence(Metric):
    family: ClassVar[str] = "sample quality"
    uses_samples: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "extractor"
    extractor: Extractor = field(default_factory=EffLite0)

    def __post_init__(self) -> None:
        if not self.extractor.classes:
            raise SelectorError("This extractor has no classes.")

    def __call__(self, outputs: Any) -> list[Measurement]:
        return level(outputs)


@wrong("declares pairs_suffice, and for images and reconstructions alone it gives no training images")
class PairsAndTraining(Metric):
    family: ClassVar[str] = "reconstruction"
    needs_model: ClassVar[bool] = True
    pairs_suffice: ClassVar[bool] = True

    def __call__(self, outputs: Any) -> list[Measurement]:
        if not len(outputs.train):
            raise BenchError("no training images")
        return [Measurement("level", float(outputs.train.float().mean()), "none", "1")]


@wrong("is known as 'fid', which leads to 'frechet[extractor=inception]'")
class KnownAsAnother(Metric):
    family: ClassVar[str] = "sample quality"
    uses_samples: ClassVar[bool] = True
    known_as: ClassVar[Any] = {"fid": "frechet[extractor=inception]"}

    def __call__(self, outputs: Any) -> list[Measurement]:
        return level(outputs)


@wrong("declares the headline 'level[efflite0]', and gives level: name a number, without its extractor")
class LeadsWithAnother(Metric):
    family: ClassVar[str] = "sample quality"
    headline: ClassVar[Any] = {"level": "light of samples", "level[efflite0]": "light of samples"}
    uses_samples: ClassVar[bool] = True

    def __call__(self, outputs: Any) -> list[Measurement]:
        return level(outputs)


@wrong("declares the headline 'level', and does not say what it measures")
class LeadsWithoutWords(Metric):
    family: ClassVar[str] = "sample quality"
    headline: ClassVar[Any] = {"level": " "}
    uses_samples: ClassVar[bool] = True

    def __call__(self, outputs: Any) -> list[Measurement]:
        return level(outputs)


@wrong("declares headlines without words: write {'number': 'what it measures'}")
class LeadsWithATuple(Metric):
    family: ClassVar[str] = "sample quality"
    headline: ClassVar[Any] = ("level",)
    uses_samples: ClassVar[bool] = True

    def __call__(self, outputs: Any) -> list[Measurement]:
        return level(outputs)


@wrong("cannot keep what it exhibits: the exhibit 'levels' is a ndarray, and figures are drawn of")
class ExhibitsAnArray(Metric):
    family: ClassVar[str] = "sample quality"
    uses_samples: ClassVar[bool] = True

    def __call__(self, outputs: Any) -> list[Measurement]:
        return level(outputs)

    def exhibits(self, outputs: Any) -> Any:
        return {"levels": np.ones(3)}


@wrong("test images are training images too")
class TestsOnTrainingImages(Dataset):
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        data = blobs(size)
        return replace(data, test=data.train)


@wrong("view size is not compatible with input tensor's size and stride")
class ViewsItsBatch(Dataset):
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        return blobs(size)

    def augment(self, x_BCHW: Tensor, noise: torch.Generator) -> Tensor:
        darkest_B = x_BCHW.view(len(x_BCHW), -1).amin(1)
        return x_BCHW.maximum(darkest_B[:, None, None, None])


@wrong("a second load gives another images_NCHW of train")
class AnotherEveryTime(Dataset):
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        data, private = blobs(size), torch.Generator()
        private.seed()
        shape = data.train.images_NCHW.shape
        images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=private)
        return replace(data, train=replace(data.train, images_NCHW=images))


@wrong("images_NCHW of train is torch.float32: return uint8")
class FloatImages(Dataset):
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        data = blobs(size)
        floats = data.train.images_NCHW / 255
        return replace(data, train=replace(data.train, images_NCHW=floats))


@wrong("attributes_NA of test is torch.float32: return bool")
class FloatAttributes(Dataset):
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        data = blobs(size)
        return replace(data, test=replace(data.test, attributes_NA=data.test.attributes_NA.float()))


@wrong("train has labels from 1 to 2, and names for 2")
class LabelsFromOne(Dataset):
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        data = blobs(size)
        assert data.train.labels_N is not None
        return replace(data, train=replace(data.train, labels_N=data.train.labels_N + 1))


LOADS = itertools.count()


@wrong("a second load gives another labels_N of test")
class OtherLabelsEveryTime(Dataset):
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        data = blobs(size)
        assert data.test.labels_N is not None
        return replace(data, test=replace(data.test, labels_N=data.test.labels_N.roll(next(LOADS))))


@wrong("attributes of train are not those whose scores_NA are above 0")
class AttributesBesideTheirScores(Dataset):
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        data = blobs(size)
        scores_NA = 1 - 2 * data.train.attributes_NA.float()
        return replace(data, train=replace(data.train, scores_NA=scores_NA))


@wrong("attribute_names ('left', 'left') are not unique, or one is empty")
class TwoAttributesOfOneName(Dataset):
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        data = blobs(size)
        train, test = (replace(part, attributes_NA=part.attributes_NA.repeat(1, 2)) for part in (data.train, data.test))
        return replace(data, train=train, test=test, attribute_names=("left", "left"))


@wrong("scores_NA of train are not all finite")
class InfiniteScores(Dataset):
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        data = blobs(size)
        scores_NA = torch.where(data.train.attributes_NA, torch.inf, -1.0)
        return replace(data, train=replace(data.train, scores_NA=scores_NA))


@wrong("the factor 'side' of test has values from 0 to 1, and names for 1")
class ValueWithoutAName(Dataset):
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        data = blobs(size)
        train, test = (replace(part, factors_NF=part.attributes_NA.long()) for part in (data.train, data.test))
        return replace(data, train=replace(train, factors_NF=0 * train.factors_NF), test=test, factors={"side": ("l",)})


@wrong("has no factors_NF, and factors names side")
class FactorsWithoutValues(Dataset):
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        return replace(blobs(size), factors={"side": ("left", "right")})


class Rounds(Codebook):
    """Whole numbers from 0 to 3 at every dimension, each a place of its own."""

    entries = 4

    def nearest(self, z_BZ: Tensor) -> Tensor:
        return z_BZ.round().clamp(0, 3)

    def forward(self, z_BZ: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rounded = self.nearest(z_BZ)
        return z_BZ + (rounded - z_BZ).detach(), rounded.long(), (z_BZ - rounded).square().sum(1)


class StopsTheGradient(Rounds):
    def forward(self, z_BZ: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        found, index, cost = super().forward(z_BZ)
        return found.detach(), index, cost


class CountsFromOne(Rounds):
    def forward(self, z_BZ: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        found, index, cost = super().forward(z_BZ)
        return found, index + 1, cost


class ForgetsTheSign(Rounds):
    def forward(self, z_BZ: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        found, _, cost = super().forward(z_BZ)
        return found, found.detach().long() // 2, cost


class Halves(Rounds):
    def nearest(self, z_BZ: Tensor) -> Tensor:
        return super().nearest(0.5 * z_BZ)


class LearnsForEver(Rounds):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, z_BZ: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.seen += 1
        return super().forward(z_BZ)


@wrong("stops the gradient: pass it straight through")
class Opaque(Quantiser):
    def build(self, shape: LatentShape) -> Codebook:
        return StopsTheGradient()


@wrong("gives indices outside [0, 4)")
class OneTooMany(Quantiser):
    def build(self, shape: LatentShape) -> Codebook:
        return CountsFromOne()


@wrong("gives different codes for equal indices")
class Ambiguous(Quantiser):
    def build(self, shape: LatentShape) -> Codebook:
        return ForgetsTheSign()


@wrong("`nearest` moves a code that is a member of the set already")
class NotAtRest(Quantiser):
    def build(self, shape: LatentShape) -> Codebook:
        return Halves()


@wrong("changes its seen in evaluation mode: honour .eval()")
class CountsInEvaluation(Quantiser):
    def build(self, shape: LatentShape) -> Codebook:
        return LearnsForEver()


@wrong("takes no codes of 1 to 8 channels: nine channels, please")
class WantsNine(Quantiser):
    def build(self, shape: LatentShape) -> Codebook:
        if shape.channels != 9:
            raise PluginError("nine channels, please")
        return Rounds()


@wrong("is inf for the norms 0 and")
class DividesByZero(AdaptiveWeight):
    def __call__(self, own: float, others: float) -> float:
        return others / own if own else math.inf


@wrong("rises with the term's own gradient")
class UpsideDown(AdaptiveWeight):
    def __call__(self, own: float, others: float) -> float:
        return min(own / (others + 1e-4), 100.0)


@wrong("is negative or not finite")
class FallsBelowZero(Schedule):
    def __call__(self, base: float, step: int, steps: int) -> float:
        return base * (1 - 2 * step / steps)


@wrong("ignores its base, which is the learning rate of an optimizer")
class ForgetsTheBase(Schedule):
    def __call__(self, base: float, step: int, steps: int) -> float:
        return 0.5 ** (step / steps)


class RowByRow(torch.optim.Optimizer):
    """Descends with a velocity that it keeps row by row, whatever the layout of the weight, and walks memory."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                flat = torch.as_strided(weight, (weight.numel(),), (1,))
                flat.sub_(weight.grad.contiguous().flatten(), alpha=group["lr"])


@wrong("moves kernels in channels-last layout to other values")
class WalksMemory(Optimizer):
    lr: float = 0.1
    weight_decay: float = 0.0
    schedule: Schedule = Constant()

    def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        return RowByRow(groups, {"lr": self.lr})


@wrong("takes clip=0: call super().__post_init__()")
class TakesAnyClip(Optimizer):
    lr: float = 0.1
    weight_decay: float = 0.0
    schedule: Schedule = Constant()
    clip: float | None = None

    def __post_init__(self) -> None:
        assert self.lr >= 0

    def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        return torch.optim.SGD(groups, lr=self.lr)


class Clipped(torch.optim.SGD):
    """Clips what it is given."""

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], self.defaults["clip"])
        return super().step(closure)


@wrong("clips gradients in `build`")
class ClipsTwice(Optimizer):
    lr: float = 0.1
    weight_decay: float = 0.0
    schedule: Schedule = Constant()
    clip: float | None = None

    def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        made = Clipped(groups, lr=self.lr)
        made.defaults["clip"] = self.clip or float("inf")
        return made


class OneByOne(Engine):
    """What the wrong engines share: nothing goes on side by side."""

    def count(self, runs: int, threads: int, device: str) -> int:
        return 1


@wrong("ends ['busy', 'first', 'late', 'other'] where ['busy', 'busy', 'first', 'late', 'other'] is right")
class ForgetsWhatIsPutOff(OneByOne):
    """Does not look at what `end` says."""

    def run(self, work: Work) -> None:
        for task in sorted(work.tasks, key=lambda task: len(task.after)):
            work.end(task, work.here(task))


@wrong("begins a task before one that it must come `after` ends")
class BeginsTooEarly(OneByOne):
    """Does all tasks in their order."""

    def run(self, work: Work) -> None:
        for task in work.tasks:
            while not work.end(task, work.here(task)):
                pass


@wrong("goes on where `work.end` has raised an error: let it pass")
class GoesOn(OneByOne):
    """Takes every error for that of a task."""

    def run(self, work: Work) -> None:
        for task in sorted(work.tasks, key=lambda task: len(task.after)):
            with suppress(BenchError):
                while not work.end(task, work.here(task)):
                    pass


@wrong("counts 2 of 1 runs at a time")
class CountsMoreThanThereAre(Engine):
    """Always two."""

    def count(self, runs: int, threads: int, device: str) -> int:
        return 2

    def run(self, work: Work) -> None:
        Serial().run(work)


@wrong("loses its groups, with their 'weight_decay' and 'pace'")
class OneGroupForAll(Optimizer):
    lr: float = 0.01

    def build(self, groups: Any) -> torch.optim.Optimizer:
        return torch.optim.SGD([weight for group in groups for weight in group["params"]], lr=self.lr)
