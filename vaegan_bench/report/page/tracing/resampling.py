"""Images at another resolution: pooling and smooth enlargement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vaegan_bench.report.page.tracing.axes import UntranslatableError
from vaegan_bench.report.page.tracing.call import Call

_LINEAR = (
    "avg_pool2d", "_adaptive_avg_pool2d", "upsample_bilinear2d", "_upsample_bilinear2d_aa", "upsample_bicubic2d",
)  # fmt: skip
Taps = list[tuple[int, list[float]]]
"""For each output row or column: the first input row or column that it sees, and the weights from there on."""


def _resample(call: Call) -> list[int]:
    """Weighted means along rows and columns; the weights are found by running the operation on test images."""
    first = call.func._schema.arguments[0].name
    x = call.arguments[first]
    if x.ndim != 4:
        raise UntranslatableError(f"of {x.ndim - 2} dimensions")

    def resize(image_NHW: Tensor) -> Tensor:
        y: Tensor = call.func(**{**call.arguments, first: image_NHW[:, None].double()})
        return y[:, 0]

    rows, columns = _factors(resize, *x.shape[2:])
    return call.add("resample", first, source=list(x.shape[1:]), rows=_taps(rows), columns=_taps(columns))


def _factors(resize: Callable[[Tensor], Tensor], height: int, width: int) -> tuple[Tensor, Tensor]:
    """R and C with resize(X) = R·X·Cᵀ."""
    tall, wide = torch.eye(height)[:, :, None].expand(-1, -1, width), torch.eye(width)[:, None].expand(-1, height, -1)
    by_row, by_column, whole = resize(tall), resize(wide), resize(torch.ones(1, height, width))[0]
    row, column = divmod(int(whole.abs().argmax()), whole.shape[1])
    rows, columns = by_row[:, :, column].T, by_column[:, row].T / whole[row, column]
    trial = torch.linspace(-1, 1, height * width).double().view(height, width).sin().mul(7).sin()
    if not torch.allclose(rows @ trial @ columns.T, resize(trial[None])[0], atol=1e-6):
        raise UntranslatableError("that is no product of rows and columns")
    return rows, columns


def _taps(matrix: Tensor) -> Taps:
    found: Taps = []
    for line in matrix.tolist():
        seen = [i for i, weight in enumerate(line) if abs(weight) > 1e-12] or [0]
        found.append((seen[0], [round(weight, 9) for weight in line[seen[0] : seen[-1] + 1]]))
    return found


def _max_pool(call: Call) -> list[int]:
    """The largest number in a window."""
    x, y = call.arguments["self"], call.results[0]
    if x.ndim != 4:
        raise UntranslatableError(f"of {x.ndim - 2} dimensions")
    names = ("kernel_size", "stride", "padding", "dilation")
    kernel, stride, padding, dilation = (_two(call.arguments[name]) for name in names)
    settings: dict[str, Any] = {"kernel": kernel, "stride": stride or kernel, "padding": padding, "dilation": dilation}
    return call.add("max_pool", "self", source=list(x.shape[1:]), target=list(y.shape[1:]), **settings)


def _two(given: Any) -> list[int]:
    """A setting for rows and columns, which may be given once for both."""
    listed = [given] if isinstance(given, int) else list(given)
    return listed * 2 if len(listed) == 1 else listed


TRANSLATIONS: dict[str, Callable[[Call], list[int]]] = {
    **{f"aten.{name}": _resample for name in _LINEAR},
    "aten.max_pool2d_with_indices": _max_pool,
}
