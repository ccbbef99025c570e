"""The models of a study, crossed with its losses and term weights, and each with a term left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from vaegan_bench.api import Model, SelectorError, StudyError, UnknownNameError
from vaegan_bench.api.plugin import selector_text
from vaegan_bench.registry.plugins import Entry, field_types
from vaegan_bench.registry.selectors import Selector, parse_selector
from vaegan_bench.study.resolver import Resolver, WeightedModel
from vaegan_bench.study.study import Study
from vaegan_bench.study.term_weights import SUFFIX


@dataclass(frozen=True)
class Skip:
    """A combination that a study asks for and that cannot be run, with the reason."""

    label: str
    reason: str


def cross_models(study: Study, resolve: Resolver) -> tuple[dict[str, WeightedModel], list[Skip]]:
    """Label → game, and the skips: combinations that crossing with losses makes and their model refuses.

    Raises `SelectorError` for a model that the study names itself, and `StudyError` where no game is left.
    """
    games: dict[str, WeightedModel] = {}
    skips: dict[str, Skip] = {}
    for label in _labels(study, resolve):  # one by one: what is wrong with a model is said before what its terms lack
        try:
            games[label] = resolve.game(label)
        except SelectorError as error:
            if not study.losses or label in study.models:
                raise
            skips[label] = Skip(label, str(error))
    if not games:
        raise StudyError(f"Nothing to run: {next(iter(skips.values())).reason}")
    _check_crossed(study, [model for model, _ in games.values()])
    return games, list(skips.values())


def _labels(study: Study, resolve: Resolver) -> Iterator[str]:
    """The selectors of all models, crossed with the study's losses and weights, and each with a term left out."""
    known_terms: set[str] = set()
    for name in _names(study, resolve):
        for selector in _with_losses(parse_selector(name), study, resolve.registry.of_kind(Model.kind)):
            terms = resolve.terms(selector) if study.term_weights or study.ablate else dict[str, bool]()
            known_terms |= set(terms)
            yield from map(str, _with_term_weights(selector, study, terms))
    if missing := [target for target in study.term_weights if target not in known_terms]:
        raise UnknownNameError("term of the chosen models:", missing[0], known_terms)


def _names(study: Study, resolve: Resolver) -> Iterator[str]:
    """The models as the study names them; 'all' is every registered one, the simplest games first."""
    known = resolve.registry.of_kind(Model.kind)
    every = sorted(known, key=lambda name: len(cast(type[Model], known[name].plugin).players))
    for text in study.models:
        yield from every if text == "all" else [text]


def _with_losses(selector: Selector, study: Study, known: Mapping[str, Entry]) -> list[Selector]:
    """One selector of the model for each combination of the losses that the study crosses its fields with."""
    fields = field_types(known[selector.name].plugin) if selector.name in known else {}
    selectors = [selector]
    for field in (f for f in study.losses if f in fields):
        selectors = [s.plus({field: loss}) for s in selectors for loss in study.losses[field]]
    return selectors


def _with_term_weights(selector: Selector, study: Study, terms: Mapping[str, bool]) -> list[Selector]:
    """The model with each combination of the study's term weights; for an ablation, then each without one term."""
    selectors = [selector]
    for target in (t for t in study.term_weights if t in terms):
        texts = [selector_text(weight) for weight in study.term_weights[target]]
        selectors = [s.plus({target + SUFFIX: text}) for s in selectors for text in texts]
    if not study.ablate:
        return selectors
    whole_terms = [term for term, is_whole in terms.items() if is_whole]
    return [*selectors, *(s.plus({term + SUFFIX: "0"}) for s in selectors for term in whole_terms)]


def _check_crossed(study: Study, models: Iterable[Model]) -> None:
    """Refuse a crossed field that no chosen model has."""
    fields = {name for model in models for name in field_types(type(model))}
    for field in study.losses:
        if field not in fields:
            raise UnknownNameError("field to cross, of the chosen models:", field, fields)
