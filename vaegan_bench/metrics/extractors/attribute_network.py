"""A small convolutional network with one output per attribute, and how it is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaegan_bench.api import ImageShape, Progress, to_signed
from vaegan_bench.system.device import exact_convolutions

FEATURES = 128
GRID = 4
"""Features keep a 4 × 4 map of where things are: glasses and hats are recognised by their place."""


class Recipe(NamedTuple):
    """The settings that, with the images, decide the outcome of a training."""

    width: int
    images: int
    batch: int
    lr: float
    seed: int


class AttributeNetwork(nn.Module):
    """Images in [-1, 1] (B, C, H, W) → penultimate features (B, 128) and one output per attribute (B, A)."""

    def __init__(self, shape: ImageShape, attributes: int, width: int) -> None:
        super().__init__()
        stride = max(1, min(shape.height, shape.width) // 32)
        self.trunk = nn.Sequential(
            _block(shape.channels, width, 2 * stride + 1, stride),
            _block(width, 2 * width, 3, 2),
            _block(2 * width, 4 * width, 3, 2),
            _block(4 * width, 4 * width, 3, 2),
            nn.AdaptiveAvgPool2d(GRID),
            nn.Flatten(),
            nn.Linear(GRID * GRID * 4 * width, FEATURES, bias=False),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Linear(FEATURES, attributes)

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, 128) and outputs (B, A) of images in [-1, 1]."""
        features_BF = self.trunk(x_BCHW.contiguous(memory_format=torch.channels_last))
        return features_BF, self.head(features_BF)


def fresh_network(shape: ImageShape, attributes: int, recipe: Recipe) -> AttributeNetwork:
    """An untrained network on the CPU; equal seeds give equal weights, and torch's own generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(recipe.seed)
        network = AttributeNetwork(shape, attributes, recipe.width)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


Cost = Callable[[Tensor, Tensor], Tensor]
"""(outputs (B, A), attributes (B, A) float32) → the number to minimise."""


def train_network(
    network: AttributeNetwork,
    images_NCHW: Tensor,
    attributes_NA: Tensor,
    recipe: Recipe,
    progress: Progress,
    cost: Cost = F.binary_cross_entropy_with_logits,
    description: str = "oracle training",
) -> None:
    """Minimise the mean cost of all attributes on uint8 images, in place, with Adam.

    Images, attributes and weights are on one device. Each image is shifted by up to a sixteenth of its side.
    """
    steps = max(1, recipe.images // recipe.batch)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.lr, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.lr, total_steps=steps + 1)
    noise = torch.Generator().manual_seed(recipe.seed)
    batches = _batches(len(images_NCHW), recipe.batch, noise)
    network.train()
    with exact_convolutions():
        for step in range(1, steps + 1):
            index = next(batches).to(images_NCHW.device)
            x_BCHW = to_signed(shift(images_NCHW[index], noise))
            loss = cost(network(x_BCHW)[1], attributes_NA[index].float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            progress(description, step, steps)
    network.eval()


def shift(images_BCHW: Tensor, noise: torch.Generator) -> Tensor:
    """Move each image by its own whole number of pixels, up to a sixteenth of its side, repeating the border."""
    (batch, _, height, width), device = images_BCHW.shape, images_BCHW.device
    rows_BH = _shift_coordinates(batch, height, noise).to(device)
    columns_BW = _shift_coordinates(batch, width, noise).to(device)
    which_B11 = torch.arange(batch, device=device)[:, None, None]
    moved_BHWC = images_BCHW.permute(0, 2, 3, 1)[which_B11, rows_BH[:, :, None], columns_BW[:, None, :]]
    return moved_BHWC.permute(0, 3, 1, 2)


def _shift_coordinates(batch: int, side: int, noise: torch.Generator) -> Tensor:
    """Pixel coordinates (batch, side), each row moved by its own amount and kept inside the image."""
    reach = side // 16
    shift_B = torch.randint(-reach, reach + 1, (batch,), generator=noise)
    return (torch.arange(side) + shift_B[:, None]).clamp(0, side - 1)


def _batches(n: int, batch: int, noise: torch.Generator) -> Iterator[Tensor]:
    """Indices of full batches without end, in a new order for each pass."""
    batch = min(batch, n)
    while True:
        order = torch.randperm(n, generator=noise)
        yield from (part for part in order.split(batch) if len(part) == batch)


def _block(inside: int, outside: int, kernel: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(inside, outside, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outside), nn.ReLU(inplace=True))
