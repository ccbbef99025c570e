"""The code behind plugins and functions: found by following imports, and identified by its content.

A module of this package, a third-party module, and a third-party package with all its modules are identified by their
content; other files of a package do not count. An installed distribution other than the plugin's own is identified by
its name and version. The standard library and torch are left out. Each file counts as it was when this process first
read it, until `forget_edited`.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import NamedTuple

from vaegan_bench.system.errors import PluginError
from vaegan_bench.system.imports import imports_of

OWN = "vaegan_bench"
STANDARD = Path(os.__file__).parent
"""The folder of the standard library."""
LEFT_OUT = frozenset({"torch", "platformdirs", "pluggy", "psutil", "rich", "safetensors", "typer"})
"""torch, whose version stands in every run's record, and libraries on which no number depends."""
INSTALLED = ("site-packages", "dist-packages")
"""Folders that only installers write to."""


@dataclass(frozen=True)
class Code:
    """The code behind functions or classes."""

    parts: Mapping[str, str]
    """File or package → a digest of its content; installed distribution → its version."""
    unfollowed: tuple[str, ...]
    """Calls that run code which cannot be followed: 'loss.py, line 12: exec'. Edits of that code are not noticed."""
    own: frozenset[str]
    """The modules of this package that are imported."""

    @property
    def digest(self) -> str:
        """One digest of all parts, for use in a key."""
        return _sha256(f"{name} {known}" for name, known in sorted(self.parts.items()))


def code_behind(*things: Callable[..., object]) -> Code:
    """The code of functions and classes with all that it imports, including modules of this package."""
    return _follow(things, inside=True)


def third_party_code(things: Iterable[Callable[..., object]]) -> Code:
    """The code behind functions and classes outside of this package; `own` lists what it imports from this package."""
    return _follow(things, inside=False)


@cache
def package_digest(rooms: frozenset[str]) -> str:
    """A digest of the code in some rooms of this package: 'models', 'training', …."""
    root = Path(__file__).resolve().parent.parent
    files = {file.relative_to(root): file for file in sorted(root.rglob("*.py"))}
    return _sha256(
        f"{place.as_posix()} {_read(file).sha256}" for place, file in files.items() if place.parts[0] in rooms
    )[:12]


def forget_edited() -> None:
    """Unload third-party code that was edited, with all that imports it: a notebook imports it again and goes on."""
    importlib.invalidate_caches()
    edited = {file for file, source in _sources.items() if source.is_edited(file)}
    for known in [known for known, closure in _closures.items() if edited & closure.files]:
        files = _closures.pop(known).files
        _unload(files)
        for file in files & edited:
            _sources.pop(file, None)
            # Python would use the compiled code of a file that was edited within one second and has the same size.
            Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)


class _Source(NamedTuple):
    """A file as it was when it was first read."""

    sha256: str
    stamp: tuple[int, int]
    text: bytes
    """The source; empty for a compiled module."""

    def is_edited(self, file: Path) -> bool:
        """Whether it has other content now."""
        try:
            return self.stamp != _stamp(file) and self.sha256 != hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError:
            return True


class _Unit(NamedTuple):
    """Files that are identified together: a whole package, or the file of a single module."""

    name: str
    root: Path

    @property
    def label(self) -> str:
        if _is_own(self.name):
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
        return self.name if _is_own(self.name) else file.relative_to(self.root.parent).as_posix()


class _Closure(NamedTuple):
    """Code with the third-party files that hold it."""

    code: Code
    files: frozenset[Path]


_sources: dict[Path, _Source] = {}
_closures: dict[object, _Closure] = {}


def _follow(things: Iterable[Callable[..., object]], *, inside: bool) -> Code:
    """The code of `things` with all that it imports; modules of this package are followed only if `inside`."""
    things = list(things)
    modules = frozenset(thing.__module__ for thing in things)
    bases = frozenset(base.__module__ for thing in things if isinstance(thing, type) for base in thing.__mro__)
    known = modules, bases, inside
    if known not in _closures:
        walk = _Walk(frozenset(each for name in modules for each in _distributions(name)), inside)
        walk.follow([*modules, *bases])
        _closures[known] = walk.closure()
    return _closures[known].code


