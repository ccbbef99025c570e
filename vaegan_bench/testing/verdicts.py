"""What the conformance checks of all kinds share: the type of their list, their error, and common demands."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Plugin

Checks = Mapping[type[Plugin], tuple[Callable[..., None], ...]]
"""Kind → its checks, in the order in which they run."""


class ConformanceError(BenchError):
    """What a plugin does wrong, in one sentence that says what to change."""


def demand(condition: object, sentence: str) -> None:
    """Raise `ConformanceError` with the sentence unless the condition holds."""
    if not condition:
        raise ConformanceError(sentence)


@contextmanager
def untouched_randomness() -> Iterator[None]:
    """Demand that no code within the context draws from, or seeds, the global generators of torch, numpy and Python."""
    before = _random_states()
    yield
    for name, state in _random_states().items():
        demand(
            before[name] == state,
            f"draws from {name}'s global random generator: use the generator that it is handed, or a seeded one of its "
            "own, or no seed will repeat a run.",
        )


def _random_states() -> dict[str, bytes]:
    numpy = np.random.get_state(legacy=False)["state"]
    return {
        "torch": bytes(torch.get_rng_state().numpy()),
        "numpy": numpy["key"].tobytes() + str(numpy["pos"]).encode(),
        "Python": repr(random.getstate()).encode(),
    }


@contextmanager
def unchanged(**tensors: Tensor | None) -> Iterator[None]:
    """Demand that no code within the context changes these tensors, which are named in the error."""
    before = {name: tensor.detach().clone() for name, tensor in tensors.items() if tensor is not None}
    yield
    for name, copy in before.items():
        tensor = tensors[name]
        demand(
            tensor is not None and torch.equal(tensor.detach(), copy),
            f"changes its input {name} in place: compute a new tensor instead.",
        )


def same(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> list[str]:
    """The names in `first` whose tensors differ in `second`."""
    return [name for name, tensor in first.items() if not torch.equal(tensor, second[name])]


def seeded(seed: int = 0) -> torch.Generator:
    """A generator for a check's own inputs."""
    return torch.Generator().manual_seed(seed)


def slope(value: Callable[[], Tensor], at: Tensor, along: Tensor, step: float) -> float:
    """(f(x + εv) − f(x − εv)) / 2ε, by moving `at` in place and back."""
    with torch.no_grad():
        at.add_(along, alpha=step)
        above = float(value())
        at.sub_(along, alpha=2 * step)
        below = float(value())
        at.add_(along, alpha=step)
    return (above - below) / (2 * step)
