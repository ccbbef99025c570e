"""Training steps of public code of the VAE/GAN family, restated from facts: who clears, goes backward and moves when.

docs/referee.md says where each was read. Weights stay as they are here, so that every gradient of a case is one at the
same weights, of the same batch and with the same noise. With `mended` a step is as its paper has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, relu, softplus
from torch.nn.functional import binary_cross_entropy as from_probabilities
from torch.nn.functional import binary_cross_entropy_with_logits as from_logits

from vaegan_bench.api import Judgement, Modules, Play
from vaegan_bench.losses.prior.kl import kl_per_dimension

Terms = Mapping[str, Tensor]
Move = tuple[str, str]
"""Whose weights, and when."""

NETWORKS = ("encoder", "decoder", "discriminator")
AUTOENCODER = ("encoder", "decoder")
SCALE = 0.3
"""λ of pythae and of the two that are in order."""


class Gradients:
    """Networks under torch's own rules: `backward` adds to `.grad` of all weights, `clear` empties it."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.moves: dict[Move, Tensor] = {}
        self.symbols: dict[str, float] = {}

    def weights(self, *roles: str) -> list[torch.nn.Parameter]:
        return [weight for role in roles for weight in self.modules[role].parameters()]

    def clear(self, *roles: str) -> None:
        for weight in self.weights(*roles):
            weight.grad = None

    def backward(self, loss: Tensor, *roles: str) -> None:
        loss.backward(inputs=self.weights(*(roles or NETWORKS)), retain_graph=True)

    def move(self, player: str, when: str = "always") -> None:
        """Where an optimizer would step: note what it finds."""
        weights = self.weights(*(AUTOENCODER if player == "autoencoder" else (player,)))
        found = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
        self.moves[player, when] = torch.cat([gradient.flatten() for gradient in found]).clone()


def terms_of(play: Play) -> Terms:
    """All terms that the cases are made of, each a mean over the batch; docs/referee.md has their formulas."""
    x, modules = play.x_BCHW, play.modules
    posterior = modules.encode(x)
    z_prior = torch.randn(len(x), play.latent, generator=play.noise)
    (rec,), (sample,) = modules.decode(posterior.sample(play.noise)), modules.decode(z_prior)
    real, rebuilt, sampled = (score(modules, images) for images in (x, rec.mean, sample.mean))
    assert rec.logits is not None
    pixel, logit = 0.5 + 0.49 * x, 2 * rec.logits
    terms = {
        "KL": kl_per_dimension(posterior),
        "similarity": 0.5 * (real.features_BF - rebuilt.features_BF) ** 2,
        "reconstruction": 0.5 * (x - rec.mean) ** 2,
        "perceptual": (avg_pool2d(x, 2) - avg_pool2d(rec.mean, 2)) ** 2,
        "real": softplus(-real.logits_B),
        "sampled": softplus(sampled.logits_B),
        "rebuilt": softplus(rebuilt.logits_B),
        "generator": softplus(-rebuilt.logits_B),
        "score": -rebuilt.logits_B,
        "hinge": relu(1 - real.logits_B) + relu(1 + rebuilt.logits_B),
        "discriminator": softplus(-real.logits_B) + softplus(sampled.logits_B),
        "cross-entropy": from_logits(logit, pixel, reduction="none"),
        "towards one": -pixel * logit,
        "towards its half": -pixel.logit() * logit.sigmoid(),
        "exchanged logits": from_logits(pixel, logit, reduction="none"),
        "exchanged probabilities": from_probabilities(pixel, logit.sigmoid(), reduction="none"),
    }
    return {name: term.reshape(len(x), -1).sum(1).mean() for name, term in terms.items()}


def score(modules: Modules, images: Tensor) -> Judgement:
    """Images judged alone, with scores on both sides of a hinge: those of an untrained network are all nearly equal."""
    (judged,) = modules.judge(images)
    mean, deviation = judged.logits_B.detach().mean(), judged.logits_B.detach().std()
    return Judgement(2 * (judged.verdicts_BP - mean) / deviation, judged.features_BF)


def pythae(at: Gradients, terms: Terms, mended: bool) -> None:
    losses = {
        "encoder": terms["KL"] + terms["similarity"],
        "decoder": (1 - SCALE) * terms["similarity"] - SCALE * terms["discriminator"],
        "discriminator": terms["discriminator"],
    }
    for when, resting in {"both move": "", "discriminator rests": "discriminator", "decoder rests": "decoder"}.items():
        at.clear(*NETWORKS)
        moving = [player for player in losses if player != resting]
        for player in moving:
            at.clear(player)
            at.backward(losses[player], *([player] if mended else NETWORKS))
        for player in moving:
            at.move(player, when)


