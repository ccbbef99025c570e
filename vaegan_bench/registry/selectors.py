"""Selectors: `name[field=value,…]`, the one way in which users name a plugin with its settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from vaegan_bench.system.errors import SelectorError, one_line

DEEPEST = 20
"""The deepest nesting of brackets that is read; no plugin has plugins in its fields to such a depth."""


@dataclass(frozen=True)
class Selector:
    """A plugin's name and the fields written in brackets after it, as text."""

    name: str
    fields: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        inside = ",".join(f"{name}={value}" for name, value in self.fields.items())
        return f"{self.name}[{inside}]" if inside else self.name

    def covers(self, other: Selector) -> bool:
        """Whether `other` has this name and all these fields with these values; it may have more."""
        return other.name == self.name and self.fields.items() <= other.fields.items()

    def plus(self, fields: Mapping[str, str]) -> Selector:
        """The same selector with more fields; those given here win."""
        return Selector(self.name, {**self.fields, **fields})


def parse_selector(text: str) -> Selector:
    """Read one selector. Raises `SelectorError` where brackets or equal signs are missing, or a field is set twice."""
    text = text.strip()
    if one_line(text) != text:
        raise SelectorError(f"Cannot read '{text}': it contains invisible characters.")
    name, bracket, rest = text.partition("[")
    if not name.strip() or (bracket and not rest.endswith("]")):
        raise SelectorError(f"Cannot read '{text}': write name or name[field=value,other=value].")
    inside = rest[:-1] if bracket else ""
    assignments = [_assignment(part, text) for part in split_list(inside)]
    fields = dict(assignments)
    if len(fields) < len(assignments):
        twice = next(field for field in fields if [name for name, _ in assignments].count(field) > 1)
        raise SelectorError(f"'{text}' sets {twice} more than once.")
    return Selector(name.strip(), fields)


def split_list(text: str) -> list[str]:
    """Split at the commas outside of brackets; empty parts are dropped. Raises `SelectorError` if unbalanced.

    Very deep brackets are refused, too.
    """
    parts, depth, start = [], 0, 0
    for i, character in enumerate(text):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if depth < 0:
            break
        if depth > DEEPEST:
            raise SelectorError(f"Cannot read '{text[:40]}…': its brackets are nested more than {DEEPEST} deep.")
        if character == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    if depth != 0:
        raise SelectorError(f"Cannot read '{text}': its square brackets do not match.")
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def split_lists(texts: Iterable[str]) -> list[str]:
    """The parts of several such lists, one after the other."""
    return [part for text in texts for part in split_list(text)]


def _assignment(part: str, whole: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise SelectorError(f"Cannot read '{part}' in '{whole}': write field=value.")
    return name.strip(), value.strip()
