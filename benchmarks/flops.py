"""How much arithmetic a training step takes, beside the least that its game needs.

Run: python benchmarks/flops.py

The least is a formula per model, in what forward and backward passes through each network cost alone. Where a network
has batch norm, its batches are one joint batch, which counts as a whole: all of its images depend on each other.
Counted are convolutions and matrix products, two operations per multiplication and addition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from vaegan_bench.api import ImageShape, Model, Networks
from vaegan_bench.execution.estimate import operations_per_image
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.networks.compact import Compact
from vaegan_bench.networks.larsen import Larsen
from vaegan_bench.testing.small import small_run

CPU = torch.device("cpu")
BATCH = 16
SETTINGS = ((Compact(), 32), (Larsen(), 64))


@dataclass(frozen=True)
class Passes:
    """Operations per image of the passes through one network."""

    forward: float
    weights: float
    """Backward, for the gradient of its weights alone."""
    input: float
    """Backward, for the gradient of its input alone."""
    both: float
    """Backward, for both."""


@dataclass(frozen=True)
class Costs:
    """What the passes through all networks of a game cost."""

    encoder: Passes
    decoder: Passes
    discriminator: Passes
    below: Passes
    """Through the discriminator as far as Dis_l(x)."""
    joint: bool
    """Whether the discriminator sees its batches as one."""

    def reached(self, wanted: int, shown: int) -> int:
        """How many of the `shown` batches a gradient for the `wanted` ones goes through in the discriminator."""
        return shown if self.joint else wanted


def floor_of_vae(c: Costs) -> float:
    """Encode, decode; one gradient through both."""
    return c.encoder.forward + c.decoder.forward + c.decoder.both + c.encoder.weights


def floor_of_gan(c: Costs) -> float:
    """Decode one batch, judge two; the decoder's gradient goes through the judged fakes."""
    made = c.decoder.forward + 2 * c.discriminator.forward
    return made + c.reached(1, 2) * c.discriminator.input + c.decoder.weights + 2 * c.discriminator.weights


def floor_of_vaegan_pixel(c: Costs) -> float:
    """Encode one batch, decode two as one joint batch, judge three; the encoder's gradient ends at the images."""
    made = c.encoder.forward + 2 * c.decoder.forward + 3 * c.discriminator.forward
    encoder = 2 * c.decoder.input + c.encoder.weights
    decoder = c.reached(2, 3) * c.discriminator.input + 2 * c.decoder.weights
    return made + encoder + decoder + 3 * c.discriminator.weights


def floor_of_vaegan(c: Costs) -> float:
    """As with pixels, but the encoder's gradient goes through the features of the reconstructions as well."""
    return floor_of_vaegan_pixel(c) + c.reached(1, 3) * c.below.input


FLOORS: dict[Model, Callable[[Costs], float]] = {
    VAE(): floor_of_vae,
    GAN(): floor_of_gan,
    VAEGAN(): floor_of_vaegan,
    VAEGANPixel(): floor_of_vaegan_pixel,
}


def costs(networks: Networks, shape: ImageShape) -> Costs:
    """The costs of one architecture, each network alone."""
    x, z = torch.rand(BATCH, *shape), torch.rand(BATCH, networks.latent)
    encoder, decoder, discriminator = (networks.build(role, shape) for role in ("encoder", "decoder", "discriminator"))
    return Costs(
        encoder=passes(encoder, x, lambda y: y[0].sum() + y[1].sum()),
        decoder=passes(decoder, z, lambda y: y.sum()),
        discriminator=passes(discriminator, x, lambda y: y[0].sum()),
        below=passes(discriminator, x, lambda y: y[1].sum()),
        joint="discriminator" not in networks.per_image,
    )


def passes(network: nn.Module, x: Tensor, reduce: Callable[..., Tensor]) -> Passes:
    """The passes through one network, as far as what `reduce` takes of its outputs."""
    weights = list(network.parameters())

    def backward(of_input: bool, of_weights: bool) -> float:
        given = x.clone().requires_grad_(of_input)
        result = reduce(network(given))
        wanted = [*([given] if of_input else []), *(weights if of_weights else [])]
        with FlopCounterMode(display=False) as counter:
            torch.autograd.grad(result, wanted, allow_unused=True)
        return float(counter.get_total_flops()) / BATCH

    with FlopCounterMode(display=False) as counter:
        network(x)
    return Passes(counter.get_total_flops() / BATCH, backward(False, True), backward(True, False), backward(True, True))


def step_of(model: Model, networks: Networks, shape: ImageShape) -> float:
    """Operations per image of one step of the loop."""
    run = small_run(model, networks=networks, size=shape.height, batch=BATCH)
    return operations_per_image(run, BATCH)


def main() -> None:
    """Print the ratio for every model on both architectures."""
    print(f"torch {torch.__version__}; MFLOPs per image of a step, and the least that the game needs")
    for networks, size in SETTINGS:
        shape = ImageShape(3, size, size)
        known = costs(networks, shape)
        for model, floor in FLOORS.items():
            least, found = floor(known), step_of(model, networks, shape)
            print(f"{networks} {size}×{size} {model}: {found / 1e6:,.1f} / {least / 1e6:,.1f} = {found / least:.3f}")


if __name__ == "__main__":
    main()