def in_order(at: Gradients, terms: Terms, mended: bool) -> None:
    at.clear(*NETWORKS)
    at.backward(terms["KL"] + terms["similarity"])
    at.move("encoder")
    at.clear(*NETWORKS)
    at.backward(SCALE * terms["similarity"] - (1 - SCALE) * terms["discriminator"])
    at.move("decoder")
    at.clear("discriminator")
    at.backward(terms["discriminator"])
    at.move("discriminator")


def autoencoderkl(at: Gradients, terms: Terms, mended: bool) -> None:
    for when, discriminator_learns in {"at 2e348b8": mended, "at e276f08": True}.items():
        at.clear(*NETWORKS)
        for _ in range(2):  # two steps of each kind, so that what the last one leaves is among the gradients
            perceptual = terms["perceptual"] if mended else 0.0
            likelihood = 2 * terms["reconstruction"] + 0.5 * at.symbols["P"] * perceptual
            weight = adaptive_weight(at, likelihood, terms["score"])
            at.backward(likelihood + 1e-6 * terms["KL"] + weight * terms["score"])
            at.move("autoencoder", when)
            at.clear(*(NETWORKS if mended else AUTOENCODER))
            if discriminator_learns:
                at.backward(0.5 * terms["hinge"], *(["discriminator"] if mended else NETWORKS))
                at.move("discriminator", when)
                at.clear("discriminator")


def adaptive_weight(at: Gradients, likelihood: Tensor, score: Tensor) -> float:
    """The ratio of two gradients in the decoder's last kernel (Esser et al., 2021, eq. 7)."""
    last = [weight for weight in at.weights("decoder") if weight.ndim == 4][-1]
    over, under = (torch.autograd.grad(part, last, retain_graph=True)[0].norm() for part in (likelihood, score))
    at.symbols["w"] = float(over / (under + 1e-4))
    return at.symbols["w"]


def cross_entropies(at: Gradients, terms: Terms, mended: bool) -> None:
    for when, cost in {"from logits": "exchanged logits", "from probabilities": "exchanged probabilities"}.items():
        at.clear(*NETWORKS)
        at.backward(terms["KL"] + terms["cross-entropy" if mended else cost], *AUTOENCODER)
        at.move("autoencoder", when)


def zoo(at: Gradients, terms: Terms, mended: bool) -> None:
    at.clear(*NETWORKS)
    at.backward(lower_bound(at, terms, mended))
    at.move("autoencoder", "first move")
    at.clear(*AUTOENCODER)
    if mended:  # otherwise the discriminator is shown detached images
        at.backward(terms["generator"])
    at.move("autoencoder", "second move")


def dcgan_vae(at: Gradients, terms: Terms, mended: bool) -> None:
    for when, before_first in {"at 172a4ef": mended, "at 9feab0b": True}.items():
        at.clear(*NETWORKS)
        for _ in range(2):  # so that what an iteration leaves is among the gradients of the next
            at.clear(*(AUTOENCODER if before_first else ()))
            at.backward(lower_bound(at, terms, mended))
            at.move("autoencoder", f"first move, {when}")
            at.clear(*(AUTOENCODER if mended or not before_first else ()))
            at.backward(terms["generator"])
            at.move("autoencoder", f"second move, {when}")


def lower_bound(at: Gradients, terms: Terms, mended: bool) -> Tensor:
    """A sum over the batch beside a mean over everything."""
    if mended:
        return terms["KL"] + terms["reconstruction"]
    return at.symbols["B"] * terms["KL"] + 2 / at.symbols["P"] * terms["reconstruction"]


def vqgan(at: Gradients, terms: Terms, mended: bool) -> None:
    at.clear(*NETWORKS)
    at.backward(0.5 * (terms["real"] + terms["rebuilt" if mended else "generator"]))
    at.move("discriminator")


@dataclass(frozen=True)
class Written:
    """One section of docs/referee.md."""

    heading: str
    train: Callable[[Gradients, Terms, bool], None]
    terms: tuple[str, ...]


WRITTEN = (
    Written("pythae: a decoder that helps the discriminator", pythae, ("KL", "similarity", "discriminator")),
    Written(
        "diffusers: gradients that stay behind",
        autoencoderkl,
        ("KL", "reconstruction", "perceptual", "score", "hinge"),
    ),
    Written(
        "A cross-entropy with exchanged arguments",
        cross_entropies,
        ("KL", "cross-entropy", "towards one", "towards its half"),
    ),
    Written("CVAE-GAN-zoos: a generator's cost without a gradient", zoo, ("KL", "reconstruction", "generator")),
    Written("dcgan_vae_pytorch: a sum beside a mean", dcgan_vae, ("KL", "reconstruction", "generator")),
    Written("vqvae-vqgan: a discriminator that takes fakes for real", vqgan, ("real", "rebuilt", "generator")),
    Written("Read, and found in order", in_order, ("KL", "similarity", "discriminator")),
)
