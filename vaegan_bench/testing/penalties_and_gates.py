"""The conformance checks of regularisers and gates."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vaegan_bench.api import Critic, Gate, JudgedImages, Regulariser
from vaegan_bench.testing.small import NETWORKS, blobs
from vaegan_bench.testing.values import one_value_per_example
from vaegan_bench.testing.verdicts import Checks, demand, same, seeded, slope, unchanged, untouched_randomness

GATED = {"decoder", "discriminator"}


def discriminator(channels: int = 3, dtype: torch.dtype = torch.float32) -> tuple[nn.Module, Critic]:
    """A small discriminator, and its logits as a function of images."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        module = NETWORKS.build("discriminator", blobs(channels=channels).shape).to(dtype)
    return module, lambda x_BCHW: module(x_BCHW)[0]


def images(channels: int = 3, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Random real and fake images in [-1, 1], (4, C, 32, 32) each."""
    real, fake = (torch.rand(4, channels, 32, 32, generator=seeded(s), dtype=dtype) * 2 - 1 for s in (1, 2))
    return real, fake


def penalise(
    regulariser: Regulariser, critic: Critic, memory: nn.Module | None, given: tuple[Tensor, Tensor], seed: int = 0
) -> Tensor:
    """The penalty of real and fake images."""
    real, fake = (JudgedImages(x_BCHW, critic(x_BCHW)) for x_BCHW in given)
    return regulariser(critic, real, fake, seeded(seed), memory)


def penalty_is_one_value_per_image(regulariser: Regulariser) -> None:
    """One finite value per image, never below 0, for 1 and 3 channels."""
    for channels in (1, 3):
        _, critic = discriminator(channels)
        value = penalise(regulariser, critic, regulariser.memory(), images(channels))
        one_value_per_example(value, 4, "the penalty")
        demand((value >= 0).all(), "the penalty is negative for some images: a reward would let it grow without end.")


def penalty_reaches_the_critic(regulariser: Regulariser) -> None:
    """Its gradient reaches the critic's weights and agrees with finite differences of its value.

    The regulariser's memory is held fixed, because it has no gradient.
    """
    module, critic = discriminator(dtype=torch.float64)
    weights, given, memory = list(module.parameters()), images(dtype=torch.float64), regulariser.memory()
    if memory is not None:
        penalise(regulariser, critic, memory, given)
        memory.eval()
    value = penalise(regulariser, critic, memory, given).mean()
    found = torch.autograd.grad(value, weights, allow_unused=True) if value.requires_grad else (None,) * len(weights)
    reached = [(w, g) for w, g in zip(weights, found, strict=True) if g is not None and bool(g.abs().max() > 0)]
    demand(
        reached,
        "the penalty does not reach the critic's weights: take the input's gradient with create_graph=True and do not "
        "detach it.",
    )
    weight, gradient = max(reached, key=lambda pair: float(pair[1].norm()))
    direction = gradient / gradient.norm()
    measured = slope(lambda: penalise(regulariser, critic, memory, given).mean(), weight.data, direction, 1e-4)
    close = abs(measured - float(gradient.norm())) < 0.02 * float(gradient.norm())
    demand(close, "the penalty's gradient is not that of its value (finite differences): is part of it detached?")


def penalty_takes_the_noise_that_it_is_handed(regulariser: Regulariser) -> None:
    """The same noise gives the same penalty; inputs and global randomness are unchanged."""
    _, critic = discriminator()
    real, fake = images()
    with untouched_randomness(), unchanged(real_BCHW=real, fake_BCHW=fake):
        first, second = (penalise(regulariser, critic, regulariser.memory(), (real, fake), seed=7) for _ in range(2))
    demand(
        torch.equal(first, second),
        "the same noise gives another penalty: draw from the generator it is handed, and keep what it must remember in "
        "its `memory`.",
    )


def penalty_remembers_in_its_memory(regulariser: Regulariser) -> None:
    """A new memory with another's state_dict goes on to the same penalty, and evaluation mode changes no memory."""
    _, critic = discriminator()
    real, fake = images()
    memory, resumed = regulariser.memory(), regulariser.memory()
    penalise(regulariser, critic, memory, (real, fake))
    if memory is not None and resumed is not None:
        resumed.load_state_dict(memory.state_dict())
    first, second = (penalise(regulariser, critic, kept, (fake, real)) for kept in (memory, resumed))
    demand(
        torch.equal(first, second),
        "goes on differently from its memory's state_dict: register all that it must remember as persistent buffers.",
    )
    if memory is not None:
        before = {name: tensor.clone() for name, tensor in memory.eval().state_dict().items()}
        penalise(regulariser, critic, memory, (real, fake))
        changed = same(before, memory.state_dict())
        demand(not changed, f"changes {', '.join(changed)} of its memory in evaluation mode: honour .eval().")


def gate_names_players(gate: Gate) -> None:
    """For any logits it returns only existing players, and the same ones on repeat."""
    for real, fake in ((0.0, 0.0), (9.0, -9.0), (-9.0, 9.0), (50.0, 50.0), (-50.0, -50.0)):
        logits = torch.full((8,), real), torch.full((8,), fake)
        with untouched_randomness(), unchanged(real_B=logits[0], fake_B=logits[1]):
            first, second = gate(*logits), gate(*logits)
        demand(isinstance(first, frozenset), f"returns {type(first).__name__}, not a frozenset of players.")
        demand(first <= GATED, f"rests {', '.join(sorted(first - GATED))}: a gate rests 'decoder' or 'discriminator'.")
        demand(first == second, "decides differently on the same logits.")


CHECKS: Checks = {
    Regulariser: (
        penalty_is_one_value_per_image,
        penalty_takes_the_noise_that_it_is_handed,
        penalty_remembers_in_its_memory,
        penalty_reaches_the_critic,
    ),
    Gate: (gate_names_players,),
}
