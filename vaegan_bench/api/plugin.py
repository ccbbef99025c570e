"""The one shape of every plugin: a frozen, keyword-only dataclass with a name and one method."""

from __future__ import annotations

import dataclasses
from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar

import pluggy

hookimpl = pluggy.HookimplMarker("vaegan_bench")
"""Marks a function as an implementation of one of the hooks in `vaegan_bench.registry.hookspecs`."""


class Plugin(ABC):
    """Anything that a study can name: a model, a loss, networks, a data set, a metric, …

    A plugin is a `@dataclass(frozen=True, kw_only=True)` that derives from the base class
    of its kind. Its typed fields are its hyperparameters; its name is what users write.
    """

    kind: ClassVar[str]
    """Set by the base class of each kind, in the singular: 'model', 'reconstruction loss', …"""
    name: ClassVar[str]
    """What users write: lower case, with hyphens."""

    def __str__(self) -> str:
        """The shortest selector that means this plugin: only fields that differ from the default."""
        changed = [f for f in fields_of(self) if getattr(self, f.name) != default_of(f)]
        inside = ",".join(f"{f.name}={selector_text(getattr(self, f.name))}" for f in changed)
        return f"{self.name}[{inside}]" if inside else self.name


def fields_of(plugin: Plugin | type[Plugin]) -> tuple[dataclasses.Field[Any], ...]:
    """The fields of a plugin or a plugin class, in order."""
    return dataclasses.fields(plugin)  # type: ignore[arg-type]  # every plugin is a dataclass, which its type cannot say


def default_of(field: dataclasses.Field[Any]) -> Any:
    """The default value of a dataclass field, or `dataclasses.MISSING`."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def definition(plugin: Plugin) -> Mapping[str, Any]:
    """Everything that determines what a plugin does: its kind, its name and all its fields, as plain data."""
    values = {f.name: getattr(plugin, f.name) for f in fields_of(plugin)}
    plain = {k: definition(v) if isinstance(v, Plugin) else v for k, v in values.items()}
    return {"kind": plugin.kind, "name": plugin.name, **plain}


def at_least(plugin: Plugin, **minima: float) -> None:
    """Refuse fields below their minimum, for `__post_init__`. Raises `ValueError`; selectors report it in one line."""
    for name, minimum in minima.items():
        if getattr(plugin, name) < minimum:
            raise ValueError(f"{name} must be at least {minimum}, not {getattr(plugin, name)}")


def selector_text(value: object) -> str:
    """A field's value as a selector writes it."""
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
