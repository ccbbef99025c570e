"""The bidirectional GAN: a discriminator of images together with codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from vaegan_bench.api import AdversarialLoss, ImageShape, Model, Networks, Objectives, Play, at_least
from vaegan_bench.losses.adversarial.nonsaturating import NonSaturating
from vaegan_bench.models.gan import area_under_roc
from vaegan_bench.networks.deterministic import Encoding, build_encoder, draw_code
from vaegan_bench_rivals.discriminators import JointHead, feature_size


@dataclass(frozen=True, kw_only=True)
class BiGAN(Model):
    """Pairs (x, E(x)) against pairs (G(z), z), without a reconstruction (Donahue et al., 2017, §3).

    With encoder=gaussian it is ALI (Dumoulin et al., 2017, algorithm 1).
    """

    name = "bigan"
    players: ClassVar = {
        "encoder": ("encoder",),
        "decoder": ("decoder",),
        "discriminator": ("discriminator", "joint head"),
    }
    adversarial: AdversarialLoss = NonSaturating()
    """Must treat real and fake alike, up to the sign of the logit: the encoder plays the fakes' part for real pairs."""
    encoder: Encoding = "deterministic"
    """Deterministic is BiGAN; 'gaussian', which draws codes from the study's encoder, is ALI."""
    width: int = 512
    """Units per hidden layer of the joint head."""
    layers: int = 2
    """Hidden layers of the joint head."""

    def __post_init__(self) -> None:
        at_least(self, width=1, layers=1)
        if not is_mirrored(self.adversarial):
            raise ValueError(f"adversarial must treat real and fake alike, and '{self.adversarial.name}' does not")

    def build(self, role: str, networks: Networks, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """The study's networks, and a perceptron that looks at features and code together."""
        match role:
            case "encoder":
                return build_encoder(self.encoder, networks, shape)
            case "joint head":
                return JointHead(feature_size(networks, shape), networks.latent, self.width, self.layers)
        return networks.build(role, shape, heads, conditions)

    def objectives(self, play: Play) -> Objectives:
        """Decoder: make (G(z), z) look real; encoder: make (x, E(x)) look fake; discriminator: tell them apart."""
        x, modules = play.x_BCHW, play.modules
        z = draw_code(self.encoder, modules.encode(x), play.noise)
        z_prior = self.sample_prior(len(x), play.latent, play.noise)
        (x_prior,) = modules.decode(z_prior)
        images = modules.judge(x, x_prior.mean)
        features = torch.cat([image.features_BF for image in images])
        # D(x, z) is the logit of the study's discriminator for the image, plus that of the joint head.
        alone = torch.cat([image.logits_B for image in images])
        real, fake = (alone + modules["joint head"](features, torch.cat([z, z_prior]))).chunk(2)
        versus, exchanged = self.adversarial(real, [fake]), self.adversarial(-fake, [-real])
        return Objectives(
            terms={
                "generator": versus.generator_V,
                "inference": exchanged.generator_V,
                "discriminator": versus.discriminator_V,
            },
            minimise={
                "encoder": {"inference": 1.0},
                "decoder": {"generator": 1.0},
                "discriminator": {"discriminator": 1.0},
            },
            log={"discriminator auc": area_under_roc(real, fake)},
        )


def is_mirrored(adversarial: AdversarialLoss) -> bool:
    """Whether exchanging real and fake, and the sign of all logits, changes nothing for the discriminator."""
    real, fake = torch.tensor([0.3]), torch.tensor([1.7])
    there, back = adversarial(real, [fake]), adversarial(-fake, [-real])
    return torch.allclose(there.discriminator_V, back.discriminator_V)
