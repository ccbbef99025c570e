"""Remember results that were computed from an object, for as long as the object lives."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from weakref import finalize

Owner = TypeVar("Owner")
Others = ParamSpec("Others")
Found = TypeVar("Found")


def memo(function: Callable[Concatenate[Owner, Others], Found]) -> Callable[Concatenate[Owner, Others], Found]:
    """Remember the results of a function or method by its first argument, the owner, and by its other arguments.

    Owners are compared by identity, as tensors must be; other arguments by equality. A result must not reference its
    owner, which would then never be freed.
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
