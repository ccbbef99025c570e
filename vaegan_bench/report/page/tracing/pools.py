"""The numbers of a program, in two arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaegan_bench.report.page.tracing.graph import LAYERS, Numbers, Operation

LARGEST = 32_767


@dataclass
class Pool:
    """Numbers of several arrays, one after the other."""

    kind: type[np.generic]
    parts: list[NDArray[Any]] = field(default_factory=list)
    length: int = 0

    def add(self, values: NDArray[Any]) -> int:
        """Append `values`; the place where they begin."""
        place = self.length
        self.parts.append(values.ravel().astype(self.kind))
        self.length += values.size
        return place

    def joined(self) -> NDArray[Any]:
        """All numbers as one array."""
        return np.concatenate([np.empty(0, self.kind), *self.parts])


@dataclass
class Pools:
    """Weights of layers as whole multiples of a step for each row, and all other numbers as they are.

    With 16 bits for each weight, this rounds five to ten times less than float16, whose errors on trained decoders
    reach 1e-3 per pixel, the most that a page may deviate.
    """

    weights: Pool = field(default_factory=lambda: Pool(np.int16))
    numbers: Pool = field(default_factory=lambda: Pool(np.float64))

    def store(self, operation: Operation, number: Mapping[int, int]) -> Mapping[str, Any]:
        """An operation as plain data, with the places of its numbers in the pools instead of the numbers."""
        numbers, settings = dict(operation.numbers), dict(operation.settings)
        if operation.kind == "affine":
            settings["block"] = block = _common_block(*numbers.values())
            numbers = {name: values[::block] for name, values in numbers.items()}
        if operation.kind in LAYERS:
            multiples, numbers["step"] = _in_steps(numbers.pop("weight"))
            settings["weight"] = self.weights.add(multiples)
        values = {"inputs": [number[value] for value in operation.inputs], "output": number[operation.output]}
        places = {name: self.numbers.add(values) for name, values in numbers.items()}
        return {"kind": operation.kind, **values, **settings, **places}


def _in_steps(weight: Numbers) -> tuple[Numbers, Numbers]:
    """Each row as whole multiples of a step, 1/32,767 of the row's largest weight; the multiples and the steps."""
    largest = np.abs(weight).max(axis=tuple(range(1, weight.ndim)), keepdims=True)
    step = np.where(largest == 0, 1.0, largest) / LARGEST
    return np.rint(weight / step), step.ravel()


def _common_block(*arrays: Numbers) -> int:
    """The largest size of blocks into which all arrays can be cut so that numbers are equal within every block."""
    changes = [np.flatnonzero(np.diff(values)) + 1 for values in arrays]
    return math.gcd(len(arrays[0]), *(int(place) for places in changes for place in places))
