"""Check the values of a study's keys against the types of the keys."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any, Literal

from vaegan_bench.system.errors import StudyError
from vaegan_bench.system.value_types import fits, is_int

DEEPEST = 5
"""The deepest nesting of tables and lists that is read; no key of a study needs so much."""
MOST_SEEDS = 1000
"""Beyond this, a count of seeds was more likely meant as a seed."""


def check_values(value: Any, where: str, depth: int = 0) -> None:
    """Refuse values that no error could print: integers of very many digits, deeply nested tables."""
    if depth > DEEPEST:
        raise StudyError(f"{where.partition(': ')[0]} holds tables or lists nested more than {DEEPEST} deep.")
    inner = value.items() if isinstance(value, Mapping) else enumerate(value, 1) if isinstance(value, list) else ()
    for key, each in inner:
        check_values(each, f"{where}: {key}", depth + 1)
    if is_int(value) and not -(2**63) <= value < 2**63:
        raise StudyError(f"{where} is a number of more than 64 bits.")


def read_value(key: str, value: Any, annotation: Any, where: str) -> Any:
    """Check a value against the type of its key; lists become tuples, a count of seeds becomes the seeds."""
    if key == "seeds" and is_int(value):
        if value > MOST_SEEDS:
            raise StudyError(
                f"{where}: seeds {value} means {value:,} seeds, and a study may have {MOST_SEEDS:,}. For the single "
                f"seed {value}, write '--seeds {value},' with a comma at the end, or seeds = [{value}] in a file."
            )
        return tuple(range(value))
    if fits(value, annotation, list | tuple):
        return _freeze(value)
    if annotation is float and is_int(value):
        return float(value)
    raise StudyError(f"{where}: {key} must be {_WORDS.get(key, _describe(annotation))}, not {value!r}.")


_WORDS = {
    "seeds": "a number of seeds or a list of seeds",
    "losses": "a table of lists of selectors",
    "optimizers": "a table of selectors",
    "term_weights": "a table of lists of numbers or selectors",
    "fields": "a table of tables of plain values",
}


def _freeze(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _freeze(v) for k, v in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _describe(annotation: Any) -> str:
    if typing.get_origin(annotation) is Literal:
        return " or ".join(map(repr, typing.get_args(annotation)))
    if typing.get_origin(annotation) is tuple:
        return "a list of text"
    return {int: "a whole number", float: "a number", str: "text", bool: "true or false"}.get(
        annotation, str(annotation)
    )


def thaw(value: Any) -> Any:
    """A value as plain data that JSON and TOML can hold: tuples as lists."""
    if isinstance(value, Mapping):
        return {k: thaw(v) for k, v in value.items()}
    return list(value) if isinstance(value, tuple) else value
