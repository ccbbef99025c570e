"""From a study to runs: cross, resolve every name, and refuse before anything trains."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

import torch

from vaegan_bench.api import (
    Dataset,
    ImageShape,
    Metric,
    Model,
    Networks,
    Optimizer,
    PluginError,
    StudyError,
    definition,
)
from vaegan_bench.assembly import build_role, roles
from vaegan_bench.device import choose_device, choose_precision
from vaegan_bench.registry import Registry, field_types, plugins_within
from vaegan_bench.selectors import Selector, parse_selector
from vaegan_bench.study import Study


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
        """All that decides the outcome, as plain data, with a digest of each plugin's code."""
        plugins = (self.model, self.dataset, self.networks, self.optimizer)
        code = {type(p).__module__: _code_digest(type(p)) for whole in plugins for p in plugins_within(whole)}
        return {"model": definition(self.model), "seed": self.seed, **self.setting, "code": code}

    @property
    def setting_id(self) -> str:
        """A hash of the setting: rows are aggregated only within one."""
        return _digest(self.setting)

    @property
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
    labels = list(dict.fromkeys(_labels(study, registry)))
    models = {label: resolve.model(label) for label in labels}
    runs = [run for label, model in models.items() for run in resolve.runs(label, model)]
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

    def model(self, selector: str) -> Model:
        """A model, with this study's fields."""
        return self.registry.build(Model, self._with_study_fields(selector))

    def metric(self, selector: str) -> Metric:
        """A metric, with this study's fields."""
        return self.registry.build(Metric, self._with_study_fields(selector))

    def runs(self, label: str, model: Model) -> Iterator[Run]:
        """One run per data set and seed."""
        study, build = self.study, self.registry.build
        for dataset in study.datasets:
            for seed in study.seeds:
                yield Run(
                    label=label,
                    model=model,
                    seed=seed,
                    dataset=build(Dataset, self._with_study_fields(dataset)),
                    size=study.size,
                    split=study.split,
                    networks=build(Networks, self._with_study_fields(study.networks)),
                    optimizer=build(Optimizer, self._with_study_fields(study.optimizer)),
                    steps=study.steps,
                    batch=study.batch,
                    ema=study.ema,
                    precision=choose_precision(study.precision, self.device),
                    device=self.device.type,
                )

    def _with_study_fields(self, text: str) -> Selector:
        selector = parse_selector(text)
        defaults = self.study.fields.get(selector.name, {})
        written = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in defaults.items()}
        return Selector(selector.name, {**written, **selector.fields})


def _labels(study: Study, registry: Registry) -> Iterator[str]:
    """The selectors of all models, crossed with the study's losses."""
    known = registry.of_kind(Model.kind)
    crossed: set[str] = set()
    for text in study.models:
        for name in known if text == "all" else [text]:
            selectors = [parse_selector(name)]
            fields = field_types(known[selectors[0].name].plugin) if selectors[0].name in known else {}
            for field in (f for f in study.losses if f in fields):
                crossed.add(field)
                selectors = [s.plus({field: loss}) for s in selectors for loss in study.losses[field]]
            yield from map(str, selectors)
    for field in set(study.losses) - crossed:
        raise StudyError(f"losses: none of the chosen models has a field '{field}'.")


def _build_on_paper(runs: list[Run]) -> tuple[list[Run], list[Skip]]:
    """Build every run's networks without memory, so that what cannot be built is known now."""
    fitting: list[Run] = []
    skips: dict[str, Skip] = {}
    for run in runs:
        try:
            with torch.device("meta"):
                for role in roles(run.model):
                    build_role(run.model, run.networks, role, ImageShape(3, run.size, run.size))
        except PluginError as error:
            skips[run.label] = Skip(run.label, str(error))
        else:
            fitting.append(run)
    return fitting, list(skips.values())


def _code_digest(plugin: type) -> str:
    """A digest of the file that defines a plugin: an edited plugin is another plugin."""
    return hashlib.sha256(inspect.getsource(inspect.getmodule(plugin) or plugin).encode()).hexdigest()[:12]


def _digest(plain: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
