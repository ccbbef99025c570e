"""The cost of a plugin: weights, arithmetic, speed and memory of a training step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaegan_bench.api import ImageShape, Model, Networks, Plugin
from vaegan_bench.execution.estimate import images_per_second, operations_per_image, random_data
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.networks.compact import Compact
from vaegan_bench.study.run import Run
from vaegan_bench.testing.cases import hosts_of
from vaegan_bench.testing.small import small_run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.loop import take_step
from vaegan_bench.training.state import TrainingState

SIZE, BATCH = 32, 64
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Card:
    """The cost of training one model, per step of 64 images of 32×32 on the CPU."""

    what: str
    """The model and the networks."""
    parameters: dict[str, int]
    """Role → the number of trained weights."""
    flops_per_image: float
    """Operations of convolutions and matrix products in a training step: forward, and all players' backward passes."""
    images_per_second: float
    memory_bytes: int
    """Weights, gradients, state of the optimizers, and the tensors that a step keeps for its backward passes."""


def card_of(plugin: Plugin) -> Card | None:
    """The card of a model, of the first model with a term, or of a VAE/GAN on networks; None for other plugins."""
    networks = plugin if isinstance(plugin, Networks) else Compact()
    if isinstance(plugin, Networks):
        model: Model | None = VAEGAN()
    else:
        model = plugin if isinstance(plugin, Model) else next(iter(hosts_of(plugin)), None)
    if model is None:
        return None
    run = small_run(model, networks=networks, batch=BATCH, size=SIZE)
    state, batches = _set_up(run)
    take_step(run, state, batches)  # the optimizers' state is part of the memory
    return Card(
        what=f"{model} on {networks}",
        parameters={
            role: sum(w.numel() for w in module.parameters()) for role, module in state.owned_modules().items()
        },
        flops_per_image=operations_per_image(run, BATCH),
        images_per_second=images_per_second(run),
        memory_bytes=_held(state) + _kept_for_backward(run, state, batches),
    )


def _set_up(run: Run) -> tuple[TrainingState, Batches]:
    data = random_data(ImageShape(3, SIZE, SIZE), BATCH)
    return TrainingState(run, data.shape, CPU), Batches(run.dataset, data.train, run.batch, run.seed, CPU)


def _held(state: TrainingState) -> int:
    """Bytes of weights, gradients, buffers and the optimizers' state."""
    weights = [t for module in state.modules.values() for t in module.state_dict().values()]
    moments = [t for o in state.optimizers.values() for s in o.state.values() for t in s.values()]
    gradients = [w for weights in state.parameters.values() for w in weights]
    return sum(t.numel() * t.element_size() for t in [*weights, *moments, *gradients] if isinstance(t, Tensor))


def _kept_for_backward(run: Run, state: TrainingState, batches: Batches) -> int:
    """Bytes that autograd saves in a step besides weights, each storage counted once."""
    storages: dict[int, int] = {}

    def save(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        take_step(run, state, batches)
    weights = {w.untyped_storage().data_ptr() for module in state.modules.values() for w in module.parameters()}
    return sum(size for pointer, size in storages.items() if pointer not in weights)
