"""Networks whose code is a grid: its arrangement, what sees what, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from vaegan_bench_tokenizers.tokenizer import Tokenizer

from vaegan_bench.api import ImageShape, LatentShape, PluginError
from vaegan_bench.networks.spectral import Spectral
from vaegan_bench.testing.passes import build_network


def build(role: str, size: int = 32, heads: int = 1, **fields: int) -> nn.Module:
    return build_network(Tokenizer(width=8, **fields), role, ImageShape(3, size, size), heads)


def image(size: int = 32) -> torch.Tensor:
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("size", "grid"), [(32, 8), (32, 16), (32, 4), (64, 8), (64, 16), (128, 8)])
def test_codes_have_the_arrangement_that_the_fields_say(size: int, grid: int) -> None:
    networks = Tokenizer(channels=3, grid=grid)
    assert networks.latent_shape == LatentShape(3, grid, grid)
    assert networks.latent == 3 * grid * grid
    mu, logvar = build("encoder", size, channels=3, grid=grid)(image(size))
    assert mu.shape == logvar.shape == (1, networks.latent)
    assert build("decoder", size, heads=2, channels=3, grid=grid)(mu).shape == (1, 6, size, size)


def test_a_place_of_the_code_belongs_to_its_place_in_the_image() -> None:
    z = torch.zeros(1, 2, 8, 8)
    decoder = build("decoder", channels=2)
    decoder.apply(lambda m: setattr(m, "num_groups", m.num_channels) if isinstance(m, nn.GroupNorm) else None)
    z.requires_grad_()
    top_left = decoder(z.flatten(1))[0, :, :4, :4].square().sum()
    (slope,) = torch.autograd.grad(top_left, z)
    strength = slope.abs().sum((0, 1))
    assert strength[:4, :4].mean() > 3 * strength[4:, 4:].mean()  # norms alone let far places in


@pytest.mark.parametrize(("size", "seen"), [(32, 16), (64, 34)])
def test_each_of_14_times_14_verdicts_sees_a_patch_of_half_the_image(size: int, seen: int) -> None:
    x = image(size).requires_grad_()
    logits, _ = build("discriminator", size)(x)
    assert logits.shape == (1, 14 * 14)
    (slope,) = torch.autograd.grad(logits.view(14, 14)[7, 5], x)
    rows = slope.abs().sum((0, 1, 3)).nonzero()
    columns = slope.abs().sum((0, 1, 2)).nonzero()
    assert len(rows) == len(columns) == seen
    assert rows.float().mean() > columns.float().mean()


def test_features_are_those_of_the_second_convolution_before_its_activation() -> None:
    network = build("discriminator")
    x = image()
    _, features = network(x)
    first, activation, second = network.below
    torch.testing.assert_close(features, second(activation(first(x))))
    assert features.min() < -0.01


@pytest.mark.parametrize(
    ("size", "fields", "words"),
    [(16, {}, "32, 64 or 128"), (32, {"grid": 32}, "cannot halve"), (32, {"grid": 12}, "cannot halve"),
     (64, {"grid": 5}, "cannot halve")],
)  # fmt: skip
def test_what_does_not_fit_is_refused(size: int, fields: dict[str, int], words: str) -> None:
    with pytest.raises(PluginError, match=words):
        Tokenizer(**fields).build("encoder", ImageShape(3, size, size))


def test_attributes_are_refused() -> None:
    with pytest.raises(PluginError, match="take no attributes"):
        Tokenizer().build("decoder", ImageShape(3, 32, 32), conditions=2)


def test_spectral_norm_leaves_the_grid_and_the_last_layer_as_they_are() -> None:
    networks = Spectral(networks=Tokenizer(channels=3))
    assert networks.latent_shape == LatentShape(3, 8, 8)
    assert networks.last_layers == {"decoder": "last.weight"}
