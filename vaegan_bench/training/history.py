"""The values of a run's terms over time, and whether they stayed finite."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor


class History:
    """Collects the terms of every step on the device, and reads them once per interval.

    Reading them in every step would make a GPU wait for the CPU. The step at which a term stopped being finite is known
    exactly nevertheless.
    """

    def __init__(self, players: Collection[str]) -> None:
        self.players = players
        self.rows: list[dict[str, float]] = []
        """One row per interval: 'step', the mean of each term, and the share of steps in which each player was updated;
        for the last step alone, each term's coefficient and the norm of what it added to the player's gradient."""
        self._values: list[Tensor] = []
        self._names: list[tuple[int, str]] = []
        self._moves: list[Collection[str]] = []

    def add(self, step: int, terms: Mapping[str, Tensor], moved: Collection[str]) -> None:
        """Note the terms of one step (the first step is 1), and the players that were updated in it."""
        self._values += [value.detach().mean() for value in terms.values()]
        self._names += [(step, name) for name in terms]
        self._moves.append(list(moved))

    def flush(self, coefficients: Mapping[str, float], gradient_norms: Mapping[str, float]) -> int | None:
        """Average the noted terms into a row; return the first step at which a term was not finite, or None.

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
        weights = {f"weight of {target}": float(value) for target, value in coefficients.items()}
        norms = {f"gradient of {target}": value for target, value in gradient_norms.items()}
        self.rows.append({"step": self._names[-1][0], **means, **moves, **weights, **norms})
        self._values, self._names, self._moves = [], [], []
        return None

    def state_dict(self) -> dict[str, Any]:
        """A snapshot: all rows, packed to be small, and what was noted since the last of them."""
        columns = list(dict.fromkeys(map(tuple, self.rows)))
        position = {names: i for i, names in enumerate(columns)}
        return {
            "columns": columns,
            "columns of row": [position[tuple(row)] for row in self.rows],
            "numbers": torch.tensor([number for row in self.rows for number in row.values()], dtype=torch.float64),
            "values": torch.stack(self._values) if self._values else None,
            "names": self._names,
            "moves": self._moves,
        }

    def load_state_dict(self, snapshot: Mapping[str, Any]) -> None:
        """Restore a snapshot."""
        numbers = iter(snapshot["numbers"].tolist())
        columns = [snapshot["columns"][i] for i in snapshot["columns of row"]]
        self.rows = [{name: next(numbers) for name in names} for names in columns]
        for row in self.rows:
            row["step"] = int(row["step"])
        values = snapshot["values"]
        self._values = [] if values is None else list(values.unbind())
        self._names, self._moves = list(snapshot["names"]), list(snapshot["moves"])
