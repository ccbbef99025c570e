"""Import plugin modules, register their hooks, and check the classes and study files that they return."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import os
import re
import sys
import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pluggy

from vaegan_bench.api import Plugin, PluginError
from vaegan_bench.api.plugin import default_of, fields_of
from vaegan_bench.registry.class_variables import check_class_variables, declared_variables
from vaegan_bench.system.errors import FAILURES, failing_as, reason_of
from vaegan_bench.system.paths import user_path


def module_of(source: str | Path) -> types.ModuleType:
    """The module that a plugin file or a module name stands for. Raises `PluginError` where it cannot be imported."""
    path = user_path(source)
    if path.suffix == ".py" or len(path.parts) > 1 or path.is_file():
        return _import_file(path)
    try:
        return importlib.import_module(str(source))
    except FAILURES as error:
        if path.is_dir():
            raise PluginError(f"{source} is a folder: name a plugin file in it.") from error
        raise PluginError(
            f"{source} is not a plugin file, and no module of that name can be imported: {reason_of(error)}."
        ) from error


def register_hooks(manager: pluggy.PluginManager, module: types.ModuleType, origin: str) -> None:
    """Register a module's hooks. Raises `PluginError` where there is none, or where one does not fit."""
    other = manager.get_plugin(origin)
    is_second = other is not None and other.__name__ != module.__name__  # a package may have several modules
    try:
        manager.register(module, f"{origin}: {module.__name__}" if is_second else origin)
        manager.check_pending()
    except ValueError as error:
        raise PluginError(f"{origin} is registered twice: name it once.") from error
    except pluggy.PluginValidationError as error:
        raise PluginError(f"{origin} has a hook that does not fit: {str(error).splitlines()[-1].strip()}") from error
    if not manager.get_hookcallers(module):
        raise PluginError(
            f"{origin} has no hook: decorate a function vaegan_bench_plugins with @hookimpl that returns a list "
            "of plugin classes."
        )


def classes_of(manager: pluggy.PluginManager, module: types.ModuleType, origin: str) -> list[type[Plugin]]:
    """The plugin classes that a registered module returns. Raises `PluginError` for anything else."""
    found = _returned(manager, module, origin, "vaegan_bench_plugins", "classes")
    for plugin in found:
        check_shape(plugin, origin)
    return found


def studies_of(manager: pluggy.PluginManager, module: types.ModuleType, origin: str) -> list[Path]:
    """The study files that a registered module returns, unread. Raises `PluginError` for anything else."""
    found = _returned(manager, module, origin, "vaegan_bench_studies", "paths")
    for file in found:
        if not (isinstance(file, Path) and file.suffix == ".toml"):
            raise PluginError(f"vaegan_bench_studies of {origin} must return paths of TOML files, not {file!r}.")
    return found


def _returned(manager: pluggy.PluginManager, module: types.ModuleType, origin: str, hook: str, what: str) -> list[Any]:
    """The items of the list that one hook of a registered module returns; empty where it has no such hook."""
    others = [m for m in manager.get_plugins() if m is not module]
    try:
        returned = manager.subset_hook_caller(hook, others)()
    except FAILURES as error:
        raise PluginError(f"{hook} of {origin} failed: {reason_of(error)}.") from error
    for found in returned:
        if not isinstance(found, list | tuple):
            raise PluginError(f"{hook} of {origin} must return a list of {what}, not {found!r}.")
    return [each for found in returned for each in found]


def summary_line(plugin: type[Plugin]) -> str:
    """The first line of a plugin's docstring; '' where it has only the signature that dataclasses generate."""
    text = plugin.__doc__ if isinstance(plugin.__doc__, str) else ""
    line = text.strip().partition("\n")[0]
    return "" if line.startswith(f"{plugin.__name__}(") and line.endswith(")") else line


def check_shape(plugin: type[Plugin], origin: str) -> None:
    """Raise `PluginError`, which says what to change, unless `plugin` is a complete plugin class."""
    if not (isinstance(plugin, type) and issubclass(plugin, Plugin)):
        raise PluginError(f"{origin} registers {plugin!r}, which is not a plugin class.")
    _check_plugin(plugin, f"{plugin.__name__} of {origin}")


@lru_cache(maxsize=512)
def _check_plugin(plugin: type[Plugin], where: str) -> None:
    """Check a class once in each process: an edited file makes new classes."""
    _check_class(plugin, where)
    _check_name(plugin, where)
    _check_fields(plugin, where)
    check_class_variables(plugin, where)
    if not summary_line(plugin):
        raise PluginError(f"{where} must have a docstring; its first line is what lists show.")
    if inspect.isabstract(plugin):
        missing = ", ".join(sorted(plugin.__abstractmethods__))
        raise PluginError(f"{where} must define {missing}.")


