"""Find plugins, look them up by name, and build them from selectors."""

from __future__ import annotations

import importlib
import math
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar

import pluggy

from vaegan_bench.api import (
    BenchError,
    Dataset,
    Engine,
    Extractor,
    Model,
    Plugin,
    PluginError,
    SelectorError,
    UnknownNameError,
)
from vaegan_bench.api.plugin import default_of, fields_of, selector_text
from vaegan_bench.registry import hookspecs
from vaegan_bench.registry.companions import package_of
from vaegan_bench.registry.discovery import classes_of, module_of, register_hooks, studies_of
from vaegan_bench.registry.selectors import Selector, parse_selector
from vaegan_bench.system.code import forget_edited
from vaegan_bench.system.errors import FAILURES, reason_of
from vaegan_bench.system.paths import plugin_list

GROUP = "vaegan_bench"
"""The entry-points group of installed plugins, and the name of the pluggy project."""

BUILT_IN = "built-in"
"""The origin of the plugins that come with this package."""

FACTORS = " Factors on the coefficients of terms are written as prior.weight=4."
"""What an error says where a model has no such field: β, for example, is the coefficient of the prior."""

P = TypeVar("P", bound=Plugin)
Defaults = Mapping[str, Mapping[str, str]]
"""plugin name → field → value as text."""


@dataclass(frozen=True)
class Entry:
    """A registered plugin class and where it came from."""

    plugin: type[Plugin]
    origin: str


class Registry:
    """All plugins that were found, by kind and name."""

    def __init__(self, plugins: Iterable[str | Path] = ()) -> None:
        """Register the built-in plugins, the installed ones, then `plugins`: files, or names of modules.

        Modules of installed packages among `plugins` are registered already. Third-party code that was edited since it
        was imported is imported again.
        """
        forget_edited()
        self.sources = plugin_list(plugins)
        """The files and modules in `plugins`, as they were written."""
        self.manager = pluggy.PluginManager(GROUP)
        self.manager.add_hookspecs(hookspecs)
        self.entries: dict[tuple[str, str], Entry] = {}
        self.studies: dict[str, Path] = {}
        """Study files by the name that `vaegan-bench run` takes."""
        self.installed: dict[str, str] = {}
        """Installed packages that bring plugins, with their versions."""
        self.modules: dict[str, str] = {}
        """The modules to which entry points lead, with the installed packages that they belong to."""
        self.broken: dict[str, str] = {}
        """Installed plugins that could not be used, with the reason; left out of everything else."""
        self._register(importlib.import_module("vaegan_bench.registry.builtin"), BUILT_IN)
        for entry_point in entry_points(group=GROUP):
            self._register_installed(entry_point)
        for plugin in self.sources:
            if plugin not in self.modules:
                self._register(module_of(plugin), plugin)

    def _register_installed(self, entry_point: EntryPoint) -> None:
        origin = entry_point.dist.name if entry_point.dist else entry_point.name
        module = None
        try:
            module = entry_point.load()
            found = self._returned_by(module, origin)
        except FAILURES as error:
            self.broken[entry_point.name] = reason_of(error)
            if self.manager.is_registered(module):
                self.manager.unregister(module)
        else:
            self.installed[origin] = entry_point.dist.version if entry_point.dist else ""
            self.modules[entry_point.module] = origin
            self._add(*found, origin)

    def _register(self, module: types.ModuleType, origin: str) -> None:
        """Register a module's hooks, and the plugin classes and studies that it returns."""
        self._add(*self._returned_by(module, origin), origin)

    def _returned_by(self, module: types.ModuleType, origin: str) -> tuple[list[type[Plugin]], list[Path]]:
        """Register a module's hooks; the plugin classes and the study files that it returns."""
        register_hooks(self.manager, module, origin)
        return classes_of(self.manager, module, origin), studies_of(self.manager, module, origin)

    def _add(self, classes: Iterable[type[Plugin]], studies: Iterable[Path], origin: str) -> None:
        for plugin in classes:
            key = (plugin.kind, plugin.name)
            if key in self.entries:
                kind, other = f"{plugin.kind} '{plugin.name}'", self.entries[key].origin
                raise PluginError(f"Two plugins are called {kind}: one of {other}, one of {origin}. Rename one.")
            self.entries[key] = Entry(plugin, origin)
        for file in studies:
            first = self.studies.setdefault(file.stem, file)
            if first != file:
                raise PluginError(f"Two studies are called '{file.stem}': {first} and {file}. Rename one.")

    def of_kind(self, kind: str) -> dict[str, Entry]:
        """All plugins of one kind by name, in the order of registration."""
        return {name: entry for (k, name), entry in self.entries.items() if k == kind}

    def check_fields(self, fields: Defaults) -> None:
        """Refuse defaults for unknown plugins or fields, and for engines, which no study names."""
        for name, values in fields.items():
            plugins = [entry.plugin for (_, known), entry in self.entries.items() if known == name]
            if not plugins:
                raise UnknownNameError("plugin in fields:", name, {n for _, n in self.entries}, package_of(name))
            if {plugin.kind for plugin in plugins} == {Engine.kind}:
                raise SelectorError(f"'{name}' is an engine: write its fields where you choose it, not in a study's.")
            known_fields = {field for plugin in plugins for field in field_types(plugin)}
            for field in values:
                if field not in known_fields:
                    raise UnknownNameError(f"field of '{name}':", field, known_fields)

    def build(self, base: type[P], selector: str | Selector, defaults: Defaults | None = None) -> P:
        """Make the plugin that a selector describes; `defaults` fill in fields that it omits, in nested plugins too.

        Defaults for fields that it has not are those of a plugin of another kind with the same name.
        Raises `UnknownNameError` for an unknown name or field, `SelectorError` for a value that does not fit.
        """
        selector = parse_selector(selector) if isinstance(selector, str) else selector
        known = self.of_kind(base.kind)
        if selector.name not in known:
            raise UnknownNameError(
                base.kind, selector.name, known, package_of(selector.name, base.kind), _folder(base, selector.name)
            )
        plugin, defaults = known[selector.name].plugin, defaults or {}
        usual = {f: text for f, text in defaults.get(selector.name, {}).items() if f in field_types(plugin)}
        given = {**_default_selectors(plugin), **usual, **selector.fields}
        values = {name: self._value(plugin, name, text, defaults) for name, text in given.items()}
        try:
            return typing.cast(P, plugin(**values))
        except (TypeError, ValueError) as error:
            raise SelectorError(f"{base.kind.capitalize()} '{selector}': {error}.") from error
        except BenchError:
            raise
        except FAILURES as error:  # a third-party plugin may raise anything
            raise SelectorError(f"{base.kind.capitalize()} '{selector}' failed: {reason_of(error)}.") from error

    def restore(self, base: type[P], definition: Mapping[str, Any]) -> P:
        """Make the plugin that `vaegan_bench.api.definition` described.

        Raises `UnknownNameError` where it is not registered here, and `SelectorError` where its fields have changed.
        """
        kind, name = definition["kind"], definition["name"]
        if (kind, name) not in self.entries:
            raise UnknownNameError(kind, name, self.of_kind(kind), package_of(name, kind))
        fields = {k: v for k, v in definition.items() if k not in ("kind", "name")}
        values = {k: self.restore(Plugin, v) if isinstance(v, Mapping) else v for k, v in fields.items()}
        try:
            return typing.cast(P, self.entries[kind, name].plugin(**values))
        except (TypeError, ValueError) as error:
            raise SelectorError(f"{kind.capitalize()} '{name}' has other fields than its record: {error}.") from error

    def _value(self, plugin: type[Plugin], name: str, text: str, defaults: Defaults) -> Any:
        types_by_field = field_types(plugin)
        if name not in types_by_field:
            note = FACTORS if issubclass(plugin, Model) else ""
            raise UnknownNameError(f"field of {plugin.kind} '{plugin.name}':", name, types_by_field, note=note)
        return self._read(types_by_field[name], text, f"{plugin.name}.{name}", defaults)

    def _read(self, annotation: Any, text: str, where: str, defaults: Defaults) -> Any:
        """Read a field's value from text, by the type that its class declares."""
        options = typing.get_args(annotation) if _is_union(annotation) else (annotation,)
        if type(None) in options and text.lower() == "none":
            return None
        for option in (o for o in options if o is not type(None)):
            if isinstance(option, type) and issubclass(option, Plugin):
                return self.build(option, text, defaults)
            value = _read_plain(option, text)
            if value is not None:
                return value
        wanted = " or ".join(_describe(option) for option in options)
        raise SelectorError(f"{where} takes {wanted}, not '{text}'.")


