"""Plugins that only tests need."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vaegan_bench.api import Optimizer, ParameterGroups, Schedule
from vaegan_bench.training.schedules.constant import Constant


@dataclass(frozen=True, kw_only=True)
class PlainDescent(Optimizer):
    """w ← w − lr·g, so that tests can foretell every step."""

    name = "plain-descent"
    lr: float = 0.1
    weight_decay: float = 0.0
    schedule: Schedule = Constant()
    clip: float | None = None

    def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        return torch.optim.SGD(groups, lr=self.lr)


QUITTER = '''
"""A model that stops in the middle of its training."""
from dataclasses import dataclass
from vaegan_bench.api import Model, hookimpl
from vaegan_bench.models.vae import VAE

@dataclass(frozen=True, kw_only=True)
class Quitter(Model):
    """A VAE of eight steps."""
    name = "quitter"
    players = VAE.players

    def objectives(self, play):
        if play.step == 8:
            raise ValueError("no more")
        return VAE().objectives(play)

@hookimpl
def vaegan_bench_plugins():
    return [Quitter]
'''
"""A plugin file."""
