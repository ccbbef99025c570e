"""Whether bfloat16 changes what models reach: `quick` trained in it, held against runs in float32.

Run: python benchmarks/bfloat16.py --results FOLDER [--seeds 3] [--float32 results/reference-quick]

Where a CPU lacks the instructions, torch's own code for bfloat16 is 15 times slower than float32. Convolutions and
matrix products are then computed from the same rounded operands in float32, and their results are rounded: products of
two bfloat16 numbers are exact in float32, in which the instructions sum them as well, so only the order of sums can
differ. What is finished is kept, and not trained again by the next call.
docs/benchmarks.md says what came out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from scipy.special import stdtrit
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

import vaegan_bench as vb
from vaegan_bench.system.device import choose_device

aten = torch.ops.aten
PRODUCTS = {
    op.default for op in (aten.convolution, aten.convolution_backward, aten.mm, aten.addmm, aten.bmm, aten.baddbmm)
}
"""The operations for which CPUs have instructions in bfloat16."""


class RoundedProducts(TorchDispatchMode):
    """Products of bfloat16 tensors as the instructions compute them: summed in float32, then rounded."""

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compute one operation."""
        given = (args, dict(kwargs or {}))
        if func not in PRODUCTS or not has_bfloat16(args):
            return func(*given[0], **given[1])
        wide, named = tree_map_only(torch.Tensor, lambda x: x.float() if x.dtype == torch.bfloat16 else x, given)
        return tree_map_only(torch.Tensor, torch.Tensor.bfloat16, func(*wide, **named))


def has_bfloat16(values: Sequence[Any]) -> bool:
    """Whether one of the values is a tensor in bfloat16."""
    return any(isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16 for value in values)


def products(device: torch.device) -> AbstractContextManager[Any]:
    """The context in which products of bfloat16 tensors are fast enough on this device to train with."""
    is_native = device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return nullcontext() if is_native else RoundedProducts()  # type: ignore[no-untyped-call]


def differences(rows: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """One line per model and headline metric: both means, and their difference with its 95 % t-interval.

    The interval is that of two means of runs that spread as those in float32 do: after some steps, runs of one seed in
    two precisions have no more in common than runs of two seeds. Numbers on the features of an oracle are compared if
    it has the same weights, whatever else is said of it.
    """
    found, known = (values_by_metric(frame) for frame in (rows, reference))
    table = pd.DataFrame({"float32": known.mean(), "bfloat16": found.mean(), "seeds": found.count()}).dropna()
    if table.empty:
        raise SystemExit("No number was measured in the same way in both precisions.")
    n, m = known.count()[table.index], table["seeds"]
    spread = known.std()[table.index] * (1 / n + 1 / m) ** 0.5
    return table.assign(difference=table["bfloat16"] - table["float32"], interval=stdtrit(n - 1, 0.975) * spread)


def values_by_metric(rows: pd.DataFrame) -> Any:
    """The headlines' values by model, metric and weights of the extractor."""
    chosen = rows[rows.headline & (rows.attribute == "")]
    weights = chosen.protocol.map(lambda text: json.loads(text).get("weights", ""))
    return chosen.assign(weights=weights).groupby(["model", "metric", "weights"], sort=False).value


def main() -> None:
    """Train, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--float32", type=Path, default=Path("results/reference-quick"))
    parser.add_argument("--study", default="quick")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    reference = vb.load(options.float32).rows
    with products(choose_device(options.device)):
        found = vb.run(
            options.study, results=options.results, seeds=options.seeds, precision="bfloat16", device=options.device
        )
    print(differences(found.rows, reference).to_string(float_format=lambda x: f"{x:.4g}"))


if __name__ == "__main__":
    main()
