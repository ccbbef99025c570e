"""One step of a rival's game, set up to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from vaegan_bench_rivals.alpha_gan import AlphaGAN
from vaegan_bench_rivals.bigan import BiGAN
from vaegan_bench_rivals.sngan import SNGAN
from vaegan_bench_rivals.soft_introvae import SoftIntroVAE
from vaegan_bench_rivals.wae_gan import WAEGAN
from vaegan_bench_rivals.wgan_gp import WGANGP

from vaegan_bench.api import Model, Objectives, Play, to_signed
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.state import TrainingState

torch.set_num_threads(1)  # small networks gain nothing from a second thread, and lose much on a busy machine

CPU = torch.device("cpu")
LATENT = 6

RIVALS: list[Model] = [
    WAEGAN(width=16, layers=2),
    AlphaGAN(width=16, layers=2),
    BiGAN(width=16, layers=1),
    WGANGP(),
    SNGAN(),
    SoftIntroVAE(),
]


def state_of(model: Model) -> TrainingState:
    return TrainingState(small_run(model), blobs().shape, CPU)


def play_of(state: TrainingState, step: int = 0) -> Play:
    """The first batch, always with the same noise."""
    x = to_signed(blobs().train.images_NCHW[:16]).to(torch.get_default_dtype())
    return Play(state.modules, x, torch.Generator().manual_seed(3), step, LATENT)


def game_of(model: Model, state: TrainingState, step: int = 0) -> Objectives:
    return model.objectives(play_of(state, step))


def gradient_of(term: Tensor, weights: Sequence[nn.Parameter]) -> list[Tensor]:
    """The gradient of a term's mean, zero where it depends on nothing."""
    if not term.requires_grad:
        return [torch.zeros_like(w) for w in weights]
    found = torch.autograd.grad(term.mean(), weights, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for g, w in zip(found, weights, strict=True)]


def flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])
