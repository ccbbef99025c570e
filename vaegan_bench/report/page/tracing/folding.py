"""Reduce a program to fewer operations with the same results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from vaegan_bench.report.page.tracing.graph import LAYERS, Numbers, Operation


def fold(operations: Sequence[Operation], outputs: Sequence[int]) -> list[Operation]:
    """The operations that outputs depend on, with scales and shifts folded into the layers before them."""
    needed = needed_for(operations, outputs)
    uses = Counter([*outputs, *(value for operation in needed for value in operation.inputs)])
    made: dict[int, Operation] = {}
    for operation in needed:
        before = made.get(operation.inputs[0]) if operation.kind == "affine" else None
        folded = _into(before, operation) if before and uses[before.output] == 1 else None
        if before and folded:
            del made[before.output]
        made[operation.output] = folded or operation
    return list(made.values())


def needed_for(operations: Sequence[Operation], outputs: Iterable[int]) -> list[Operation]:
    """The operations that some output depends on, in their order."""
    wanted, kept = set(outputs), []
    for operation in reversed(operations):
        if operation.output in wanted:
            wanted.update(operation.inputs)
            kept.append(operation)
    return kept[::-1]


def _into(before: Operation, affine: Operation) -> Operation | None:
    """`before` with `affine` folded into it; None where it cannot take a scale and a shift."""
    scale, shift = affine.numbers["scale"], affine.numbers["shift"]
    if before.kind == "affine":
        numbers = {"scale": before.numbers["scale"] * scale, "shift": before.numbers["shift"] * scale + shift}
        return replace(affine, inputs=before.inputs, numbers=numbers)
    if before.kind not in LAYERS:
        return None
    channels = len(before.numbers["weight"])
    per_channel = [_by_channel(values, channels) for values in (scale, shift)]
    if per_channel[0] is None or per_channel[1] is None:
        return None
    return replace(before, output=affine.output, numbers=_scaled(before, per_channel[0], per_channel[1]))


def _by_channel(values: Numbers, channels: int) -> Numbers | None:
    """One number for each channel; None where numbers differ within a channel."""
    rows = values.reshape(channels, -1)
    return rows[:, 0] if (rows == rows[:, :1]).all() else None


def _scaled(layer: Operation, scale: Numbers, shift: Numbers) -> dict[str, Numbers]:
    """The weights of a layer whose outputs are scaled and shifted."""
    weight, bias = layer.numbers["weight"], layer.numbers.get("bias", np.zeros_like(shift))
    factor = scale.reshape(-1, *[1] * (weight.ndim - 1))
    return {"weight": weight * factor, "bias": bias * scale + shift}
