"""Modules as files: which files a module comes from, and which are identified together."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

OWN = "vaegan_bench"
STANDARD = Path(os.__file__).parent
"""The folder of the standard library."""
LEFT_OUT = frozenset({"torch", "platformdirs", "pluggy", "psutil", "rich", "safetensors", "typer"})
"""torch, whose version stands in every run's record, and libraries on which no number depends."""
INSTALLED = ("site-packages", "dist-packages")
"""Folders that only installers write to."""


class Unit(NamedTuple):
    """Files that are identified together: a whole package, or the file of a single module."""

    name: str
    root: Path

    @property
    def label(self) -> str:
        """The name under which its digest is recorded: that of this package, a package or a file."""
        if is_own(self.name):
            return OWN
        return self.name if self.root.is_dir() else self.root.name

    def files(self) -> list[Path]:
        """Its source files and compiled modules."""
        if not self.root.is_dir():
            return [self.root]
        return sorted(file for file in self.root.rglob("*") if file.name.endswith((".py", *EXTENSION_SUFFIXES)))

    def package_of(self, file: Path) -> str:
        """The package that relative imports in a file start from."""
        if self.root.is_dir():
            return ".".join([self.name, *file.relative_to(self.root).parent.parts])
        return self.name if file.name == "__init__.py" else self.name.rpartition(".")[0]

    def place_of(self, file: Path) -> str:
        """The name of a file in digests and messages."""
        return self.name if is_own(self.name) else file.relative_to(self.root.parent).as_posix()


def units_of(name: str) -> Iterator[Unit]:
    """The units of a module: in this package, its file and those of the packages above; else its whole package."""
    top, *inner = name.split(".")
    found, spec = top, _spec(top)
    for part in [*inner, ""]:
        if spec is None or not (spec.has_location or spec.submodule_search_locations):
            return
        if spec.has_location and found != OWN:
            root = Path(str(spec.origin)).absolute()
            is_package = spec.submodule_search_locations is not None
            yield Unit(found, root.parent if is_package and not is_own(found) else root)
        if spec.submodule_search_locations is None or (spec.has_location and not is_own(found)):
            return
        found, places = f"{found}.{part}", list(spec.submodule_search_locations)
        spec = PathFinder.find_spec(found, places) if part else None


def _spec(top: str) -> ModuleSpec | None:
    """Where a top-level module comes from, without importing it."""
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):  # a script that is running has none
        file = getattr(sys.modules.get(top), "__file__", None)
        return importlib.util.spec_from_file_location(top, file) if file else None


@cache
def is_recorded(top: str) -> bool:
    """Whether a module is in `LEFT_OUT` or in the standard library, and not a file that hides a standard module."""
    spec = _spec(top) if top in sys.stdlib_module_names else None
    hidden = spec is not None and spec.has_location and not Path(str(spec.origin)).is_relative_to(STANDARD)
    return top in LEFT_OUT or (top in sys.stdlib_module_names and not hidden)


def is_own(name: str) -> bool:
    """Whether a module is of this package."""
    return name.partition(".")[0] == OWN


@cache
def _by_module() -> Mapping[str, list[str]]:
    return packages_distributions()


def distributions_of(name: str) -> tuple[str, ...]:
    """The installed distributions that bring a module."""
    return tuple(dict.fromkeys(_by_module().get(name.partition(".")[0], ())))
