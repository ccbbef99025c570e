"""The learned σ of a likelihood: its initial value, its learning rate, and its fit to averaged networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import deepcopy

import torch

from vaegan_bench.api import Modules
from vaegan_bench.api.modules import LOG_SIGMA_BOUND
from vaegan_bench.study.assembly import FIRST_STEPS
from vaegan_bench.study.run import Run
from vaegan_bench.system.randomness import generator
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.game import state_game

ROLE = "scale"
"""The role whose network is one number, the log σ of the model's likelihood before its bound."""
PACE = 20.0
"""The learning rate of log σ, as a multiple of that of other weights. A step of Adam or RMSProp has about the length of
the learning rate, whatever the gradient. But the best log σ falls by 1 to 2 in a training, half of it in the first 20
steps: at 10⁻³ per step, σ would be too large for more than 1,500 steps (measured on avatars; docs/theory.md,
section 3)."""
FARTHEST = 2 * LOG_SIGMA_BOUND
"""The search for the number is between ± this: log σ is within 4 % of its bound there, and still has a gradient."""
PRECISION = 5e-3
"""The precision of log σ in the search: half a per cent of σ."""
LAST_BATCHES = 4
"""The most batches to which σ is fitted at the end of a run."""


def start_scale(run: Run, modules: Modules, batches: Batches) -> None:
    """Set the learned σ to its best value on the first batch; do nothing for a model that learns none.

    The first batch means the batch of the first step in which an objective depends on σ. Stating a game changes batch
    norm, so each game is stated with new copies of the networks.
    """
    if ROLE not in modules:
        return
    tries = (_best(run, lambda: deepcopy(modules), batches, [step]) for step in range(FIRST_STEPS))
    found = next((value for value in tries if value is not None), None)
    if found is not None:
        _set(modules, found)


def fit_scale(run: Run, modules: Modules, batches: Batches) -> None:
    """Set the learned σ to its best value for networks in evaluation mode, on the last batches of a run."""
    if ROLE not in modules:
        return
    learned = float(modules[ROLE]())
    found = _best(run, lambda: modules, batches, range(max(0, run.steps - LAST_BATCHES), run.steps))
    _set(modules, learned if found is None else found)


def _best(run: Run, networks: Callable[[], Modules], batches: Batches, steps: Sequence[int]) -> float | None:
    """The number that minimises its player's objective on the batches of `steps`, with all other weights as they are.

    It is found where the slope of the objective changes its sign: for a Gaussian likelihood, this is where σ is the
    root of the mean squared error. None where the objective does not depend on σ, or its slope is not finite.
    """

    def slope(value: float) -> float:
        return sum(_slope(run, networks(), batches, step, value) for step in steps)

    low, high = -FARTHEST, FARTHEST
    steepest = slope(high)
    if not math.isfinite(steepest) or steepest == 0:
        return None
    while high - low > PRECISION:
        middle = (low + high) / 2
        if slope(middle) > 0:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _slope(run: Run, modules: Modules, batches: Batches, step: int, value: float) -> float:
    """The derivative, in one step, of the objective of the player that owns σ, with `value` as its number."""
    _set(modules, value)
    (number,) = modules[ROLE].requires_grad_(True).parameters()
    noise = generator(modules.device, run.seed, "scale", step)
    game = state_game(run, modules, batches, noise, step)
    player = run.model.owner(ROLE)
    if not any(game.minimise.get(player, {}).values()) or not (minimised := game.of(player)).requires_grad:
        return 0.0
    (slope,) = torch.autograd.grad(minimised, number, allow_unused=True)
    return 0.0 if slope is None else float(slope)


def _set(modules: Modules, value: float) -> None:
    for number in modules[ROLE].parameters():
        number.data.fill_(value)
