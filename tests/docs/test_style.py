"""What CONTRIBUTING.md says about the shape of the code."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import vaegan_bench

PACKAGE = Path(vaegan_bench.__file__).parent
ENTRIES = 18
"""Rooms and files in the package itself, at most."""
LONGEST, TYPICAL, ALMOST_ALL = 40, 6, 14
"""Lines of a function: of any, of the median, and of nine in ten."""


def functions() -> Iterator[tuple[int, str]]:
    """(lines, place) of every function of the package."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield node.end_lineno - node.lineno + 1, f"{file.relative_to(PACKAGE)}:{node.name}"


def test_functions_are_short() -> None:
    found = sorted(functions())
    lengths = [length for length, _ in found]
    assert [place for length, place in found if length > LONGEST] == []
    assert statistics.median(lengths) <= TYPICAL
    assert sum(length > ALMOST_ALL for length in lengths) <= len(lengths) / 10


def test_the_package_opens_to_few_entries() -> None:
    entries = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    assert len(entries) <= ENTRIES, sorted(entries)


def test_every_room_says_what_is_in_it() -> None:
    for init in PACKAGE.glob("*/__init__.py"):
        assert ast.get_docstring(ast.parse(init.read_text("utf-8"))), f"{init} has no docstring"
