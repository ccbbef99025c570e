"""One step of a study, played by a model of pythae."""

from __future__ import annotations

from collections.abc import Callable

import torch
from pythae.models import VAE  # type: ignore[import-untyped]
from pythae.models.base.base_utils import ModelOutput  # type: ignore[import-untyped]

from vaegan_bench.api import Modules, Play
from vaegan_bench_pythae.networks import current_autocast, to_unit
from vaegan_bench_pythae.noise import global_noise_from

Construct = Callable[[Modules, torch.autocast, int], VAE]
"""(the study's networks, their precision, latent dimensions) → pythae's model around them."""


def run_model(play: Play, construct: Construct) -> ModelOutput:
    """The output of pythae's model for the batch: its own forward pass and its own losses.

    The networks keep the precision of the study, and the losses are in float32: on a GPU, torch refuses the
    cross-entropy of probabilities under autocast.
    """
    kind, precision = play.x_BCHW.device.type, current_autocast(play.x_BCHW.device)
    with torch.autocast(kind, enabled=False), global_noise_from(play.noise):
        return construct(play.modules, precision, play.latent)({"data": to_unit(play.x_BCHW)})
