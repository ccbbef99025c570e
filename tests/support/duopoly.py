"""A game of two numbers whose equilibrium is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from vaegan_bench.api import ImageShape, Model, Networks, Objectives, Play
from vaegan_bench.training.loop import Trained


class Number(nn.Module):
    """A network that is one number."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(1.0))


@dataclass(frozen=True, kw_only=True)
class Numbers(Networks):
    """One number per role."""

    name = "numbers"
    latent: int = 1

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        return Number()


@dataclass(frozen=True, kw_only=True)
class Duopoly(Model):
    """Two firms choose quantities: each maximises q·(12 − a − b); Cournot's equilibrium is a = b = 4."""

    name = "duopoly"
    players: ClassVar = {"first": ("a",), "second": ("b",)}
    rest_from: int = 10**9
    """From this step on, the second firm keeps its quantity."""

    def objectives(self, play: Play) -> Objectives:
        a, b = (play.modules[role].value for role in ("a", "b"))
        price = 12 - a - b
        game = Objectives(
            terms={"a's profit": a * price, "b's profit": b * price},
            minimise={"first": {"a's profit": -1.0}, "second": {"b's profit": -1.0}},
        )
        return game.without({"second"}) if play.step >= self.rest_from else game


def numbers(trained: Trained) -> tuple[float, float]:
    values = [trained.state.modules[role].value.item() for role in ("a", "b")]
    return values[0], values[1]
