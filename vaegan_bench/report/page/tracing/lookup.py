"""The operations by which quantisers find the nearest of several vectors: distances, argmin, look-up in a table."""

from __future__ import annotations

from collections.abc import Callable

from vaegan_bench.report.page.tracing.axes import UntranslatableError
from vaegan_bench.report.page.tracing.call import Call


def _distances(call: Call) -> list[int]:
    """cdist: from each row of an activation to each row of a constant, Euclidean."""
    x, table = call.arguments["x1"], call.constant("x2")
    if call.arguments["p"] != 2 or table is None:
        raise UntranslatableError("of another norm")
    rows = call.graph.same_for_all(table, (x.shape[0], *table.shape[-2:]))
    return call.add("distances", "x1", numbers={"weight": rows}, width=x.shape[-1])


def _place_of_least(call: Call) -> list[int]:
    """argmin along the last dimension: whole numbers, which only a look-up can use."""
    x, dim = call.arguments["self"], call.arguments["dim"]
    if dim is None or dim % x.ndim != x.ndim - 1 or dim % x.ndim == 0:
        raise UntranslatableError("along another dimension than the last one")
    return call.add("argmin", "self", count=x.shape[-1])


def _look_up(call: Call) -> list[int]:
    """Rows of a constant table, chosen by an activation."""
    table, (chosen, *others) = call.constant("self"), call.arguments["indices"]
    if table is None or others or chosen is None:
        raise UntranslatableError("by more than one index")
    rows = table.flatten(1)
    inputs, size = [call.value(chosen, chosen.shape)], call.size(call.results[0])
    numbers = {"weight": rows.numpy()}
    return [call.graph.add("look_up", inputs, size, numbers, width=rows.shape[1], length=rows.numel())]


TRANSLATIONS: dict[str, Callable[[Call], list[int]]] = {
    "aten._cdist_forward": _distances,
    "aten.argmin": _place_of_least,
    "aten.index": _look_up,
}
WHOLE = ("aten.argmin",)
"""Operations whose results are whole numbers."""
