"""One call of an ATen operation, as translations see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from vaegan_bench.report.page.tracing.axes import UntranslatableError
from vaegan_bench.report.page.tracing.graph import Graph


@dataclass
class Tracked:
    """The tensors of a recorded pass that depend on its inputs, with the numbers of their values in the graph."""

    graph: Graph
    _known: dict[int, tuple[Tensor, int | None]] = field(default_factory=dict)
    """Id → tensor, kept so that no other can get its id, and value; None once the memory was overwritten."""

    def add(self, tensor: Tensor, value: int) -> None:
        """Remember the value of a tensor."""
        self._known[id(tensor)] = tensor, value

    def __contains__(self, argument: object) -> bool:
        return isinstance(argument, Tensor) and id(argument) in self._known

    def value_of(self, tensor: Tensor) -> int:
        """The value of a tensor, or a refused one where its memory was overwritten."""
        _, value = self._known[id(tensor)]
        return self.refuse("memory that was overwritten", tensor.numel()) if value is None else value

    def value_or_constant(self, tensor: Tensor) -> int:
        """The value of an output, which is a constant where it does not depend on the inputs."""
        if tensor in self:
            return self.value_of(tensor)
        try:
            return self.graph.constant(tensor, tensor.shape)
        except UntranslatableError as error:
            return self.refuse(str(error), tensor.numel())

    def refuse(self, name: str, size: int, needed: Sequence[int] = ()) -> int:
        """Add a value that no page can compute; it matters only where an output depends on it."""
        return self.graph.add("unsupported", needed, size, name=name)

    def overwrite(self, changed: Tensor) -> None:
        """Forget the values of all tensors that share their memory with `changed`."""
        memory = changed.untyped_storage().data_ptr()
        for key, (tensor, _) in self._known.items():
            if tensor.untyped_storage().data_ptr() == memory:
                self._known[key] = tensor, None


@dataclass(frozen=True)
class Call:
    """An operation with its arguments by name, and what it returned."""

    tracked: Tracked
    func: Any
    arguments: Mapping[str, Any]
    result: Any

    @property
    def graph(self) -> Graph:
        """The graph to which the call is added."""
        return self.tracked.graph

    @property
    def name(self) -> str:
        """The name of the operation without its overload: 'aten.relu_'."""
        return str(self.func.overloadpacket)

    @property
    def tensors(self) -> list[Tensor]:
        """All tensors among the arguments."""
        return _tensors_in(self.arguments.values())

    @property
    def changed(self) -> list[Tensor]:
        """The arguments whose memory the call changed."""
        return _tensors_in(self.arguments[a.name] for a in self.func._schema.arguments if a.is_write)

    @property
    def results(self) -> list[Tensor]:
        """All tensors that the call returned."""
        return _tensors_in([self.result])

    def size(self, tensor: Tensor) -> int:
        """How many numbers a tensor holds for one example."""
        if tensor.shape[:1] != (self.graph.batch,):
            raise UntranslatableError("across the images of a batch")
        return tensor.numel() // self.graph.batch

    def value(self, tensor: Tensor, shape: Sequence[int]) -> int:
        """An argument as a value, broadcast to a batch of this shape."""
        if tensor not in self.tracked:
            return self.graph.constant(tensor, shape)
        return self.graph.rearrange(self.tracked.value_of(tensor), tensor.shape, lambda t: t.broadcast_to(tuple(shape)))

    def constant(self, name: str) -> Tensor | None:
        """An argument that must not depend on the inputs, as float64; None where it is None."""
        found = self.arguments[name]
        if found in self.tracked:
            raise UntranslatableError("with weights that depend on the input")
        return None if found is None else torch.as_tensor(found).detach().cpu().double()

    def add(self, kind: str, *names: str, numbers: Mapping[str, Any] | None = None, **settings: Any) -> list[int]:
        """Add an operation on the arguments of these names to the graph; its value, in a list."""
        tensors = [self.arguments[name] for name in names]
        inputs = [self.value(tensor, tensor.shape) for tensor in tensors]
        output = self.results[0]
        return [self.graph.add(kind, inputs, self.size(output), numbers, **settings)]


def bind(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments of an operation by name, with defaults."""
    declared = func._schema.arguments
    named = {argument.name: value for argument, value in zip(declared, args, strict=False)}
    return {argument.name: argument.default_value for argument in declared} | named | dict(kwargs)


def _tensors_in(values: Any) -> list[Tensor]:
    listed = [value if isinstance(value, list | tuple) else [value] for value in values]
    return [tensor for each in listed for tensor in each if isinstance(tensor, Tensor)]
