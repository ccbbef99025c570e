"""From a study to runs: cross, resolve every name, and refuse before anything trains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

import torch

from vaegan_bench.api import (
    BenchError,
    Dataset,
    ImageShape,
    Metric,
    Model,
    Networks,
    Optimizer,
    Plugin,
    PluginError,
    SelectorError,
    StudyError,
    UnknownNameError,
)
from vaegan_bench.api.plugin import selector_text
from vaegan_bench.registry.plugins import Registry, field_types
from vaegan_bench.registry.selectors import Selector, parse_selector
from vaegan_bench.study.assembly import build_role, roles, stated_game
from vaegan_bench.study.run import Run, code_of
from vaegan_bench.study.study import Study
from vaegan_bench.study.term_weights import SUFFIX, TermWeight, check_targets, read_term_weight, split_term_weights
from vaegan_bench.system.device import choose_device, choose_precision
from vaegan_bench.system.errors import FAILURES, reason_of

P = TypeVar("P", bound=Plugin)


@dataclass(frozen=True)
class Skip:
    """A combination that a study asked for and that cannot be, with the reason."""

    label: str
    reason: str


Lenders = Mapping[str, Mapping[str, Run]]
"""Run id → borrowed role → the run whose trained network it is."""


@dataclass(frozen=True)
class Plan:
    """The runs of a study, and what was left out."""

    study: Study
    runs: tuple[Run, ...]
    skips: tuple[Skip, ...]
    metrics: tuple[Metric, ...]
    lenders: Lenders
    """Decided here: a plugin that is edited while the study runs must not change who lends to whom."""

    @property
    def unfollowed(self) -> str:
        """A warning about code that no run's identity covers; '' where there is none."""
        places = {place for run in self.runs for place in run.definition["unfollowed"]}
        found = "; ".join(sorted(places.union(code_of(self.metrics).unfollowed)))
        return found and f"Code that cannot be followed, so that edits of it make no other run: {found}."


def make_plan(study: Study, registry: Registry) -> Plan:
    """Cross data sets × models × losses × seeds. Raises `BenchError` for anything that could not be run."""
    resolve = Resolver(study, registry)
    metrics = tuple(resolve.metric(m) for m in study.metrics)
    games, refused = _games(study, resolve)
    _check_crossed(study, [model for model, _ in games.values()])
    runs = [run for label, (model, weights) in games.items() for run in resolve.runs(label, model, weights)]
    _refuse_twins(runs)
    runs, lenders = _with_lenders(runs)
    fitting, skips = _build_on_paper(runs)
    skips = [*refused, *skips]
    if not fitting:
        raise StudyError(f"Nothing to run: {skips[0].reason}")
    return Plan(study, tuple(fitting), tuple(skips), metrics, lenders)


Game = tuple[Model, tuple[TermWeight, ...]]


def _games(study: Study, resolve: Resolver) -> tuple[dict[str, Game], list[Skip]]:
    """Label → game; what only crossing has made, and its model refuses, is skipped with the reason."""
    games: dict[str, Game] = {}
    skips = []
    for label in dict.fromkeys(_labels(study, resolve)):
        try:
            games[label] = resolve.game(label)
        except SelectorError as error:
            if not study.losses or label in study.models:
                raise
            skips.append(Skip(label, str(error)))
    if not games:
        raise StudyError(f"Nothing to run: {skips[0].reason}")
    return games, skips


def metrics_known_as(registry: Registry) -> dict[str, str]:
    """Name of a number in the literature → the selector that measures it, as metrics declare."""
    metrics = [cast(type[Metric], entry.plugin) for entry in registry.of_kind(Metric.kind).values()]
    return {name: selector for metric in metrics for name, selector in metric.known_as.items()}


def metric_of(registry: Registry, selector: str, fields: Mapping[str, Mapping[str, str]]) -> Metric:
    """A metric with the given fields. Raises `StudyError` for the name of a number, such as 'fid'."""
    if meant := metrics_known_as(registry).get(parse_selector(selector).name.lower()):
        raise StudyError(f"'{selector}' is a number of a metric: use {meant}.")
    return registry.build(Metric, selector, fields)


