"""Convolutions, linear layers and norms as operations of a program."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from vaegan_bench.report.page.tracing.axes import UntranslatableError
from vaegan_bench.report.page.tracing.call import Call
from vaegan_bench.report.page.tracing.graph import Numbers


def _convolve(call: Call) -> list[int]:
    """A convolution of two dimensions, also transposed; output padding shows in the shape of the output."""
    found, x, y = call.arguments, call.arguments["input"], call.results[0]
    if x.ndim != 4:
        raise UntranslatableError(f"of {x.ndim - 2} dimensions")
    kind = "transposed_convolution" if found["transposed"] else "convolution"
    weight = _demand(call.constant("weight"))
    if found["transposed"]:  # (in, out of one group, k, k): turned so that rows are outputs, as everywhere else
        weight = weight.unflatten(0, (found["groups"], -1)).transpose(1, 2).flatten(0, 1)
    settings = {name: list(found[name]) for name in ("stride", "padding", "dilation")}
    return call.add(
        kind, "input", numbers=_weights(weight, call.constant("bias")), groups=found["groups"],
        kernel=list(weight.shape[2:]), source=list(x.shape[1:]), target=list(y.shape[1:]), **settings,
    )  # fmt: skip


def _add_product(call: Call) -> list[int]:
    """addmm: β·bias + α·x·W."""
    _demand_flat(call.arguments["mat1"])
    weight, bias = _demand(call.constant("mat2")), _demand(call.constant("self"))
    scaled = _weights(weight.T * call.arguments["alpha"], (bias * call.arguments["beta"]).expand(weight.shape[1]))
    return call.add("linear", "mat1", numbers=scaled)


def _product(call: Call) -> list[int]:
    """mm: x·W."""
    _demand_flat(call.arguments["self"])
    return call.add("linear", "self", numbers=_weights(_demand(call.constant("mat2")).T, None))


def _linear(call: Call) -> list[int]:
    """linear: x·Wᵀ + b."""
    _demand_flat(call.arguments["input"])
    return call.add("linear", "input", numbers=_weights(_demand(call.constant("weight")), call.constant("bias")))


def _normalise(call: Call) -> list[int]:
    """Batch norm in evaluation mode: a scale and a shift for each channel."""
    if any(call.arguments.get(name) for name in ("training", "train")):
        raise UntranslatableError("in training mode")
    mean, variance = _demand(call.constant("running_mean")), _demand(call.constant("running_var"))
    weight, bias = call.constant("weight"), call.constant("bias")
    scale = (variance + call.arguments.get("eps", call.arguments.get("epsilon"))).rsqrt()
    scale = scale if weight is None else scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    return call.add("affine", "input", numbers=_affine(call, _by_channel(call, scale), _by_channel(call, shift)))


def _normalise_groups(call: Call) -> list[int]:
    """Group norm: each example by itself, some channels at a time."""
    weight, bias = call.constant("weight"), call.constant("bias")
    parameters = [None if values is None else _by_channel(call, values) for values in (weight, bias)]
    return _standardise(call, call.size(call.arguments["input"]) // call.arguments["group"], *parameters)


def _normalise_layer(call: Call) -> list[int]:
    """Layer norm: over the last dimensions."""
    block = math.prod(call.arguments["normalized_shape"])
    return _standardise(call, block, call.constant("weight"), call.constant("bias"))


def _standardise(call: Call, block: int, weight: Tensor | None, bias: Tensor | None) -> list[int]:
    """Bring each `block` of successive numbers to mean 0 and variance 1, then scale and shift them."""
    (value,) = call.add("standardise", "input", count=block, epsilon=call.arguments["eps"])
    if weight is None and bias is None:
        return [value]
    one, none = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    numbers = _affine(call, one if weight is None else weight, none if bias is None else bias)
    return [call.graph.add("affine", (value,), call.size(call.results[0]), numbers)]


def _by_channel(call: Call, values: Tensor) -> Tensor:
    """One number per channel, in a shape that is broadcast to the input's."""
    return values.view(1, -1, *[1] * (call.arguments["input"].ndim - 2))


def _affine(call: Call, scale: Tensor, shift: Tensor) -> dict[str, Numbers]:
    """A scale and a shift for each number of an example."""
    shape = call.arguments["input"].shape
    named = {"scale": scale, "shift": shift}
    return {name: call.graph.same_for_all(values, shape).ravel() for name, values in named.items()}


def _demand(weights: Tensor | None) -> Tensor:
    if weights is None:
        raise UntranslatableError("without weights")
    return weights


def _demand_flat(x: Tensor) -> None:
    if x.ndim != 2:
        raise UntranslatableError(f"of {x.ndim - 1} dimensions")


def _weights(weight: Tensor, bias: Tensor | None) -> Mapping[str, Numbers]:
    named: dict[str, Any] = {"weight": weight} | ({} if bias is None else {"bias": bias})
    return {name: values.contiguous().numpy() for name, values in named.items()}


NORMS = (
    torch.ops.aten.native_batch_norm, torch.ops.aten._native_batch_norm_legit,
    torch.ops.aten._native_batch_norm_legit_no_training, torch.ops.aten._batch_norm_no_update,
    torch.ops.aten.cudnn_batch_norm,
)  # fmt: skip
TRANSLATIONS: dict[str, Callable[[Call], list[int]]] = {
    "aten.convolution": _convolve,
    "aten.addmm": _add_product,
    "aten.mm": _product,
    "aten.linear": _linear,
    **{str(norm): _normalise for norm in NORMS},
    "aten.native_group_norm": _normalise_groups,
    "aten.native_layer_norm": _normalise_layer,
}
