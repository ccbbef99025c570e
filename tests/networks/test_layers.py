"""The built-in networks layer by layer, in the order in which an image or a code passes through them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Networks
from vaegan_bench.networks.compact import Compact, UpConvolution
from vaegan_bench.networks.conditions import append_attributes
from vaegan_bench.networks.larsen import Larsen

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def built(networks: Networks, role: str, size: int, seed: int = 0, **options: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return networks.build(role, ImageShape(3, size, size), **options)


def passed(module: nn.Module, given: Tensor) -> list[str]:
    """Each layer that did anything, as 'kind channels×height×width', with what defines it."""
    found: list[str] = []

    def note(layer: nn.Module, _: object, output: Tensor) -> None:
        size = "×".join(map(str, output.shape[1:]))
        bias = "" if getattr(layer, "bias", None) is not None else " no bias"
        match layer:
            case UpConvolution():
                found.append(f"repeat and conv {layer.kernel_size[0]} {size}{bias}")
            case nn.Conv2d() | nn.ConvTranspose2d():
                kind = "up" if isinstance(layer, nn.ConvTranspose2d) else "conv"
                found.append(f"{kind} {layer.kernel_size[0]}/{layer.stride[0]} {size}{bias}")
            case nn.Linear():
                found.append(f"linear {size}{bias}")
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                found.append("norm")
            case nn.ReLU():
                found.append("relu")
            case nn.LeakyReLU():
                found.append(f"leaky {layer.negative_slope:g}")

    hooks = [layer.register_forward_hook(note) for layer in module.modules() if not list(layer.children())]
    module(given)
    for hook in hooks:
        hook.remove()
    return found


def block(layer: str) -> list[str]:
    return [f"{layer} no bias", "norm", "relu"]


LARSEN = {
    ("encoder", 64): [
        *block("conv 5/2 64×32×32"),
        *block("conv 5/2 128×16×16"),
        *block("conv 5/2 256×8×8"),
        *block("linear 1024"),
        "linear 128",
        "linear 128",
    ],
    ("decoder", 64): [
        *block("linear 16384"),
        *block("up 5/2 256×16×16"),
        *block("up 5/2 128×32×32"),
        *block("up 5/2 32×64×64"),
        "conv 5/1 3×64×64",
    ],
    ("discriminator", 64): [
        "conv 5/1 32×64×64",
        "relu",
        *block("conv 5/2 128×32×32"),
        *block("conv 5/2 256×16×16"),
        *block("conv 5/2 256×8×8"),
        *block("linear 512"),
        "linear 1",
    ],
    ("encoder", 32): [
        *block("conv 5/2 64×16×16"),
        *block("conv 5/2 128×8×8"),
        *block("conv 5/2 256×4×4"),
        *block("linear 1024"),
        "linear 128",
        "linear 128",
    ],
    ("decoder", 32): [
        *block("linear 4096"),
        *block("up 5/2 192×8×8"),
        *block("up 5/2 128×16×16"),
        *block("up 5/2 32×32×32"),
        "conv 5/1 3×32×32",
    ],
    ("discriminator", 32): [
        "conv 5/1 32×32×32",
        "relu",
        *block("conv 5/2 128×16×16"),
        *block("conv 5/2 192×8×8"),
        *block("conv 5/2 256×4×4"),
        *block("linear 512"),
        "linear 1",
    ],
}

COMPACT = {
    ("encoder", 32): [
        *block("conv 4/2 8×16×16"),
        *block("conv 4/2 16×8×8"),
        *block("conv 4/2 32×4×4"),
        "linear 5",
        "linear 5",
    ],
    ("decoder", 32): [
        *block("linear 384"),  # 24 channels of 4×4
        *block("repeat and conv 3 12×8×8"),
        *block("repeat and conv 3 6×16×16"),
        "repeat and conv 3 3×32×32",
    ],
    ("discriminator", 32): [
        "conv 4/2 8×16×16",
        "leaky 0.2",
        "conv 4/2 16×8×8",
        "leaky 0.2",
        "conv 4/2 32×4×4",
        "leaky 0.2",
        "linear 1",
    ],
    ("discriminator", 64): [
        "conv 4/2 8×32×32",
        "leaky 0.2",
        "conv 4/2 16×16×16",
        "leaky 0.2",
        "conv 4/2 32×8×8",
        "leaky 0.2",
        "conv 4/2 32×4×4",  # widths double up to fourfold
        "leaky 0.2",
        "linear 1",
    ],
}


@pytest.mark.parametrize(
    ("networks", "role", "size", "layers"),
    [
        *((Larsen(), *key, layers) for key, layers in LARSEN.items()),
        *((Compact(latent=5, width=8, decoder_width=6), *key, layers) for key, layers in COMPACT.items()),
    ],
    ids=lambda value: getattr(value, "name", value) if not isinstance(value, list) else "",
)
def test_layers_are_those_that_were_published(networks: Networks, role: str, size: int, layers: list[str]) -> None:
    with torch.device("meta"):
        module = networks.build(role, ImageShape(3, size, size))
        given = torch.empty(2, networks.latent) if role == "decoder" else torch.empty(2, 3, size, size)
    assert passed(module, given) == layers


@pytest.mark.parametrize("bias", [True, False])
def test_an_up_convolution_repeats_pixels_and_convolves(bias: bool) -> None:
    """Value and gradients, on an image with unequal sides whose edges count."""
    with torch.random.fork_rng(devices=[]):
        merged = UpConvolution(5, 7, 3, padding=1, bias=bias).double()
        plain = nn.Conv2d(5, 7, 3, padding=1, bias=bias).double()
    plain.load_state_dict(merged.state_dict())
    x = torch.randn(2, 5, 4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weigh = torch.randn(2, 7, 8, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    repeated = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    outputs = merged(x), plain(repeated)
    torch.testing.assert_close(*outputs)
    found, expected = (
        torch.autograd.grad((y * weigh).sum(), list(module.parameters()))
        for y, module in zip(outputs, (merged, plain), strict=True)
    )
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("networks", "size", "tapped"),
    [(Larsen(), 64, 3), (Larsen(), 32, 2), (Compact(width=4), 32, 1), (Compact(width=4), 64, 1)],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_tap_is_the_bare_output_of_a_convolution(networks: Networks, size: int, tapped: int) -> None:
    """Before its norm and before its nonlinearity, and not changed by what comes after."""
    module = built(networks, "discriminator", size)
    seen: list[Tensor] = []
    convolutions = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]
    for convolution in convolutions:
        convolution.register_forward_hook(lambda _, __, output: seen.append(output.clone()))
    x = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1
    _, features = module(x)
    assert torch.equal(features, seen[tapped])
    assert features.min() < 0


def test_logits_come_from_what_lies_above_the_tap() -> None:
    for networks in (Larsen(), Compact(width=4)):
        module = built(networks, "discriminator", 32)
        x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
        logits, features = module(x.requires_grad_())
        assert torch.autograd.grad(logits.sum(), features, retain_graph=True)[0].abs().max() > 0
        assert not torch.equal(logits[0], logits[1])


@pytest.mark.parametrize("role", ["encoder", "decoder", "discriminator"])
def test_larsen_starts_uniform_within_its_bound_in_every_layer_and_without_bias(role: str) -> None:
    module = built(Larsen(), role, 32)
    weighed = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    assert len(weighed) >= 5
    for layer in weighed:
        transposed = isinstance(layer, nn.ConvTranspose2d)
        channels = layer.out_channels if transposed else getattr(layer, "in_channels", 0)
        counted = layer.in_features if isinstance(layer, nn.Linear) else channels * 25
        bound = 1 / math.sqrt(3 * counted)
        assert layer.weight.abs().max().item() <= bound * (1 + 1e-6)
        if layer.weight.numel() > 1000:
            assert layer.weight.abs().max().item() > 0.98 * bound
            assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
        assert layer.bias is None or not layer.bias.any()


def test_norms_of_larsen_start_at_one_and_zero_and_average_as_published() -> None:
    for role in ("encoder", "decoder", "discriminator"):
        norms = [layer for layer in built(Larsen(), role, 32).modules() if isinstance(layer, NORMS)]
        assert len(norms) == 4
        for norm in norms:
            assert (norm.eps, norm.momentum) == (1e-6, 0.1)
            assert bool((norm.weight == 1).all())
            assert not norm.bias.any()


@pytest.mark.parametrize("networks", [Larsen(latent=3), Compact(latent=3, width=4, decoder_width=4)], ids=str)
def test_a_second_head_changes_no_other_initial_weight(networks: Networks) -> None:
    one, two = (built(networks, "decoder", 32, heads=heads).state_dict() for heads in (1, 2))
    differing = [name for name, weights in one.items() if not torch.equal(weights, two[name])]
    assert all(name.startswith("last.") for name in differing)
    assert one["last.weight"].shape != two["last.weight"].shape


def test_compact_starts_within_the_bounds_of_its_layers() -> None:
    for role in ("encoder", "decoder", "discriminator"):
        for layer in built(Compact(width=8), role, 32).modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                bound = 1 / math.sqrt(layer.weight[0].numel())
                assert 0.9 * bound < layer.weight.abs().max().item() <= bound
    assert [type(m) for m in built(Compact(width=8), "discriminator", 32).modules() if isinstance(m, NORMS)] == []


def test_sizes_of_networks_follow_their_fields() -> None:
    assert built(Larsen(latent=7, hidden=50), "encoder", 32).mu.weight.shape == (7, 50)
    assert built(Larsen(latent=7), "decoder", 32).body[0].weight.shape == (256 * 4 * 4, 7)
    assert built(Compact(latent=7, width=4), "encoder", 32).mu.weight.shape == (7, 4 * 4 * 16)
    assert built(Compact(latent=7, decoder_width=4), "decoder", 32).body[0].weight.shape == (16 * 16, 7)
    for networks in (Larsen(), Compact()):
        two = built(networks, "decoder", 32, heads=2)(torch.zeros(2, networks.latent))
        assert two.shape == (2, 6, 32, 32)


def test_mean_and_log_variance_have_heads_of_their_own() -> None:
    for networks in (Larsen(latent=5), Compact(latent=5, width=4)):
        module = built(networks, "encoder", 32)
        x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
        mu, logvar = module(x)
        with torch.no_grad():
            module.logvar.bias.add_(1.0)
        moved = module(x)
        torch.testing.assert_close(moved[0], mu)
        torch.testing.assert_close(moved[1], logvar + 1)


def test_attributes_are_joined_behind_the_activations() -> None:
    activations, attributes = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5], [6]])
    assert append_attributes(activations, attributes).tolist() == [[1.0, 2.0, 5.0], [3.0, 4.0, 6.0]]
    assert append_attributes(activations, None) is activations
    assert append_attributes(activations.double(), attributes).dtype == torch.float64


def test_compact_projects_attributes_onto_the_image_s_features() -> None:
    module = built(Compact(width=4), "discriminator", 32, conditions=3).eval()
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    attributes = torch.tensor([[1.0, -1.0, 0.5], [0.0, 2.0, -1.0]])
    logits, features = module(x, attributes)
    above = module.above(features)
    expected = module.verdict(above).squeeze(1) + ((attributes @ module.projection.weight.T) * above).sum(1)
    torch.testing.assert_close(logits, expected)
    bound = 1 / math.sqrt(3 * 16 * 16)  # attributes together count as much as the image
    assert 0.9 * bound < module.projection.weight.abs().max().item() <= bound
    assert module.projection.bias is None
    assert built(Compact(width=4), "discriminator", 32).projection is None
