"""Exhibits on disk: one array each, and the other data of its figure as JSON. They are checked when read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from vaegan_bench.system.exhibits import TYPES, Array, Exhibit, Exhibits

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
ABOUT = ".json"
"""The suffix to the name of an exhibit under which all but its array is kept."""
LONGEST = 2**20
"""Characters of that text at most: a longer one was not written by this package."""


def check_exhibits(exhibits: Exhibits) -> None:
    """Raise `ValueError` where no figure can be drawn of an exhibit, or its name cannot be the name of a file."""
    for name, exhibit in exhibits.items():
        if not isinstance(exhibit, TYPES):
            known = ", ".join(each.__name__ for each in TYPES)
            raise ValueError(f"the exhibit '{name}' is a {type(exhibit).__name__}, and figures are drawn of: {known}")
        if not NAME.fullmatch(name):
            raise ValueError(f"the exhibit {name!r} cannot be the name of a file: use lower case, digits and hyphens")


def encode(exhibits: Exhibits) -> dict[str, Array]:
    """Named arrays of numbers and of text, from which `decode` makes the same exhibits."""
    arrays: dict[str, Array] = {}
    for name, exhibit in exhibits.items():
        values = {each.name: getattr(exhibit, each.name) for each in fields(exhibit)}
        arrays[name] = values.pop(_array_of(type(exhibit)))
        arrays[name + ABOUT] = np.array(json.dumps({"type": type(exhibit).__name__, **values}))
    return arrays


def decode(arrays: Mapping[str, Array]) -> dict[str, Exhibit]:
    """Exhibits from the arrays that `encode` made. Raises `ValueError` for other arrays."""
    about = {name: array for name, array in arrays.items() if name.endswith(ABOUT)}
    if missing := {name.removesuffix(ABOUT) for name in about} ^ (set(arrays) - set(about)):
        raise ValueError(f"'{min(missing)}' has an array or a description, but not both")
    exhibits = {name.removesuffix(ABOUT): _decode_one(arrays[name.removesuffix(ABOUT)], about[name]) for name in about}
    check_exhibits(exhibits)
    return exhibits


def _decode_one(array: Array, about: Array) -> Exhibit:
    if about.dtype.kind != "U" or about.ndim or about.itemsize > 4 * LONGEST:
        raise ValueError(f"the description of an exhibit is {about.dtype} {about.shape}, not text")
    described = json.loads(str(about))
    if not isinstance(described, dict):
        raise ValueError("an exhibit is not described by a table")
    kinds = {each.__name__: each for each in TYPES}
    if (kind := kinds.get(str(described.pop("type", "")))) is None:
        raise ValueError("an exhibit has no known type")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in described.items()}
    return _made(kind, {**values, _array_of(kind): array})


def _made(kind: type[Exhibit], values: Mapping[str, Any]) -> Exhibit:
    try:
        return kind(**values)
    except TypeError as error:  # unknown fields, or one value instead of several
        raise ValueError(f"a {kind.__name__} is not described by {', '.join(values)}") from error


def _array_of(kind: type[Exhibit]) -> str:
    """The name of the field that holds an exhibit's array: its first one."""
    return fields(kind)[0].name
