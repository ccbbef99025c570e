"""From a study to runs: cross, resolve every name, and refuse what cannot be run before anything trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vaegan_bench.api import Metric, Plugin, Sampler, StudyError, UnknownNameError
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.crossing import Skip, cross_models
from vaegan_bench.study.dry_build import build_without_memory, check_sampler
from vaegan_bench.study.resolver import Resolver, sampler_of
from vaegan_bench.study.run import Run, code_of
from vaegan_bench.study.study import MOST_RUNS, Study

Lenders = Mapping[str, Mapping[str, Run]]
"""Run id → borrowed role → the run whose trained network it is."""


@dataclass(frozen=True)
class Plan:
    """The runs of a study, and what was left out."""

    study: Study
    runs: tuple[Run, ...]
    skips: tuple[Skip, ...]
    metrics: tuple[Metric, ...]
    sampler: Sampler | None
    """The source of the codes of samples; None for the prior."""
    lenders: Lenders
    """Decided in the plan, so that a plugin that is edited while the study runs cannot change the lenders."""

    @property
    def plugins(self) -> list[Plugin]:
        """What trains and measures the runs, without the plugins in the fields of others; equal ones may repeat."""
        return [*(used for run in self.runs for used in run.plugins()), *self._measuring]

    @property
    def _measuring(self) -> list[Plugin]:
        return [*self.metrics, *([self.sampler] if self.sampler else [])]

    @property
    def unfollowed(self) -> str:
        """A warning about code that no run's identity covers; '' where there is none."""
        places = {place for run in self.runs for place in run.definition["unfollowed"]}
        found = "; ".join(sorted(places.union(code_of(self._measuring).unfollowed)))
        return found and f"Code whose imports cannot be followed, so that edits of it do not make a new run: {found}."


def make_plan(study: Study, registry: Registry) -> Plan:
    """Cross data sets × models × losses × seeds. Raises `BenchError` for anything that could not be run."""
    resolve = Resolver(study, registry)
    metrics = tuple(resolve.metric(metric) for metric in study.metrics)
    sampler = sampler_of(registry, study.sampler, resolve.fields)
    games, refused = cross_models(study, resolve)
    _check_extent(len(games) * len(set(study.datasets)) * len(set(study.seeds)))
    runs = [run for label, (model, weights) in games.items() for run in resolve.runs(label, model, weights)]
    _refuse_twins(runs)
    runs, lenders = _with_lenders(runs)
    _check_extent(len(runs))
    _refuse_namesakes(runs)
    _check_players(study, runs)
    if sampler:
        check_sampler(sampler)
    fitting, unfit = build_without_memory(runs)
    skips = [*refused, *unfit]
    if not fitting:
        raise StudyError(f"Nothing to run: {skips[0].reason}")
    return Plan(study, tuple(fitting), tuple(skips), metrics, sampler, lenders)


def _check_extent(runs: int) -> None:
    """Refuse too many runs; the study itself does not know how many 'all', ablations and lenders are."""
    if runs > MOST_RUNS:
        raise StudyError(f"This study has {runs:,} runs, and one study may have {MOST_RUNS:,}. Split it into several.")


def _with_lenders(runs: list[Run]) -> tuple[list[Run], Lenders]:
    """The runs and their lenders, each lender before the runs that borrow from it; no run is in the list twice."""
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


def _check_players(study: Study, runs: list[Run]) -> None:
    """Refuse an optimizer for a player that no model has."""
    known = {player for run in runs for player in run.model.players}
    for player in study.optimizers:
        if player not in known:
            raise UnknownNameError("player in optimizers:", player, known)


def _refuse_namesakes(runs: list[Run]) -> None:
    """Refuse a lender that has the label of another game of the study: tables could not tell them apart."""
    first: dict[tuple[str, str, int], Run] = {}
    for run in runs:
        other = first.setdefault((run.data_label, run.label, run.seed), run)
        if other is not run:
            names = " and ".join(f"'{each.model}'" for each in (other, run))
            raise StudyError(
                f"Two games of this study are called '{run.label}', one of which only lends a network to another "
                f"model: write their fields in the study's models instead of in its fields ({names})."
            )


def _refuse_twins(runs: list[Run]) -> None:
    """Refuse two labels of the same run: they would share a folder, and one of them would be missing in tables."""
    first: dict[str, Run] = {}
    for run in runs:
        twin = first.setdefault(run.fingerprint, run)
        if twin is not run:
            if twin.label == run.label:
                raise StudyError(f"Two data sets mean '{run.dataset}': leave one of them out.")
            raise StudyError(f"'{twin.label}' and '{run.label}' mean the same run: leave one of them out.")