def _folder(base: type[Plugin], name: str) -> str:
    """What an error says where a data set is unknown, but is the name of a folder."""
    is_folder = base is Dataset and Path(name).is_dir()
    return f" There is a folder of this name: write folder[path={name}]." if is_folder else ""


def field_types(plugin: type[Plugin]) -> dict[str, Any]:
    """The fields of a plugin class with their types, in order."""
    hints = typing.get_type_hints(plugin)
    return {f.name: hints[f.name] for f in fields_of(plugin)}


def _default_selectors(plugin: type[Plugin]) -> dict[str, str]:
    """field → the selector of its default plugin, which is built again so that study-wide defaults apply to it."""
    defaults = {f.name: default_of(f) for f in fields_of(plugin)}
    return {name: str(value) for name, value in defaults.items() if isinstance(value, Plugin)}


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _read_plain(option: Any, text: str) -> bool | int | float | str | None:
    """The value of type `option` that the text stands for, or None where it stands for none."""
    if typing.get_origin(option) is typing.Literal:
        return next((value for value in typing.get_args(option) if selector_text(value) == text), None)
    if option is bool:
        return {"true": True, "false": False}.get(text.lower())
    try:
        value = option(text) if option in (int, float, str) else None
    except ValueError:
        return None
    fits = not isinstance(value, int | float) or (abs(value) < 2**63 if option is int else math.isfinite(value))
    return typing.cast("int | float | str", value) if fits else None


def _describe(option: Any) -> str:
    if typing.get_origin(option) is typing.Literal:
        return ", ".join(map(repr, typing.get_args(option)))
    words = {
        bool: "true or false",
        int: "a whole number of at most 64 bits",
        float: "a finite number",
        str: "text",
        type(None): "none",
    }
    return words.get(option, str(option))


def extractors_within(plugins: Iterable[Plugin]) -> list[Extractor]:
    """The extractors among these plugins and those in their fields."""
    return [each for plugin in plugins for each in plugins_within(plugin) if isinstance(each, Extractor)]


def plugins_within(plugin: Plugin) -> Iterator[Plugin]:
    """A plugin and all plugins in its fields, depth first."""
    yield plugin
    for field in fields_of(plugin):
        value = getattr(plugin, field.name)
        if isinstance(value, Plugin):
            yield from plugins_within(value)
