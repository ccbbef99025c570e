"""The direction in which each player pulls the discriminator's scores of real and of decoded images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vaegan_bench.api import Objectives
from vaegan_bench.testing.small_game import SmallGame, gradients
from vaegan_bench.testing.verdicts import seeded

NUDGE = 0.01
"""The scale of a random change of the decoder's weights, to see which images depend on them."""


class Pull(NamedTuple):
    """The slope of the summed scores of a batch's images, if they follow a player's gradient downhill."""

    real: float
    fake: float


def pulls(small_game: SmallGame) -> dict[str, Pull]:
    """Player → its pull on the scores of real and of decoded images in one step.

    Scores are the discriminator's logits. Only the gradient of an objective in the scores counts: a similarity
    of features has none, and so cannot hide the sign of an adversarial term. Images count as decoded if they change
    with the decoder, augmented ones included.
    """
    with nudged(small_game.modules["decoder"]):
        _, moved = watch(small_game)
    game, shown = watch(small_game)
    decoded = [(x != y).flatten(1).any(1) for (x, _), (y, _) in zip(shown, moved, strict=True)]
    return {player: _pull(game.of(player), [logits for _, logits in shown], decoded) for player in game.minimise}


def watch(small_game: SmallGame) -> tuple[Objectives, list[tuple[Tensor, Tensor]]]:
    """The game of a step, and the images and logits of each pass through the discriminator."""
    seen: list[tuple[Tensor, Tensor]] = []

    def note(_: nn.Module, given: tuple[Tensor, ...], made: tuple[Tensor, ...]) -> None:
        seen.append((given[0].detach(), made[0]))

    hook = small_game.modules["discriminator"].register_forward_hook(note)
    try:
        return small_game.objectives(), seen
    finally:
        hook.remove()


@contextmanager
def nudged(module: nn.Module) -> Iterator[None]:
    """Move all weights a little within the context, and back after it."""
    noise, kept = seeded(3), [weight.detach().clone() for weight in module.parameters()]
    for weight in module.parameters():
        weight.data.add_(torch.randn(weight.shape, generator=noise), alpha=NUDGE)
    yield
    for weight, before in zip(module.parameters(), kept, strict=True):
        weight.data.copy_(before)


def _pull(objective: Tensor, logits: list[Tensor], decoded: list[Tensor]) -> Pull:
    real = fake = 0.0
    for slope, is_decoded in zip(gradients(objective, logits), decoded, strict=True):
        if slope is not None:
            real -= float(slope[~is_decoded].sum())
            fake -= float(slope[is_decoded].sum())
    return Pull(real, fake)
