"""The complete state of a training, from which it can go on, in one object."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Modules, Optimizer, PluginError
from vaegan_bench.study.assembly import build_modules
from vaegan_bench.study.run import Run
from vaegan_bench.system.randomness import generator
from vaegan_bench.training.moving_average import MovingAverage
from vaegan_bench.training.scale import PACE, ROLE


class TrainingState:
    """Weights, optimizers, moving average, random state and position of one run."""

    def __init__(self, run: Run, shape: ImageShape, device: torch.device, attributes: int = 1) -> None:
        """The state before the first step; `attributes` is their number, which only a conditional model needs."""
        self.modules = build_modules(run.model, run.networks, run.seed, shape, device, attributes)
        self.borrowed = frozenset(run.model.borrows())
        self.parameters = {player: _parameters_of(self.modules, owned) for player, owned in run.model.players.items()}
        scale = self.modules.get(ROLE)
        self.optimizers = {p: _optimizer(run.optimizer_of(p), p, ps, scale) for p, ps in self.parameters.items()}
        self.noise = generator(device, run.seed, "noise")
        self.average = MovingAverage(self.owned_modules(), run.ema) if run.ema else None
        self.step = 0

    def is_finite(self) -> bool:
        """Whether every weight and running statistic of the evaluated networks is finite."""
        tensors = (t for module in self.evaluated_modules().values() for t in module.state_dict().values())
        return all(bool(tensor.isfinite().all()) for tensor in tensors)

    def names_of(self, weights: Collection[nn.Parameter]) -> list[str]:
        """The names of `weights` as 'role.name', for errors."""
        wanted = {id(weight) for weight in weights}
        named = ((f"{role}.{n}", p) for role, module in self.modules.items() for n, p in module.named_parameters())
        return [name for name, parameter in named if id(parameter) in wanted]

    def lend(self, role: str, weights: Mapping[str, Tensor]) -> None:
        """Fill a borrowed network with the weights that its lender has trained."""
        self.modules[role].load_state_dict(weights)

    def owned_modules(self) -> Modules:
        """The networks that this run trains."""
        return Modules({role: module for role, module in self.modules.items() if role not in self.borrowed})

    def evaluated_modules(self) -> Modules:
        """The networks that metrics evaluate: those of this run, averaged where there is a moving average."""
        averaged = {} if self.average is None else self.average.modules
        return Modules({**self.owned_modules(), **averaged})

    def state_dict(self) -> dict[str, Any]:
        """A snapshot from which training continues with the same bits; the next step changes its tensors.

        Borrowed networks are not part of it: training does not change them, and their lender's snapshot has them.
        """
        return {
            "modules": {role: module.state_dict() for role, module in self.owned_modules().items()},
            "optimizers": {player: optimizer.state_dict() for player, optimizer in self.optimizers.items()},
            "average": None if self.average is None else self.average.state_dict(),
            "noise": self.noise.get_state(),
            "step": self.step,
        }

    def load_state_dict(self, snapshot: Mapping[str, Any]) -> None:
        """Restore a snapshot of the same run."""
        for role, weights in snapshot["modules"].items():
            self.modules[role].load_state_dict(weights)
        for player, optimizer in snapshot["optimizers"].items():
            # Optimizers keep the very tensors that they load, so training would change the snapshot.
            self.optimizers[player].load_state_dict(deepcopy(optimizer))
        if self.average is not None:
            self.average.load_state_dict(snapshot["average"])
        self.noise.set_state(snapshot["noise"])
        self.step = snapshot["step"]


def _parameters_of(modules: Modules, owned: tuple[str, ...]) -> list[nn.Parameter]:
    return [p for role in owned if role in modules for p in modules[role].parameters() if p.requires_grad]


def _optimizer(
    rule: Optimizer, player: str, parameters: list[nn.Parameter], scale: nn.Module | None
) -> torch.optim.Optimizer:
    """A player's optimizer: weight decay for matrices and kernels only, and a larger learning rate for a learned σ.

    Raises `PluginError` for a player without weights.
    """
    if not parameters:
        raise PluginError(f"Player '{player}' owns no weight that is trained: give its roles to another player.")
    paced = [] if scale is None else [p for p in parameters if any(p is number for number in scale.parameters())]
    steady = [p for p in parameters if not any(p is number for number in paced)]
    least = 2 if rule.weight_decay else 0  # one group without decay: an optimizer updates it in fewer operations
    groups = [
        {"params": [p for p in steady if p.ndim >= least], "weight_decay": rule.weight_decay},
        {"params": [p for p in steady if p.ndim < least], "weight_decay": 0.0},
        {"params": paced, "weight_decay": 0.0, "pace": PACE},
    ]
    return rule.build([group for group in groups if group["params"]])
