"""A loss of my own."""

from dataclasses import dataclass

from torch import Tensor

from vaegan_bench.api import Plugin, Prediction, ReconstructionLoss, hookimpl


@dataclass(frozen=True, kw_only=True)
class MyPlugin(ReconstructionLoss):
    """A smooth L1, for images or for features: write here, in one line, what yours is."""

    name = "my-plugin"
    epsilon: float = 1e-3

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """One value per image, summed over its dimensions; (B,)."""
        return ((prediction.mean - target).square() + self.epsilon**2).sqrt().flatten(1).sum(1)


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """Register it."""
    return [MyPlugin]
