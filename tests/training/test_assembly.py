"""Seeds by purpose, and the networks that a model's roles are built of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from vaegan_bench.api import ImageShape, Lender, Model, Modules, Networks, Objectives, Play
from vaegan_bench.execution.trained_run import flat_weights
from vaegan_bench.losses.reconstruction.gaussian_learned import GaussianLearned
from vaegan_bench.losses.reconstruction.gaussian_predicted import GaussianPredicted
from vaegan_bench.losses.regulariser.lecam import LeCam
from vaegan_bench.losses.regulariser.r1 import R1
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.networks.compact import Compact
from vaegan_bench.study.assembly import build_modules, build_role, roles
from vaegan_bench.system.device import with_layout
from vaegan_bench.system.randomness import derive_seed, generator

CPU = torch.device("cpu")
SHAPE = ImageShape(3, 32, 32)
NETWORKS = Compact(latent=4, width=4, decoder_width=4)


def modules_of(model: Model, seed: int = 0, networks: Networks = NETWORKS, attributes: int = 1) -> Modules:
    return build_modules(model, networks, seed, SHAPE, CPU, attributes)


def weights(modules: Modules, role: str) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in modules[role].parameters()])


def test_seeds_are_pinned_by_seed_and_purpose() -> None:
    """The first seven bytes of SHA-256, so that a run of today is a run of tomorrow."""
    assert derive_seed(0, "weights", "encoder") == 0x4CD3AF364C0DB2
    assert derive_seed(0, "noise") == 0x8E53F176B2D058


@pytest.mark.parametrize("purpose", [("noise",), ("augment", 3), ("order", 3), ("weights", "decoder")], ids=str)
def test_every_purpose_has_numbers_of_its_own(purpose: tuple[str | int, ...]) -> None:
    here = torch.randn(4, generator=generator(CPU, 7, *purpose))
    assert torch.equal(here, torch.randn(4, generator=generator(CPU, 7, *purpose)))
    others = [(8, *purpose), (7, *purpose, 0), (7, "other"), (7, purpose[0], 4), (7, *reversed(purpose), "")]
    for seed, *other in others:
        assert not torch.equal(here, torch.randn(4, generator=generator(CPU, seed, *other)))


def test_first_weights_depend_on_seed_and_role_alone() -> None:
    vaegan, other = modules_of(VAEGAN()), modules_of(VAEGAN(), seed=1)
    for modules in (modules_of(model) for model in (VAE(), GAN(), VAEDisl(), VAEGANPixel())):
        for role in modules:
            assert torch.equal(weights(modules, role), weights(vaegan, role))
            assert not torch.equal(weights(modules, role), weights(other, role))
    first_of_encoder = next(vaegan["encoder"].parameters())
    first_of_discriminator = next(vaegan["discriminator"].parameters())
    assert first_of_encoder.shape == first_of_discriminator.shape
    assert not torch.equal(first_of_encoder, first_of_discriminator)


@pytest.mark.parametrize(
    ("model", "built"),
    [
        (VAE(), {"encoder", "decoder"}),
        (VAE(reconstruction=GaussianLearned()), {"encoder", "decoder", "scale"}),
        (GAN(), {"decoder", "discriminator"}),
        (VAEGAN(similarity=GaussianLearned()), {"encoder", "decoder", "discriminator", "scale"}),
        (VAEDisl(), {"encoder", "decoder", "discriminator"}),
        (GAN(regulariser=R1()), {"decoder", "discriminator"}),
        (GAN(regulariser=LeCam()), {"decoder", "discriminator", "memory"}),
        (VAEGAN(regulariser=LeCam()), {"encoder", "decoder", "discriminator", "memory"}),
        (VAEGANPixel(regulariser=LeCam()), {"encoder", "decoder", "discriminator", "memory"}),
        (VAEDisl(gan=GAN(regulariser=LeCam())), {"encoder", "decoder", "discriminator"}),
        (VAEDisl(gan=VAEGAN(similarity=GaussianLearned())), {"encoder", "decoder", "discriminator"}),
    ],
    ids=lambda value: str(value) if isinstance(value, Model) else "",
)
def test_scale_and_memory_are_built_where_a_loss_has_one(model: Model, built: set[str]) -> None:
    modules = modules_of(model)
    assert set(modules) == built
    if "scale" in built:
        assert modules.log_sigma is not None
        assert modules.log_sigma.item() == 0.0


@pytest.mark.parametrize(
    ("model", "channels"),
    [
        (VAE(), 3),
        (VAE(reconstruction=GaussianPredicted()), 6),
        (VAEGANPixel(reconstruction=GaussianPredicted()), 6),
        (VAEDisl(gan=VAEGANPixel(reconstruction=GaussianPredicted())), 3),
    ],
    ids=str,
)
def test_a_decoder_that_predicts_sigma_has_a_second_head(model: Model, channels: int) -> None:
    modules = modules_of(model)
    assert modules["decoder"](torch.zeros(2, 4)).shape == (2, channels, 32, 32)
    assert modules["encoder"](torch.zeros(2, *SHAPE))[0].shape == (2, 4)


def test_a_conditional_model_s_networks_see_as_many_attributes_as_there_are() -> None:
    modules = modules_of(VAEGAN(conditional=True), attributes=5)
    x, z, attributes = torch.zeros(2, *SHAPE), torch.zeros(2, 4), torch.zeros(2, 5)
    assert modules["decoder"](z, attributes).shape == (2, *SHAPE)
    assert modules["encoder"](x, attributes)[0].shape == (2, 4)
    assert modules["discriminator"](x, attributes)[0].shape == (2,)
    with pytest.raises(RuntimeError):
        modules["decoder"](z, torch.zeros(2, 4))


def test_borrowed_networks_are_frozen_in_evaluation_and_the_lender_s_own() -> None:
    borrowed, lender = modules_of(VAEDisl())["discriminator"], modules_of(GAN())["discriminator"]
    assert not borrowed.training
    assert not any(weight.requires_grad for weight in borrowed.parameters())
    assert borrowed.state_dict().keys() == lender.state_dict().keys()
    own = modules_of(VAEDisl())
    assert own["encoder"].training
    assert all(weight.requires_grad for weight in own["encoder"].parameters())


@dataclass(frozen=True, kw_only=True)
class Translator(Model):
    """A model whose lender knows the borrowed role by another name, and builds it itself."""

    name = "translator"
    players: ClassVar = {"only": ("decoder",)}

    def build(self, role: str, networks: Networks, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        return nn.Linear(3, 5) if role == "teacher" else networks.build(role, shape, heads, conditions)

    def objectives(self, play: Play) -> Objectives:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Pupil(Model):
    """Borrows the teacher, and calls it a critic."""

    name = "pupil"
    players: ClassVar = {"only": ("decoder",)}

    def borrows(self) -> Mapping[str, Lender]:
        return {"critic": Lender(Translator(), "teacher")}

    def objectives(self, play: Play) -> Objectives:
        raise NotImplementedError


def test_a_borrowed_role_is_built_by_its_lender_under_the_lender_s_name() -> None:
    assert roles(Pupil()) == ["decoder", "critic"]
    with torch.device("meta"):
        built = build_role(Pupil(), NETWORKS, "critic", SHAPE)
    assert isinstance(built, nn.Linear)
    assert (built.in_features, built.out_features) == (3, 5)
    assert not any(weight.requires_grad for weight in modules_of(Pupil())["critic"].parameters())


def test_weights_are_in_channels_last_layout() -> None:
    kernel = modules_of(VAE())["encoder"].body[0].weight
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    assert not kernel.is_contiguous()


class WithMany(nn.Module):
    """A network with a kernel, and with weights and a buffer of five dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.zeros(2, 3, 4, 5))
        self.modulated = nn.Parameter(torch.zeros(1, 2, 3, 4, 5))
        self.register_buffer("known", torch.zeros(1, 2, 3, 4, 5))


def test_only_tensors_of_four_dimensions_are_laid_out_anew() -> None:
    made = with_layout(WithMany(), torch.channels_last)
    assert made.get_parameter("kernel").is_contiguous(memory_format=torch.channels_last)
    assert made.get_parameter("modulated").is_contiguous()
    assert made.get_buffer("known").is_contiguous()


def test_networks_that_share_weights_can_be_stored() -> None:
    with torch.random.fork_rng():
        block = nn.Conv2d(2, 2, 1)
    weights = flat_weights(Modules({"encoder": nn.Sequential(block, nn.ReLU(), block)}))
    kept = load(save(weights))
    assert set(kept) == {f"encoder.{i}.{name}" for i in (0, 2) for name in ("weight", "bias")}
    assert torch.equal(kept["encoder.2.bias"], block.bias)
