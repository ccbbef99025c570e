"""Every player's gradient of its own scalar with respect to its own weights, as a whole or term by term."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vaegan_bench.api import Objectives, PluginError
from vaegan_bench.training.state import TrainingState

Gradients = list[Tensor | None]


def player_gradients(objectives: Objectives, state: TrainingState) -> dict[str, tuple[Tensor, ...]]:
    """Put each player's gradient of its own scalar in `.grad` of its weights, and return all; no weights change.

    Autograd itself writes to `.grad`: in the memory layout of the weight, and in memory that nothing else shares. Fused
    optimizers rely on both, and gradients that `torch.autograd.grad` returns have neither where they come out of a
    second derivative.

    Raises `PluginError` where a player owns weights that its objective does not depend on, unless the coefficient of
    one of its terms is 0 in this step: then the gradient of these weights is 0.
    """
    players = list(objectives.minimise)
    for player in players:
        gradients = _backward(objectives.of(player), state.parameters[player], keep=player != players[-1])
        _set_gradients(objectives, state, player, gradients)
    return {player: tuple(w.grad for w in state.parameters[player] if w.grad is not None) for player in players}


def term_gradients(objectives: Objectives, state: TrainingState) -> dict[str, float]:
    """Put the same gradients in `.grad`, summed term by term; return 'player.term' → ‖coefficient · ∇term‖.

    Raises as `player_gradients` does.
    """
    norms = dict[str, Tensor]()
    for player, terms in objectives.minimise.items():
        total: Gradients = [None] * len(state.parameters[player])
        norms |= {f"{player}.{term}": torch.zeros(()) for term in terms}
        for term, coefficient in ((term, c) for term, c in terms.items() if c):  # 0 times infinity is not a number
            added = _backward(coefficient * objectives.terms[term].mean(), state.parameters[player], keep=True)
            norms[f"{player}.{term}"] = torch.nn.utils.get_total_norm([g for g in added if g is not None])
            total = [_sum(one, other) for one, other in zip(total, added, strict=True)]
        _set_gradients(objectives, state, player, total)
    return {name: float(norm) for name, norm in norms.items()}


def _backward(scalar: Tensor, weights: list[nn.Parameter], *, keep: bool) -> Gradients:
    """The gradient of a scalar, None for weights that it does not depend on; `keep` retains the graph."""
    for weight in weights:
        weight.grad = None
    if scalar.requires_grad:
        scalar.backward(inputs=weights, retain_graph=keep)
    return [weight.grad for weight in weights]


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return one if other is None else other if one is None else one.add_(other)


def _set_gradients(objectives: Objectives, state: TrainingState, player: str, gradients: Gradients) -> None:
    """Put a player's gradients in `.grad` of its weights, where its optimizer finds them. Raises `PluginError`."""
    own = state.parameters[player]
    unreached = [weight for weight, gradient in zip(own, gradients, strict=True) if gradient is None]
    if unreached and all(objectives.minimise[player].values()):
        raise PluginError(
            f"Player '{player}' minimises nothing that depends on its weights "
            f"{', '.join(state.names_of(unreached[:3]))}: is one of its terms detached?"
        )
    for weight, gradient in zip(own, gradients, strict=True):
        weight.grad = torch.zeros_like(weight) if gradient is None else gradient
