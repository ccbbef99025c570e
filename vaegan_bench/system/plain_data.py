"""Plain data from disk held against the types that a record has."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

DEEPEST = 50
"""How deep lists and tables of a record may be nested; what this package writes is never deeper than ten."""
LARGEST = 2**63 - 1
"""The largest whole number that a table of numbers can hold."""


def check(value: Any, expected: Any, where: str = "it") -> None:
    """Raise `ValueError` unless plain data have the type `expected`: a TypedDict, `list[str]`, `float | None`, ….

    Keys beyond those of a TypedDict are no mistake. Numbers must be finite.
    """
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if typing.is_typeddict(expected):
        _check_keys(value, expected, where)
    elif origin in (types.UnionType, typing.Union):
        _check_any(value, arguments, where)
    elif origin is Literal:
        _expect(value in arguments, where, " or ".join(map(repr, arguments)))
    elif origin is dict:
        _expect(isinstance(value, dict), where, "a table")
        for key, each in value.items():
            check(each, arguments[1], f"{where}.{key}")
    elif origin is list:
        _expect(isinstance(value, list), where, "a list")
        for i, each in enumerate(value):
            check(each, arguments[0], f"{where}[{i}]")
    else:
        _check_plain(value, expected, where)


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


def _check_keys(value: Any, expected: Any, where: str) -> None:
    _expect(isinstance(value, dict), where, "a table")
    for name, each in typing.get_type_hints(expected).items():
        _expect(name in value, where, f"a table with '{name}'")
        check(value[name], each, f"{where}.{name}")


def _check_any(value: Any, kinds: tuple[Any, ...], where: str) -> None:
    if value is None and type(None) in kinds:
        return
    (kind,) = (kind for kind in kinds if kind is not type(None))
    check(value, kind, where)


def _check_plain(value: Any, expected: Any, where: str) -> None:
    if expected is float:
        _expect(_is(value, int) or (isinstance(value, float) and math.isfinite(value)), where, "a number")
    elif expected is not Any:
        _expect(_is(value, expected), where, {str: "text", int: "a whole number"}.get(expected, str(expected)))


def _is(value: Any, expected: type) -> bool:
    return isinstance(value, expected) and (expected is bool or not isinstance(value, bool))


def _expect(fits: bool, where: str, what: str) -> None:
    if not fits:
        raise ValueError(f"{where.removeprefix('it.')} is not {what}")
