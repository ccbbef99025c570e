"""Networks as programs in plain data, which the page runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaegan_bench.report.page.packing import pack_float32, pack_int16
from vaegan_bench.report.page.tracing.call import Tracked
from vaegan_bench.report.page.tracing.folding import fold, needed_for
from vaegan_bench.report.page.tracing.graph import Graph, Numbers
from vaegan_bench.report.page.tracing.pools import Pools
from vaegan_bench.report.page.tracing.recorder import Recorder
from vaegan_bench.system.errors import BenchError


class UnportableError(BenchError):
    """A network that no page can run, with the operations that have no counterpart there."""

    def __init__(self, operations: Sequence[str]) -> None:
        self.operations = tuple(dict.fromkeys(operations))
        super().__init__(f"A page cannot run {', '.join(self.operations)}.")


@dataclass(frozen=True, kw_only=True)
class Portable:
    """A network as a list of operations on one example, without a batch, and its weights."""

    inputs: tuple[tuple[int, ...], ...]
    """The shapes of the inputs, which are the first values."""
    outputs: tuple[tuple[int, ...], ...]
    """The shapes of the outputs."""
    returned: tuple[int, ...]
    """The indices of the values that are the outputs."""
    sizes: tuple[int, ...]
    """How many numbers each value holds."""
    operations: tuple[Mapping[str, Any], ...]
    weights: NDArray[np.int16]
    """Weights of all layers, one after the other, as multiples of a step size per row."""
    numbers: Numbers
    """All other numbers. Each operation states where its numbers begin."""

    def as_plain(self) -> dict[str, Any]:
        """The program as JSON-ready values: weights as base64 of little-endian int16, numbers as that of float32."""
        shapes = {"inputs": [list(s) for s in self.inputs], "outputs": [list(s) for s in self.outputs]}
        listed = {"returned": list(self.returned), "sizes": list(self.sizes), "operations": list(self.operations)}
        return {**shapes, **listed, "weights": pack_int16(self.weights), "numbers": pack_float32(self.numbers)}


def portable(network: Callable[..., Any], *inputs: Tensor, first_output_only: bool = False) -> Portable:
    """The program of a network in evaluation mode, from a pass with a small batch of at least two examples.

    Values that do not depend on the inputs are computed here and stored like weights. `first_output_only` drops the
    other outputs and their weights: of an encoder, a page needs only the means. Raises `UnportableError`.
    """
    batch = len(inputs[0])
    if batch < 2 or any(len(x) != batch for x in inputs):
        raise ValueError("Give every input as a batch of the same number of examples, two or more.")
    graph = Graph(batch)
    given = [graph.new_value(math.prod(x.shape[1:])) for x in inputs]
    outputs, returned = _record(network, dict(zip(given, inputs, strict=True)), graph)
    if first_output_only:
        outputs, returned = outputs[:1], returned[:1]
    used = needed_for(graph.operations, returned)
    if missing := [*graph.refused, *(x.settings["name"] for x in used if x.kind == "unsupported")]:
        raise UnportableError(missing)
    operations = fold(used, returned)
    number = {value: i for i, value in enumerate([*given, *(operation.output for operation in operations)])}
    pools = Pools()
    return Portable(
        inputs=tuple(tuple(x.shape[1:]) for x in inputs),
        outputs=tuple(tuple(y.shape[1:]) for y in outputs),
        returned=tuple(number[value] for value in returned),
        sizes=tuple(graph.sizes[value] for value in number),
        operations=tuple(pools.store(operation, number) for operation in operations),
        weights=pools.weights.joined(),
        numbers=pools.numbers.joined(),
    )


def _record(
    network: Callable[..., Any], inputs: Mapping[int, Tensor], graph: Graph
) -> tuple[Sequence[Tensor], list[int]]:
    """Fill the graph from one pass; return the outputs and the graph's numbers of their values."""
    tracked = Tracked(graph)
    copies = [x.clone() for x in inputs.values()]  # a network may write into its input
    for copy, value in zip(copies, inputs, strict=True):
        tracked.add(copy, value)
    with torch.no_grad(), Recorder(tracked):
        found = network(*copies)
    outputs = found if isinstance(found, tuple | list) else (found,)
    return outputs, [tracked.value_or_constant(y) for y in outputs]
