"""One training with every setting decided, and its identity, which follows from these settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.metadata import version
from typing import Any

from vaegan_bench.api import Dataset, Model, Networks, Optimizer, Plugin, definition
from vaegan_bench.registry.plugins import extractors_within, plugins_within
from vaegan_bench.study.term_weights import TermWeight
from vaegan_bench.system.code import Code, package_digest, third_party_code

SETTINGS = ("size", "split", "steps", "batch", "ema", "precision", "device", "threads")
"""The fields of a run that are plain settings, which runs must share to be compared."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training, with every setting decided."""

    label: str
    """How tables name the model: the selector as its user wrote it."""
    model: Model
    seed: int
    dataset: Dataset
    size: int
    split: str
    networks: Networks
    optimizer: Optimizer
    """The optimizer of every player that has none of its own."""
    steps: int
    batch: int
    ema: float
    precision: str
    device: str
    """The kind of device, 'cpu' or 'cuda': the same seed gives other bits on another kind."""
    threads: int = 1
    """CPU threads: the rounding of sums depends on the number of threads that they are divided among."""
    term_weights: tuple[TermWeight, ...] = ()
    """Factors on the coefficients of terms."""
    optimizers: tuple[tuple[str, Optimizer], ...] = ()
    """Players with an optimizer of their own: all that the study names, some of which may belong to other models."""
    lender_weights: tuple[tuple[str, tuple[TermWeight, ...]], ...] = ()
    """Borrowed role → factors in the game of its lender; 'role.inner' is what the lender borrows itself."""

    def optimizer_of(self, player: str) -> Optimizer:
        """The optimizer of a player of this run's model."""
        return dict(self.optimizers).get(player, self.optimizer)

    @cached_property
    def setting(self) -> Mapping[str, Any]:
        """The settings that runs must share to be compared, as plain data.

        They are all that decide the outcome, except for the model, its term weights, the optimizers of single players,
        the seed and the plugins' code.
        """
        plugins = {name: definition(getattr(self, name)) for name in ("dataset", "networks", "optimizer")}
        plain = {name: getattr(self, name) for name in SETTINGS}
        return {**plugins, **plain, "versions": dict(_versions())}

    @cached_property
    def definition(self) -> Mapping[str, Any]:
        """Everything that decides the outcome, as plain data, with digests of the plugins' code."""
        used = tuple(self.plugins())
        found = code_of(used, MEASURING if extractors_within(used) else TRAINING)
        code = {"code": dict(found.parts), "unfollowed": list(found.unfollowed)}
        weights = {
            "term_weights": _as_plain(self.term_weights),
            "lender_weights": {role: _as_plain(given) for role, given in self.lender_weights},
        }
        optimizers = {player: definition(optimizer) for player, optimizer in self._own_optimizers.items()}
        game = {"model": definition(self.model), **weights, "optimizers": optimizers}
        return {**game, "seed": self.seed, **self.setting, **code}

    def plugins(self) -> Iterator[Plugin]:
        """The plugins that decide the outcome, with those of its lenders."""
        yield from (self.model, self.dataset, self.networks, self.optimizer, *self._own_optimizers.values())
        yield from (weight.factor for weight in self.term_weights if isinstance(weight.factor, Plugin))
        for lender in self.lenders.values():
            yield from lender.plugins()

    @property
    def _own_optimizers(self) -> Mapping[str, Optimizer]:
        """Player → its optimizer, for players of the model and its lenders whose optimizer is not the usual one."""
        players = {*self.model.players, *(p for lender in self.lenders.values() for p in lender._own_optimizers)}
        return {p: own for p, own in self.optimizers if p in players and own != self.optimizer}

    @cached_property
    def lenders(self) -> Mapping[str, Run]:
        """Borrowed role → the run whose trained network it is: the same setting and seed, another model."""
        return {role: self._lender(role, borrowed.model) for role, borrowed in self.model.borrows().items()}

    def _lender(self, role: str, model: Model) -> Run:
        own = dict(self.lender_weights).get(role, ())
        within = tuple((at.removeprefix(f"{role}."), w) for at, w in self.lender_weights if at.startswith(f"{role}."))
        return replace(self, model=model, label=str(model), term_weights=own, lender_weights=within)

    @property
    def seen_through(self) -> tuple[str, ...]:
        """The names of the extractors through which the networks of its roles see images, borrowed ones included.

        Also of extractors with the weights of one that training uses, in the networks or in the model's fields.
        """
        owned = {role for roles in self.model.players.values() for role in roles}
        borrowed = {lender.role for lender in self.model.borrows().values()}
        seen = [extractor for role, extractor in self.networks.extractors.items() if role in owned | borrowed]
        same = {each.same_network for each in [*seen, *extractors_within([self.model])]} - {""}
        return tuple(sorted({extractor.name for extractor in seen} | same))

    def with_seed(self, seed: int) -> Run:
        """The same run with another seed. It reuses what does not depend on the seed, as there may be thousands."""
        other = replace(self, seed=seed)
        vars(other).update(
            setting=self.setting,
            definition={**self.definition, "seed": seed},
            lenders={role: lender.with_seed(seed) for role, lender in self.lenders.items()},
        )
        return other

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the definition: equal for two labels of one run."""
        return _digest(self.definition)

    @property
    def data_label(self) -> str:
        """How tables name the data."""
        return f"{self.dataset} {self.size}×{self.size}"

    @property
    def setting_id(self) -> str:
        """A hash of the setting: only rows of one setting are aggregated. With an 's' first, no CSV reader takes it
        for a number."""
        return f"s{_digest(self.setting)}"

    @cached_property
    def id(self) -> str:
        """The run's folder name: a readable part, the seed and a hash of the definition."""
        readable = "".join(c if c.isalnum() or c in "-." else "-" for c in self.label).strip("-")
        return f"{readable[:40]}-s{self.seed}-{self.fingerprint[:8]}"


def _as_plain(weights: Iterable[TermWeight]) -> dict[str, Any]:
    """Target → the definition of its factor."""
    return {weight.target: weight.definition for weight in weights}


TRAINING = ("api", "models", "losses", "networks", "datasets", "training", "study", "registry", "system")
"""Rooms that a trained model depends on: a change in one of them makes another run."""
MEASURING = (*TRAINING, "metrics", "evaluation", "execution", "results")
"""Rooms that a number depends on: if only rooms that are not in `TRAINING` change, finished runs are measured again."""
UNCOUNTED = ("cli", "report", "testing")
"""Rooms that show results or check plugins, on which no number depends."""


def code_of(plugins: Iterable[Plugin], rooms: tuple[str, ...] = MEASURING) -> Code:
    """The code behind plugins and the plugins in their fields: this package by rooms, other code by what is imported.

    A room that a third-party plugin imports counts as well.
    """
    found = third_party_code({type(p) for whole in plugins for p in plugins_within(whole)})
    imported = {name.split(".")[1] for name in found.own if "." in name}
    return replace(found, parts={"vaegan_bench": package_digest(frozenset(imported.union(rooms))), **found.parts})


@cache
def _versions() -> Mapping[str, str]:
    """Distribution → its installed version, for those that decide the outcome."""
    return {name: version(name) for name in ("vaegan-bench", "torch")}


def _digest(plain: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
