"""One small run of a model, set up to inspect its game, its gradients and its scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import torch
from torch import Tensor, nn

from vaegan_bench.api import Data, Model, Modules, Objectives, Play, to_signed
from vaegan_bench.study.run import Run
from vaegan_bench.testing.small import blobs, small_run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.loop import take_step
from vaegan_bench.training.state import TrainingState

CPU = torch.device("cpu")


@cache
def data(size: int = 32, channels: int = 3) -> Data:
    """The blobs at a size, made once."""
    return blobs(size, channels=channels)


class SmallGame:
    """One run of a model, set up and ready to play."""

    def __init__(self, model: Model, **changes: object) -> None:
        self.run: Run = small_run(model, **changes)
        self.data = data(self.run.size, getattr(self.run.dataset, "channels", 3))
        self.state = TrainingState(self.run, self.data.shape, CPU, len(self.data.attribute_names))
        self.batches = Batches(self.run.dataset, self.data.train, self.run.batch, self.run.seed, CPU)

    @property
    def modules(self) -> Modules:
        """All networks, borrowed ones too."""
        return self.state.modules

    def play(self, noise: int = 0) -> Play:
        """The first batch, with noise of one seed."""
        x = to_signed(self.data.train.images_NCHW[: self.run.batch])
        generator = torch.Generator().manual_seed(noise)
        attributes = self.data.train.conditions[: len(x)] if self.run.model.conditional else None
        return Play(
            self.modules.condition_on(attributes), x, generator, self.state.step, self.run.networks.latent, attributes
        )

    def objectives(self) -> Objectives:
        """The game that the model states for the first batch."""
        return self.run.model.objectives(self.play())

    def step(self, n: int = 1) -> None:
        """Take `n` training steps."""
        for _ in range(n):
            take_step(self.run, self.state, self.batches)


def gradients(term: Tensor, weights: Sequence[Tensor]) -> tuple[Tensor | None, ...]:
    """The gradient of a term's mean in each weight; None where it does not depend on the weight."""
    if not term.requires_grad:
        return (None,) * len(weights)
    return torch.autograd.grad(term.mean(), weights, retain_graph=True, allow_unused=True)


def named_parameters(modules: Modules) -> Iterator[tuple[str, nn.Parameter]]:
    """('role.name', weight) for every weight of all networks."""
    for role, module in modules.items():
        for name, weight in module.named_parameters():
            yield f"{role}.{name}", weight
