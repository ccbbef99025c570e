"""The class variables of plugins: what the base class of a kind declares, and each plugin sets."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from vaegan_bench.api import Plugin, PluginError
from vaegan_bench.api.plugin import fields_of
from vaegan_bench.system.value_types import fits


def check_class_variables(plugin: type[Plugin], where: str) -> None:
    """Raise `PluginError` unless a plugin sets all variables that its kind demands, each to a value of its type.

    A property instead of a value is not looked at.
    """
    if missing := sorted(name for name in _demanded(plugin) if not hasattr(plugin, name)):
        raise PluginError(f"{where} must set {', '.join(missing)}, as all plugins of the kind '{plugin.kind}' do.")
    for name, expected in declared_variables(plugin).items():
        value = getattr(plugin, name)
        if not _is_computed(value) and not fits(value, expected):
            raise PluginError(f"{where} has a {name} that is not {_words(expected)}: change it.")


def declared_variables(plugin: type[Plugin]) -> dict[str, Any]:
    """The class variables that the base classes declare and leave to each plugin, with their types."""
    found: dict[str, Any] = {}
    for base in (base for base in plugin.__mro__[1:] if issubclass(base, Plugin)):
        own = vars(base).get("__annotations__", {})
        types = ((name, typing.get_args(hint)) for name, hint in _hints_of(base).items() if name in own)
        found |= {name: inner[0] for name, inner in types if inner and "ClassVar" in str(own[name])}
    return found


@cache
def _hints_of(base: type[Plugin]) -> dict[str, Any]:
    return typing.get_type_hints(base)


def _demanded(plugin: type[Plugin]) -> set[str]:
    """What the base classes declare, without its own fields: those made by a factory are no attributes of the class."""
    bases = [base for base in plugin.__mro__[1:] if issubclass(base, Plugin)]
    declared = {name for base in bases for name in vars(base).get("__annotations__", {})}
    return declared - {field.name for field in fields_of(plugin)}


def _is_computed(value: object) -> bool:
    """Whether a class has a property or the like in place of a value."""
    return hasattr(value, "__get__")


def _words(expected: Any) -> str:
    """A type in words: 'a mapping of text to text'."""
    origin, inner = typing.get_origin(expected), typing.get_args(expected)
    if origin is tuple:
        return f"a tuple of {_words(inner[0])}"
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping of {' to '.join(map(_words, inner))}"
    return {str: "text", bool: "True or False"}.get(expected, str(expected.__name__))
