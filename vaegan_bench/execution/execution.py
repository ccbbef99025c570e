"""Execute a plan: train and measure every run that is not finished, and keep what is done."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaegan_bench.api import (
    BenchError,
    Data,
    Dataset,
    ImageShape,
    Model,
    Modules,
    Networks,
    Optimizer,
    Plugin,
    Progress,
    silent,
)
from vaegan_bench.evaluation.health import verdicts
from vaegan_bench.evaluation.measuring import measure
from vaegan_bench.evaluation.outputs import ModelOutputs
from vaegan_bench.evaluation.settings import EvaluationSettings
from vaegan_bench.evaluation.shared import Shared, SharedShelf, open_extractors
from vaegan_bench.execution.footprint import footprint
from vaegan_bench.registry.lifecycle import Lifecycle
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.measurements import Seen
from vaegan_bench.results.run_folder import TRAIN_AGAIN, RunFolder
from vaegan_bench.results.shapes import Row
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.assembly import build_modules
from vaegan_bench.study.plan import Plan
from vaegan_bench.study.run import Run
from vaegan_bench.study.study import as_plain
from vaegan_bench.study.term_weights import restore_term_weight
from vaegan_bench.system.device import choose_device, describe
from vaegan_bench.system.disk_space import REPEAT, check_space, in_words, shortage_in
from vaegan_bench.system.errors import FAILURES, IncompleteError, StoreError, reason_of
from vaegan_bench.training.loading import DataShelf, counts_of, remarks_of
from vaegan_bench.training.loop import Listener, Trained, train
from vaegan_bench.training.trained_model import Told, TrainedModel

KEPT_IMAGES = 64
"""Samples and reconstructions that are kept per run, for sheets."""


class Execution:
    """One plan being carried out in this process."""

    def __init__(
        self, plan: Plan, registry: Registry, folder: StudyFolder, cache: Path, progress: Progress = silent
    ) -> None:
        self.plan, self.folder = plan, folder
        self.lifecycle = Lifecycle(registry.manager)
        self.device = choose_device(plan.study.device)
        self.shelf = DataShelf(cache, progress)
        self.shared = SharedShelf(cache, self.device, progress)
        self.settings = EvaluationSettings(plan.metrics, plan.study.samples, plan.study.draws)
        self.failures: dict[str, str] = {}
        """Runs that raised an error, with its words; the study goes on without them."""

    def finished(self) -> list[Run]:
        """The runs whose results are on disk already."""
        return [run for run in self.plan.runs if self._has_results(run)]

    def carry_out(self) -> None:
        """Train and measure what is not finished; each finished run is on disk before the next begins.

        Raises `StoreError` where results cannot be written, or where another process is writing them, `DataError` where
        a data set cannot be loaded, and `ExtractorError` where the weights of an extractor are missing or wrong: all
        before anything trains. Raises `IncompleteError` where the disk is full meanwhile.
        """
        if unfinished := self._unfinished():
            open_extractors(self.plan.metrics, self.shared.of(next(iter(unfinished.values()))))
        what = f"The results of {len(unfinished)} unfinished runs of study '{self.plan.study.name}'"
        check_space(self.folder.path, self._space_for(unfinished), what, "--results")
        self.folder.create()
        with self.folder.locked():
            self._carry_out_all()

    def needed_space(self) -> int:
        """Bytes that the results of the unfinished runs can take at most; 0 where every run is finished."""
        return self._space_for(self._unfinished())

    def _space_for(self, unfinished: Mapping[Run, Data]) -> int:
        trained = {run: data for run, data in unfinished.items() if self._is_trained(run)}
        untrained = {run: data for run, data in unfinished.items() if run not in trained}
        images = min(KEPT_IMAGES, self.plan.study.samples)
        return footprint(untrained, trained, images) if unfinished else 0

    def _unfinished(self) -> dict[Run, Data]:
        """The other runs, with their data: all loaded now, so that what is missing is known before anything trains."""
        return {run: self.shelf.get(run) for run in self.plan.runs if not self._has_results(run)}

    def _carry_out_all(self) -> None:
        study = self.plan.study
        ids = [run.id for run in self.plan.runs]
        self.folder.write_study({"study": as_plain(study), "runs": ids, "evaluation": self.settings.definition})
        todo = [run for run in self.plan.runs if not (self._is_trained(run) and self._has_results(run))]
        images = [0 if self._is_trained(run) else run.steps * run.batch for run in todo]
        ids, folder = [run.id for run in todo], self.folder.path
        try:
            self.lifecycle.tell("study_started", name=study.name, folder=folder, runs=ids, images=images)
            for run in todo:
                self._try(run)
            for run in self._measured_with_other_weights():
                self._try(run)
        finally:
            self.lifecycle.tell("study_ended", name=study.name)

    def _try(self, run: Run) -> None:
        """Carry out a run; what fails is noted.

        Raises `IncompleteError` where a full disk would fail the other runs as well.
        """
        status = "interrupted"
        try:
            status = self._carry_out(run)
        except FAILURES as error:  # one run must not cost the others
            self.failures[run.id] = reason_of(error)
            status = f"failed: {self.failures[run.id]}"
            if isinstance(error, StoreError) and shortage_in(error):
                raise IncompleteError([*self.missing(), self._where_it_stops()]) from error
        finally:
            self.lifecycle.tell("run_ended", run=run.id, status=status)

    def missing(self) -> list[str]:
        """The runs that failed, each with its reason."""
        return [f"{run}: {reason}" for run, reason in self.failures.items()]

    def _where_it_stops(self) -> str:
        kept, runs = len(self.finished()), len(self.plan.runs)
        return (
            f"The study stops here: {kept} of {runs} runs are finished and kept in {self.folder.path}, the others can "
            f"take up to {in_words(self.needed_space())}. {REPEAT}"
        )

    def _measured_with_other_weights(self) -> list[Run]:
        """Finished runs whose features are not those of this process: another machine trained another oracle.

        A run whose data cannot be loaded here is noted as a failure.
        """
        return [run for run in self.plan.runs if run.id not in self.failures and self._has_other_weights(run)]

    def _has_other_weights(self, run: Run) -> bool:
        try:
            known = self.shared.of(self.shelf.get(run)).weights()
            return self.settings.have_other_weights(self.folder.run(run.id), known)
        except BenchError as error:
            self.failures[run.id] = reason_of(error)
            return False

    def damaged(self) -> dict[str, str]:
        """Runs of which a file is damaged, and which one: they are trained or measured again."""
        folders = {run.id: self.folder.run(run.id) for run in self.plan.runs}
        found = {name: folder.damage() or folder.fault() for name, folder in folders.items() if folder.is_there}
        return {name: reason for name, reason in found.items() if reason}

    def _has_results(self, run: Run) -> bool:
        folder = self.folder.run(run.id)
        return folder.is_trained and self.settings.are_met_by(folder)

    def _missing(self, run: Run, shared: Shared) -> EvaluationSettings:
        """The part of what the study measures that was not measured on a run yet."""
        missing = self.settings.missing(self.folder.run(run.id), shared.weights())
        return replace(self.settings, metrics=missing)

    def _is_trained(self, run: Run) -> bool:
        """Whether nothing is left to train. A run that cannot even tell is tried again, and fails with its reason."""
        try:
            return self._has_weights_for(run)
        except FAILURES:
            return False

    def _has_weights_for(self, run: Run) -> bool:
        """Whether a run was trained on the images that its data set holds now."""
        folder = self.folder.run(run.id)
        return folder.is_trained and bool(folder.record()["data"] == self.shelf.get(run).digest)

    def _carry_out(self, run: Run) -> str:
        """Train where that is not done, and measure; return how the run ended."""
        folder, data = self.folder.run(run.id), self.shelf.get(run)
        trained = self._has_weights_for(run)
        steps = 0 if trained else run.steps
        self.lifecycle.tell("run_started", run=run.id, label=run.label, steps=steps, batch=run.batch)
        if not trained:
            self._train(run, data, folder)
        status: str = folder.record()["status"]
        if status == "ok":
            shared = self.shared.of(data)
            rows = measure_run(run, folder, shared, self._missing(run, shared), wait=True)
            self.lifecycle.tell("run_evaluated", run=run.id, rows=rows)
        return status

    def _train(self, run: Run, data: Data, folder: RunFolder) -> None:
        listener = Listener(
            step_ended=lambda step: self.lifecycle.tell("step_ended", run=run.id, step=step),
            terms_logged=lambda step, terms: self.lifecycle.tell("terms_logged", run=run.id, step=step, terms=terms),
        )
        trained = train(run, data, self.device, listener, self._borrowed(run))
        weights = flattened(trained.state.evaluated_modules())
        folder.write_trained(run_record(run, data, trained, self.device), trained.history, weights)

    def _borrowed(self, run: Run) -> dict[str, dict[str, Tensor]]:
        """What the run's lenders have trained. Raises `BenchError` where one of them did not come to a good end."""
        borrowed = {}
        for role, lender in self.plan.lenders[run.id].items():
            folder = self.folder.run(lender.id)
            status = folder.record()["status"] if folder.is_trained else "failed"
            if status != "ok":
                raise BenchError(f"{run.label} borrows the {role} of {lender.label}, which {status}.")
            borrowed[role] = weights_of(folder.weights(), run.model.borrows()[role].role)
        return borrowed


