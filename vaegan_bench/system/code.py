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
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from vaegan_bench.system.code_units import INSTALLED, Unit, distributions_of, is_own, is_recorded, units_of
from vaegan_bench.system.imports import imports_of
from vaegan_bench.system.source_files import known_sources, read_source


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
        f"{place.as_posix()} {read_source(file).sha256}" for place, file in files.items() if place.parts[0] in rooms
    )[:12]


def forget_edited() -> None:
    """Unload third-party code that was edited, with all that imports it: a notebook imports it again and goes on."""
    importlib.invalidate_caches()
    edited = {file for file, source in known_sources.items() if source.is_edited(file)}
    for known in [known for known, closure in _closures.items() if edited & closure.files]:
        files = _closures.pop(known).files
        _unload(files)
        for file in files & edited:
            known_sources.pop(file, None)
            # Python would use the compiled code of a file that was edited within one second and has the same size.
            Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)


class _Closure(NamedTuple):
    """Code with the third-party files that hold it."""

    code: Code
    files: frozenset[Path]


_closures: dict[object, _Closure] = {}


def _follow(things: Iterable[Callable[..., object]], *, inside: bool) -> Code:
    """The code of `things` with all that it imports; modules of this package are followed only if `inside`."""
    things = list(things)
    modules = frozenset(thing.__module__ for thing in things)
    bases = frozenset(base.__module__ for thing in things if isinstance(thing, type) for base in thing.__mro__)
    known = modules, bases, inside
    if known not in _closures:
        walk = _Walk(frozenset(each for name in modules for each in distributions_of(name)), inside)
        walk.follow([*modules, *bases])
        _closures[known] = walk.closure()
    return _closures[known].code


class _Walk:
    """One walk along all imports; `mine` are the distributions of the code at its start."""

    def __init__(self, mine: frozenset[str], inside: bool) -> None:
        self.mine, self.inside = mine, inside
        self.seen: set[str] = set()
        self.units: dict[Path, Unit] = {}
        self.versions: dict[str, str] = {}
        self.unfollowed: list[str] = []

    def follow(self, names: Iterable[str]) -> None:
        """Visit modules by name, and then what they import."""
        todo = list(names)
        while todo:
            name = todo.pop()
            if name and name not in self.seen and not is_recorded(name.partition(".")[0]):
                self.seen.add(name)
                todo += self._imports_of(name)

    def _imports_of(self, name: str) -> Iterator[str]:
        if is_own(name) and not self.inside:
            return
        found = list(units_of(name))
        if not found and name in sys.modules and not is_own(name):
            self.unfollowed.append(f"the module {name}, which has no file")
        for unit in found:
            distributions = distributions_of(name) if {*INSTALLED} & {*unit.root.parts} else ()
            if distributions and self.mine.isdisjoint(distributions):
                self.versions |= {each: version(each) for each in distributions}
            elif unit.root not in self.units:
                self.units[unit.root] = unit
                yield from self._imports_within(unit)

    def _imports_within(self, unit: Unit) -> Iterator[str]:
        for file in unit.files():
            imports = imports_of(read_source(file).text, unit.package_of(file))
            yield from imports.modules
            if not is_own(unit.name):
                self.unfollowed += [f"{unit.place_of(file)}, {call}" for call in imports.unfollowed]

    def closure(self) -> _Closure:
        """The code that the walk has found."""
        contents: dict[str, list[str]] = {}
        for unit in self.units.values():
            files = [file for file in unit.files() if file in known_sources]
            lines = [f"{unit.place_of(file)} {known_sources[file].sha256}" for file in files]
            contents.setdefault(unit.label, []).extend(lines)
        digests = {label: _sha256(sorted(lines))[:12] for label, lines in contents.items()}
        parts = dict(sorted((self.versions | digests).items()))
        own = frozenset(filter(is_own, self.seen))
        others = frozenset(f for unit in self.units.values() if not is_own(unit.name) for f in unit.files())
        return _Closure(Code(parts, tuple(sorted(self.unfollowed)), own), others)


def _unload(files: frozenset[Path]) -> None:
    for name, module in list(sys.modules.items()):
        file = module.__dict__.get("__file__") if isinstance(module, types.ModuleType) else None
        if name != "__main__" and file and Path(file).absolute() in files:
            del sys.modules[name]


def _sha256(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
