"""Build the networks that a model's players own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from vaegan_bench.api import Gate, ImageShape, Model, Modules, Networks, Play, ReconstructionLoss
from vaegan_bench.api.plugin import fields_of
from vaegan_bench.randomness import derive_seed
from vaegan_bench.registry import plugins_within


class LogSigma(nn.Module):
    """The learned scalar log σ of a likelihood; starts at σ = 1."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(()))

    def forward(self) -> Tensor:
        """The scalar itself."""
        return self.value


def roles(model: Model) -> list[str]:
    """Every role that a model's players own."""
    return [role for owned in model.players.values() for role in owned]


def build_role(model: Model, networks: Networks, role: str, shape: ImageShape) -> nn.Module | None:
    """Build the network of one role from torch's random state; None for 'scale' where no loss learns one."""
    scales = {loss.scale for loss in plugins_within(model) if isinstance(loss, ReconstructionLoss)}
    if role == "scale":
        return LogSigma() if "learned" in scales else None
    heads = 2 if role == "decoder" and "predicted" in scales else 1
    return networks.build(role, shape, heads)


def build_modules(model: Model, networks: Networks, seed: int, shape: ImageShape, device: torch.device) -> Modules:
    """Build all roles; each starts from weights that depend on nothing but the seed and the role."""
    modules = Modules()
    for role in roles(model):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(derive_seed(seed, "weights", role))
            module = build_role(model, networks, role, shape)
        if module is not None:
            modules[role] = module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stub lacks the keyword
    return modules


LATE = 10**9
"""A step by which every warm-up is over."""


def stated_game(model: Model, networks: Networks) -> dict[str, dict[str, str]]:
    """What each player minimises: player → term → coefficient, from the first step to a late one if it changes."""
    early, late = (_coefficients(model, networks, step) for step in (0, LATE))
    return {p: {term: _arrow(c, late[p][term]) for term, c in terms.items()} for p, terms in early.items()}


def _coefficients(model: Model, networks: Networks, step: int) -> Mapping[str, Mapping[str, float]]:
    """The coefficients that a model states for a small batch; gates are left open, they depend on training."""
    gates = {f.name: None for f in fields_of(model) if isinstance(getattr(model, f.name), Gate)}
    modules = build_modules(model, networks, 0, ImageShape(3, 32, 32), torch.device("cpu"))
    noise = torch.Generator().manual_seed(0)
    play = Play(modules, torch.zeros(4, 3, 32, 32), noise, step, networks.latent)
    return replace(model, **gates).objectives(play).minimise  # type: ignore[type-var]  # a dataclass


def _arrow(early: float, late: float) -> str:
    return f"{early:g}" if early == late else f"{early:g} → {late:g}"
