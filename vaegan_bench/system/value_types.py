"""Whether values are of the types that annotations name, with all that is in them."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal


def fits(value: object, annotation: Any, sequence: type | UnionType = tuple) -> bool:
    """Whether a value is of a type, such as `Mapping[str, tuple[str, ...]]`; a bool is no int, and `Any` a plain value.

    `sequence` is the type of what an annotation calls a tuple: values from a file have lists.
    """
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return value in inner
    if origin is tuple:
        return isinstance(value, sequence) and all(fits(each, inner[0], sequence) for each in value)  # type: ignore[attr-defined]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(
            fits(part, kind, sequence) for pair in value.items() for part, kind in zip(pair, inner, strict=True)
        )
    if annotation is Any:
        return value is None or isinstance(value, bool | int | float | str)
    return is_int(value) if annotation is int else isinstance(value, annotation)


def is_int(value: object) -> bool:
    """Whether a value is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)