def measure_run(
    run: Run, folder: RunFolder, shared: Shared, settings: EvaluationSettings, *, wait: bool = False
) -> list[Row]:
    """Measure a trained run from its weights, add the numbers to those that it has, and return the new ones.

    Raises `StoreError` for damaged weights, and, unless it is to `wait`, where another process is measuring this run.
    """
    with folder.locked(wait=wait):
        model = restore(
            run.model, run.networks, shared.data.shape, folder.weights(), shared.device, told_of(shared.data)
        )
        outputs = ModelOutputs(model, shared, settings.samples, run.seed)
        draws = [outputs, *(outputs.redrawn(draw) for draw in range(1, settings.draws))]
        measured = measure(draws, settings.metrics, run.split)
        records = settings.records(measured, shared.weights())
        folder.write_measured(records, None if folder.has_seen(settings.samples) else _seen(outputs, folder, settings))
    return [row for record, _ in records for row in record["rows"]]


def _seen(outputs: ModelOutputs, folder: RunFolder, settings: EvaluationSettings) -> Seen:
    """Verdicts on training, and the images of sheets."""
    return Seen(settings.samples, kept_images(outputs), verdicts(outputs, folder.history()))


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
    except Exception as error:  # whatever a definition raises that is not of the expected form
        raise StoreError(
            f"Cannot use {folder.path}: its definition is not one of this version ({reason_of(error)}). {TRAIN_AGAIN}"
        ) from error


