"""Train one run and write its record, history and weights."""

from __future__ import annotations

import platform
from datetime import UTC, datetime

import torch
from torch import Tensor

from vaegan_bench.api import Data, Modules
from vaegan_bench.execution.estimate import operations_per_image
from vaegan_bench.execution.postponed_signals import postponed_signals
from vaegan_bench.execution.run_keeper import RunKeeper
from vaegan_bench.results.records import Definition, Environment, RunRecord
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.study.run import Run
from vaegan_bench.system.plain_data import read_as
from vaegan_bench.training.conditions import attribute_conditions
from vaegan_bench.training.loading import counts_of, remarks_of
from vaegan_bench.training.loop import Borrowed, Listener, Trained, train


def train_run(
    keeper: RunKeeper, folder: RunFolder, listener: Listener, borrowed: Borrowed, machine: str, *, is_patient: bool
) -> None:
    """Train a run under the keeper's claim, and write its record, its history and the weights that metrics see.

    `machine` is the device in words. A signal that arrives meanwhile stops the training once the keeper has written a
    checkpoint; a second one stops it at once, unless `is_patient`.
    """
    run, data = keeper.run, keeper.data
    with postponed_signals(is_patient=is_patient) as keeper.signals:
        trained = train(run, data, keeper.device, listener, borrowed, keeper)
        weights = flat_weights(trained.state.evaluated_modules())
        folder.training.write(keeper.claim, run_record(run, data, trained, machine), trained.history, weights)


def run_record(run: Run, data: Data, trained: Trained, machine: str) -> RunRecord:
    """The content of run.json: the definition, the status, the cost and the environment of a run."""
    owned, steps = trained.state.owned_modules().values(), trained.state.step
    return RunRecord(
        id=run.id,
        label=run.label,
        seed=run.seed,
        dataset=run.data_label,
        networks=str(run.networks),
        status=trained.status,
        steps=steps,
        seconds=round(trained.seconds, 3),
        speed=round(steps * run.batch / trained.seconds, 1),
        operations=operations_per_image(run, like=data),
        parameters=sum(p.numel() for module in owned for p in module.parameters()),
        shape=data.shape,
        attributes=attribute_conditions(data),
        data=data.digest,
        images=counts_of(data),
        remarks=tuple(remarks_of(data)),
        seen_through=run.seen_through,
        setting=run.setting_id,
        definition=read_as(Definition, run.definition),
        environment=Environment(device=machine, python=platform.python_version()),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def flat_weights(modules: Modules) -> dict[str, Tensor]:
    """All weights and running statistics as one flat dictionary, 'role.name' → a copy of the tensor.

    Copies, because networks may share weights, and no file can hold two names of one tensor.
    """
    named = ((f"{role}.{name}", t) for role, module in modules.items() for name, t in module.state_dict().items())
    return {name: t.clone(memory_format=torch.contiguous_format) for name, t in named}