class _Walk:
    """One walk along all imports; `mine` are the distributions of the code at its start."""

    def __init__(self, mine: frozenset[str], inside: bool) -> None:
        self.mine, self.inside = mine, inside
        self.seen: set[str] = set()
        self.units: dict[Path, _Unit] = {}
        self.versions: dict[str, str] = {}
        self.unfollowed: list[str] = []

    def follow(self, names: Iterable[str]) -> None:
        """Visit modules by name, and then what they import."""
        todo = list(names)
        while todo:
            name = todo.pop()
            if name and name not in self.seen and not _is_recorded(name.partition(".")[0]):
                self.seen.add(name)
                todo += self._imports_of(name)

    def _imports_of(self, name: str) -> Iterator[str]:
        if _is_own(name) and not self.inside:
            return
        found = list(_units(name))
        if not found and name in sys.modules and not _is_own(name):
            self.unfollowed.append(f"the module {name}, which has no file")
        for unit in found:
            distributions = _distributions(name) if {*INSTALLED} & {*unit.root.parts} else ()
            if distributions and self.mine.isdisjoint(distributions):
                self.versions |= {each: version(each) for each in distributions}
            elif unit.root not in self.units:
                self.units[unit.root] = unit
                yield from self._imports_within(unit)

    def _imports_within(self, unit: _Unit) -> Iterator[str]:
        for file in unit.files():
            imports = imports_of(_read(file).text, unit.package_of(file))
            yield from imports.modules
            if not _is_own(unit.name):
                self.unfollowed += [f"{unit.place_of(file)}, {call}" for call in imports.unfollowed]

    def closure(self) -> _Closure:
        """The code that the walk has found."""
        contents: dict[str, list[str]] = {}
        for unit in self.units.values():
            lines = [f"{unit.place_of(file)} {_sources[file].sha256}" for file in unit.files() if file in _sources]
            contents.setdefault(unit.label, []).extend(lines)
        parts = {label: _sha256(sorted(lines))[:12] for label, lines in contents.items()}
        own = frozenset(filter(_is_own, self.seen))
        files = frozenset(f for unit in self.units.values() if not _is_own(unit.name) for f in unit.files())
        return _Closure(Code(dict(sorted((self.versions | parts).items())), tuple(sorted(self.unfollowed)), own), files)


def _units(name: str) -> Iterator[_Unit]:
    """The units of a module: in this package, its file and those of the packages above; else its whole package."""
    top, *inner = name.split(".")
    found, spec = top, _spec(top)
    for part in [*inner, ""]:
        if spec is None or not (spec.has_location or spec.submodule_search_locations):
            return
        if spec.has_location and found != OWN:
            root = Path(str(spec.origin)).absolute()
            is_package = spec.submodule_search_locations is not None
            yield _Unit(found, root.parent if is_package and not _is_own(found) else root)
        if spec.submodule_search_locations is None or (spec.has_location and not _is_own(found)):
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
def _is_recorded(top: str) -> bool:
    """Whether a module is in `LEFT_OUT` or in the standard library, and not a file that hides a standard module."""
    spec = _spec(top) if top in sys.stdlib_module_names else None
    hidden = spec is not None and spec.has_location and not Path(str(spec.origin)).is_relative_to(STANDARD)
    return top in LEFT_OUT or (top in sys.stdlib_module_names and not hidden)


def _read(file: Path) -> _Source:
    if file not in _sources:
        try:
            stamp, content = _stamp(file), file.read_bytes()
        except OSError as error:
            raise PluginError(f"Cannot read the code in {file}: {error.strerror}.") from error
        text = content if file.suffix == ".py" else b""
        _sources[file] = _Source(hashlib.sha256(content).hexdigest(), stamp, text)
    return _sources[file]


def _unload(files: frozenset[Path]) -> None:
    for name, module in list(sys.modules.items()):
        file = module.__dict__.get("__file__") if isinstance(module, types.ModuleType) else None
        if name != "__main__" and file and Path(file).absolute() in files:
            del sys.modules[name]


def _stamp(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def _is_own(name: str) -> bool:
    return name.partition(".")[0] == OWN


@cache
def _by_module() -> Mapping[str, list[str]]:
    return packages_distributions()


def _distributions(name: str) -> tuple[str, ...]:
    """The installed distributions that bring a module."""
    return tuple(dict.fromkeys(_by_module().get(name.partition(".")[0], ())))


def _sha256(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
