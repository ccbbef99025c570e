"""Build every run's networks without memory, and try optimizers and samplers, before anything trains."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterator

import torch

from vaegan_bench.api import BenchError, ImageShape, Optimizer, PluginError, Posterior, Sampler, StudyError
from vaegan_bench.study.assembly import build_role, roles, stated_game
from vaegan_bench.study.crossing import Skip
from vaegan_bench.study.run import Run
from vaegan_bench.study.term_weights import check_last_layers, check_targets
from vaegan_bench.system.errors import failing_as


def build_without_memory(runs: list[Run]) -> tuple[list[Run], list[Skip]]:
    """The runs whose networks can be built, and a skip with the reason for each label whose networks refuse.

    Raises `StudyError` for an optimizer that cannot be used, and for a model or networks that fail with another error.
    """
    fitting: list[Run] = []
    skips: dict[str, Skip] = {}
    refused: dict[Hashable, str] = {}
    for optimizer in (runs[0].optimizer, *dict(runs[0].optimizers).values()):
        _check_optimizer(optimizer, runs[0].steps)
    for run in runs:
        if reason := _refusal(run, refused):
            skips[run.label] = Skip(run.label, reason)
        else:
            fitting.append(run)
    return fitting, list(skips.values())


def _refusal(run: Run, known: dict[Hashable, str]) -> str:
    """Why networks cannot be built for a run's model, or for one that it borrows from; '' where they can.

    `known` keeps the answers: they are the same for all seeds of a label.
    """
    game = run.model, run.term_weights, run.lender_weights, run.networks, run.size
    if game not in known:
        known[game] = _own_refusal(run) or next(filter(None, _refusals_of_lenders(run, known)), "")
    return known[game]


def _refusals_of_lenders(run: Run, known: dict[Hashable, str]) -> Iterator[str]:
    for role, lender in run.lenders.items():
        if reason := _refusal(lender, known):
            yield f"{run.label} borrows the {role} of {lender.label}, which cannot be run: {reason}"


def _own_refusal(run: Run) -> str:
    try:
        _build(run)
    except PluginError as error:
        return str(error)
    return ""


def _build(run: Run) -> None:
    """Build a run's networks, and refuse weights of terms that no player of its model minimises."""
    with failing_as(StudyError, f"Model '{run.label}' cannot be set up on networks '{run.networks}'"):
        with torch.device("meta"):
            for role in roles(run.model):
                build_role(run.model, run.networks, role, ImageShape(3, run.size, run.size))
        if run.term_weights:
            game = stated_game(run.model, run.networks, run.size)
            check_targets(run.term_weights, game, run.model.name)
            check_last_layers(run.term_weights, game, run.model, run.networks)


def _check_optimizer(optimizer: Optimizer, steps: int) -> None:
    """Refuse settings that torch refuses, before anything trains."""
    with failing_as(StudyError, f"Optimizer '{optimizer}' cannot be used"):
        optimizer.build([{"params": [torch.nn.Parameter(torch.zeros(1))], "weight_decay": optimizer.weight_decay}])
        optimizer.schedule(optimizer.lr, 0, steps)


def check_sampler(sampler: Sampler) -> None:
    """Refuse a sampler that fails on ordinary codes, but for a `BenchError` about these few codes."""
    noise = torch.Generator().manual_seed(0)
    codes = Posterior(torch.randn(100, 2, generator=noise), torch.zeros(100, 2))
    with failing_as(StudyError, f"Sampler '{sampler}' cannot be used"), warnings.catch_warnings(action="ignore"):
        try:
            sampler(codes, 1, noise)
        except PluginError:
            raise
        except BenchError:
            return
