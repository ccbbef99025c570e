"""Build the networks that a model's players own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from vaegan_bench.api import (
    Gate,
    ImageShape,
    Model,
    Modules,
    Networks,
    Objectives,
    Play,
    Plugin,
    PluginError,
    ReconstructionLoss,
    Regulariser,
)
from vaegan_bench.api.plugin import fields_of
from vaegan_bench.registry.plugins import plugins_within
from vaegan_bench.system.device import with_layout
from vaegan_bench.system.randomness import derive_seed


class LogSigma(nn.Module):
    """The learned scalar log σ of a likelihood; starts at σ = 1."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(()))

    def forward(self) -> Tensor:
        """The scalar itself."""
        return self.value


def roles(model: Model) -> list[str]:
    """Every role that a model's players own, then those that it borrows."""
    return [*(role for owned in model.players.values() for role in owned), *model.borrows()]


def build_role(model: Model, networks: Networks, role: str, shape: ImageShape, attributes: int = 1) -> nn.Module | None:
    """Build the network of one role from torch's random state; None for 'scale' and 'memory' where no loss needs one.

    `attributes` is the number of attributes of the data; a conditional model is conditioned on all of them.
    """
    if role in model.borrows():
        lender = model.borrows()[role]
        return build_role(lender.model, networks, lender.role, shape, attributes)
    parts = list(_parts_of(model))
    scales = {loss.scale for loss in parts if isinstance(loss, ReconstructionLoss)}
    if role == "memory":
        return _memory_of(model)
    if role == "scale":
        return LogSigma() if "learned" in scales else None
    heads = 2 if role == "decoder" and "predicted" in scales else 1
    return model.build(role, networks, shape, heads, conditions=attributes if model.conditional else 0)


def _memory_of(model: Model) -> nn.Module | None:
    """What a regulariser remembers. Raises `PluginError` where several fields of the model hold one that does."""
    found = [memory for part in _fields_of(model) if (memory := _memory_within(part)) is not None]
    if len(found) > 1:
        raise PluginError(
            f"Model '{model.name}' has {len(found)} regularisers that remember something, and one role 'memory': "
            "choose one of them."
        )
    return found[0] if found else None


def _memory_within(part: Plugin) -> nn.Module | None:
    """What a part of a model remembers, or the first within it that remembers something."""
    memories = (each.memory() for each in plugins_within(part) if isinstance(each, Regulariser))
    return next((memory for memory in memories if memory is not None), None)


def _parts_of(model: Model) -> Iterator[Plugin]:
    """The plugins in a model's fields and in theirs, without those of the models from which it borrows."""
    for part in _fields_of(model):
        yield from plugins_within(part)


def _fields_of(model: Model) -> Iterator[Plugin]:
    """The plugins in a model's fields, without the models from which it borrows."""
    for value in (getattr(model, field.name) for field in fields_of(model)):
        if isinstance(value, Plugin) and not isinstance(value, Model):
            yield value


def build_modules(
    model: Model, networks: Networks, seed: int, shape: ImageShape, device: torch.device, attributes: int = 1
) -> Modules:
    """Build the networks of all roles, each from a random state that depends on nothing but the seed and the role.

    Borrowed networks are frozen; their lender's weights are loaded later.
    """
    modules = Modules()
    for role in roles(model):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(derive_seed(seed, "weights", role))
            module = build_role(model, networks, role, shape, attributes)
        if module is not None:
            modules[role] = with_layout(module.to(device), torch.channels_last)
    modules.per_image = frozenset(networks.per_image).difference(model.joint)
    for role in model.borrows():
        modules[role].eval().requires_grad_(False)
    return modules


FIRST_STEPS = 16
"""The steps that are looked at for the players and terms of a game: more than the six within which every player and
every term must occur."""


def stated_game(model: Model, networks: Networks, size: int) -> dict[str, dict[str, float]]:
    """player → term → coefficient, as a model states them for a small batch of size × size images in its first steps.

    Gates, which depend on training, are left out, so that no player rests.
    """
    game: dict[str, dict[str, float]] = {}
    shape = ImageShape(3, size, size)
    modules = build_modules(model, networks, 0, shape, torch.device("cpu"))
    for step in range(FIRST_STEPS):
        for player, terms in _objectives(model, modules, shape, networks.latent, step).minimise.items():
            game[player] = {**terms, **game.get(player, {})}
    return {player: game[player] for player in model.players if player in game}


def _objectives(model: Model, modules: Modules, shape: ImageShape, latent: int, step: int) -> Objectives:
    gates = {f.name: None for f in fields_of(model) if isinstance(getattr(model, f.name), Gate)}
    noise = torch.Generator().manual_seed(0)
    attributes = torch.zeros(4, 1) if model.conditional else None
    play = Play(modules.condition_on(attributes), torch.zeros(4, *shape), noise, step, latent, attributes)
    return replace(model, **gates).objectives(play)  # type: ignore[type-var]  # a dataclass
