"""Named tensors on disk: whole or absent, checked by their hash, made by one process at a time."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vaegan_bench.errors import StoreError
from vaegan_bench.locks import locked

State = Mapping[str, Tensor]
Scores = Mapping[str, float]


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_state(state: State) -> str:
    """SHA-256 of named tensors: of their names, types, shapes and values, whatever the order."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.numpy().data)
    return digest.hexdigest()


def sources_of(*defined: Callable[..., object]) -> list[str]:
    """The text of the files in which functions and classes are defined: in a key, an edit of them needs no version."""
    return [Path(inspect.getfile(each)).read_text("utf-8") for each in defined]


def kept(path: Path, build: Callable[[], tuple[State, Scores]]) -> tuple[State, Scores]:
    """What `build` makes: read from `path`, or made and put there where it is absent or damaged.

    Another process that wants the same file meanwhile waits for it. Raises `StoreError` where it cannot be written.
    """
    if (found := read_state(path)) is not None:
        return found
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(f".{path.name}.lock")):
            if (found := read_state(path)) is None:
                found = build()
                write_state(path, *found)
    except OSError as error:
        raise StoreError(
            f"Cannot write {path}: {error.strerror or error}. Choose another cache with --cache-dir."
        ) from error
    return found


def write_state(path: Path, state: State, scores: Scores) -> None:
    """Write tensors, their hash and named scores as safetensors, so that no reader ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    metadata = {"sha256": sha256_of_state(whole), "scores": json.dumps(dict(scores))}
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        unfinished.write_bytes(save(whole, metadata=metadata))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_state(path: Path) -> tuple[State, Scores] | None:
    """Read what `write_state` wrote; None where the file is absent or its content does not have its hash."""
    try:
        with safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
            metadata = file.metadata() or {}
            scores = json.loads(metadata.get("scores", "{}"))
    except (OSError, SafetensorError, ValueError):
        return None
    return (state, scores) if sha256_of_state(state) == metadata.get("sha256") else None
