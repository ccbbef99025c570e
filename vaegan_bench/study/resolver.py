"""A study's selectors as plugins, with the study's own defaults filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, cast

from vaegan_bench.api import (
    Dataset,
    Metric,
    Model,
    Networks,
    Optimizer,
    Plugin,
    Sampler,
    StudyError,
    UnknownNameError,
)
from vaegan_bench.api.plugin import selector_text
from vaegan_bench.registry.plugins import Defaults, Registry, plugins_within
from vaegan_bench.registry.selectors import Selector, parse_selector
from vaegan_bench.study.assembly import stated_game
from vaegan_bench.study.run import Run
from vaegan_bench.study.study import PRIOR, Study
from vaegan_bench.study.term_weights import TermWeight, read_term_weight, split_fields, split_term_weights
from vaegan_bench.system.device import choose_device, choose_precision
from vaegan_bench.system.errors import FAILURES

P = TypeVar("P", bound=Plugin)
WeightedModel = tuple[Model, tuple[TermWeight, ...]]


def metric_types(registry: Registry) -> list[type[Metric]]:
    """Every registered metric."""
    return [cast(type[Metric], entry.plugin) for entry in registry.of_kind(Metric.kind).values()]


def metrics_known_as(registry: Registry) -> dict[str, str]:
    """Name of a number in the literature → the selector that measures it, as metrics declare."""
    return {name: selector for metric in metric_types(registry) for name, selector in metric.known_as.items()}


def _metrics_of_headlines(registry: Registry) -> dict[str, str]:
    """Name of a number that is a headline, and of no metric → the metric that gives it."""
    metrics = metric_types(registry)
    known = {metric.name for metric in metrics}
    return {number: metric.name for metric in metrics for number in metric.headline if number not in known}


def metric_of(registry: Registry, selector: str, fields: Defaults) -> Metric:
    """A metric with the given fields. Raises `StudyError` for the name of a number, such as 'fid' or 'psnr'."""
    numbers = {**_metrics_of_headlines(registry), **metrics_known_as(registry)}
    if meant := numbers.get(parse_selector(selector).name.lower()):
        raise StudyError(f"'{selector}' is a number of a metric: use {meant}.")
    return registry.build(Metric, selector, fields)


def sampler_of(registry: Registry, selector: str, fields: Defaults | None = None) -> Sampler | None:
    """A sampler; None for 'prior'. Raises `UnknownNameError` for any other name that no sampler has."""
    chosen, known = parse_selector(selector), registry.of_kind(Sampler.kind)
    if chosen == Selector(PRIOR):
        return None
    if chosen.name not in known:
        raise UnknownNameError(Sampler.kind, str(chosen), {PRIOR, *known})
    return registry.build(Sampler, selector, fields)


def names_within(plugins: Iterable[Plugin]) -> set[str]:
    """The names of plugins and of all plugins in their fields."""
    return {within.name for plugin in plugins for within in plugins_within(plugin)}


def refuse_idle_fields(fields: Defaults, users: Iterable[Plugin]) -> None:
    """Raise `StudyError` where `--fields` names a plugin that is neither one of `users` nor in their fields."""
    if idle := sorted(fields.keys() - names_within(users)):
        raise StudyError(f"--fields {idle[0]}[…]: no effect, because nothing here uses '{idle[0]}'. Leave it out.")


class Resolver:
    """Turns a study's selectors into plugins, with the study's own defaults filled in."""

    def __init__(self, study: Study, registry: Registry) -> None:
        self.study = study
        self.registry = registry
        self.device = choose_device(study.device)
        fields = {name: {k: selector_text(v) for k, v in values.items()} for name, values in study.fields.items()}
        self.fields, self.weights = split_fields(fields, registry)

    def game(self, label: str) -> WeightedModel:
        """A model and its term weights, with this study's defaults for fields and weights that the label omits."""
        selector, given = split_term_weights(parse_selector(label))
        weights = {**self.weights.get(selector.name, {}), **given}
        return self._build(Model, selector), self._read(weights)

    def _read(self, weights: Mapping[str, str]) -> tuple[TermWeight, ...]:
        return tuple(read_term_weight(target, text, self.registry, self.fields) for target, text in weights.items())

    def _lender_weights(self, model: Model, within: str = "") -> Iterator[tuple[str, tuple[TermWeight, ...]]]:
        """The study's term weights for the models from which a model borrows, as `Run.lender_weights`."""
        for role, borrowed in model.borrows().items():
            if weights := self.weights.get(borrowed.model.name):
                yield f"{within}{role}", self._read(weights)
            yield from self._lender_weights(borrowed.model, f"{within}{role}.")

    def metric(self, selector: str) -> Metric:
        """A metric, with this study's fields. Raises `StudyError` for the name of a number, such as 'fid'."""
        return metric_of(self.registry, selector, self.fields)

    def terms(self, selector: Selector) -> dict[str, bool]:
        """The targets that a model's term weights can have: 'term' → True and 'player.term' → False.

        Empty for a model that cannot be built: the plan reports it later, with the reason. Raises `BenchError` where
        the study's networks cannot be.
        """
        networks = self._build(Networks, self.study.networks)
        try:
            model, _ = self.game(str(selector))
            game = stated_game(model, networks, self.study.size)
        except FAILURES:
            return {}
        whole = {term: True for terms in game.values() for term in terms}
        return {**whole, **{f"{player}.{term}": False for player, terms in game.items() for term in terms}}

    def runs(self, label: str, model: Model, weights: tuple[TermWeight, ...]) -> Iterator[Run]:
        """One run per data set and seed."""
        first, *others = dict.fromkeys(self.study.seeds)
        for dataset in dict.fromkeys(self.study.datasets):
            run = self._run(label, model, weights, dataset, first)
            yield run
            yield from map(run.with_seed, others)

    def _run(self, label: str, model: Model, weights: tuple[TermWeight, ...], dataset: str, seed: int) -> Run:
        study = self.study
        return Run(
            label=label,
            model=model,
            seed=seed,
            dataset=self._build(Dataset, dataset),
            size=study.size,
            split=study.split,
            networks=self._build(Networks, study.networks),
            optimizer=self._build(Optimizer, study.optimizer),
            optimizers=tuple((player, self._build(Optimizer, text)) for player, text in study.optimizers.items()),
            steps=study.steps,
            batch=study.batch,
            ema=study.ema,
            precision=choose_precision(study.precision, self.device),
            device=self.device.type,
            threads=study.threads,
            term_weights=weights,
            lender_weights=tuple(self._lender_weights(model)),
        )

    def _build(self, base: type[P], selector: str | Selector) -> P:
        return self.registry.build(base, selector, self.fields)
