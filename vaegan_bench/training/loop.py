"""The training loop: every player follows the gradient of its own objective with respect to its own weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import Data, Objectives, StudyError
from vaegan_bench.study.run import Run
from vaegan_bench.study.term_weights import apply_term_weights
from vaegan_bench.system.device import exact_convolutions
from vaegan_bench.system.status import OK, diverged_at
from vaegan_bench.training.adaptation import adapt
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.game import state_game
from vaegan_bench.training.gradients import player_gradients, term_gradients
from vaegan_bench.training.history import History
from vaegan_bench.training.scale import start_scale
from vaegan_bench.training.state import TrainingState

INTERVAL = 50
"""Steps per row of the history; the gradient of each term is measured in the last of these steps."""

Borrowed = Mapping[str, Mapping[str, Tensor]]
"""Borrowed role → the weights that its lender has trained."""


class Step(NamedTuple):
    """The result of one step of the game."""

    objectives: Objectives
    """The objectives with the term weights of this step."""
    gradient_norms: Mapping[str, float]
    """'player.term' → the norm of what the term adds to the player's gradient; empty unless it was measured."""


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a training: its final state, its history, its status and its duration."""

    state: TrainingState
    history: list[dict[str, float]]
    status: str
    """'ok', or 'diverged at step N'."""
    seconds: float
    """The time of training; for one that was interrupted, the sum over its parts."""


@dataclass(frozen=True)
class Listener:
    """Functions that are called while training goes on."""

    step_ended: Callable[[int], None] = lambda step: None
    terms_logged: Callable[[int, Mapping[str, float]], None] = lambda step, terms: None


class Keeper:
    """Loads and saves snapshots of a training; this one does neither."""

    def load(self) -> Mapping[str, Any] | None:
        """The snapshot to continue from; None to train from the beginning."""
        return None

    def step_ended(self, take_snapshot: Callable[[], Mapping[str, Any]]) -> None:
        """Save a snapshot if one is due; it is valid until the next step. An error raised here ends the training."""


def train(
    run: Run,
    data: Data,
    device: torch.device,
    listener: Listener | None = None,
    borrowed: Borrowed | None = None,
    keeper: Keeper | None = None,
) -> Trained:
    """Train one run, from its beginning or from the keeper's snapshot. Divergence ends the run, not the study."""
    if run.model.conditional and not data.attribute_names:
        raise StudyError(
            f"Model '{run.label}' is conditional, but data set '{run.dataset}' has no attributes. "
            "Choose a data set with attributes, or conditional=false."
        )
    state = TrainingState(run, data.shape, device, len(data.attribute_names))
    for role, weights in (borrowed or {}).items():
        state.lend(role, weights)
    with exact_convolutions():
        return _train(run, data, device, state, listener or Listener(), keeper or Keeper())


def _train(
    run: Run, data: Data, device: torch.device, state: TrainingState, listener: Listener, keeper: Keeper
) -> Trained:
    batches = Batches(run.dataset, data.train, run.batch, run.seed, device)
    progress = _Progress(state, History(list(run.model.players)))
    if (snapshot := keeper.load()) is not None:
        progress.load_state_dict(snapshot)
    else:
        start_scale(run, state.modules, batches)
    status = OK
    for status in steps(run, state, batches, progress.history, listener):
        if status != OK:
            break
        keeper.step_ended(progress.state_dict)
    if status == OK and state.average is not None:
        state.average.fit(run, state.modules, batches)
    if status == OK and not state.is_finite():
        status = diverged_at(state.step)  # in the last update, after which no term was computed
    return Trained(state, progress.history.rows, status, progress.seconds)


class _Progress:
    """Everything that changes while a run is trained: its state, its history, and the time that it has taken."""

    def __init__(self, state: TrainingState, history: History) -> None:
        self.state, self.history = state, history
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds of training so far, without the time between the parts of an interrupted training."""
        return time.perf_counter() - self._started

    def state_dict(self) -> dict[str, Any]:
        """A snapshot of the whole training."""
        return {"state": self.state.state_dict(), "history": self.history.state_dict(), "seconds": self.seconds}

    def load_state_dict(self, snapshot: Mapping[str, Any]) -> None:
        """Restore a snapshot."""
        self.state.load_state_dict(snapshot["state"])
        self.history.load_state_dict(snapshot["history"])
        self._started = time.perf_counter() - snapshot["seconds"]


def steps(run: Run, state: TrainingState, batches: Batches, history: History, listener: Listener) -> Iterator[str]:
    """Take the remaining steps of a run, and yield its status after each: 'ok', or 'diverged at step N'."""
    while state.step < run.steps:
        last = (state.step + 1) % INTERVAL == 0 or state.step + 1 == run.steps
        objectives, norms = take_step(run, state, batches, measure_gradients=last)
        history.add(state.step, {**objectives.terms, **objectives.log}, objectives.minimise)
        diverged = history.flush(objectives.coefficients(), norms) if last else None
        if last and diverged is None:
            listener.terms_logged(state.step, {k: v for k, v in history.rows[-1].items() if k != "step"})
        listener.step_ended(state.step)
        del objectives  # and with it the graph of this step, before the next forward pass needs the memory
        yield OK if diverged is None else diverged_at(diverged)


def take_step(run: Run, state: TrainingState, batches: Batches, measure_gradients: bool = False) -> Step:
    """One step of the game: state the objectives, compute all gradients, then update all players."""
    stated = state_game(run, state.modules, batches, state.noise, state.step)
    objectives = adapt(apply_term_weights(stated, run.term_weights, state.step, run.steps), run, state)
    norms = dict[str, float]()
    if measure_gradients:
        norms = term_gradients(objectives, state)
    else:
        player_gradients(objectives, state)
    for player in objectives.minimise:
        rule = run.optimizer_of(player)
        if rule.clip is not None:
            torch.nn.utils.clip_grad_norm_(state.parameters[player], rule.clip)
        _move(state.optimizers[player], rule.schedule(rule.lr, state.step, run.steps))
    state.step += 1
    if state.average is not None:
        state.average.update(state.step)
    return Step(objectives, norms)


def _move(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = float(lr) * group.get("pace", 1.0)  # a schedule may compute with NumPy's numbers
    optimizer.step()
