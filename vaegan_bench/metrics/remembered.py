"""What a metric measures once and shows twice: as rows and as exhibits."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from vaegan_bench.api import Outputs

Found = TypeVar("Found")
How = TypeVar("How", bound=Hashable)


def once_per_outputs(measure: Callable[[Outputs, How], Found]) -> Callable[[Outputs, How], Found]:
    """Remember what `measure(outputs, how)` found for as long as the outputs live; it must not hold on to them."""
    known: WeakKeyDictionary[Outputs, dict[How, Found]] = WeakKeyDictionary()

    @wraps(measure)
    def remembered(outputs: Outputs, how: How) -> Found:
        of_outputs = known.setdefault(outputs, {})
        if how not in of_outputs:
            of_outputs[how] = measure(outputs, how)
        return of_outputs[how]

    return remembered
