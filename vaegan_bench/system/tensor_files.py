"""Named tensors on disk: whole or absent, checked by their hash, made by one process at a time."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vaegan_bench.system.claims import claimed
from vaegan_bench.system.errors import CacheWarning, StoreError
from vaegan_bench.system.files import remove_strays, replace_file

State = Mapping[str, Tensor]
Scores = Mapping[str, float]


def sha256_of_state(state: State) -> str:
    """SHA-256 of named tensors: of their names, types, shapes and values, whatever the order."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.numpy().data)
    return digest.hexdigest()


def load_or_make(path: Path, build: Callable[[], tuple[State, Scores]]) -> tuple[State, Scores]:
    """The result of `build`: read from `path`, or made and written there where the file is absent or damaged.

    Tensors have the same layout in memory in both cases, because the rounding of sums depends on it. Another process
    that needs the same file meanwhile waits. Where the file cannot be written, the result serves this process alone,
    and a `CacheWarning` says so.
    """
    if (found := read_state(path)) is not None:
        return found
    with _alone(path):
        if (found := read_state(path)) is None:
            state, scores = build()
            found = {name: tensor.contiguous() for name, tensor in state.items()}, scores
            try:
                write_state(path, *found)
            except (OSError, StoreError) as error:
                _warn(path, error)
    return found


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Claim a file, so that no other process makes it meanwhile; go on with a warning where that is impossible."""
    with ExitStack() as held:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(claimed(path))
            remove_strays(path.parent)
        except (OSError, StoreError) as error:  # a folder that cannot be written
            _warn(path, error)
        yield


def _warn(path: Path, error: Exception) -> None:
    """Warn once per cache: the text names only the cache's folder, and `warnings` shows equal texts once."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    warnings.warn(
        f"The cache {path.parents[1]} cannot be written ({reason}): the result is computed for this "
        "command only. Choose another cache with --cache-dir.",
        CacheWarning,
        stacklevel=1,
    )


def write_state(path: Path, state: State, scores: Scores) -> None:
    """Write tensors, their hash and named scores as safetensors, so that no reader ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    metadata = {"sha256": sha256_of_state(whole), "scores": json.dumps(dict(scores))}
    with replace_file(path) as partial:
        partial.write_bytes(save(whole, metadata=metadata))


def read_state(path: Path) -> tuple[State, Scores] | None:
    """Read what `write_state` wrote; None where the file is absent or its content does not have its hash."""
    try:
        with safe_open(path, framework="pt") as file:
            # Copied into memory that torch allocates: rounding depends on where in a cache line a matrix begins.
            state = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  # not a mapping
            metadata = file.metadata() or {}
            scores = json.loads(metadata.get("scores", "{}"))
    except (OSError, SafetensorError, ValueError):
        return None
    return (state, scores) if sha256_of_state(state) == metadata.get("sha256") else None
