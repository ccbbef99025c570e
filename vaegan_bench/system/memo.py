"""The one way to remember what was computed of an object: for as long as the object lives, and no longer."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from weakref import finalize

Owner = TypeVar("Owner")
Others = ParamSpec("Others")
Found = TypeVar("Found")


def memo(function: Callable[Concatenate[Owner, Others], Found]) -> Callable[Concatenate[Owner, Others], Found]:
    """Remember what a function or method found of its first argument, the owner, and equal further arguments.

    Owners are told apart by identity, as tensors must be. What is found must not hold its owner, which would then never
    be freed.
    """
    memory: dict[int, dict[Hashable, Found]] = {}

    @wraps(function)
    def remember(owner: Owner, /, *args: Others.args, **kwargs: Others.kwargs) -> Found:
        if id(owner) not in memory:
            memory[id(owner)] = {}
            finalize(owner, memory.pop, id(owner)).atexit = False
        known, asked = memory[id(owner)], (args, tuple(sorted(kwargs.items())))
        if asked not in known:
            known[asked] = function(owner, *args, **kwargs)
        return known[asked]

    return remember
