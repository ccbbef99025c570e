"""The one loop: every player's gradient of its own objective with respect to its own weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

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
    listener = listener or Listener()
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
    return Trained(state, history.rows, status, time.perf_counter() - started)


def take_step(run: Run, state: TrainingState, batches: Batches) -> Objectives:
    """One step of the game: state the objectives, take all gradients, then move all players at once."""
    x = batches.at(state.step, state.noise)
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


def player_gradients(objectives: Objectives, state: TrainingState) -> dict[str, tuple[torch.Tensor, ...]]:
    """Each moving player's gradient of its own scalar; no player moves before all gradients are known."""
    players = list(objectives.minimise)
    gradients = {}
    for player in players:
        try:
            gradients[player] = torch.autograd.grad(
                objectives.of(player), state.parameters[player], retain_graph=player != players[-1]
            )
        except RuntimeError as error:
            if "not have been used in the graph" not in str(error):
                raise
            raise PluginError(_unreached(objectives, state, player)) from error
    return gradients


def _unreached(objectives: Objectives, state: TrainingState, player: str) -> str:
    """Say which weights of a player its objective does not depend on."""
    gradients = torch.autograd.grad(objectives.of(player), state.parameters[player], allow_unused=True)
    names: dict[Any, str] = {}
    for role, module in state.modules.items():
        names |= {parameter: f"{role}.{name}" for name, parameter in module.named_parameters()}
    without = [names[p] for p, g in zip(state.parameters[player], gradients, strict=True) if g is None]
    return f"Player '{player}' minimises nothing that depends on its weights {', '.join(without[:3])}: is one detached?"


def _move(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.step()
