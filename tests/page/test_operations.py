"""Each operation that a program may have, alone, on images that are not square."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import torch
from programs import differences, disturb
from torch import Tensor, nn
from torch.nn import functional as F

from vaegan_bench.report.page.portable import UnportableError, portable

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGE, FLAT = (4, 5, 7), (6,)
MODULES: dict[str, Callable[[], nn.Module]] = {
    "convolution": lambda: nn.Conv2d(4, 3, (3, 2), (2, 1), padding=(1, 2), dilation=(1, 2)),
    "convolution in groups": lambda: nn.Conv2d(4, 6, 3, padding=1, groups=2, bias=False),
    "depthwise convolution": lambda: nn.Conv2d(4, 4, 3, groups=4),
    "transposed convolution": lambda: nn.ConvTranspose2d(4, 3, (3, 4), (2, 3), padding=(1, 0), output_padding=(1, 2)),
    "transposed convolution in groups": lambda: nn.ConvTranspose2d(4, 6, 3, 2, groups=2, dilation=2, bias=False),
    "transposed convolution with gaps": lambda: nn.ConvTranspose2d(4, 5, 1, 2, output_padding=1),
    "flatten and linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(140, 9)),
    "unflatten": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(140, 24), nn.Unflatten(1, (2, 3, 4)), nn.Conv2d(2, 5, 2)
    ),
    "batch norm first": lambda: nn.BatchNorm2d(4),
    "batch norm after convolution": lambda: nn.Sequential(nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5), nn.ELU(0.7)),
    "batch norm after groups": lambda: nn.Sequential(nn.ConvTranspose2d(4, 6, 2, groups=2), nn.BatchNorm2d(6)),
    "batch norm after linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(140, 9, bias=False), nn.BatchNorm1d(9)),
    "batch norm after unflatten": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(140, 12), nn.Unflatten(1, (2, 3, 2)), nn.BatchNorm2d(2)
    ),
    "group norm": lambda: nn.GroupNorm(2, 4),
    "group norm after convolution": lambda: nn.Sequential(nn.Conv2d(4, 6, 3), nn.GroupNorm(3, 6), nn.SiLU()),
    "group norm without parameters": lambda: nn.GroupNorm(4, 4, eps=0.3, affine=False),
    "layer norm": lambda: nn.LayerNorm((5, 7)),
    "layer norm without a shift": lambda: nn.LayerNorm(7, bias=False),
    "average pooling": lambda: nn.AvgPool2d((3, 2), stride=(2, 1), padding=1),
    "average pooling without padding": lambda: nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
    "maximum pooling": lambda: nn.MaxPool2d((3, 2), stride=(1, 2), padding=(1, 0), ceil_mode=True),
    "adaptive pooling": lambda: nn.AdaptiveAvgPool2d((2, 3)),
    "global pooling": lambda: nn.AdaptiveAvgPool2d(1),
    "repeated pixels": lambda: nn.Upsample(scale_factor=(2, 3)),
    "repeated pixels of odd size": lambda: nn.Upsample(size=(8, 9)),
    "bilinear": lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
    "bilinear with corners": lambda: nn.Upsample(size=(9, 8), mode="bilinear", align_corners=True),
    "pixel shuffle": lambda: nn.PixelShuffle(2),
    "constant pad": lambda: nn.ConstantPad2d((1, 2, 0, 3), 0.25),
    "reflected pad": lambda: nn.ReflectionPad2d((1, 2, 3, 0)),
    "dropout": lambda: nn.Sequential(nn.Dropout(0.9), nn.Dropout2d(0.9), nn.Tanh()),
}
FUNCTIONS: dict[str, Callable[[Tensor], Tensor | tuple[Tensor, ...]]] = {
    "relu": F.relu,
    "leaky relu": lambda x: F.leaky_relu(x, 0.3),
    "leaky relu in place": lambda x: F.leaky_relu_(x.clone(), 0.3),
    "elu": lambda x: F.elu(x, 0.6),
    "selu": F.selu,
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu by tanh": lambda x: F.gelu(x, approximate="tanh"),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": lambda x: F.softplus(9 * x, beta=2, threshold=8),
    "hardtanh": lambda x: F.hardtanh(x, -0.4, 0.7),
    "clamp": lambda x: x.clamp(min=0.2),
    "clamp without a limit": lambda x: x.clamp(-torch.inf, 0.3),
    "sum of two": lambda x: torch.tanh(x) + x,
    "difference of two": lambda x: torch.tanh(x) - x,
    "product of two": lambda x: torch.sigmoid(x) * x,
    "product with one for each channel": lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)),
    "constants": lambda x: 3 - (x * 2 + 0.5 - torch.arange(7)) / 4,
    "a constant of all places": lambda x: -x + torch.linspace(-1, 1, 140).view(4, 5, 7).square(),
    "slice": lambda x: x[:, 1:3, ::2, 3:],
    "chunks": lambda x: tuple(y.tanh() for y in x.chunk(3, dim=1)),
    "flip": lambda x: x.flip(3).tanh(),
    "permutation": lambda x: x.permute(0, 3, 1, 2).tanh(),
    "concatenation": lambda x: torch.cat([x, x[:, :1].tanh(), x.new_full((len(x), 2, 5, 7), 0.5)], dim=1),
    "concatenation of columns": lambda x: torch.cat([x, x.tanh()], dim=3),
    "sums": lambda x: (x.sum((1, 3)), x.mean(2), x.flatten(1).sum(1)),
    "views": lambda x: x.view(len(x), 2, 2, 35).tanh().reshape(len(x), -1).unsqueeze(2).squeeze(2),
    "whole numbers": lambda x: (x.round(), ((8 * x).clamp(-6, 6).round() / 2).round()),
    "the smaller and the larger": lambda x: (torch.minimum(x, x.tanh()), torch.maximum(torch.arange(7) / 7, x)),
    "the nearest of a table": lambda x: TABLE[torch.cdist(x.flatten(2), TABLE.flatten(1)).argmin(2)].tanh(),
    "distances": lambda x: torch.cdist(x.flatten(2), TABLE.flatten(1)),
    "what it was given": lambda x: (x, x.tanh()),
}  # fmt: skip


TABLE = torch.randn(9, 5, 7, generator=torch.Generator().manual_seed(2))


class Applied(nn.Module):
    """A function as a network."""

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> object:
        return self.function(*inputs)


def images(*shape: int) -> Tensor:
    return torch.randn(3, *(shape or IMAGE), generator=torch.Generator().manual_seed(5))


def built(name: str) -> nn.Module:
    with torch.random.fork_rng():
        return disturb(MODULES[name]())


def kinds(network: nn.Module, *inputs: Tensor) -> list[str]:
    return [operation["kind"] for operation in portable(network, *inputs).operations]


@pytest.mark.parametrize("name", MODULES)
def test_layers_equal_those_of_torch(page: Page, name: str) -> None:
    assert max(differences(page, built(name), images())) < 1e-4


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_equal_those_of_torch(page: Page, name: str) -> None:
    assert max(differences(page, Applied(FUNCTIONS[name]).eval(), images())) < 1e-5


def test_a_value_that_is_used_twice_is_not_overwritten(page: Page) -> None:
    def residual(x: Tensor) -> tuple[Tensor, Tensor]:
        y = x * 2
        return F.relu(y) + torch.tanh(y) * F.relu(y), F.leaky_relu(y, 0.1)

    assert max(differences(page, Applied(residual), images())) < 1e-5


def test_an_output_that_another_one_is_made_of_is_not_overwritten(page: Page) -> None:
    def both(x: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.tanh(x)
        return y, torch.sigmoid(y)

    assert max(differences(page, Applied(both), images())) < 1e-5


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("batch norm after convolution", ["convolution", "elu"]),
        ("batch norm after groups", ["transposed_convolution"]),
        ("batch norm after linear", ["linear"]),
        ("batch norm after unflatten", ["linear"]),
        ("dropout", ["tanh"]),
    ],
)
def test_what_can_be_folded_costs_nothing(name: str, left: list[str]) -> None:
    assert kinds(built(name), images()) == left


def test_what_does_not_depend_on_the_input_is_a_constant() -> None:
    weight = images(2, 4)[0].exp()

    def normalised(x: Tensor) -> Tensor:
        return x @ (weight / weight.sum()).tanh().T * weight.mean() - weight.norm()

    assert kinds(Applied(normalised), images(4)) == ["linear"]


def test_a_layer_that_two_operations_need_keeps_its_own_output() -> None:
    layer = built("batch norm after linear")

    def both(x: Tensor) -> tuple[Tensor, Tensor]:
        y = layer[1](x.flatten(1))  # type: ignore[index]
        return y, layer[2](y)  # type: ignore[index]

    assert kinds(Applied(both), images()) == ["linear", "affine"]


def test_one_output_alone_is_all_that_is_computed() -> None:
    two = Applied(lambda x: (x.tanh(), x.sigmoid()))
    program = portable(two, images(), first_output_only=True)
    assert [operation["kind"] for operation in program.operations] == ["tanh"]
    assert program.outputs == (IMAGE,)


def attend(x: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(x, x, x)


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (lambda x: torch.erfinv(x).exp(), ["aten.erfinv", "aten.exp"]),
        (lambda x: x.mean(0, keepdim=True) + x, ["aten.mean across the images of a batch"]),
        (lambda x: x.flip(0), ["aten.flip across the images of a batch"]),
        (lambda x: x.index_select(0, torch.tensor([0, 0, 0])), ["aten.index_select across the images of a batch"]),
        (lambda x: x.view(-1, 7), ["aten.view across the images of a batch"]),
        (lambda x: torch.cat([x, x]), ["aten.cat across the images of a batch"]),
        (lambda x: x if x.mean() > 0 else -x, ["aten._local_scalar_dense"]),
        (lambda x: x + torch.arange(3.0).view(3, 1, 1, 1), ["aten.add"]),
        (lambda x: x.double(), ["aten._to_copy to torch.float64"]),
        (lambda x: x / x, ["aten.div by more than a constant"]),
        (lambda x: F.conv2d(x, x[:1]), ["aten.convolution with weights that depend on the input"]),
        (lambda x: F.conv1d(x.flatten(2), torch.ones(2, 4, 3)), ["aten.convolution of 1 dimensions"]),
        (lambda x: torch.rand_like(x), ["aten.rand_like"]),
        (lambda x: x.round(decimals=1), ["aten.round to decimals"]),
        (lambda x: x.clamp(min=torch.tensor(0.2)), ["aten.clamp by limits that are not finite numbers"]),
        (lambda x: x.clamp(min=torch.inf), ["aten.clamp by limits that are not finite numbers"]),
        (lambda x: F.softplus(x, threshold=torch.inf), ["aten.softplus with a setting that is not finite"]),
        (lambda x: F.pad(x, (1, 1), value=-torch.inf), ["aten.constant_pad_nd with -inf"]),
        (lambda x: torch.cdist(x, TABLE[0].T.expand(4, 7, 5).mT, p=1), ["aten._cdist_forward of another norm"]),
        (lambda x: torch.cdist(x, x + 1), ["aten._cdist_forward with weights that depend on the input"]),
        (lambda x: TABLE[x.argmin(1)], ["aten.argmin along another dimension than the last one"]),
        (lambda x: TABLE[x.argmin(3), x[..., :5].argmin(3)], ["aten.index by more than one index"]),
        (lambda x: TABLE[x.argmin(3) % 2], ["aten.remainder"]),
        (lambda x: torch.rand(3, 4), ["differs between the images"]),
    ],
)
def test_what_a_page_cannot_run_is_named(function: Callable[[Tensor], Tensor], named: list[str]) -> None:
    with torch.random.fork_rng(), pytest.raises(UnportableError) as caught:
        portable(Applied(function), images())
    assert all(name in " ".join(caught.value.operations) for name in named), caught.value.operations
    assert "\n" not in str(caught.value)


def test_attention_is_named() -> None:
    with pytest.raises(UnportableError, match=r"aten\.\w*scaled_dot_product\w*"):
        portable(Applied(attend), images(2, 5, 6))


def test_batch_norm_in_training_mode_is_refused() -> None:
    with pytest.raises(UnportableError, match="batch_norm"):
        portable(built("batch norm first").train(), images())


def test_memory_that_was_overwritten_is_not_read() -> None:
    def overwritten(x: Tensor) -> Tensor:
        y = x.tanh()
        y[:, :2].relu_()
        return y

    with pytest.raises(UnportableError, match="overwritten"):
        portable(Applied(overwritten), images())


def test_the_input_is_left_as_it_is() -> None:
    x = images()
    before = x.clone()
    portable(Applied(F.relu_), x)
    assert torch.equal(before, x)


def test_operations_that_no_output_needs_do_not_matter() -> None:
    def wasteful(x: Tensor) -> Tensor:
        torch.erfinv(x)
        return x.tanh()

    assert kinds(Applied(wasteful), images()) == ["tanh"]
