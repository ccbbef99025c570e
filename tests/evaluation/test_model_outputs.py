"""What metrics are handed of a trained model: which images, which codes, which attributes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Data, Posterior, Split, to_signed, to_uint8
from vaegan_bench.evaluation.outputs import ModelOutputs
from vaegan_bench.evaluation.references import References
from vaegan_bench.metrics.samples.power_spectrum import PowerSpectrum
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.study.assembly import build_modules
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.testing.worlds import StandIn
from vaegan_bench.training.trained_model import TrainedModel

CPU = torch.device("cpu")


class Recorded(TrainedModel):
    """A trained model whose images are its codes and attributes, and which encodes an image to its mean."""

    def decode(self, z_BZ: Tensor, attributes_BA: Tensor | None = None) -> Tensor:
        assert attributes_BA is not None
        shown = torch.cat([z_BZ[:, :1], attributes_BA[:, :1]], 1).clamp(-1, 1)
        return shown[:, :, None, None].expand(-1, -1, 4, 4)

    def encode(self, x_BCHW: Tensor, attributes_BA: Tensor | None = None) -> Posterior:
        assert attributes_BA is not None
        mean = x_BCHW.mean((1, 2, 3))
        return Posterior(torch.stack([mean, attributes_BA[:, 0]], 1), torch.zeros(len(mean), 2))


def data(train: int = 30, test: int = 9) -> Data:
    """Images of one level: 0, 1, 2, … to train on and 100, 101, … to test on; every third one has the attribute."""

    def part(first: int, n: int) -> Split:
        levels = torch.arange(first, first + n, dtype=torch.uint8)[:, None, None, None].expand(n, 1, 4, 4)
        return Split(levels, (torch.arange(n) % 3 == 0)[:, None])

    return Data(part(0, train), part(100, test), ("Third",), digest="levels")


def conditional(cache: Path, n: int, seed: int = 5) -> ModelOutputs:
    run = small_run(VAE(conditional=True))
    modules = build_modules(VAE(), run.networks, 0, blobs().shape, CPU)
    return ModelOutputs(Recorded(run.model, modules, 2), References(data(), cache, CPU), n, seed)


def test_no_more_held_out_images_are_looked_at_than_asked_for_and_they_are_the_first(tmp_path: Path) -> None:
    outputs = conditional(tmp_path, 4)
    assert outputs.real[:, 0, 0, 0].tolist() == [100, 101, 102, 103]
    assert outputs.train[:, 0, 0, 0].tolist() == list(range(30))
    assert len(outputs.samples) == 4
    assert len(conditional(tmp_path, 50).real) == 9
    assert len(conditional(tmp_path, 50).samples) == 50


def test_codes_are_those_of_the_images_with_their_own_attributes(tmp_path: Path) -> None:
    outputs = conditional(tmp_path, 4)
    assert outputs.means is not None
    assert outputs.train_means is not None
    levels = torch.tensor([100.0, 101, 102, 103]) / 127.5 - 1
    assert outputs.means[:, 0].tolist() == pytest.approx(levels.tolist())
    assert outputs.means[:, 1].tolist() == [1, -1, -1, 1]
    assert outputs.train_means[:, 0].tolist() == pytest.approx((torch.arange(30) / 127.5 - 1).tolist())
    assert outputs.train_means[:, 1].tolist() == [1, -1, -1] * 10
    assert outputs.train_posterior is not None
    assert torch.equal(outputs.train_posterior.mu_BZ, outputs.train_means)
    assert outputs.redrawn(1).train_posterior is outputs.train_posterior


def test_a_conditional_model_decodes_with_the_attributes_of_the_held_out_images_in_turn(tmp_path: Path) -> None:
    outputs = conditional(tmp_path, 4)
    turns = outputs.decode(torch.zeros(7, 2))[:, 1, 0, 0]
    assert turns.tolist() == [255, 0, 0, 255, 255, 0, 0]
    given = outputs.decode(torch.zeros(3, 2), torch.tensor([[-1.0], [1.0], [-1.0]]))[:, 1, 0, 0]
    assert given.tolist() == [0, 255, 0]
    assert outputs.reconstructions is not None
    assert outputs.means is not None
    assert torch.equal(outputs.reconstructions[:, 0, 0, 0], to_uint8(outputs.means[:, 0]))


def test_seeds_and_draws_have_codes_of_their_own_and_priors_are_of_neither(tmp_path: Path) -> None:
    first, other_seed = (conditional(tmp_path, 200, seed) for seed in (5, 6))
    sets = [first.samples, first.redrawn(1).samples, other_seed.samples, first.decode(first.codes(200))]
    assert len({made.numpy().tobytes() for made in sets}) == 4
    assert torch.equal(conditional(tmp_path, 200).samples, first.samples)
    codes = first.codes(4000)
    assert float(codes.mean()) == pytest.approx(0, abs=0.05)
    assert float(codes.std()) == pytest.approx(1, abs=0.05)


def test_many_codes_are_decoded_in_order(tmp_path: Path) -> None:
    codes = torch.linspace(-1, 1, 600)[:, None].expand(600, 2)
    made = conditional(tmp_path, 4).decode(codes)
    assert torch.equal(made[:, 0, 0, 0], to_uint8(codes[:, 0]))


def plain(model: VAE | GAN, cache: Path) -> ModelOutputs:
    run = small_run(model)
    modules = build_modules(run.model, run.networks, 0, blobs().shape, CPU)
    return ModelOutputs(TrainedModel(run.model, modules, run.networks.latent), References(blobs(), cache, CPU), 20, 0)


def test_a_model_is_evaluated_as_exactly_as_it_was_trained(tmp_path: Path) -> None:
    """A GPU rounds to TF32 otherwise, and its numbers then differ from those of a CPU by more than rounding."""
    outputs, rounds = plain(VAE(), tmp_path), list[bool]()
    for module in outputs.model.modules.values():
        module.register_forward_hook(lambda *_: rounds.append(torch.backends.cudnn.allow_tf32))
    x_BCHW = to_signed(outputs.real)
    assert outputs.means is not None
    assert outputs.log_likelihood(x_BCHW, outputs.means) is not None
    assert len(outputs.samples) == 20
    assert rounds == [False] * 3
    assert torch.backends.cudnn.allow_tf32


def test_spectra_of_the_data_are_computed_once_for_all_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs, transforms, transform = plain(VAE(), tmp_path), list[int](), torch.fft.rfft2
    monkeypatch.setattr(torch.fft, "rfft2", lambda x: transforms.append(len(x)) or transform(x))
    for each in (outputs, outputs.redrawn(1)):
        first, again = (PowerSpectrum()(each) for _ in range(2))
        assert first == again
    assert transforms == [20] * 4  # held-out and training images, and two sets of samples


class Pixels(StandIn):
    """Reads pixels, and remembers how many images it was shown."""

    def open(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        from vaegan_bench.testing.worlds import StandInNetwork, pixels

        return StandInNetwork(pixels, pixels)


def test_features_are_of_the_images_that_were_asked_for(tmp_path: Path) -> None:
    outputs, extractor = plain(VAE(), tmp_path), Pixels()
    assert outputs.reconstructions is not None
    for source, images in (
        ("real", outputs.real),
        ("train", outputs.train),
        ("samples", outputs.samples),
        ("reconstructions", outputs.reconstructions),
    ):
        found = outputs.features(extractor, source)  # type: ignore[arg-type]
        assert torch.equal(found.features_NF, images.flatten(1).float()), source
    other = outputs.redrawn(1)
    assert torch.equal(other.features(extractor, "samples").features_NF, other.samples.flatten(1).float())
    assert not torch.equal(other.samples, outputs.samples)


def test_a_model_without_an_encoder_has_no_reconstructions_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="'gan' has no reconstructions"):
        plain(GAN(), tmp_path).features(Pixels(), "reconstructions")


def test_data_without_training_images_have_no_training_codes(tmp_path: Path) -> None:
    whole = blobs()
    none = replace(whole, train=whole.train[:0])
    run = small_run(VAE())
    modules = build_modules(run.model, run.networks, 0, whole.shape, CPU)
    outputs = ModelOutputs(
        TrainedModel(run.model, modules, run.networks.latent), References(none, tmp_path, CPU), 20, 0
    )
    assert outputs.train_means is None
    assert outputs.means is not None


def test_images_of_a_decoder_that_gives_nan_are_refused(tmp_path: Path) -> None:
    """A cast to uint8 would make them black, and a metric would score them."""
    outputs = conditional(tmp_path, 9)
    codes_NZ = torch.zeros(9, 2)
    codes_NZ[7, 0] = torch.nan
    with pytest.raises(BenchError, match="decoder of model 'vae' gave values that are NaN"):
        outputs.decode(codes_NZ)
