"""The built-in contestants, found in their rooms and registered by the same hook as third-party ones."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from vaegan_bench.api import Plugin, hookimpl

ROOMS = (
    "models",
    "losses",
    "networks",
    "training.optimizers",
    "training.schedules",
    "training.adaptive_weights",
    "datasets",
    "metrics",
    "execution.engines",
)
"""The rooms of contestants, in the order in which lists show them."""


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """Every plugin class that a module of these rooms defines: a new contestant is one new file."""
    return [plugin for room in ROOMS for plugin in contestants(f"vaegan_bench.{room}")]


@hookimpl
def vaegan_bench_studies() -> list[Path]:
    """The study files of this package."""
    return list(importlib.import_module("vaegan_bench.study.study_file").packaged_studies().values())


@cache
def contestants(package: str) -> tuple[type[Plugin], ...]:
    """The named plugin classes of a package's modules, in the order of the modules' names."""
    return tuple(_contestants(package))


def _contestants(package: str) -> Iterator[type[Plugin]]:
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == found.name and _is_contestant(value):
                yield value


def _is_contestant(found: type) -> bool:
    """Whether a class is a plugin with a name of its own, and not the base class of a kind."""
    return issubclass(found, Plugin) and isinstance(vars(found).get("name"), str)
