"""Steps of the harness and of pythae's real trainer, from the same weights, batch and noise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import torch
from pythae.data.datasets import BaseDataset, DatasetOutput, collate_dataset_output
from pythae.trainers import (
    BaseTrainer,
    BaseTrainerConfig,
    CoupledOptimizerAdversarialTrainer,
    CoupledOptimizerAdversarialTrainerConfig,
)
from small import PlainDescent
from torch import Tensor
from torch.utils.data import DataLoader
from vaegan_bench_pythae import PythaeVAE, PythaeVAEGAN
from vaegan_bench_pythae.networks import current_autocast, to_unit
from vaegan_bench_pythae.noise import global_noise_from

from vaegan_bench.api import Model, Modules, to_signed
from vaegan_bench.testing import NETWORKS, blobs, small_run
from vaegan_bench.training.loop import take_step
from vaegan_bench.training.state import TrainingState

CPU = torch.device("cpu")
LR = 1e-3
PLAYERS = ("encoder", "decoder", "discriminator")
GATES = {  # margin 0: a player sits out while the costs, 0.69 each at the start, are on the wrong side
    "all move": {},
    "discriminator rests": {"equilibrium": 0.8, "margin": 0.0},
    "decoder rests": {"equilibrium": 0.6, "margin": 0.0},
}


@contextmanager
def float64() -> Iterator[None]:
    """Compute in float64, so that no difference hides in rounding; `.float()` guards against bfloat16 alone."""
    torch.set_default_dtype(torch.float64)
    try:
        with patch.object(Tensor, "float", Tensor.double):
            yield
    finally:
        torch.set_default_dtype(torch.float32)


class Images(BaseDataset):
    """A batch as pythae's loaders read it."""

    def __getitem__(self, index: int) -> DatasetOutput:
        return DatasetOutput(data=self.data[index])


def first_state(model: Model) -> tuple[TrainingState, Tensor]:
    data = blobs()
    run = small_run(model, optimizer=PlainDescent(lr=LR))
    return TrainingState(run, data.shape, CPU), to_signed(data.train.images_NCHW[:16])


def our_steps(model: Model, n: int = 2) -> Modules:
    state, x = first_state(model)
    run = small_run(model, optimizer=PlainDescent(lr=LR))
    for _ in range(n):
        take_step(run, state, SimpleNamespace(at=lambda step: x))
    return state.modules


def their_steps(model: PythaeVAE | PythaeVAEGAN, folder: Path, n: int = 2) -> Modules:
    """The weights after `n` steps of pythae's trainer, with plain descent for every optimizer."""
    state, x = first_state(model)
    before = deepcopy(dict(state.modules))
    whole = model._construct(state.modules, current_autocast(CPU), NETWORKS.latent)
    images = Images(to_unit(x), torch.zeros(len(x)))
    images.data = to_unit(x)  # pythae has rounded it to float32
    shared = {"output_dir": str(folder), "no_cuda": True, "per_device_train_batch_size": len(x)}
    with torch.random.fork_rng(devices=[]):
        if isinstance(model, PythaeVAE):
            config = BaseTrainerConfig(optimizer_cls="SGD", learning_rate=LR, **shared)
            trainer = BaseTrainer(whole, images, training_config=config)
        else:
            plain = {f"{player}_optimizer_cls": "SGD" for player in PLAYERS}
            rates = {f"{player}_learning_rate": LR for player in PLAYERS}
            config = CoupledOptimizerAdversarialTrainerConfig(**plain, **rates, **shared)
            trainer = CoupledOptimizerAdversarialTrainer(whole, images, training_config=config)
        trainer.prepare_training()
        for role, module in state.modules.items():  # its sanity check has moved the running statistics
            module.load_state_dict(before[role].state_dict())
        trainer.train_loader = DataLoader(
            images, len(x), collate_fn=collate_dataset_output, generator=torch.Generator()
        )
        for epoch in range(n):  # one batch each
            with global_noise_from(state.noise):
                trainer.train_step(epoch + 1)
    return state.modules


def distance(ours: Modules, theirs: Modules) -> dict[str, float]:
    """Role → the largest difference of any weight or running statistic."""
    return {
        role: max(
            float((mine.double() - their.double()).abs().max())
            for mine, their in zip(ours[role].state_dict().values(), theirs[role].state_dict().values(), strict=True)
        )
        for role in ours
    }
