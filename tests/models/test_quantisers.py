"""Codes from a finite set: what a model with a quantiser encodes, decodes and is measured by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from vaegan_bench.api import (
    Codebook,
    ImageShape,
    LatentShape,
    Model,
    Networks,
    Objectives,
    Play,
    Quantiser,
    Tokens,
    to_signed,
)
from vaegan_bench.evaluation.outputs import ModelOutputs
from vaegan_bench.evaluation.references import References
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.metrics.latent.codebook_usage import CodebookUsage
from vaegan_bench.networks.deterministic import build_encoder
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.testing.models import trains_everywhere
from vaegan_bench.testing.worlds import Signs
from vaegan_bench.training.loop import train
from vaegan_bench.training.trained_model import TrainedModel

CPU = torch.device("cpu")


class Halves(Codebook):
    """−½ and ½ in every dimension; each pair of channels of a place is one of four members."""

    entries = 4

    def __init__(self, shape: LatentShape) -> None:
        super().__init__()
        self.shape = shape

    def nearest(self, z_BZ: Tensor) -> Tensor:
        return torch.where(z_BZ > 0, 0.5, -0.5)

    def forward(self, z_BZ: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q = self.nearest(z_BZ)
        above = (q > 0).long().view(len(q), -1, 2, self.shape.height * self.shape.width)
        return z_BZ + (q - z_BZ).detach(), (2 * above[:, :, 0] + above[:, :, 1]).flatten(1), (z_BZ - q).square().sum(1)


@dataclass(frozen=True, kw_only=True)
class Pairs(Quantiser):
    name = "pairs"

    def build(self, shape: LatentShape) -> Codebook:
        return Halves(shape)


@dataclass(frozen=True, kw_only=True)
class Rounded(Model):
    """An autoencoder of quantised codes."""

    name = "rounded"
    players: ClassVar = {"autoencoder": ("encoder", "quantiser", "decoder")}
    quantiser: Quantiser = Pairs()

    def build(self, role: str, networks: Networks, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        if role == "quantiser":
            return self.quantiser.build(networks.latent_shape)
        if role == "encoder":
            return build_encoder("deterministic", networks, shape)
        return networks.build(role, shape, heads, conditions)

    def objectives(self, play: Play) -> Objectives:
        code = play.modules.quantise(play.modules.encode(play.x_BCHW).mu_BZ)
        (x_rec,) = play.modules.decode(code.z_BZ)
        terms = {"reconstruction": Gaussian()(x_rec, play.x_BCHW), "commitment": code.cost_B}
        return Objectives(terms, {"autoencoder": {"reconstruction": 1.0, "commitment": 0.25}})


def test_a_model_of_quantised_codes_trains_like_any_other() -> None:
    trains_everywhere(Rounded())


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    run = small_run(Rounded(), steps=30)
    state = train(run, blobs(), CPU).state
    return TrainedModel(run.model, state.evaluated_modules(), run.networks.latent)


def test_codes_of_images_are_members_of_the_set_and_decoding_takes_the_nearest(trained: TrainedModel) -> None:
    x = to_signed(blobs().test.images_NCHW)
    mean = trained.encode(x).mu_BZ
    assert set(mean.unique().tolist()) == {-0.5, 0.5}
    reconstructed = trained.reconstruct(x)
    torch.testing.assert_close(trained.decode(mean + 0.49 * torch.sign(mean)), reconstructed)
    torch.testing.assert_close(trained.decode(9 * mean), reconstructed)
    flipped = mean.clone()
    flipped[:, 0] *= -0.01
    assert (trained.decode(flipped) - reconstructed).abs().amax((1, 2, 3)).min() > 0


def test_samples_are_decoded_from_members_of_the_set(trained: TrainedModel) -> None:
    codes = trained.codes(5, seed=3)
    torch.testing.assert_close(trained.sample(5, seed=3), trained.decode(torch.where(codes > 0, 0.5, -0.5)))


def test_tokens_are_those_of_the_held_out_images(trained: TrainedModel, tmp_path: Path) -> None:
    data = blobs()
    outputs = ModelOutputs(trained, References(data, tmp_path, CPU), n=20, seed=0)
    assert outputs.tokens is not None
    index_NP, entries = outputs.tokens
    assert (tuple(index_NP.shape), entries) == ((20, 3), 4)  # six latent dimensions in pairs
    above = (trained.encode(to_signed(data.test.images_NCHW[:20])).mu_BZ > 0).long()
    assert torch.equal(index_NP, 2 * above[:, 0::2] + above[:, 1::2])
    assert outputs.means is not None
    assert set(outputs.means.unique().tolist()) == {-0.5, 0.5}


def usage(*rows: list[int], entries: int = 8) -> dict[str, Any]:
    outputs = Signs().outputs()
    outputs.tokens = Tokens(torch.tensor(rows), entries)
    return {each.metric: each for each in CodebookUsage()(outputs)}


def test_the_usage_of_a_set_has_known_values() -> None:
    found = usage([0, 3, 3, 3], [0, 3, 3, 3])
    assert found["codebook-usage"].value == 2 / 8
    entropy = -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    assert found["codebook-perplexity"].value == pytest.approx(math.exp(entropy))
    assert found["codebook-perplexity"].protocol == {"n_real": 2, "places": 4, "entries": 8}
    even = usage([7, 6], [5, 4], [3, 2], [1, 0])
    assert (even["codebook-usage"].value, even["codebook-perplexity"].value) == (1, pytest.approx(8))
    few = usage([5, 2, 6], entries=512)
    assert few["codebook-usage"].value == few["codebook-usage"].ceiling == 3 / 512
    assert few["codebook-perplexity"].value == pytest.approx(3) == few["codebook-perplexity"].ceiling
    assert (even["codebook-usage"].ceiling, even["codebook-perplexity"].ceiling) == (1, 8)
    collapsed = usage([2, 2], [2, 2])
    assert (collapsed["codebook-usage"].value, collapsed["codebook-perplexity"].value) == (1 / 8, 1)


def test_a_model_without_a_quantiser_has_no_usage() -> None:
    assert CodebookUsage()(Signs().outputs()) == []


def test_networks_without_an_arrangement_have_one_place() -> None:
    assert small_run(Rounded()).networks.latent_shape == LatentShape(6, 1, 1)
