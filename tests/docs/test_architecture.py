"""The drawing in docs/architecture.md is what happens: a study is run, and its calls are held against the drawing."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from functools import cache, partial
from pathlib import Path
from types import CodeType, FrameType

import pytest
from documents import text
from shell import bench

import vaegan_bench

ROOT = Path(vaegan_bench.__file__).parent
LINE = re.compile(r"^(?P<indent> *)(?P<file>\S+\.py) +(?P<function>\S+)")
STUDY = "--models vae --datasets avatars[faces=60] --steps 2 --batch 8 --samples 8 --metrics reconstruction"


def drawing() -> list[tuple[int, str]]:
    """(depth, 'file function') of every line."""
    block = re.search(r"## The way of a study.*?```\n(.*?)```", text("architecture.md"), re.DOTALL)
    assert block is not None
    found = [LINE.match(line) for line in block.group(1).splitlines()]
    assert all(found)
    return [(len(line["indent"]) // 2, f"{line['file']} {line['function']}") for line in found if line]


def parents(lines: list[tuple[int, str]]) -> list[tuple[str, str | None]]:
    """Each function with the one that it is drawn below."""
    stack: list[str] = []
    pairs: list[tuple[str, str | None]] = []
    for depth, function in lines:
        del stack[depth:]
        pairs.append((function, stack[-1] if stack else None))
        stack.append(function)
    return pairs


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The stack of drawn functions at every call of one of them, outermost first, in the order of the calls."""
    drawn, stack, stacks = {function for _, function in drawing()}, list[str](), list[list[str]]()
    name_of = cache(partial(_name_of, drawn))

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event in ("call", "return") and (name := name_of(frame.f_code)):
            if event == "call":
                stack.append(name)
                stacks.append(list(stack))
            else:
                stack.pop()

    folder = tmp_path_factory.mktemp("drawing")
    sys.setprofile(profile)
    try:
        done = bench("run", "smoke", *STUDY.split(), "--results", folder, "--cache-dir", folder / "cache")
    finally:
        sys.setprofile(None)
    assert done.returncode == 0, done.stderr
    return stacks


def _name_of(drawn: Collection[str], code: CodeType) -> str:
    """The drawn function that a code object belongs to; '' for all others."""
    file = Path(code.co_filename)
    name = f"{file.relative_to(ROOT).as_posix()} {code.co_qualname}" if file.is_relative_to(ROOT) else ""
    return name if name in drawn else ""


def test_every_function_is_called_by_the_one_that_it_is_drawn_below(calls: list[list[str]]) -> None:
    for function, parent in parents(drawing()):
        below = [stack for stack in calls if stack[-1] == function and (parent is None or parent in stack[:-1])]
        assert below, f"{function} was never called below {parent}"


def test_functions_are_called_in_the_order_in_which_they_are_drawn(calls: list[list[str]]) -> None:
    position = -1
    for function, parent in parents(drawing()):
        later = [i for i, s in enumerate(calls) if i > position and s[-1] == function and (not parent or parent in s)]
        assert later, f"{function} was not called below {parent} after the functions that are drawn above it"
        position = later[0]
