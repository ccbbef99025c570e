"""Operations that move numbers without changing them: views, slices, repetitions, padding, concatenation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isfinite, prod
from typing import Any

import torch
from torch import Tensor

from vaegan_bench.report.page.tracing.axes import UntranslatableError
from vaegan_bench.report.page.tracing.call import Call

_MOVES = (
    "view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "permute", "transpose", "t", "slice", "select", "expand",
    "flip", "roll", "repeat", "split", "split_with_sizes", "unbind", "narrow", "alias", "detach", "clone", "contiguous",
    "pixel_shuffle", "pixel_unshuffle", "upsample_nearest2d", "_upsample_nearest_exact2d", "reflection_pad2d",
    "replication_pad2d", "index_select",
)  # fmt: skip


def _move(call: Call, fill: float = 0.0, **changed: Any) -> list[int]:
    """Record where each number of the results comes from, found by running the operation on positions."""
    first = call.func._schema.arguments[0].name
    x = call.arguments[first]
    call.size(x)
    found = {**call.arguments, **changed}

    def move(positions: Tensor, i: int) -> Tensor:
        result = call.func(**{**found, first: positions})
        moved: Tensor = result[i] if isinstance(result, list | tuple) else result
        return moved

    value = call.tracked.value_of(x)
    return [call.graph.rearrange(value, x.shape, partial(move, i=i), fill) for i in range(len(call.results))]


def _pad(call: Call) -> list[int]:
    """Constant padding with a finite number: among the positions, −1 marks it."""
    fill = float(call.arguments["value"])
    if not isfinite(fill):
        raise UntranslatableError(f"with {fill}")
    return _move(call, fill=fill, value=-1.0)


def _cast(call: Call) -> list[int]:
    """A cast to float32, the type of all values; casts to other types are refused."""
    if call.results[0].dtype != torch.float32:
        raise UntranslatableError(f"to {call.results[0].dtype}")
    return [call.tracked.value_of(call.arguments["self"])]


def _concatenate(call: Call) -> list[int]:
    """Concatenate along any dimension but the batch."""
    tensors, whole = call.arguments["tensors"], call.results[0]
    dim = call.arguments["dim"] % whole.ndim
    if dim == 0:
        raise UntranslatableError("across the images of a batch")
    inputs = [call.value(tensor, (whole.shape[0], *tensor.shape[1:])) for tensor in tensors]
    blocks = [prod(tensor.shape[dim:]) for tensor in tensors]
    return [call.graph.add("concatenate", inputs, call.size(whole), blocks=blocks)]


TRANSLATIONS: dict[str, Callable[[Call], list[int]]] = {
    **{f"aten.{name}": _move for name in _MOVES},
    "aten.constant_pad_nd": _pad,
    "aten._to_copy": _cast,
    "aten.cat": _concatenate,
}