def _check_class(plugin: type[Plugin], where: str) -> None:
    """Refuse a class that has no kind, or is not a frozen dataclass."""
    if not isinstance(getattr(plugin, "kind", None), str):
        raise PluginError(f"{where} must derive from the base class of a kind, such as Model or ReconstructionLoss.")
    if not dataclasses.is_dataclass(plugin) or not plugin.__dataclass_params__.frozen:
        raise PluginError(f"{where} must be decorated with @dataclass(frozen=True, kw_only=True).")


def _check_name(plugin: type[Plugin], where: str) -> None:
    """Refuse a class without a proper name, or derived from another plugin."""
    if not isinstance(getattr(plugin, "name", None), str):
        raise PluginError(f'{where} must have a name: name = "{plugin.__name__.lower()}".')
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", plugin.name):
        raise PluginError(f"{where} is called '{plugin.name}': use lower case, digits and single hyphens.")
    if any(isinstance(vars(base).get("name"), str) for base in plugin.__mro__[1:]):
        raise PluginError(f"{where} derives from another plugin: call its functions, or make it one of your fields.")


def _check_fields(plugin: type[Plugin], where: str) -> None:
    """Refuse fields that hide class variables, have no default, or that no selector can write."""
    fields, hints = fields_of(plugin), _hints(plugin, where)
    if hidden := sorted({f.name for f in fields} & set(declared_variables(plugin))):
        raise PluginError(
            f"{where} has a field {hidden[0]}, which every {plugin.kind} has as a class variable: rename the field, "
            "or remove its type to set the variable."
        )
    with failing_as(PluginError, f"{where} has a field whose default cannot be made"):
        bare = [f.name for f in fields if default_of(f) is dataclasses.MISSING]
    if bare:
        raise PluginError(f"{where} must give a default to {', '.join(bare)}: a name alone must be a selector.")
    if idle := [f.name for f in fields if not f.init]:
        raise PluginError(f"{where} has a field {idle[0]} that no selector can set: remove init=False.")
    if strange := [f.name for f in fields if not _can_be_written(hints[f.name])]:
        raise PluginError(
            f"{where} has a field {strange[0]} of a type that selectors cannot write: use bool, int, float, str, "
            "Literal, a base class of plugins, or one of these with `| None`."
        )


def _hints(plugin: type[Plugin], where: str) -> dict[str, Any]:
    """The types of all annotated names. Refuses annotations that Python cannot evaluate."""
    try:
        return typing.get_type_hints(plugin)
    except FAILURES as error:
        raise PluginError(
            f"{where} has an annotation that cannot be read ({reason_of(error)}): import its names outside of "
            "`if TYPE_CHECKING`."
        ) from error


def _can_be_written(annotation: object) -> bool:
    """Whether a selector can express values of this type as text."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return all(map(_can_be_written, typing.get_args(annotation)))
    plain = annotation in (bool, int, float, str, type(None)) or typing.get_origin(annotation) is typing.Literal
    return plain or (isinstance(annotation, type) and issubclass(annotation, Plugin))


class _Uncached(SourceFileLoader):
    """Loads a file from its source alone: compiled code may be of another version, saved within the same second."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Raise `OSError`, so that no compiled code is read or written."""
        raise OSError(f"{path} is always read")


def _import_file(file: Path) -> types.ModuleType:
    """Import the present source of a plugin file, under a module name that no other file has."""
    if file.is_dir():
        raise PluginError(f"{file} is a folder: name a plugin file in it.")
    if not file.is_file():
        raise PluginError(f"There is no plugin file {file}.")
    if file.suffix != ".py":
        raise PluginError(f"{file} is not a Python file.")
    name = _module_name(file)
    spec = importlib.util.spec_from_file_location(name, file.absolute(), loader=_Uncached(name, str(file.absolute())))
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except FAILURES as error:
        del sys.modules[name]
        raise PluginError(f"{file} cannot be imported: {reason_of(error)}.") from error
    return module


def _module_name(file: Path) -> str:
    """A valid module name for a file, different from that of any other file."""
    place = hashlib.sha256(os.fsencode(file.resolve())).hexdigest()[:12]
    return f"vaegan_bench_plugin_{place}_{re.sub(r'[^0-9A-Za-z]', '_', file.stem)}"
