"""From a study to runs: cross, resolve every name, and refuse before anything trains."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import torch

from vaegan_bench.api import (
    Dataset,
    ImageShape,
    Metric,
    Model,
    Networks,
    Optimizer,
    Plugin,
    PluginError,
    StudyError,
    UnknownNameError,
    definition,
)
from vaegan_bench.api.plugin import written
from vaegan_bench.assembly import build_role, roles
from vaegan_bench.device import choose_device, choose_precision
from vaegan_bench.registry import Registry, field_types, plugins_within
from vaegan_bench.selectors import parse_selector
from vaegan_bench.study import Study

P = TypeVar("P", bound=Plugin)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training, fully decided."""

    label: str
    """How tables name the model: the selector as its user wrote it."""
    model: Model
    seed: int
    dataset: Dataset
    size: int
    split: str
    networks: Networks
    optimizer: Optimizer
    steps: int
    batch: int
    ema: float
    precision: str
    device: str
    """The kind of device, 'cpu' or 'cuda': the same seed gives other bits on another."""

    @cached_property
    def setting(self) -> Mapping[str, Any]:
        """All that decides the outcome but the model and the seed: what compared runs must share."""
        plugins = {name: definition(getattr(self, name)) for name in ("dataset", "networks", "optimizer")}
        plain = {n: getattr(self, n) for n in ("size", "split", "steps", "batch", "ema", "precision", "device")}
        versions = {"vaegan-bench": version("vaegan-bench"), "torch": version("torch")}
        return {**plugins, **plain, "versions": versions}

    @cached_property
    def definition(self) -> Mapping[str, Any]:
        """All that decides the outcome, as plain data, with digests of the plugins' code."""
        code = code_of((self.model, self.dataset, self.networks, self.optimizer), without=NOT_TRAINING)
        return {"model": definition(self.model), "seed": self.seed, **self.setting, "code": code}

    @property
    def setting_id(self) -> str:
        """A hash of the setting: rows are aggregated only within one."""
        return _digest(self.setting)

    @cached_property
    def id(self) -> str:
        """The run's folder name: readable first, and a hash of the definition."""
        readable = "".join(c if c.isalnum() or c in "-." else "-" for c in self.label).strip("-")
        return f"{readable[:40]}-s{self.seed}-{_digest(self.definition)[:8]}"


@dataclass(frozen=True)
class Skip:
    """A combination that a study asked for and that cannot be, with the reason."""

    label: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """The runs of a study, and what was left out."""

    study: Study
    runs: tuple[Run, ...]
    skips: tuple[Skip, ...]
    metrics: tuple[Metric, ...]


def make_plan(study: Study, registry: Registry) -> Plan:
    """Cross data sets × models × losses × seeds. Raises `BenchError` for anything that could not be run."""
    resolve = Resolver(study, registry)
    metrics = tuple(resolve.metric(m) for m in study.metrics)
    models = {label: resolve.model(label) for label in dict.fromkeys(_labels(study, registry))}
    _check_crossed(study, models.values())
    runs = [run for label, model in models.items() for run in resolve.runs(label, model)]
    _refuse_twins(runs)
    fitting, skips = _build_on_paper(runs)
    if not fitting:
        raise StudyError(f"Nothing to run: {skips[0].reason}")
    return Plan(study, tuple(fitting), tuple(skips), metrics)


class Resolver:
    """Turns a study's selectors into plugins, with the study's own defaults filled in."""

    def __init__(self, study: Study, registry: Registry) -> None:
        self.study = study
        self.registry = registry
        self.device = choose_device(study.device)
        self.fields = {name: {k: written(v) for k, v in fields.items()} for name, fields in study.fields.items()}
        registry.check_fields(self.fields)

    def model(self, selector: str) -> Model:
        """A model, with this study's fields."""
        return self._build(Model, selector)

    def metric(self, selector: str) -> Metric:
        """A metric, with this study's fields."""
        return self._build(Metric, selector)

    def runs(self, label: str, model: Model) -> Iterator[Run]:
        """One run per data set and seed."""
        study = self.study
        for dataset in study.datasets:
            for seed in dict.fromkeys(study.seeds):
                yield Run(
                    label=label,
                    model=model,
                    seed=seed,
                    dataset=self._build(Dataset, dataset),
                    size=study.size,
                    split=study.split,
                    networks=self._build(Networks, study.networks),
                    optimizer=self._build(Optimizer, study.optimizer),
                    steps=study.steps,
                    batch=study.batch,
                    ema=study.ema,
                    precision=choose_precision(study.precision, self.device),
                    device=self.device.type,
                )

    def _build(self, base: type[P], selector: str) -> P:
        return self.registry.build(base, selector, self.fields)