class Resolver:
    """Turns a study's selectors into plugins, with the study's own defaults filled in."""

    def __init__(self, study: Study, registry: Registry) -> None:
        self.study = study
        self.registry = registry
        self.device = choose_device(study.device)
        self.fields = {name: {k: selector_text(v) for k, v in fields.items()} for name, fields in study.fields.items()}
        registry.check_fields(self.fields)

    def game(self, label: str) -> Game:
        """A model, with this study's fields, and the weights of its terms."""
        selector, weights = split_term_weights(parse_selector(label))
        model = self._build(Model, selector)
        return model, tuple(read_term_weight(target, text, self.registry) for target, text in weights.items())

    def metric(self, selector: str) -> Metric:
        """A metric, with this study's fields. Raises `StudyError` for the name of a number, such as 'fid'."""
        return metric_of(self.registry, selector, self.fields)

    def terms(self, selector: Selector) -> dict[str, bool]:
        """What a model's weights may be about: its terms, and each term of one player; True for the former.

        Nothing of a model that cannot be: the plan says so, and why.
        """
        try:
            model, _ = self.game(str(selector))
            game = stated_game(model, self._build(Networks, self.study.networks))
        except FAILURES:
            return {}
        whole = {term: True for terms in game.values() for term in terms}
        return {**whole, **{f"{player}.{term}": False for player, terms in game.items() for term in terms}}

    def runs(self, label: str, model: Model, weights: tuple[TermWeight, ...]) -> Iterator[Run]:
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
                    term_weights=weights,
                )

    def _build(self, base: type[P], selector: str | Selector) -> P:
        return self.registry.build(base, selector, self.fields)


def _labels(study: Study, resolve: Resolver) -> Iterator[str]:
    """The selectors of all models, crossed with the study's losses and weights, and each with a term left out."""
    known = resolve.registry.of_kind(Model.kind)
    every = sorted(
        known, key=lambda name: len(cast(type[Model], known[name].plugin).players)
    )  # the simplest games first
    known_terms: set[str] = set()
    for text in study.models:
        for name in every if text == "all" else [text]:
            selectors = [parse_selector(name)]
            fields = field_types(known[selectors[0].name].plugin) if selectors[0].name in known else {}
            for field in (f for f in study.losses if f in fields and study.losses[f]):
                selectors = [s.plus({field: loss}) for s in selectors for loss in study.losses[field]]
            for selector in selectors:
                terms = resolve.terms(selector) if study.term_weights or study.ablate else dict[str, bool]()
                known_terms |= set(terms)
                yield from map(str, _with_term_weights(selector, study, terms))
    if missing := [target for target in study.term_weights if target not in known_terms]:
        raise UnknownNameError("term of the chosen models:", missing[0], known_terms)


def _with_term_weights(selector: Selector, study: Study, terms: Mapping[str, bool]) -> list[Selector]:
    """A model with all weights that the study gives its terms; then each of these with one term left out."""
    selectors = [selector]
    for target in (t for t in study.term_weights if t in terms):
        selectors = [s.plus({target + SUFFIX: text}) for s in selectors for text in study.term_weights[target]]
    if not study.ablate:
        return selectors
    whole_terms = [term for term, is_whole in terms.items() if is_whole]
    return [*selectors, *(s.plus({term + SUFFIX: "0"}) for s in selectors for term in whole_terms)]


def _with_lenders(runs: list[Run]) -> tuple[list[Run], Lenders]:
    """The runs, each behind those whose networks it borrows; what the study trains anyway is not trained twice."""
    known = {run.fingerprint: run for run in runs}
    ordered: dict[str, Run] = {}
    lenders: dict[str, dict[str, Run]] = {}

    def add(run: Run) -> None:
        lenders[run.id] = {r: known.setdefault(lender.fingerprint, lender) for r, lender in run.lenders.items()}
        for lender in lenders[run.id].values():
            add(lender)
        ordered.setdefault(run.id, run)

    for run in runs:
        add(run)
    return list(ordered.values()), lenders


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
        twin = first.setdefault(run.fingerprint, run)
        if twin is not run:
            raise StudyError(f"'{twin.label}' and '{run.label}' mean the same run: leave one of them out.")


def _check_optimizer(run: Run) -> None:
    """Refuse settings that torch refuses, before anything trains."""
    try:
        run.optimizer.build(
            [{"params": [torch.nn.Parameter(torch.zeros(1))], "weight_decay": run.optimizer.weight_decay}]
        )
        run.optimizer.schedule(run.optimizer.lr, 0, run.steps)
    except BenchError:
        raise
    except FAILURES as error:
        raise StudyError(f"Optimizer '{run.optimizer}' cannot be used: {reason_of(error)}.") from error


def _check_weights(run: Run) -> None:
    """Refuse weights of terms that no player of the run's model minimises."""
    if run.term_weights:
        check_targets(run.term_weights, stated_game(run.model, run.networks), run.model.name)


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
            _check_weights(run)
        except PluginError as error:
            skips[run.label] = Skip(run.label, str(error))
        except BenchError:
            raise
        except FAILURES as error:
            raise StudyError(f"Networks '{run.networks}' cannot be built: {reason_of(error)}.") from error
        else:
            fitting.append(run)
    return fitting, list(skips.values())
