"""The game of one step, as a model states it for the batch of that step."""

from __future__ import annotations

import torch

from vaegan_bench.api import Modules, Objectives, Play
from vaegan_bench.study.run import Run
from vaegan_bench.training.batches import Batches


def state_game(run: Run, modules: Modules, batches: Batches, noise: torch.Generator, step: int) -> Objectives:
    """The objectives of `step`, in the run's precision; all randomness comes from `noise`."""
    x = batches.at(step)
    attributes = batches.attributes_at(step) if run.model.conditional else None
    play = Play(modules.condition_on(attributes), x, noise, step, run.networks.latent, attributes)
    with torch.autocast(x.device.type, torch.bfloat16, enabled=run.precision == "bfloat16"):
        return run.model.objectives(play)
