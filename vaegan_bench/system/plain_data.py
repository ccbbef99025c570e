"""Plain data from disk held against the types that a record has."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

DEEPEST = 50
"""How deep lists and tables of a record may be nested; what this package writes is never deeper than ten."""
LARGEST = 2**63 - 1
"""The largest whole number that a table of numbers can hold."""

T = TypeVar("T")


def read_as(expected: type[T], value: Any) -> T:
    """Plain data as a dataclass or a TypedDict. Raises `ValueError` that names what does not fit."""
    return typing.cast(T, _read(value, expected, "it"))


def check_sound(value: Any, depth: int = 0) -> None:
    """Raise `ValueError` for what JSON can hold and tables cannot: extreme nesting and numbers, text that is none."""
    _expect(depth <= DEEPEST, "it", "less deeply nested")
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, int):
        _expect(abs(value) <= LARGEST, "a number in it", "smaller")
    elif isinstance(value, list):
        for each in value:
            check_sound(each, depth + 1)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            check_sound(key)
            check_sound(each, depth + 1)


def _read(value: Any, expected: Any, where: str) -> Any:
    """A value as one of the types that records have: dataclass, TypedDict, `tuple[str, ...]`, `float | None`, ….

    Keys that a record does not have are ignored. Numbers must be finite.
    """
    origin = typing.get_origin(expected)
    if dataclasses.is_dataclass(expected) or typing.is_typeddict(expected):
        return _read_table(value, expected, where)
    if origin in (types.UnionType, typing.Union):
        return _read_optional(value, typing.get_args(expected), where)
    if origin is Literal:
        _expect(value in typing.get_args(expected), where, " or ".join(map(repr, typing.get_args(expected))))
        return value
    if origin is dict:
        return _read_dict(value, typing.get_args(expected)[1], where)
    if origin in (list, tuple):
        return _read_list(value, origin, typing.get_args(expected), where)
    return _read_plain(value, expected, where)


def _read_table(value: Any, expected: Any, where: str) -> Any:
    _expect(isinstance(value, dict), where, "a table")
    hints = typing.get_type_hints(expected)
    for name in hints:
        _expect(name in value, where, f"a table with '{name}'")
    return expected(**{name: _read(value[name], hint, f"{where}.{name}") for name, hint in hints.items()})


def _read_optional(value: Any, kinds: tuple[Any, ...], where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    (kind,) = (kind for kind in kinds if kind is not type(None))
    return _read(value, kind, where)


def _read_dict(value: Any, kind: Any, where: str) -> dict[str, Any]:
    _expect(isinstance(value, dict), where, "a table")
    return {key: _read(each, kind, f"{where}.{key}") for key, each in value.items()}


def _read_list(value: Any, origin: type, kinds: tuple[Any, ...], where: str) -> Any:
    """A list; a tuple of a stated length, such as `tuple[float, float]`, has that many elements."""
    _expect(isinstance(value, list | tuple), where, "a list")
    if origin is tuple and kinds[-1] is not Ellipsis:
        _expect(len(value) == len(kinds), where, f"a list of {len(kinds)}")
    return origin(_read(each, kinds[0], f"{where}[{i}]") for i, each in enumerate(value))


def _read_plain(value: Any, expected: Any, where: str) -> Any:
    if expected is float:
        _expect(_is(value, int) or (isinstance(value, float) and math.isfinite(value)), where, "a number")
    elif expected is not Any:
        _expect(_is(value, expected), where, {str: "text", int: "a whole number"}.get(expected, str(expected)))
    return value


def _is(value: Any, expected: type) -> bool:
    return isinstance(value, expected) and (expected is bool or not isinstance(value, bool))


def _expect(fits: bool, where: str, what: str) -> None:
    if not fits:
        raise ValueError(f"{where.removeprefix('it.')} is not {what}")