def _labels(study: Study, registry: Registry) -> Iterator[str]:
    """The selectors of all models, crossed with the study's losses."""
    known = registry.of_kind(Model.kind)
    for text in study.models:
        for name in known if text == "all" else [text]:
            selectors = [parse_selector(name)]
            fields = field_types(known[selectors[0].name].plugin) if selectors[0].name in known else {}
            for field in (f for f in study.losses if f in fields and study.losses[f]):
                selectors = [s.plus({field: loss}) for s in selectors for loss in study.losses[field]]
            yield from map(str, selectors)


def _check_crossed(study: Study, models: Iterable[Model]) -> None:
    """Every crossed field belongs to a chosen model, and has something to be crossed with."""
    fields = {name for model in models for name in field_types(type(model))}
    for field, losses in study.losses.items():
        if field not in fields:
            raise UnknownNameError("field to cross, of the chosen models:", field, fields)
        if not losses:
            raise StudyError(f"losses: '{field}' has no loss to be crossed with.")


def _refuse_twins(runs: list[Run]) -> None:
    """Two labels of one run would share its folder, and one of them would vanish from the tables."""
    first: dict[str, Run] = {}
    for run in runs:
        twin = first.setdefault(_digest(run.definition), run)
        if twin is not run:
            raise StudyError(f"'{twin.label}' and '{run.label}' mean the same run: leave one of them out.")


def _check_optimizer(run: Run) -> None:
    """Refuse settings that torch refuses, before anything trains."""
    try:
        run.optimizer.build(
            [{"params": [torch.nn.Parameter(torch.zeros(1))], "weight_decay": run.optimizer.weight_decay}]
        )
        run.optimizer.schedule(run.optimizer.lr, 0, run.steps)
    except (ValueError, ArithmeticError) as error:
        raise StudyError(f"Optimizer '{run.optimizer}' cannot be used: {error}.") from error


def _build_on_paper(runs: list[Run]) -> tuple[list[Run], list[Skip]]:
    """Build every run's networks without memory, so that what cannot be built is known now."""
    fitting: list[Run] = []
    skips: dict[str, Skip] = {}
    _check_optimizer(runs[0])
    for run in runs:
        try:
            with torch.device("meta"):
                for role in roles(run.model):
                    build_role(run.model, run.networks, role, ImageShape(3, run.size, run.size))
        except PluginError as error:
            skips[run.label] = Skip(run.label, str(error))
        except (RuntimeError, ValueError, ArithmeticError) as error:
            raise StudyError(f"Networks '{run.networks}' cannot be built: {str(error).splitlines()[0]}.") from error
        else:
            fitting.append(run)
    return fitting, list(skips.values())


PRESENTATION = ("cli", "plots", "tables", "report.py", "figures.py", "results.py", "progress.py", "estimate.py")
"""Parts of this package that show results and have no part in them."""
NOT_TRAINING = (
    *PRESENTATION,
    "builtin.py",
    "metrics",
    "extractors",
    "evaluation",
    "store.py",
    "execution.py",
    "tensor_files.py",
)
"""Parts that a trained model does not depend on: when only they change, finished runs are measured again."""


def code_of(plugins: Iterable[Plugin], without: tuple[str, ...] = PRESENTATION) -> dict[str, str]:
    """A digest of the code behind plugins and the plugins in their fields, by top-level module: edited is another.

    Of this package, the parts named in `without` do not count.
    """
    classes = {type(p) for whole in plugins for p in plugins_within(whole)}
    roots = sorted({cls.__module__.partition(".")[0] for cls in classes})
    return {root: _code_digest(root, without) for root in roots}


@cache
def _code_digest(root: str, without: tuple[str, ...]) -> str:
    """A digest of all source files of a package, or of a single module's file."""
    module = sys.modules[root]
    folder = Path(str(module.__file__)).parent
    files = sorted(folder.rglob("*.py")) if hasattr(module, "__path__") else [Path(str(module.__file__))]
    if root == "vaegan_bench":
        files = [file for file in files if file.relative_to(folder).parts[0] not in without]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _digest(plain: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
