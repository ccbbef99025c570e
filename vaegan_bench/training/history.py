"""What a run's terms did over time, and whether they stayed finite."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import torch
from torch import Tensor


class History:
    """Collects the terms of every step on the device, and looks at them once per interval.

    Looking at every step would make a GPU wait for the CPU; the step at which a term stopped being
    finite is known exactly all the same.
    """

    def __init__(self, players: Collection[str]) -> None:
        self.players = players
        self.rows: list[dict[str, float]] = []
        """One row per interval: 'step', the mean of each term, the share of steps in which each player moved, and of
        its last step the coefficient of each term and the norm of what it added to the player's gradient."""
        self._values: list[Tensor] = []
        self._names: list[tuple[int, str]] = []
        self._moves: list[Collection[str]] = []

    def add(self, step: int, terms: Mapping[str, Tensor], moved: Collection[str]) -> None:
        """Note the terms of one step, the first being 1, and which players moved."""
        self._values += [value.detach().mean() for value in terms.values()]
        self._names += [(step, name) for name in terms]
        self._moves.append(moved)

    def flush(self, coefficients: Mapping[str, float], gradient_norms: Mapping[str, float]) -> int | None:
        """Average what was noted into a row; return the first step at which a term diverged, if any.

        `coefficients` and `gradient_norms` are those of the last step, by 'player.term'.
        """
        values = torch.stack(self._values).tolist()
        by_term: dict[str, list[float]] = {}
        for (step, name), value in zip(self._names, values, strict=True):
            if not math.isfinite(value):
                return step
            by_term.setdefault(name, []).append(value)
        means = {name: sum(term) / len(term) for name, term in by_term.items()}
        moves = {f"moves of {p}": sum(p in m for m in self._moves) / len(self._moves) for p in self.players}
        weights = {f"weight of {target}": value for target, value in coefficients.items()}
        norms = {f"gradient of {target}": value for target, value in gradient_norms.items()}
        self.rows.append({"step": self._names[-1][0], **means, **moves, **weights, **norms})
        self._values, self._names, self._moves = [], [], []
        return None
