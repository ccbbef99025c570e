"""Networks built for a role, and passes through them."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Networks, PluginError
from vaegan_bench.system.errors import FAILURES, reason_of
from vaegan_bench.testing.verdicts import ConformanceError, demand, same, seeded

ROLES = ("encoder", "decoder", "discriminator")
BATCH = 4
SIZES = ((32, 64), (28,), (96,), (128,), (16,))
"""Pixels per side that networks are tried at: the others only if none of the earlier ones is accepted."""
PARTS = (slice(None), slice(1), slice(1, None))
"""A whole batch, its first image, and the rest."""


def shapes(networks: Networks) -> list[ImageShape]:
    """The image shapes that networks accept, of 1 and 3 channels at 32 and 64 pixels, or at the first other of `SIZES`.

    Raises where there are none.
    """
    reasons = list[str]()
    for sizes in SIZES:
        taken = []
        for shape in (ImageShape(c, size, size) for size in sizes for c in (1, 3)):
            try:
                _build_without_memory(networks, shape)
                taken.append(shape)
            except PluginError as error:
                reasons.append(str(error))
        if taken:
            return taken
    raise ConformanceError(
        f"takes no image of {', '.join(str(s) for sizes in SIZES for s in sizes)} pixels: {reasons[0]}"
    )


def _build_without_memory(networks: Networks, shape: ImageShape) -> None:
    """Build every role as a plan does first. Raises `PluginError` for a shape that is refused."""
    for role in ROLES:
        try:
            with torch.device("meta"):
                networks.build(role, shape)
        except PluginError:
            raise
        except FAILURES as error:
            words = f"cannot build its {role} on the meta device, as every plan does first: {reason_of(error)}."
            raise ConformanceError(words) from error


def build_network(
    networks: Networks, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0, seed: int = 0
) -> nn.Module:
    """The network of a role, with initial weights from `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return networks.build(role, shape, heads, conditions)


def example_input(networks: Networks, role: str, shape: ImageShape, n: int = BATCH) -> Tensor:
    """An input for a role: codes (N, Z) for a decoder, images (N, C, H, W) in [-1, 1] for the others."""
    if role == "decoder":
        return torch.randn(n, networks.latent, generator=seeded(1))
    return torch.rand(n, *shape, generator=seeded(1)) * 2 - 1


def outputs(module: nn.Module, *inputs: Tensor) -> tuple[Tensor, ...]:
    """The outputs of a network, always as a tuple."""
    found = module(*inputs)
    return found if isinstance(found, tuple) else (found,)


def gain_of_attributes(module: nn.Module, role: str, x: Tensor, attributes: Tensor) -> Tensor:
    """The change of the first output when attributes replace zeros. Demands that there is one."""
    try:
        with torch.no_grad():
            first, second = (outputs(module, x, values)[0] for values in (attributes, torch.zeros_like(attributes)))
    except (TypeError, RuntimeError) as error:
        raise ConformanceError(
            f"the {role} that is built for attributes takes none: pass conditions on, or call refuse_conditions."
        ) from error
    demand(not torch.equal(first, second), f"the {role} does not depend on the attributes that it is given.")
    return first - second


def depends_on_the_image(gain: Tensor) -> None:
    """Demand that the effect of attributes on a discriminator's logits, (B,) or (B, P), differs between images."""
    demand(
        float((gain - gain.mean(0)).abs().max()) > 1e-3 * float(gain.abs().max()),
        "the discriminator adds one term for the attributes to one for the image, and so cannot see whether they fit: "
        "join them before a nonlinearity, or multiply.",
    )


def passes_are_alike(module: nn.Module, name: str, remedy: str, *inputs: Tensor) -> None:
    """Demand that a pass in training mode changes no state, and that outputs do not depend on the rest of the batch."""
    before = deepcopy(module.state_dict())
    with torch.no_grad():
        whole, first, rest = (outputs(module, *(x[part] for x in inputs)) for part in PARTS)
    changed = same(before, module.state_dict())
    demand(not changed, f"a pass through {name} changes its {', '.join(changed[:3])}: {remedy}.")
    for joint, *alone in zip(whole, first, rest, strict=True):
        demand(
            torch.allclose(joint, torch.cat(alone), rtol=1e-3, atol=1e-4),
            f"{name} gives an image other outputs alone than in a batch: {remedy}.",
        )
