"""The choice of the engine that runs a study."""

from __future__ import annotations

from vaegan_bench.api import Engine, StudyError
from vaegan_bench.execution.engines.processes import Processes
from vaegan_bench.execution.engines.serial import Serial
from vaegan_bench.execution.estimate import is_short
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.registry.selectors import parse_selector
from vaegan_bench.study.plan import Plan


def choose_engine(registry: Registry, engine: str, workers: int | str | None = None) -> Engine:
    """The engine that a selector names; `workers` sets its field of that name.

    Raises `UnknownNameError` and `SelectorError` for a wrong selector, and `StudyError` if `workers` is given for an
    engine without that field, or where the selector gives it, too.
    """
    if workers is None:
        return registry.build(Engine, engine)
    selector = parse_selector(engine)
    if "workers" in selector.fields:
        raise StudyError(f"Engine '{engine}' gives a number of workers, and so does workers={workers}: leave one out.")
    chosen = registry.build(Engine, engine, {selector.name: {"workers": str(workers)}})
    if not hasattr(chosen, "workers"):
        raise StudyError(f"Engine '{selector.name}' takes no number of workers: leave it out, or choose processes.")
    return chosen


def suited(engine: Engine, plan: Plan) -> Engine:
    """The engine for a plan: without a choice of workers, one process does a plan that takes it only seconds."""
    return Serial() if engine == Processes() and is_short(plan) else engine
