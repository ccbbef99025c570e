"""Operations on one example, with the numbers that they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaegan_bench.report.page.tracing.axes import UntranslatableError, split_by_axes

Numbers = NDArray[np.float64]
Rearrange = Callable[[Tensor], Tensor]
LAYERS = ("linear", "convolution", "transposed_convolution")
"""Kinds of operations that multiply by weights, of which each row makes one output or one channel."""


@dataclass
class Operation:
    """One step of a program: values in, one value out. `numbers` go into the pools, `settings` stay as they are."""

    kind: str
    inputs: tuple[int, ...]
    output: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    numbers: dict[str, Numbers] = field(default_factory=dict)


@dataclass
class Graph:
    """The operations recorded so far; values are numbered in the order in which they arise."""

    batch: int
    """How many examples the recorded pass computes, along dimension 0 of every tensor."""
    sizes: list[int] = field(default_factory=list)
    """How many numbers each value holds for one example."""
    operations: list[Operation] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Operations that make a network unportable, whether an output depends on them or not."""

    def new_value(self, size: int) -> int:
        """The number of a new value, which no operation computes yet."""
        self.sizes.append(size)
        return len(self.sizes) - 1

    def add(
        self, kind: str, inputs: Sequence[int], size: int, numbers: Mapping[str, Numbers] | None = None, **settings: Any
    ) -> int:
        """Append an operation; return the number of its value. Settings become JSON, which has no infinite numbers."""
        if any(isinstance(value, float) and not isfinite(value) for value in settings.values()):
            raise UntranslatableError("with a setting that is not finite")
        output = self.new_value(size)
        self.operations.append(Operation(kind, tuple(inputs), output, settings, dict(numbers or {})))
        return output

    def constant(self, values: Tensor, shape: Sequence[int]) -> int:
        """Add a constant: the numbers that each example sees of `values`, broadcast to a batch of this shape."""
        return self.add("constant", (), prod(shape[1:]), {"weight": self.same_for_all(values, shape).ravel()})

    def same_for_all(self, values: Tensor, shape: Sequence[int]) -> Numbers:
        """The numbers that each example sees of `values`, broadcast to a batch of this shape, equal for all."""
        whole = values.detach().cpu().double().broadcast_to(tuple(shape))
        if not bool(((whole == whole[:1]) | whole.isnan()).all()):
            raise UntranslatableError("a constant that differs between the images of a batch")
        return whole[0].numpy()

    def rearrange(self, value: int, shape: Sequence[int], move: Rearrange, fill: float = 0.0) -> int:
        """Add a value: the numbers of `value`, moved, repeated or left out as `move` does to a batch of this shape.

        `move` is applied to the positions of the numbers, to see where each comes from; −1 stands for `fill`.
        """
        if shape[0] != self.batch:
            raise UntranslatableError("across the images of a batch")
        positions = torch.arange(self.batch * prod(shape[1:]), dtype=torch.float64).view(tuple(shape))
        sources = move(positions).contiguous()
        first = np.atleast_1d(self._of_one_example(sources, prod(shape[1:])))
        if np.array_equal(first.ravel(), np.arange(self.sizes[value])):
            return value
        return self.add("gather", (value,), first.size, axes=split_by_axes(first), fill=fill)

    def _of_one_example(self, sources: Tensor, size: int) -> NDArray[np.int64]:
        """Where the numbers of the first example come from; those of all others must come from the same places."""
        if sources.shape[:1] != (self.batch,):
            raise UntranslatableError("across the images of a batch")
        whole = sources.long().numpy()
        steps = np.arange(self.batch).reshape(-1, *[1] * (whole.ndim - 1)) * size
        local = np.where(whole < 0, -1, whole - steps)
        if not (local == local[:1]).all() or local.max(initial=0) >= size:
            raise UntranslatableError("across the images of a batch")
        first: NDArray[np.int64] = local[0]
        return first
