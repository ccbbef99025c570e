"""Checkpoints, from which an unfinished training goes on, in two files of the run's folder."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaegan_bench.results.files import readable
from vaegan_bench.system.claims import Claim
from vaegan_bench.system.errors import StoreError, StudyWarning
from vaegan_bench.system.files import make_folder, remove, replace_file_durably

if TYPE_CHECKING:
    from torch import Tensor

CHECKPOINT, PREVIOUS = "checkpoint.safetensors", "checkpoint.previous.safetensors"
CHECKPOINTS = (CHECKPOINT, PREVIOUS)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state of a training after a step."""

    step: int
    definition: Mapping[str, Any]
    """All that decides the run, as plain data."""
    data: str
    """The digest of its data."""
    snapshot: Any
    """Plain data for JSON, which refers to the tensors in `memory` by name."""
    memory: Mapping[str, Tensor]

    def differences(self, definition: Mapping[str, Any], data: str) -> list[str]:
        """How it differs from a run with this definition on data with this digest: 'steps', 'code', 'images', …"""
        wanted = json.loads(json.dumps(definition))
        names = dict.fromkeys([*wanted, *self.definition])
        differing = [name for name in names if self.definition.get(name) != wanted.get(name)]
        return [*differing, *(["images"] if data != self.data else [])]


@dataclass(frozen=True, kw_only=True)
class CheckpointHead:
    """What a checkpoint says of itself, without its tensors."""

    step: int
    definition: Mapping[str, Any]


class Checkpoints:
    """The newest checkpoint of a run, and the one before it, which is used if the newest is damaged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._is_newest_good = False
        """Whether the newest was read or written here, and so is whole: only then may it replace the one before it."""

    def read(self) -> Checkpoint | None:
        """The newest undamaged checkpoint; None where there is none. Warns of each that is damaged."""
        for name in CHECKPOINTS:
            path = self.folder / name
            try:
                if path.is_file():
                    found = _read(path)
                    self._is_newest_good = name == CHECKPOINT
                    return found
            except StoreError as error:
                warnings.warn(f"A checkpoint is not used: {error}", StudyWarning, stacklevel=2)
        return None

    def write(self, claim: Claim, checkpoint: Checkpoint) -> None:
        """Write the newest checkpoint, whole or not at all, under the claim of its run.

        Raises `StoreError` where it cannot be written, and `ClaimLostError` where the claim is lost.
        """
        from safetensors.torch import save

        text = json.dumps({name: value for name, value in vars(checkpoint).items() if name != "memory"})
        metadata = {"checkpoint": text, "sha256": _sha256(text, checkpoint.memory)}
        newest, previous = self.folder / CHECKPOINT, self.folder / PREVIOUS if self._is_newest_good else None
        with claim.staged(newest) as stage, replace_file_durably(newest, previous, stage) as partial:
            make_folder(self.folder)
            partial.write_bytes(save(dict(checkpoint.memory), metadata))  # errors of `save_file` hide a full disk
        self._is_newest_good = True

    def step(self) -> int | None:
        """The step from which training would go on; None without a checkpoint."""
        head = self.head()
        return head.step if head else None

    def head(self) -> CheckpointHead | None:
        """The head of the newest checkpoint that can be read; None where there is none."""
        for path in (self.folder / name for name in CHECKPOINTS):
            try:
                if path.is_file():
                    return _head(path)
            except StoreError:
                continue
        return None

    def remove(self) -> None:
        """Remove both. Raises `StoreError` where that cannot be done."""
        for name in CHECKPOINTS:
            remove(self.folder / name)


def _read(path: Path) -> Checkpoint:
    from safetensors import safe_open

    with readable(path), safe_open(path, framework="pt") as file:
        memory = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
        metadata = file.metadata() or {}
        text = metadata["checkpoint"]
        if _sha256(text, memory) != metadata["sha256"]:
            raise ValueError("its content does not match the SHA-256 in it")
        return Checkpoint(**json.loads(text), memory=memory)


def _head(path: Path) -> CheckpointHead:
    from safetensors import safe_open

    with readable(path), safe_open(path, framework="np") as file:
        content = json.loads((file.metadata() or {})["checkpoint"])
        return CheckpointHead(step=int(content["step"]), definition=content["definition"])


def _sha256(text: str, memory: Mapping[str, Tensor]) -> str:
    from vaegan_bench.system.tensor_files import sha256_of_state

    return hashlib.sha256(f"{sha256_of_state(memory)} {text}".encode()).hexdigest()
