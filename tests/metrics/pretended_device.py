"""A second device without hardware: tensors that compute on the CPU and refuse to meet tensors that are not there."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

ELSEWHERE = torch.device("meta")


class Distant(Tensor):
    """Says that it is on `ELSEWHERE`, and holds its values."""

    @staticmethod
    def __new__(cls, values: Tensor) -> Distant:
        made: Distant = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, values.shape, strides=values.stride(), dtype=values.dtype, device=ELSEWHERE
        )
        made.values_here = values
        return made

    values_here: Tensor

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError("Enter PretendedDevice first.")


class PretendedDevice(TorchDispatchMode):
    """Within it, what is made on or moved to `ELSEWHERE` stays apart from all other tensors, as on a GPU."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        there = any(isinstance(tensor, Distant) for tensor in tensors)
        if there and func is not torch.ops.aten.copy_.default:
            strangers = [t for t in tensors if not isinstance(t, Distant) and t.dim()]
            assert not strangers, f"{func} mixes devices"
        target = kwargs.get("device")
        if target == ELSEWHERE:
            kwargs["device"] = torch.device("cpu")
        args, kwargs = tree_map_only(Distant, lambda t: t.values_here, (args, kwargs))
        found = func(*args, **kwargs)
        if func._schema.name.endswith("_") and there:
            return found if not isinstance(self._first(tensors), Distant) else tensors[0]
        if target == ELSEWHERE or (there and target is None):
            return tree_map_only(Tensor, Distant, found)
        return found

    @staticmethod
    def _first(tensors: list[Tensor]) -> Tensor:
        return tensors[0]
