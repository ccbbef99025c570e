"""The moving average of the evaluated networks, with batch-norm statistics that fit the averaged weights."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vaegan_bench.api import Modules
from vaegan_bench.study.run import Run
from vaegan_bench.system.randomness import generator
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.game import state_game
from vaegan_bench.training.scale import fit_scale

EVALUATED = ("encoder", "decoder", "scale")
"""The roles whose weights are averaged: 'scale' is σ, a part of the likelihood. A quantiser follows the codes by
itself."""
FITTED = 50
"""The most batches from which batch-norm statistics are computed."""


class MovingAverage:
    """An exponential moving average of the weights of all evaluated networks (Polyak & Juditsky, 1992)."""

    def __init__(self, modules: Modules, decay: float) -> None:
        """`modules` are the networks that the run trains."""
        self.decay = decay
        self.sources = {role: modules[role] for role in EVALUATED if role in modules}
        self.modules = {role: deepcopy(module).eval().requires_grad_(False) for role, module in self.sources.items()}

    @torch.no_grad()
    def update(self, steps: int) -> None:
        """Move the average towards the weights, which have been trained for `steps` steps."""
        averaged: list[Tensor] = [p for module in self.modules.values() for p in module.parameters()]
        current: list[Tensor] = [p for module in self.sources.values() for p in module.parameters()]
        torch._foreach_lerp_(averaged, current, 1 - warm_up(self.decay, steps))

    def fit(self, run: Run, networks: Modules, batches: Batches) -> None:
        """At the end of a run, fit what depends on the averaged weights: batch-norm statistics and a learned σ.

        `networks` are all networks of the run; none of them changes.
        """
        self.fit_statistics(run, networks, batches)
        with _evaluated(networks.values()):
            fit_scale(run, self._beside(networks), batches)
        for module in self.modules.values():
            module.requires_grad_(False)

    def fit_statistics(self, run: Run, networks: Modules, batches: Batches) -> None:
        """Compute batch-norm statistics from the run's last batches; copy other buffers from the trained networks.

        The game is stated again, with noise of its own, so that each averaged network gets inputs as in training: a
        decoder, for example, codes of reconstructions and of samples in one batch. `networks` are all networks of the
        run; those that are not averaged are in evaluation mode meanwhile, and none of them changes.
        """
        for role, module in self.modules.items():
            _copy_buffers(self.sources[role], module)
        norms = list(zip(self._norms(self.sources), self._norms(self.modules), strict=True))
        if not norms:
            return
        modes = _modes(self.sources.values())
        for _, averaged in norms:
            averaged.reset_running_stats()
            averaged.momentum = None  # the plain mean over all batches
        with _evaluated(networks.values()), _in_modes(self.modules.values(), modes):
            _state_last_games(run, self._beside(networks), batches)
        for source, averaged in norms:
            if not averaged.num_batches_tracked:  # none of these games used it, or it is frozen in evaluation mode
                _copy_buffers(source, averaged)

    def _beside(self, networks: Modules) -> Modules:
        """The averaged networks, and those of `networks` that are not averaged."""
        view = networks.condition_on(None)
        view.update(self.modules)
        return view

    @staticmethod
    def _norms(networks: Mapping[str, nn.Module]) -> Iterator[_BatchNorm]:
        """The batch-norm layers that keep running statistics."""
        for layer in (layer for module in networks.values() for layer in module.modules()):
            if isinstance(layer, _BatchNorm) and layer.track_running_stats:
                yield layer

    def state_dict(self) -> dict[str, dict[str, Tensor]]:
        """Role → averaged weights."""
        return {role: module.state_dict() for role, module in self.modules.items()}

    def load_state_dict(self, snapshot: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Restore a snapshot."""
        for role, module in self.modules.items():
            module.load_state_dict(snapshot[role])


def warm_up(decay: float, steps: int) -> float:
    """min(decay, (1 + t) / (10 + t)) after t steps, so that the initial weights are soon forgotten.

    The average covers about a ninth of the steps so far, until this is as long as `decay` allows. The schedule is the
    one of TensorFlow's ExponentialMovingAverage with `num_updates`.
    """
    return min(decay, (1 + steps) / (10 + steps))


def _state_last_games(run: Run, modules: Modules, batches: Batches) -> None:
    noise = generator(batches.images_NCHW.device, run.seed, "statistics")
    for step in range(max(0, run.steps - FITTED), run.steps):
        state_game(run, modules, batches, noise, step)


def _copy_buffers(source: nn.Module, target: nn.Module) -> None:
    for mine, theirs in zip(target.buffers(), source.buffers(), strict=True):
        mine.copy_(theirs)


def _modes(networks: Iterable[nn.Module]) -> list[bool]:
    """Of each layer of all networks whether it is in training mode; a frozen one may be in evaluation mode."""
    return [layer.training for network in networks for layer in network.modules()]


def _evaluated(networks: Collection[nn.Module]) -> AbstractContextManager[None]:
    """A context in which all networks are in evaluation mode."""
    return _in_modes(networks, [False] * len(_modes(networks)))


@contextmanager
def _in_modes(networks: Collection[nn.Module], modes: Sequence[bool]) -> Iterator[None]:
    """Put each layer in its mode inside this context, as `_modes` lists them; each returns to its own mode after it."""
    layers, before = [layer for network in networks for layer in network.modules()], _modes(networks)
    for layer, mode in zip(layers, modes, strict=True):
        layer.training = mode
    try:
        yield
    finally:
        for layer, mode in zip(layers, before, strict=True):
            layer.training = mode
