"""The adaptive weight of VQGAN."""

from __future__ import annotations

from dataclasses import dataclass

from vaegan_bench.api import AdaptiveWeight, at_least


@dataclass(frozen=True, kw_only=True)
class Adaptive(AdaptiveWeight):
    """Makes a term pull at the last layer as strongly as the player's other terms together (Esser et al., 2021, eq. 7).

    The model's own coefficient of the term is then the ratio of its gradient's norm to that of the other terms.
    """

    name = "adaptive"
    epsilon: float = 1e-4
    """Added to the norm that divides: δ of the paper has 1e-6, its authors' code 1e-4."""
    most: float = 1e8
    """The largest weight. The authors' code has 1e4, for losses that are means over pixels; here they are sums."""

    def __post_init__(self) -> None:
        at_least(self, most=0)
        if not self.epsilon > 0:
            raise ValueError(f"epsilon must be above 0, not {self.epsilon}")

    def __call__(self, own: float, others: float) -> float:
        """λ = ‖∇ others‖ / (‖∇ own‖ + ε), at most `most`."""
        return min(others / (own + self.epsilon), self.most)
