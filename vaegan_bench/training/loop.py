"""The one loop: every player's gradient of its own objective with respect to its own weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from vaegan_bench.api import Data, Objectives, Play, PluginError
from vaegan_bench.plan import Run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.history import History
from vaegan_bench.training.state import TrainingState

INTERVAL = 50
"""Steps per row of the history."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What training leaves: the state it ended in, its history, its fate and its cost."""

    state: TrainingState
    history: list[dict[str, float]]
    status: str
    """'ok', or 'diverged at step N'."""
    seconds: float


@dataclass(frozen=True)
class Listener:
    """Who is told how training goes on."""

    step_ended: Callable[[int], None] = lambda step: None
    terms_logged: Callable[[int, Mapping[str, float]], None] = lambda step, terms: None


def train(run: Run, data: Data, device: torch.device, listener: Listener | None = None) -> Trained:
    """Train one run from its beginning. Divergence ends the run, not the study."""
    # cuDNN is free to differ from run to run and to round float32 to TF32, unless it is told not to.
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        return _train(run, data, device, listener or Listener())


def _train(run: Run, data: Data, device: torch.device, listener: Listener) -> Trained:
    state = TrainingState(run, data.shape, device)
    batches = Batches(run.dataset, data.train, run.batch, run.seed, device)
    history = History(list(run.model.players))
    started = time.perf_counter()
    status = "ok"
    while state.step < run.steps and status == "ok":
        objectives = take_step(run, state, batches)
        history.add(state.step, {**objectives.terms, **objectives.log}, objectives.minimise)
        if state.step % INTERVAL == 0 or state.step == run.steps:
            diverged = history.flush()
            status = "ok" if diverged is None else f"diverged at step {diverged}"
            if diverged is None:
                listener.terms_logged(state.step, history.rows[-1])
        listener.step_ended(state.step)
    if status == "ok" and not state.is_finite():
        status = f"diverged at step {state.step}"  # in its last moves, which no term has seen
    return Trained(state, history.rows, status, time.perf_counter() - started)


def take_step(run: Run, state: TrainingState, batches: Batches) -> Objectives:
    """One step of the game: state the objectives, take all gradients, then move all players at once."""
    x = batches.at(state.step)
    play = Play(state.modules, x, state.noise, state.step, run.networks.latent)
    with torch.autocast(x.device.type, torch.bfloat16, enabled=run.precision == "bfloat16"):
        objectives = run.model.objectives(play)
    for player, gradients in player_gradients(objectives, state).items():
        for parameter, gradient in zip(state.parameters[player], gradients, strict=True):
            parameter.grad = gradient
    lr = run.optimizer.schedule(run.optimizer.lr, state.step, run.steps)
    for player in objectives.minimise:
        _move(state.optimizers[player], lr)
    if state.average is not None:
        state.average.update()
    state.step += 1
    return objectives


def player_gradients(objectives: Objectives, state: TrainingState) -> dict[str, tuple[Tensor, ...]]:
    """Each moving player's gradient of its own scalar; no player moves before all gradients are known.

    Raises `PluginError` where a player owns weights that its objective does not depend on.
    """
    players = list(objectives.minimise)
    gradients = {}
    for player in players:
        own, keep = state.parameters[player], player != players[-1]
        found = torch.autograd.grad(objectives.of(player), own, retain_graph=keep, allow_unused=True)
        unreached = [weight for weight, gradient in zip(own, found, strict=True) if gradient is None]
        if unreached:
            raise PluginError(
                f"Player '{player}' minimises nothing that depends on its weights "
                f"{', '.join(state.names_of(unreached[:3]))}: is one of its terms detached?"
            )
        gradients[player] = found
    return gradients


def _move(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.step()
