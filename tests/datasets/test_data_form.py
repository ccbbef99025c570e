"""What a data set returns is checked before anything is trained on it, or shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from shell import bench

from vaegan_bench.api import Data, DataError, Dataset, Progress, Split, silent
from vaegan_bench.training.loading import load

SIZE = 8


def sound() -> Data:
    """30 training and 20 test images with one attribute, two classes and a factor."""
    train, test = (Split(images(n), torch.arange(n)[:, None] % 3 == 0, torch.arange(n) % 2) for n in (30, 20))
    return Data(train, test, ("Even",), ("left", "right"), digest="ab" * 32)


def images(n: int, side: int = SIZE) -> torch.Tensor:
    return (torch.arange(n * side * side) % 251).to(torch.uint8).reshape(n, 1, side, side)


@dataclass(frozen=True, kw_only=True)
class Given(Dataset):
    """Returns what it is given."""

    name = "given"
    returned: Any = None

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        return self.returned


def with_test(**columns: Any) -> Data:
    data = sound()
    return replace(data, test=replace(data.test, **columns))


@pytest.mark.parametrize(
    ("returned", "fault"),
    [
        (None, "load returned NoneType: return Data, with a Split each for train and test."),
        (replace(sound(), test=None), "load returned Data: return Data, with a Split each"),
        (with_test(images_NCHW=images(20).float() / 255), "images_NCHW of test is torch.float32: return uint8."),
        (with_test(attributes_NA=None), "attributes_NA of test is NoneType: return bool."),
        (with_test(labels_N=[0] * 20), "labels_N of test is list: return int64."),
        (replace(sound(), digest=7), "digest is no text: make it a hash of the content."),
        (replace(sound(), digest=""), "digest is no text"),
        (replace(sound(), class_names=["left", "right"]), "class_names are not a tuple of text."),
        (
            with_test(images_NCHW=images(20, 9)[:, :, 1:]),
            "test images have the shape (20, 1, 8, 9), not (N, 1 or 3, 8, 8).",
        ),
        (replace(sound(), attribute_names=("Even", "Odd")), "attributes of train have the shape (30, 1), not (30, 2)"),
        (with_test(labels_N=torch.arange(20)), "test has labels from 0 to 19, and names for 2."),
        (with_test(labels_N=torch.zeros(7, dtype=torch.int64)), "test has 20 images and 7 labels."),
        (replace(sound(), factors={"side": ("left",)}), "train has no factors_NF, and factors names side."),
    ],
)
def test_a_data_set_that_returns_something_else_is_refused(returned: Any, fault: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        load(Given(returned=returned), SIZE, tmp_path)
    assert fault in str(raised.value)
    assert str(raised.value).startswith("Dataset 'given")


def test_a_sound_data_set_is_used_also_without_test_images(tmp_path: Path) -> None:
    for data in (sound(), replace(sound(), test=sound().test[:0])):
        assert load(Given(returned=data), SIZE, tmp_path) is data


PLUGIN = """
from dataclasses import dataclass
import torch
from vaegan_bench.api import Data, Dataset, Split, hookimpl, silent

@dataclass(frozen=True, kw_only=True)
class Fixed(Dataset):
    '''Images of one size, whatever is asked for.'''
    name = "fixed"

    def load(self, size, cache, progress=silent):
        images = torch.zeros(40, 3, 32, 32, dtype=torch.uint8)
        split = Split(images, torch.zeros(40, 0, dtype=torch.bool))
        return Data(split, split[:10], digest="x")

@hookimpl
def vaegan_bench_plugins():
    return [Fixed]
"""


@pytest.mark.parametrize("command", [("run", "smoke", "--datasets", "fixed"), ("data", "info", "fixed")])
def test_commands_refuse_images_of_another_size(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "fixed.py").write_text(PLUGIN)
    done = bench(*command, "--size", "16", "--plugin", "fixed.py", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: Dataset 'fixed' cannot be used: train images have the shape (40, 3, 32, 32), not (N, 1 or 3, 16, 16).\n"
    )
