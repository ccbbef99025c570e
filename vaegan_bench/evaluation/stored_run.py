"""Restore a stored run: its definition as plugins, its weights as a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Dataset, ImageShape, Model, Networks, Optimizer, Plugin, StoreError
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.files import readable
from vaegan_bench.results.records import RunRecord
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.stored_files import RUN
from vaegan_bench.results.trained_files import TRAIN_AGAIN
from vaegan_bench.study.assembly import build_modules
from vaegan_bench.study.run import SETTINGS, Run
from vaegan_bench.study.term_weights import TermWeight, restore_term_weight
from vaegan_bench.system.errors import reason_of
from vaegan_bench.training.trained_model import TrainedModel

PLUGINS: Mapping[str, type[Plugin]] = {
    "model": Model, "dataset": Dataset, "networks": Networks, "optimizer": Optimizer
}  # fmt: skip


def stored_run(folder: RunFolder, registry: Registry) -> Run:
    """The run that a folder holds.

    Raises `UnknownNameError` for a plugin that is not registered here, `StoreError` for a record that is damaged, or
    whose definition is not one of this version.
    """
    record = folder.record()
    try:
        return run_of(record, registry)
    except BenchError:
        raise
    except Exception as error:  # a definition of an unexpected form may raise anything
        raise StoreError(
            f"Cannot use {folder.path}: this version cannot read its definition ({reason_of(error)}). {TRAIN_AGAIN}"
        ) from error


def run_of(record: RunRecord, registry: Registry) -> Run:
    """The run that a record describes. Raises `UnknownNameError` for a plugin that is not registered here."""
    known = record.definition
    plugins: dict[str, Any] = {name: registry.restore(kind, getattr(known, name)) for name, kind in PLUGINS.items()}
    optimizers = tuple((player, registry.restore(Optimizer, each)) for player, each in known.optimizers.items())
    plain: dict[str, Any] = {name: getattr(known, name) for name in ("seed", *SETTINGS)}
    plain["term_weights"] = _term_weights(known.term_weights, registry)
    plain["lender_weights"] = tuple((at, _term_weights(each, registry)) for at, each in known.lender_weights.items())
    return Run(label=record.label, optimizers=optimizers, **plugins, **plain)


def _term_weights(known: Mapping[str, Any], registry: Registry) -> tuple[TermWeight, ...]:
    return tuple(restore_term_weight(target, factor, registry) for target, factor in known.items())


def restore_model(run: Run, folder: RunFolder, device: torch.device) -> TrainedModel:
    """Build the networks of the model of the run that a folder holds, and fill them with its weights.

    Raises `StoreError` where there are no weights, and where they are of other networks than the run has today.
    """
    record, weights = folder.record(), folder.training.weights()
    with readable(folder.path / RUN, TRAIN_AGAIN):
        shape, conditions = ImageShape(*record.shape), record.attributes
        modules = build_modules(run.model, run.networks, 0, shape, device, len(conditions))
        for role in run.model.borrows():
            del modules[role]  # only training needs a borrowed network
        for role, module in modules.items():
            module.load_state_dict(weights_of(weights, role))
        return TrainedModel(run.model, modules, run.networks.latent, conditions)


def weights_of(weights: Mapping[str, Tensor], role: str) -> dict[str, Tensor]:
    """The part of all weights that belongs to one role, without its prefix."""
    return {name.removeprefix(f"{role}."): w for name, w in weights.items() if name.startswith(f"{role}.")}
