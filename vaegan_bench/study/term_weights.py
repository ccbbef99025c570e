"""Term weights: the factors that a selector sets with `term.weight` and `player.term.weight`."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vaegan_bench.api import (
    AdaptiveWeight,
    Model,
    Networks,
    Objectives,
    Plugin,
    PluginError,
    Schedule,
    SelectorError,
    UnknownNameError,
    definition,
)
from vaegan_bench.registry.plugins import Defaults, Registry
from vaegan_bench.registry.selectors import Selector, parse_selector

SUFFIX = ".weight"


@dataclass(frozen=True)
class TermWeight:
    """A factor on the coefficient of one term, over a run."""

    target: str
    """The term, for every player that minimises it; or 'player.term'."""
    factor: float | Schedule | AdaptiveWeight

    def __str__(self) -> str:
        """As a selector writes it: a number, or a schedule or adaptive weight."""
        return str(self.factor) if isinstance(self.factor, Plugin) else f"{self.factor:g}"

    @property
    def definition(self) -> Any:
        """The factor as plain data: a number, or the definition of a plugin."""
        return definition(self.factor) if isinstance(self.factor, Plugin) else self.factor

    def at(self, step: int, steps: int) -> float:
        """The factor at `step` of `steps`; 1 for an adaptive weight, which depends on the game of that step."""
        if isinstance(self.factor, AdaptiveWeight):
            return 1.0
        return self.factor(1.0, step, steps) if isinstance(self.factor, Schedule) else self.factor

    def applies_to(self, player: str, term: str) -> bool:
        """Whether it multiplies the coefficient of this term of this player."""
        return self.target in (term, f"{player}.{term}")


def split_term_weights(selector: Selector) -> tuple[Selector, dict[str, str]]:
    """A model's selector without its term weights, and the term weights as target → text."""
    weights = {n.removesuffix(SUFFIX): text for n, text in selector.fields.items() if n.endswith(SUFFIX)}
    fields = {name: text for name, text in selector.fields.items() if not name.endswith(SUFFIX)}
    return Selector(selector.name, fields), weights


def split_fields(fields: Defaults, registry: Registry) -> tuple[Defaults, Defaults]:
    """A study's fields by plugin, and the term weights among them, which only models have.

    Raises `UnknownNameError` for unknown plugins and fields, `SelectorError` for no field, or weights of no model.
    """
    split = {name: split_term_weights(Selector(name, dict(values))) for name, values in fields.items()}
    plain = {name: selector.fields for name, (selector, _) in split.items()}
    weights = {name: found for name, (_, found) in split.items() if found}
    registry.check_fields(plain)
    if empty := [name for name, values in fields.items() if not values]:
        raise SelectorError(f"No field of '{empty[0]}' is given: write {empty[0]}[field=value].")
    for name in weights.keys() - registry.of_kind(Model.kind).keys():
        raise no_terms(name, weights[name])
    return plain, weights


def no_terms(name: str, weights: Mapping[str, str]) -> SelectorError:
    """The error for term weights, target → text, of a plugin that is no model."""
    return SelectorError(f"'{name}' has no terms, and so no {next(iter(weights))}{SUFFIX}: only models have.")


def read_term_weight(target: str, text: str, registry: Registry, fields: Defaults | None = None) -> TermWeight:
    """A number, or a schedule or adaptive weight by selector with `fields`. Raises `BenchError` for anything else."""
    try:
        value = float(text)
    except ValueError:
        return TermWeight(target, _read_plugin(text, registry, fields))
    if not math.isfinite(value):
        raise SelectorError(f"{target}{SUFFIX} takes a finite number, a schedule or an adaptive weight, not '{text}'.")
    return TermWeight(target, value)


def _read_plugin(text: str, registry: Registry, fields: Defaults | None) -> Schedule | AdaptiveWeight:
    name, adaptive = parse_selector(text).name, registry.of_kind(AdaptiveWeight.kind)
    if name in adaptive:
        return registry.build(AdaptiveWeight, text, fields)
    if name not in (schedules := registry.of_kind(Schedule.kind)):
        raise UnknownNameError("schedule or adaptive weight", name, {*schedules, *adaptive})
    return registry.build(Schedule, text, fields)


def restore_term_weight(target: str, factor: Any, registry: Registry) -> TermWeight:
    """The weight with this definition. Raises `UnknownNameError` for a plugin that is not registered here."""
    if not isinstance(factor, Mapping):
        return TermWeight(target, float(factor))
    if factor["kind"] == AdaptiveWeight.kind:
        return TermWeight(target, registry.restore(AdaptiveWeight, factor))
    return TermWeight(target, registry.restore(Schedule, factor))


def check_targets(weights: Iterable[TermWeight], game: Mapping[str, Collection[str]], model: str) -> None:
    """Refuse weights of terms that no player minimises; `game` is player → terms. Raises `UnknownNameError`."""
    known = {name for player, terms in game.items() for term in terms for name in (term, f"{player}.{term}")}
    for weight in weights:
        if weight.target not in known:
            raise UnknownNameError(f"term of model '{model}':", weight.target, known)


def check_last_layers(
    weights: Iterable[TermWeight], game: Mapping[str, Mapping[str, float]], model: Model, networks: Networks
) -> None:
    """Refuse adaptive weights without a last layer, or of a player's only term: both leave no gradients to compare.

    Raises `PluginError`.
    """
    for weight in (w for w in weights if isinstance(w.factor, AdaptiveWeight)):
        for player, terms in game.items():
            for term in (t for t in terms if weight.applies_to(player, t)):
                last_layer_of(model, networks, player)
                if len(terms) == 1:
                    raise PluginError(
                        f"'{weight}' weighs a term against the others of its player, but '{player}' minimises "
                        f"'{term}' alone. Name a player that minimises more: player.{term}{SUFFIX}."
                    )


def last_layer_of(model: Model, networks: Networks, player: str) -> tuple[str, str]:
    """The role of a player whose last layer the networks name, and the name of its weight.

    Raises `PluginError` where the networks name no last layer of the player.
    """
    for role in model.players[player]:
        if role in networks.last_layers:
            return role, networks.last_layers[role]
    raise PluginError(
        f"An adaptive weight compares gradients at a last layer, and networks '{networks.name}' name none of player "
        f"'{player}', which owns {', '.join(model.players[player])}. Name another player, as in "
        f"decoder.generator{SUFFIX}."
    )


def apply_term_weights(objectives: Objectives, weights: Collection[TermWeight], step: int, steps: int) -> Objectives:
    """The game with the term weights of one step; several weights of one term are multiplied.

    A player whose coefficients are all 0, by its weights or by the model's own fields, keeps its weights in this step.
    """
    factors: dict[tuple[str, str], float] = {}
    for player, terms in objectives.minimise.items():
        for term in terms:
            for weight in (w for w in weights if w.applies_to(player, term)):
                factors[player, term] = factors.get((player, term), 1.0) * weight.at(step, steps)
    return objectives.weigh(factors)
