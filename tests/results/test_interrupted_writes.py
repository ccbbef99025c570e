"""A write that is interrupted leaves what was there before, whole, and nothing beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from stored_study import run_record, store_run

from vaegan_bench.api import StoreError
from vaegan_bench.datasets.arrays import array_of, keep, read_array, write_manifest
from vaegan_bench.results.checkpoints import Checkpoint
from vaegan_bench.results.files import read_json, write_json
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.system.tensor_files import load_or_make, read_state, sha256_of_state, write_state

OLD = {"w": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2])}
NEW = {"w": torch.zeros(2, 3)}


def half(path: Path, content: bytes) -> int:
    """What a full disk, or a kill, makes of a write."""
    with path.open("wb") as file:
        file.write(content[: len(content) // 2])
    raise OSError(28, "No space left on device")


def test_tensors_that_could_not_be_written_leave_the_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kept.safetensors"
    write_state(path, OLD, {"auc": 0.5})
    before = path.read_bytes()
    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(StoreError, match="No space"):
        write_state(path, NEW, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    found = read_state(path)
    assert found is not None
    assert torch.equal(found[0]["w"], OLD["w"])
    assert found[1] == {"auc": 0.5}


def test_what_could_not_be_made_is_not_kept(tmp_path: Path) -> None:
    def fail() -> tuple[dict[str, torch.Tensor], dict[str, float]]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_or_make(tmp_path / "a.safetensors", fail)
    assert list(tmp_path.iterdir()) == []
    state, scores = load_or_make(tmp_path / "a.safetensors", lambda: (NEW, {"n": 1.0}))
    assert torch.equal(state["w"], NEW["w"])
    again, scores = load_or_make(tmp_path / "a.safetensors", lambda: pytest.fail("made again"))
    assert scores == {"n": 1.0}
    assert torch.equal(again["w"], NEW["w"])


def test_a_process_that_is_killed_while_it_writes_leaves_the_old_tensors(tmp_path: Path) -> None:
    path = tmp_path / "kept.safetensors"
    write_state(path, OLD, {})
    script = f"""
import os, torch
from pathlib import Path
from typing import Any
from vaegan_bench.system.tensor_files import write_state
def killed(self, content):
    with open(self, "wb") as file:
        file.write(content[:len(content) // 2])
    os._exit(9)
Path.write_bytes = killed
write_state(Path({str(path)!r}), {{"w": torch.zeros(2, 3)}}, {{}})
"""
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 9
    found = read_state(path)
    assert found is not None
    assert torch.equal(found[0]["w"], OLD["w"])


def test_records_that_could_not_be_written_leave_the_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    write_json(path, {"status": "ok"})

    def half_text(self: Path, text: str, *args: object, **kwargs: object) -> int:
        return half(self, text.encode())

    monkeypatch.setattr(Path, "write_text", half_text)
    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(StoreError, match="No space left"):
        write_json(path, {"status": "other"})
    monkeypatch.undo()
    assert read_json(path) == {"status": "ok"}
    assert list(tmp_path.iterdir()) == [path]


def test_a_trained_run_takes_the_place_of_its_checkpoint_without_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, found = RunFolder(tmp_path / "vae-0"), list[str]()
    store_run(run, "vae", 0)  # a run of which a file was damaged
    old = (run.path / "run.json").read_bytes()

    def look(change: Callable[..., object]) -> Callable[..., object]:
        def changed(path: Path, *arguments: object, **more: object) -> object:
            step, is_there = run.checkpoints.step(), (run.path / "run.json").is_file()
            is_new = is_there and (run.path / "run.json").read_bytes() != old and run.is_trained
            found.append("both" if is_new and step == 7 else "run" if is_new else "checkpoint" if step == 7 else "none")
            return change(path, *arguments, **more)

        return changed

    with run.claim() as claim:
        checkpoint = Checkpoint(step=7, definition={"seed": 0}, data="d", snapshot=None, memory=OLD)
        run.checkpoints.write(claim, checkpoint)
        for name in ("unlink", "replace"):
            monkeypatch.setattr(Path, name, look(getattr(Path, name)))
        run.training.write(claim, run_record("vae-0", "vae", 5), [], {"decoder": torch.zeros(2)})
        monkeypatch.undo()
    assert found == ["checkpoint"] * (len(found) - 2) + ["both", "run"]
    assert sorted(path.name for path in run.path.iterdir()) == ["history.csv", "run.json", "weights.safetensors"]
    assert [path.name for path in tmp_path.iterdir()] == ["vae-0"]


def test_arrays_that_could_not_be_written_leave_the_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = torch.arange(12, dtype=torch.uint8).reshape(2, 3, 1, 2).numpy()

    def make(recipe: dict[str, int]) -> None:
        array_of(tmp_path, recipe).write_bytes(whole.tobytes())
        write_manifest(array_of(tmp_path, recipe), recipe, shape=whole.shape)

    def kept(recipe: dict[str, int]) -> object:
        array = array_of(tmp_path, recipe)
        return keep("faces", array, lambda: read_array(array, recipe), lambda: make(recipe))

    assert (kept({"faces": 2}).pixels == whole).all()  # type: ignore[attr-defined]
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    whole_text = Path.write_text

    def half_manifest(self: Path, text: str, *rest: Any, **more: Any) -> int:
        return half(self, text.encode()) if self.suffix == ".partial" else whole_text(self, text, *rest, **more)

    monkeypatch.setattr(Path, "write_text", half_manifest)
    with pytest.raises(StoreError, match="No space"):
        kept({"faces": 3})
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in before} == before
    assert read_array(array_of(tmp_path, {"faces": 3}), {"faces": 3}) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda state: {**state, "c": state["w"]},
        lambda state: {"v": state["w"], "b": state["b"]},
        lambda state: {**state, "w": state["w"].reshape(3, 2)},
        lambda state: {**state, "w": state["w"].double()},
        lambda state: {**state, "w": state["w"] + torch.eye(2, 3) * 1e-6},
        lambda state: {"b": state["b"]},
    ],
)
def test_the_hash_of_tensors_is_of_names_types_shapes_and_values(
    change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]],
) -> None:
    assert sha256_of_state(change(dict(OLD))) != sha256_of_state(OLD)
    assert sha256_of_state(dict(reversed(OLD.items()))) == sha256_of_state(OLD)
    turned = {**OLD, "w": OLD["w"].T.contiguous().T}  # another layout of the same values
    assert sha256_of_state(turned) == sha256_of_state(OLD)
