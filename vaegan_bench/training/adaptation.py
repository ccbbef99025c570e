"""The adaptive weights of one step, from the gradients of its terms."""

from __future__ import annotations

import torch
from torch import Tensor

from vaegan_bench.api import AdaptiveWeight, Objectives
from vaegan_bench.study.run import Run
from vaegan_bench.study.term_weights import last_layer_of
from vaegan_bench.training.state import TrainingState


def adapt(objectives: Objectives, run: Run, state: TrainingState) -> Objectives:
    """The game with the adaptive weights of this step, all computed from the gradients of `objectives`.

    A term whose coefficient is 0 in this step keeps it, and no gradient is computed for it.
    """
    factors: dict[tuple[str, str], float] = {}
    for player, terms in objectives.minimise.items():
        for term in (term for term, coefficient in terms.items() if coefficient):
            for weight in (w for w in run.term_weights if w.applies_to(player, term)):
                if isinstance(weight.factor, AdaptiveWeight):
                    norms = _norms(objectives, player, term, _last_weight(run, state, player))
                    factors[player, term] = factors.get((player, term), 1.0) * weight.factor(*norms)
    return objectives.weigh(factors)


def _last_weight(run: Run, state: TrainingState, player: str) -> Tensor:
    role, name = last_layer_of(run.model, run.networks, player)
    return state.modules[role].get_parameter(name)


def _norms(objectives: Objectives, player: str, term: str, weight: Tensor) -> tuple[float, float]:
    """The norm of a term's gradient at a weight, and the norm of the gradient of the player's other terms together."""
    minimised = objectives.minimise[player]
    others = [c * objectives.terms[t].mean() for t, c in minimised.items() if t != term and c]
    norms = [_norm(objectives.terms[term].mean(), weight), _norm(sum(others, torch.zeros(())), weight)]
    own, rest = torch.stack(norms).tolist()  # both at once: a GPU has to finish its work before numbers can be read
    return own, rest


def _norm(scalar: Tensor, weight: Tensor) -> Tensor:
    if not scalar.requires_grad:
        return weight.new_zeros(())
    (gradient,) = torch.autograd.grad(scalar, weight, retain_graph=True, allow_unused=True)
    norm: Tensor = weight.new_zeros(()) if gradient is None else gradient.norm()
    return norm
