"""Weights of terms: what a selector's `term.weight` and `player.term.weight` mean."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from vaegan_bench.api import Objectives, Schedule, SelectorError, UnknownNameError
from vaegan_bench.registry import Registry
from vaegan_bench.schedules.constant import Constant
from vaegan_bench.selectors import Selector

SUFFIX = ".weight"


@dataclass(frozen=True)
class Weight:
    """A factor on the coefficient of one term, over a run."""

    target: str
    """The term, for every player that minimises it; or 'player.term'."""
    schedule: Schedule

    def __str__(self) -> str:
        """As a selector writes it: a number, or a schedule."""
        return f"{self.schedule.value:g}" if isinstance(self.schedule, Constant) else str(self.schedule)

    def means(self, player: str, term: str) -> bool:
        """Whether it is about this term of this player."""
        return self.target in (term, f"{player}.{term}")


def split_weights(selector: Selector) -> tuple[Selector, dict[str, str]]:
    """A model's selector without its weights, and these: target → text."""
    weights = {n.removesuffix(SUFFIX): text for n, text in selector.fields.items() if n.endswith(SUFFIX)}
    fields = {name: text for name, text in selector.fields.items() if not name.endswith(SUFFIX)}
    return Selector(selector.name, fields), weights


def read_weight(target: str, text: str, registry: Registry) -> Weight:
    """A number, or a schedule by selector. Raises `BenchError` for anything else."""
    try:
        value = float(text)
    except ValueError:
        return Weight(target, registry.build(Schedule, text))
    if not math.isfinite(value):
        raise SelectorError(f"{target}{SUFFIX} takes a finite number or a schedule, not '{text}'.")
    return Weight(target, Constant(value=value))


def check_targets(weights: Iterable[Weight], game: Mapping[str, Collection[str]], model: str) -> None:
    """Refuse weights of what no player minimises; `game` is player → terms. Raises `UnknownNameError`."""
    known = {name for player, terms in game.items() for term in terms for name in (term, f"{player}.{term}")}
    for weight in weights:
        if weight.target not in known:
            raise UnknownNameError(f"term of model '{model}':", weight.target, known)


def weigh(objectives: Objectives, weights: Collection[Weight], step: int, steps: int) -> Objectives:
    """The game with the weights of one step; of several about one term, all count.

    A player whose coefficients are all 0, by its weights or by the model's own fields, sits this step out.
    """
    factors: dict[tuple[str, str], float] = {}
    for player, terms in objectives.minimise.items():
        for term in terms:
            for weight in (w for w in weights if w.means(player, term)):
                factors[player, term] = factors.get((player, term), 1.0) * weight.schedule(1.0, step, steps)
    return objectives.weighed(factors)