def run_of(record: Mapping[str, Any], registry: Registry) -> Run:
    """The run that a run.json describes. Raises `UnknownNameError` for a plugin that is not registered here."""
    known: Mapping[str, Any] = record["definition"]
    kinds: dict[str, type[Plugin]] = {
        "model": Model, "dataset": Dataset, "networks": Networks, "optimizer": Optimizer
    }  # fmt: skip
    plugins: dict[str, Any] = {name: registry.restore(kind, known[name]) for name, kind in kinds.items()}
    plain = ("seed", "size", "split", "steps", "batch", "ema", "precision", "device")
    weights = tuple(restore_term_weight(target, at, registry) for target, at in known["term_weights"].items())
    return Run(label=record["label"], term_weights=weights, **plugins, **{name: known[name] for name in plain})


def run_record(run: Run, data: Data, trained: Trained, device: torch.device) -> dict[str, Any]:
    """What run.json says: the definition, the fate, the cost, and where it ran."""
    steps = trained.state.step
    return {
        "id": run.id,
        "label": run.label,
        "seed": run.seed,
        "dataset": f"{run.dataset} {run.size}×{run.size}",
        "networks": str(run.networks),
        "status": trained.status,
        "steps": steps,
        "seconds": round(trained.seconds, 3),
        "speed": round(steps * run.batch / trained.seconds, 1),
        "parameters": sum(p.numel() for module in trained.state.owned_modules().values() for p in module.parameters()),
        "shape": list(data.shape),
        "attributes": told_of(data),
        "data": data.digest,
        "images": counts_of(data),
        "remarks": remarks_of(data),
        "setting": run.setting_id,
        "definition": run.definition,
        "environment": {"device": describe(device), "python": platform.python_version()},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def told_of(data: Data) -> Told:
    """−1 and 1; where attributes are scored, the mean scores of training images without and with each."""
    names, train = data.attribute_names, data.train
    if train.scores_NA is None:
        return dict.fromkeys(names, (-1.0, 1.0))
    scores_NA, on_NA = train.scores_NA.double(), train.attributes_NA.bool()
    overall_A = scores_NA.mean(0)
    absent_A, present_A = (
        torch.where(part_NA.any(0), (scores_NA * part_NA).sum(0) / part_NA.sum(0).clamp(min=1), overall_A)
        for part_NA in (~on_NA, on_NA)
    )
    return dict(zip(names, zip(absent_A.tolist(), present_A.tolist(), strict=True), strict=True))


def flattened(modules: Modules) -> dict[str, Tensor]:
    """All weights and running statistics as one flat dictionary, 'role.name' → tensor."""
    return {f"{role}.{name}": t.contiguous() for role, m in modules.items() for name, t in m.state_dict().items()}


def restore(
    model: Model,
    networks: Networks,
    shape: ImageShape,
    weights: Mapping[str, Tensor],
    device: torch.device,
    told: Told,
) -> TrainedModel:
    """Build a model's networks and fill them with trained weights; `told` is of its data."""
    modules = build_modules(model, networks, 0, shape, device, len(told))
    for role in model.borrows():
        del modules[role]  # only training needs it
    for role, module in modules.items():
        module.load_state_dict(weights_of(weights, role))
    return TrainedModel(model, modules, networks.latent, told)


def weights_of(weights: Mapping[str, Tensor], role: str) -> dict[str, Tensor]:
    """The part of all weights that is one role's."""
    return {name.removeprefix(f"{role}."): w for name, w in weights.items() if name.startswith(f"{role}.")}


def kept_images(outputs: ModelOutputs) -> dict[str, np.ndarray[Any, np.dtype[np.uint8]]]:
    """The first samples, held-out images and reconstructions, (N, H, W, C)."""
    images = {"samples": outputs.samples, "originals": outputs.real, "reconstructions": outputs.reconstructions}
    kept = {name: p[:KEPT_IMAGES] for name, p in images.items() if p is not None}
    return {name: p.permute(0, 2, 3, 1).contiguous().numpy() for name, p in kept.items()}
