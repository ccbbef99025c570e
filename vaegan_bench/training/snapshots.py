"""Pack snapshots into plain data and named tensors, and unpack them again without losing a bit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from vaegan_bench.api import PluginError

T = TypeVar("T")
PLAIN = (type(None), bool, int, str)
"""Types of values that JSON keeps unchanged."""
REMEDY = "which no checkpoint can keep: use numbers, texts, None, lists, tuples, dictionaries and tensors."


@dataclass(frozen=True)
class Packed:
    """A snapshot in two parts; Python's `json` writes and reads the first one without a change."""

    plain: Any
    """Lists and values that JSON can hold as they are; all else as tables with one key, which names the kind."""
    memory: Mapping[str, Tensor]
    """Name → the bytes of the memory of tensors, (N,) uint8 on the CPU; it may be shared with the snapshot itself."""


def pack(snapshot: Any) -> Packed:
    """Pack a snapshot of numbers, texts, None, lists, tuples, dictionaries with any such keys, and tensors.

    Tensors keep their layout in memory, on which the rounding of sums depends. Objects that occur twice (lists,
    dictionaries, the memory of tensors) are packed once. Raises `PluginError` for values of other types.
    """
    packer = _Packer()
    return Packed(packer.pack(snapshot, ""), packer.memory)


def unpack(packed: Packed, device: torch.device) -> Any:
    """The original snapshot, in new memory; tensors that were not on the CPU are put on `device`."""
    return _Unpacker(packed.memory, device).unpack(packed.plain)


class _Packer:
    """Packs values, and collects the memory of their tensors, each piece once."""

    def __init__(self) -> None:
        self.memory: dict[str, Tensor] = {}
        self._names: dict[tuple[int, int], str] = {}
        """(address, size) of memory → its name."""
        self._numbers: dict[int, int] = {}
        """Identity of a list or dictionary → the number of them that were packed before it."""

    def pack(self, value: Any, place: str) -> Any:
        if type(value) in PLAIN:
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if type(value) in (Tensor, nn.Parameter) and value.layout is torch.strided:
            return {"tensor": self._pack_tensor(value.detach().resolve_conj().resolve_neg(), place)}
        if type(value) is tuple:
            return {"tuple": self._pack_items(value, place)}
        if type(value) is list or isinstance(value, dict):
            return self._pack_container(value, place)
        raise PluginError(f"{place.removeprefix('.')} is of the type {type(value).__name__}, {REMEDY}")

    def _pack_container(self, value: Any, place: str) -> Any:
        if id(value) in self._numbers:
            return {"same": self._numbers[id(value)]}
        self._numbers[id(value)] = len(self._numbers)
        if isinstance(value, dict):
            return {"dict": [[self.pack(k, place), self.pack(v, f"{place}.{k}")] for k, v in value.items()]}
        return self._pack_items(value, place)

    def _pack_items(self, items: list[Any] | tuple[Any, ...], place: str) -> list[Any]:
        return [self.pack(each, f"{place}.{i}") for i, each in enumerate(items)]

    def _pack_tensor(self, tensor: Tensor, place: str) -> list[Any]:
        storage = tensor.untyped_storage()
        at = storage.data_ptr(), storage.nbytes()
        if at not in self._names:
            self._names[at] = f"{len(self.memory)}{place}"
            whole = torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(storage)
            self.memory[self._names[at]] = whole.cpu()
        dtype = str(tensor.dtype).removeprefix("torch.")
        on_cpu = tensor.device.type == "cpu"
        return [self._names[at], dtype, tensor.storage_offset(), list(tensor.shape), list(tensor.stride()), on_cpu]


class _Unpacker:
    """Unpacks into memory that torch allocates: rounding depends on where in a cache line a matrix begins."""

    def __init__(self, memory: Mapping[str, Tensor], device: torch.device) -> None:
        self.memory, self.device = memory, device
        self._copies: dict[str, Tensor] = {}
        self._containers: list[Any] = []
        """Lists and dictionaries in the order in which they were packed."""

    def unpack(self, plain: Any) -> Any:
        if isinstance(plain, list):
            items = self._begin(list[Any]())
            items += [self.unpack(each) for each in plain]
            return items
        if not isinstance(plain, dict):
            return plain
        ((kind, content),) = plain.items()
        match kind:
            case "tensor":
                return self._unpack_tensor(*content)
            case "float":
                return float(content)
            case "tuple":
                return tuple([self.unpack(each) for each in content])
            case "dict":
                table = self._begin(dict[Any, Any]())
                table |= [(self.unpack(key), self.unpack(value)) for key, value in content]
                return table
            case "same":
                return self._containers[content]
        raise ValueError(f"it holds a '{kind}'")

    def _begin(self, container: T) -> T:
        self._containers.append(container)
        return container

    def _unpack_tensor(
        self, name: str, dtype: str, offset: int, shape: list[int], stride: list[int], on_cpu: bool
    ) -> Tensor:
        if name not in self._copies:
            self._copies[name] = self.memory[name].to("cpu" if on_cpu else self.device, copy=True)
        storage = self._copies[name].untyped_storage()
        empty = torch.empty(0, dtype=getattr(torch, dtype), device=self._copies[name].device)
        return empty.set_(storage, offset, shape, stride)
