"""Conditional models: the same games on networks that see attributes, from training to samples on demand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

import vaegan_bench as vb
from vaegan_bench.api import (
    BenchError,
    Data,
    ImageShape,
    Model,
    Networks,
    PluginError,
    Split,
    refuse_conditions,
    to_signed,
)
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.networks.compact import Compact
from vaegan_bench.networks.larsen import Larsen
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.study.assembly import build_role
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.study import Study
from vaegan_bench.testing import Case, blobs, small_run
from vaegan_bench.testing.cases import checks_of
from vaegan_bench.training.conditions import attribute_conditions
from vaegan_bench.training.loop import train
from vaegan_bench.training.optimizers.adam import Adam
from vaegan_bench.training.trained_model import TrainedModel

CPU = torch.device("cpu")
CONDITIONAL = [VAE(conditional=True), GAN(conditional=True), VAEGAN(conditional=True), VAEGANPixel(conditional=True)]
CONDITIONAL += [VAEDisl(conditional=True, gan=GAN(conditional=True))]
CASES = [Case(model, check) for model in CONDITIONAL for check in checks_of(model)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conditional_models_keep_the_contract(case: Case) -> None:
    case()


@pytest.mark.parametrize(("networks", "top"), [(Larsen(), {"encoder": 1024, "decoder": 16384, "discriminator": 512})])
def test_attributes_enter_where_the_paper_concatenates_them(networks: Networks, top: dict[str, int]) -> None:
    shape, attributes = ImageShape(3, 64, 64), 73
    for role, units in top.items():
        with torch.device("meta"):
            plain, conditional = (
                build_role(model, networks, role, shape, attributes) for model in (VAEGAN(), VAEGAN(conditional=True))
            )
        assert isinstance(plain, nn.Module)
        assert isinstance(conditional, nn.Module)
        count = [sum(weight.numel() for weight in module.parameters()) for module in (plain, conditional)]
        assert count[1] - count[0] == attributes * units


def test_a_conditional_model_learns_to_do_as_it_is_told() -> None:
    networks = Compact(latent=2, width=8, decoder_width=8)
    run = small_run(VAE(conditional=True), networks=networks, optimizer=Adam(lr=5e-3), steps=300)
    data = blobs()
    trained = TrainedModel(run.model, train(run, data, CPU).state.evaluated_modules(), 2, attribute_conditions(data))
    codes = trained.codes(32)
    for having, side in ((["Right"], 1), ([], -1)):
        images = trained.decode(codes, trained.attributes(having, 32))
        left, right = images[..., 8:16, 4:12].mean(), images[..., 8:16, -12:-4].mean()
        assert side * (right - left) > 0.15


def test_what_needs_attributes_says_so() -> None:
    model = TrainedModel(VAE(conditional=True), small_modules(VAE(conditional=True)), 6, {"Right": (-1.0, 1.0)})
    with pytest.raises(BenchError, match="is conditional: give the attributes"):
        model.sample(2)
    with pytest.raises(BenchError, match="Did you mean 'Right'"):
        model.attributes(["right"], 2)


def small_modules(model: Model) -> vb.api.Modules:
    from vaegan_bench.training.state import TrainingState

    return TrainingState(small_run(model), blobs().shape, CPU).evaluated_modules()


@dataclass(frozen=True, kw_only=True)
class Blind(Networks):
    """Networks that know nothing of attributes."""

    name = "blind"
    latent: int = 4

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        refuse_conditions(self, conditions)
        return nn.Identity()


def test_networks_that_take_no_attributes_are_refused() -> None:
    with pytest.raises(PluginError, match="Networks 'blind' take no attributes"):
        build_role(VAE(conditional=True), Blind(), "encoder", ImageShape(3, 32, 32))


def test_lender_and_borrower_are_conditional_together() -> None:
    with pytest.raises(BenchError, match="conditional must be the same for gan"):
        make_plan(Study().with_values({"models": ["vae-disl[conditional=true]"]}, "the test"), Registry())


def test_a_study_of_conditional_models_from_training_to_samples(tmp_path: Path) -> None:
    shared = {"steps": 4, "samples": 32, "results": tmp_path, "cache": tmp_path, "metrics": ["reconstruction"]}
    results = vb.run("smoke", models=["vae[conditional=true]", "gan[conditional=true]"], **shared)
    assert set(results.rows["status"]) == {"ok"}
    folder = next(results.folder.path.glob("vae-conditional*"))
    model = vb.load_model(folder, "cpu")
    assert "Eyeglasses" in model.conditions
    assert model.sample(2, attributes_NA=model.attributes(["Eyeglasses"], 2)).shape == (2, 3, 32, 32)
    kept = {name: torch.from_numpy(array) for name, array in RunFolder(folder).images().items()}
    given, originals = kept["conditions"], to_signed(kept["originals"].permute(0, 3, 1, 2))
    rebuilt = model.images(model.encode(originals, given).mu_BZ, given)
    assert (rebuilt.permute(0, 2, 3, 1).int() - kept["reconstructions"].int()).abs().max() <= 1


def test_scored_attributes_stand_for_the_mean_scores_of_training_images() -> None:
    images, on = torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.tensor([[1, 0], [1, 0], [0, 0], [0, 0]]).bool()
    train = Split(images, on, None, torch.tensor([[0.5, -1.0], [1.5, -2.0], [-1.0, -3.0], [-3.0, -6.0]]))
    conditions = attribute_conditions(Data(train, train, ("Male", "Bald"), digest=""))
    assert conditions == {"Male": (-2.0, 1.0), "Bald": (-3.0, -3.0)}  # nobody is bald here
    model = TrainedModel(VAE(conditional=True), small_modules(VAE(conditional=True)), 6, conditions)
    assert model.attributes(["Male"], 2).tolist() == [[1.0, -3.0]] * 2
