"""The composition of a gradient: its coefficients on the gradients of terms, measured by least squares."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from vaegan_bench.api import Objectives
from vaegan_bench.testing.small_game import gradients
from vaegan_bench.testing.verdicts import demand
from vaegan_bench.training.gradients import player_gradients
from vaegan_bench.training.state import TrainingState

REMAINDER = 1e-6
"""The share of a gradient that the terms may leave unexplained, in float64."""
TINY = 1e-30


def regress(gradient: Tensor, terms: Mapping[str, Tensor]) -> dict[str, float]:
    """The coefficient of each term's gradient in a gradient, all of them flat vectors over the same weights.

    A term that does not reach these weights has 0. Raises `ConformanceError` where the terms leave a remainder: then
    another term contributes to the gradient, or noise differs.
    """
    reached = {name: direction for name, direction in terms.items() if direction.norm() > 0}
    norms = torch.tensor([float(direction.norm()) for direction in reached.values()], dtype=gradient.dtype)
    basis = torch.stack([*reached.values(), gradient], dim=1)[:, :-1] / norms
    found = torch.linalg.lstsq(basis, gradient).solution
    left = float((basis @ found - gradient).norm()) / max(float(gradient.norm()), TINY)
    demand(left < REMAINDER, f"{', '.join(terms)} leave {left:.1e} of a gradient unexplained: which term is missing?")
    return dict.fromkeys(terms, 0.0) | dict(zip(reached, (found / norms).tolist(), strict=True))


def measure_coefficients(
    game: Objectives, state: TrainingState, terms: Collection[str] | None = None
) -> dict[str, dict[str, float]]:
    """Player → term → the coefficient of the term's gradient in the gradient that moves the player.

    Call it in float64. Of terms that are multiples of each other, as in a minimax game, choose one with `terms`.
    """
    chosen = {name: game.terms[name] for name in (game.terms if terms is None else terms)}
    basis = {
        player: {name: flat(gradients(term, weights), weights) for name, term in chosen.items()}
        for player, weights in state.parameters.items()
    }
    moves = player_gradients(game, state)
    return {player: regress(flat(moved, state.parameters[player]), basis[player]) for player, moved in moves.items()}


def flat(tensors: Sequence[Tensor | None], weights: Sequence[Tensor]) -> Tensor:
    """One vector of the gradients of all weights, with zeros where there is none."""
    pairs = zip(tensors, weights, strict=True)
    return torch.cat([(torch.zeros_like(w) if g is None else g).flatten() for g, w in pairs])
