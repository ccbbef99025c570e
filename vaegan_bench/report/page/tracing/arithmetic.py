"""Sums, products and activation functions as operations of a program."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaegan_bench.report.page.tracing.axes import UntranslatableError
from vaegan_bench.report.page.tracing.call import Call
from vaegan_bench.report.page.tracing.graph import Numbers

Settings = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def _activate(kind: str, settings: Settings, call: Call) -> list[int]:
    """A function that is applied to each number by itself."""
    return call.add(kind, "self", **settings(call.arguments))


def _limits(found: Mapping[str, Any]) -> Mapping[str, Any]:
    low, high = (found.get(new, found.get(old)) for new, old in (("min", "min_val"), ("max", "max_val")))
    return {"low": _limit(low, -math.inf), "high": _limit(high, math.inf)}


def _limit(value: object, unlimited: float) -> float | None:
    """A finite number; None for the infinity that limits nothing."""
    if value is None or value == unlimited:
        return None
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise UntranslatableError("by limits that are not finite numbers")
    return value


def _nothing(_: Mapping[str, Any]) -> Mapping[str, Any]:
    return {}


def _whole(found: Mapping[str, Any]) -> Mapping[str, Any]:
    if found.get("decimals"):
        raise UntranslatableError("to decimals")
    return {}


def _copy(*names: str) -> Settings:
    return lambda found: {name: found[name] for name in names}


def _combine(kind: str, call: Call) -> list[int]:
    """Combine two activations number by number, or scale or shift one by a constant."""
    left, right = call.arguments["self"], call.arguments["other"]
    if call.arguments.get("rounding_mode") or (kind == "divide" and right in call.tracked):
        raise UntranslatableError("by more than a constant")
    if not (left in call.tracked and right in call.tracked):
        return [_scale_and_shift(kind, call)]
    if call.arguments.get("alpha", 1) != 1:
        raise UntranslatableError("with a factor")
    return _pair(kind, call)


def _pair(kind: str, call: Call) -> list[int]:
    """A function of two operands, number by number; either may be a constant."""
    shape = call.results[0].shape
    inputs = [call.value(call.arguments[name], shape) for name in ("self", "other")]
    return [call.graph.add(kind, inputs, call.size(call.results[0]))]


def _scale_and_shift(kind: str, call: Call) -> int:
    """Add the affine operation for an arithmetic operation on an activation and a constant."""
    left, right = call.arguments["self"], call.arguments["other"]
    shape, alpha = call.results[0].shape, call.arguments.get("alpha", 1)
    activation, constant = (left, right) if left in call.tracked else (right, left)
    numbers = call.graph.same_for_all(torch.as_tensor(constant, dtype=torch.float64), shape).ravel()
    scale, shift = np.ones_like(numbers), np.zeros_like(numbers)
    if kind == "multiply":
        scale = numbers
    elif kind == "divide":
        scale = 1 / numbers
    else:
        signs = (1, alpha) if kind == "add" else (1, -alpha)  # of left and right
        own, others = signs if activation is left else signs[::-1]
        scale, shift = own * scale, others * numbers
    return _affine(call, activation, scale, shift)


def _affine(call: Call, activation: Tensor, scale: Numbers, shift: Numbers) -> int:
    value = call.value(activation, call.results[0].shape)
    return call.graph.add("affine", (value,), len(scale), {"scale": scale, "shift": shift})


def _subtract_from(call: Call) -> list[int]:
    """rsub: a constant minus an activation."""
    turned = {**call.arguments, "self": call.arguments["other"], "other": call.arguments["self"]}
    return _combine("subtract", Call(call.tracked, call.func, turned, call.result))


def _negate(call: Call) -> list[int]:
    minus = -np.ones(call.size(call.results[0]))
    return [_affine(call, call.arguments["self"], minus, np.zeros_like(minus))]


def _sum(average: bool, call: Call) -> list[int]:
    """A sum or mean over any dimensions but the batch."""
    x, given = call.arguments["self"], call.arguments.get("dim")
    dims = sorted(d % x.ndim for d in given or range(x.ndim))
    if 0 in dims:
        raise UntranslatableError("across the images of a batch")
    left = [d for d in range(x.ndim) if d not in dims]
    moved = call.graph.rearrange(call.tracked.value_of(x), x.shape, lambda t: t.permute(*left, *dims))
    count = math.prod(x.shape[d] for d in dims)
    factor = 1 / count if average else 1.0
    return [call.graph.add("sum", (moved,), call.size(call.results[0]), count=count, factor=factor)]


def _constant(_: Call) -> list[int]:
    """Record nothing: the result has the shape of an activation, but is constant."""
    return []


_FUNCTIONS: dict[str, tuple[str, Settings]] = {
    "relu": ("leaky_relu", lambda _: {"slope": 0.0}),
    "leaky_relu": ("leaky_relu", lambda found: {"slope": found["negative_slope"]}),
    "elu": ("elu", _copy("alpha", "scale", "input_scale")),
    "silu": ("silu", _nothing),
    "gelu": ("gelu", _copy("approximate")),
    "tanh": ("tanh", _nothing),
    "sigmoid": ("sigmoid", _nothing),
    "softplus": ("softplus", _copy("beta", "threshold")),
    "hardtanh": ("clamp", _limits),
    "clamp": ("clamp", _limits),
    "clamp_min": ("clamp", _limits),
    "clamp_max": ("clamp", _limits),
    "round": ("round", _whole),
}
_PAIRS = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide"}
_LIKE = ("zeros_like", "ones_like", "full_like", "empty_like", "new_zeros", "new_ones", "new_full", "new_empty")

TRANSLATIONS: dict[str, Callable[[Call], list[int]]] = {
    **{f"aten.{name}": partial(_activate, *found) for name, found in _FUNCTIONS.items()},
    **{f"aten.{name}": partial(_combine, kind) for name, kind in _PAIRS.items()},
    **{f"aten.{name}": partial(_pair, name) for name in ("minimum", "maximum")},
    **{f"aten.{name}": _constant for name in _LIKE},
    "aten.rsub": _subtract_from,
    "aten.neg": _negate,
    "aten.sum": partial(_sum, False),
    "aten.mean": partial(_sum, True),
}
