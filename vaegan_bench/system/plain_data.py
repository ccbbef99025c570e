"""Check plain data from disk against the types of a record."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable
from functools import cache
from itertools import chain
from typing import Any, Literal, TypeVar

DEEPEST = 50
"""How deep lists and tables of a record may be nested; what this package writes is never deeper than ten."""
LARGEST = 2**63 - 1
"""The largest whole number that a table of numbers can hold."""

T = TypeVar("T")
Read = Callable[[Any], Any]
"""Plain value → the value of a record's field; raises `_MisfitError` for a value that does not fit."""


def read_as(expected: type[T], value: Any) -> T:
    """Plain data as an instance of `expected`, a dataclass or a TypedDict. Raises `ValueError` that names the misfit.

    Keys that `expected` does not have are ignored; fields of a dataclass that have a default may be missing. Numbers
    must be finite.
    """
    try:
        return typing.cast(T, _reader(typing.cast(Any, expected))(value))
    except _MisfitError as misfit:
        raise ValueError(str(misfit)) from None


def check_sound(value: list[Any] | dict[str, Any], depth: int = 0) -> None:
    """Raise `ValueError` for values of JSON that tables cannot hold: extreme nesting, huge integers, invalid text."""
    if depth > DEEPEST:
        raise ValueError("it is nested too deeply")
    for each in chain(value, value.values()) if isinstance(value, dict) else value:
        if isinstance(each, str):
            each.isascii() or each.encode("utf-8")
        elif isinstance(each, dict | list):
            check_sound(each, depth + 1)
        elif isinstance(each, int) and abs(each) > LARGEST:
            raise ValueError("a number in it is too large")


class _MisfitError(Exception):
    """A value that does not fit its field in a record."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what, self.place = what, ""

    def within(self, place: str) -> _MisfitError:
        """The same error, with the place of the enclosing table or list put in front of its own place."""
        self.place = place + self.place
        return self

    def __str__(self) -> str:
        return f"{self.place.removeprefix('.') if self.place.startswith('.') else f'it{self.place}'} is not {self.what}"


@cache
def _reader(expected: Any) -> Read:
    """The function that reads values of one type: dataclass, TypedDict, `tuple[str, ...]`, `float | None`, ….

    Made once per type: a study may have thousands of records.
    """
    origin, inner = typing.get_origin(expected), typing.get_args(expected)
    if dataclasses.is_dataclass(expected) or typing.is_typeddict(expected):
        return _reader_of_table(expected)
    if origin in (types.UnionType, typing.Union):
        return _reader_of_optional(inner)
    if origin is Literal:
        return _checker(lambda value: value in inner, " or ".join(map(repr, inner)))
    if origin is dict:
        return _reader_of_dict(_reader(inner[1]))
    return _reader_of_list(origin, inner) if origin in (list, tuple) else _reader_of_plain(expected)


def _reader_of_plain(expected: Any) -> Read:
    if expected is float:
        return _checker(_is_number, "a number")
    if expected is Any:
        return lambda value: value
    words = {str: "text", int: "a whole number"}.get(expected, str(expected))
    return _checker(
        lambda value: isinstance(value, expected) and (expected is bool or not isinstance(value, bool)), words
    )


def _reader_of_table(expected: Any) -> Read:
    readers = {name: _reader(hint) for name, hint in typing.get_type_hints(expected).items()}
    required = [name for name in readers if name not in _defaults(expected)]

    def read(value: Any) -> Any:
        _expect(isinstance(value, dict), "a table")
        for name in required:
            _expect(name in value, f"a table with '{name}'")
        found = {}
        for name, reader in readers.items():
            if name in value:
                try:
                    found[name] = reader(value[name])
                except _MisfitError as misfit:
                    raise misfit.within(f".{name}") from None
        return expected(**found)

    return read


def _defaults(expected: Any) -> set[str]:
    """The fields of a dataclass that have a default."""
    if not dataclasses.is_dataclass(expected):
        return set()
    missing = dataclasses.MISSING
    fields = dataclasses.fields(expected)
    return {f.name for f in fields if f.default is not missing or f.default_factory is not missing}


def _reader_of_optional(kinds: tuple[Any, ...]) -> Read:
    (kind,) = (kind for kind in kinds if kind is not type(None))
    reader = _reader(kind)
    return lambda value: None if value is None else reader(value)


def _reader_of_dict(reader: Read) -> Read:
    def read(value: Any) -> dict[str, Any]:
        _expect(isinstance(value, dict), "a table")
        found = {}
        for key, each in value.items():
            try:
                found[key] = reader(each)
            except _MisfitError as misfit:
                raise misfit.within(f".{key}") from None
        return found

    return read


def _reader_of_list(origin: type, kinds: tuple[Any, ...]) -> Read:
    """The reader of a list, or of a tuple: one of a stated length, such as `tuple[float, float]`, is checked for it."""
    reader, length = _reader(kinds[0]), len(kinds) if origin is tuple and kinds[-1] is not Ellipsis else None

    def read(value: Any) -> Any:
        _expect(isinstance(value, list | tuple), "a list")
        _expect(length in (None, len(value)), f"a list of {length}")
        found = []
        for i, each in enumerate(value):
            try:
                found.append(reader(each))
            except _MisfitError as misfit:
                raise misfit.within(f"[{i}]") from None
        return origin(found)

    return read


def _checker(fits: Callable[[Any], bool], what: str) -> Read:
    def check(value: Any) -> Any:
        if not fits(value):
            raise _MisfitError(what)
        return value

    return check


def _is_number(value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole or (isinstance(value, float) and math.isfinite(value))


def _expect(fits: bool, what: str) -> None:
    if not fits:
        raise _MisfitError(what)
