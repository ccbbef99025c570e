"""Record the operations of a network while it runs."""

from __future__ import annotations

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from vaegan_bench.report.page.tracing.axes import UntranslatableError
from vaegan_bench.report.page.tracing.call import Call, Tracked, bind
from vaegan_bench.report.page.tracing.translations import translate


class Recorder(TorchDispatchMode):
    """While it is active, every operation on a tensor that depends on the inputs is added to a graph.

    The results of all other operations are constants: they are computed from weights alone, once, during the recording.
    """

    def __init__(self, tracked: Tracked) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tracked = tracked

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False, so that torch does not import its compiler, only to tell it not to compile what follows."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operation, then record it."""
        result = func(*args, **(kwargs or {}))
        call = Call(self.tracked, func, bind(func, args, kwargs or {}), result)
        if any(tensor in self.tracked for tensor in call.tensors):
            _record(call)
        return result


def _record(call: Call) -> None:
    """Translate a call; where that is impossible, record it as an operation that no page can run."""
    try:
        if any(tensor not in call.tracked for tensor in call.changed):
            raise UntranslatableError("into memory of constants")
        values = translate(call)
    except UntranslatableError as error:
        values = _refuse(call, str(error))
    for tensor in call.changed:
        call.tracked.overwrite(tensor)
    for tensor, value in zip(call.results, values, strict=False):
        call.tracked.add(tensor, value)


def _refuse(call: Call, reason: str) -> list[int]:
    """Add refused values for the results of a call; they depend on the values of its arguments."""
    name = f"{call.name} {reason}".strip()
    if not call.results:  # it returned a plain number, on which the network may branch
        call.graph.refused.append(name)
    needed = [call.tracked.value_of(tensor) for tensor in call.tensors if tensor in call.tracked]
    return [call.tracked.refuse(name, tensor.numel(), needed) for tensor in call.results]
