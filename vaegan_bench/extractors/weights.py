"""Hashes of weights, and a file of weights that is whole or absent."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

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
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


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
