"""What is remembered of an object: once, for this object alone, and no longer than it lives."""

from __future__ import annotations

import gc
from weakref import ref

import torch
from torch import Tensor

from vaegan_bench.system.memo import memo


def test_what_was_computed_of_a_tensor_is_known_as_long_as_it_lives() -> None:
    asked: list[tuple[float, int]] = []

    @memo
    def scaled(values: Tensor, by: int = 1) -> Tensor:
        asked.append((float(values.sum()), by))
        return values * by

    ones, equal = torch.ones(2), torch.ones(2)
    assert scaled(ones, 2) is scaled(ones, 2)
    assert scaled(ones, by=3) is scaled(ones, by=3)
    assert scaled(equal, 2) is not scaled(ones, 2)
    assert asked == [(2, 2), (2, 3), (2, 2)]
    found = ref(scaled(ones, 2))
    del ones
    gc.collect()
    assert found() is None


def test_properties_are_remembered_for_each_object() -> None:
    class Counted:
        asked = 0

        @property
        @memo
        def number(self) -> int:
            self.asked += 1
            return self.asked

    first, second = Counted(), Counted()
    assert [first.number, first.number, second.number] == [1, 1, 1]
    gone = ref(first)
    del first
    gc.collect()
    assert gone() is None
