"""What is known of the real images: made once, kept on disk, never stale."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from counted import Brightness, calls
from torch import Tensor

from vaegan_bench.api import Data, Features
from vaegan_bench.evaluation.references import References
from vaegan_bench.system.errors import CacheWarning
from vaegan_bench.system.tensor_files import Scores, State, load_or_make
from vaegan_bench.testing import blobs

CPU = torch.device("cpu")


def largest(real: Features, above: float = 0.0) -> Mapping[str, Tensor]:
    calls.append("derive")
    return {"largest": real.features_NF.max(0).values.clamp(min=above)}


@pytest.fixture(autouse=True)
def _no_calls_yet() -> None:
    calls.clear()


def opened(tmp_path: Path, data: Data | None = None) -> References:
    """As another process would open it: nothing in memory."""
    return References(data or blobs(), tmp_path, CPU)


def test_features_and_what_is_derived_of_them_are_computed_once_for_all_studies(tmp_path: Path) -> None:
    for _ in range(2):
        references = opened(tmp_path)
        found = references.reference(Brightness(), 20, largest, {})
        expected = blobs().test.images_NCHW[:20].float().mean((2, 3)).max(0).values
        assert torch.equal(found["largest"], expected)
        assert references.reference(Brightness(), 20, largest, {}) is found
    assert calls == ["look", "derive"]


def test_whatever_decides_the_numbers_decides_what_is_read(tmp_path: Path) -> None:
    opened(tmp_path).reference(Brightness(), 20, largest, {})
    other = blobs()
    other.test.images_NCHW[0, 0, 0, 0] += 1
    for references, extractor, n, parameters in [
        (opened(tmp_path, replace(other, digest=blobs().digest)), Brightness(), 20, {}),  # a digest may lie
        (opened(tmp_path), Brightness(times=2.0), 20, {}),
        (opened(tmp_path), Brightness(), 19, {}),
    ]:
        calls.clear()
        references.reference(extractor, n, largest, parameters)
        assert calls == ["look", "derive"]
    calls.clear()
    assert opened(tmp_path).reference(Brightness(), 20, largest, {"above": 300.0})["largest"].min() == 300
    assert calls == ["derive"]


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    whole = opened(tmp_path).features(Brightness(), "train", 30)
    (file,) = (tmp_path / "references").glob("*.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    for damaged in (bytes(content), content[:50], b""):
        file.write_bytes(damaged)
        calls.clear()
        assert torch.equal(opened(tmp_path).features(Brightness(), "train", 30).features_NF, whole.features_NF)
        assert calls == ["look"]


def test_two_processes_that_need_the_same_make_it_once(tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
import torch
from vaegan_bench.system.tensor_files import load_or_make

def build():
    with open({str(tmp_path / "built")!r}, "a") as told:
        told.write("x")
    time.sleep(0.5)
    return {{"value": torch.arange(3)}}, {{}}

state, _ = load_or_make(Path({str(tmp_path / "cache" / "one.safetensors")!r}), build)
assert state["value"].tolist() == [0, 1, 2]
"""
    processes = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert (tmp_path / "built").read_text() == "x"


def test_a_cache_that_cannot_be_written_costs_no_number_and_is_named_once(tmp_path: Path) -> None:
    known = opened(tmp_path / "good").features(Brightness(), "real", 5)
    (tmp_path / "references").write_text("a file where a folder should be")
    references = opened(tmp_path)
    with pytest.warns(CacheWarning, match=r"The cache .* cannot be written .*--cache-dir"):
        found = references.features(Brightness(), "real", 5)
    assert found.features_NF.equal(known.features_NF)


def test_an_error_of_what_is_built_is_not_taken_for_one_of_the_cache(tmp_path: Path) -> None:
    def build() -> tuple[State, Scores]:
        raise FileNotFoundError("faces.npy")

    with pytest.raises(FileNotFoundError, match=r"faces\.npy"):
        load_or_make(tmp_path / "references" / "one.safetensors", build)


def test_what_is_read_lies_in_memory_as_what_was_made(tmp_path: Path) -> None:
    """Or a number measured through kept references would be rounded otherwise than the first one."""
    wide, odd = torch.rand(5, 7, 4, generator=torch.Generator().manual_seed(0)).permute(2, 0, 1), torch.ones(3)
    path = tmp_path / "a" / "b.safetensors"
    made, _ = load_or_make(path, lambda: ({"odd": odd, "wide": wide, "z": wide.double()}, {}))
    read, _ = load_or_make(path, lambda: pytest.fail("made again"))
    for name, tensor in made.items():
        assert read[name].stride() == tensor.stride()
        assert read[name].data_ptr() % 64 == tensor.data_ptr() % 64 == 0
