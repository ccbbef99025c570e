"""What reaches a training: batches, augmentation noise, learning rates, weight decay, images it never sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from small import PlainDescent
from torch import Tensor, nn

from vaegan_bench.api import Data, ImageShape, Model, Networks, Objectives, Play, Progress, Split, StudyError, silent
from vaegan_bench.study.run import Run
from vaegan_bench.testing import Blobs, blobs, small_run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.loading import LoadedData, hold_out
from vaegan_bench.training.loop import take_step
from vaegan_bench.training.schedules.linear import Linear
from vaegan_bench.training.state import TrainingState

CPU = torch.device("cpu")


class Affine(nn.Module):
    """A matrix, a kernel, a bias and a scalar, all 2."""

    def __init__(self) -> None:
        super().__init__()
        for name, shape in {"matrix": (3, 2), "kernel": (2, 1, 3, 3), "bias": (3,), "scalar": ()}.items():
            self.register_parameter(name, nn.Parameter(torch.full(shape, 2.0)))


@dataclass(frozen=True, kw_only=True)
class Affines(Networks):
    """The same for every role."""

    name = "affines"
    latent: int = 1

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        return Affine()


@dataclass(frozen=True, kw_only=True)
class Slide(Model):
    """Every element of the decoder has the slope of a field."""

    name = "slide"
    players: ClassVar = {"player": ("decoder",)}
    slope: float = 1.0

    def objectives(self, play: Play) -> Objectives:
        total = torch.stack([weight.sum() for weight in play.modules["decoder"].parameters()]).sum()
        return Objectives(terms={"total": self.slope * total}, minimise={"player": {"total": 1.0}})


def slides(run: Run, steps: int) -> list[dict[str, float]]:
    """The first element of each weight after every step."""
    state, batches = TrainingState(run, blobs().shape, CPU), Batches(run.dataset, blobs().train, 4, run.seed, CPU)
    seen = []
    for _ in range(steps):
        take_step(run, state, batches)
        weights = state.modules["decoder"].named_parameters()
        seen.append({name: weight.detach().flatten()[0].item() for name, weight in weights})
    return seen


def test_the_learning_rate_of_each_step_is_the_schedule_s() -> None:
    optimizer = PlainDescent(lr=0.1, schedule=Linear(start=1.0, end=0.2, over=4))
    moved = slides(small_run(Slide(), networks=Affines(), optimizer=optimizer, steps=6), 6)
    places = [2.0, *(weights["bias"] for weights in moved)]
    steps = [before - after for before, after in pairwise(places)]
    # 0.1 · (1 − 0.8 · t / 4) for the steps t = 0, 1, 2, 3, and 0.02 from then on
    assert steps == pytest.approx([0.1, 0.08, 0.06, 0.04, 0.02, 0.02], abs=1e-6)


def test_matrices_and_kernels_decay_and_nothing_else() -> None:
    optimizer = PlainDescent(lr=0.5, weight_decay=0.1)
    (after,) = slides(small_run(Slide(slope=0.0), networks=Affines(), optimizer=optimizer), 1)
    assert after == pytest.approx({"matrix": 2 - 0.5 * 0.1 * 2, "kernel": 1.9, "bias": 2.0, "scalar": 2.0})


@pytest.mark.parametrize(("decay", "groups"), [(0.0, 1), (0.1, 2)])
def test_weights_are_divided_into_groups_for_a_decay_alone(decay: float, groups: int) -> None:
    run = small_run(Slide(slope=0.0), networks=Affines(), optimizer=PlainDescent(weight_decay=decay))
    (optimizer,) = TrainingState(run, blobs().shape, CPU).optimizers.values()
    assert len(optimizer.param_groups) == groups
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 4


def numbered(n: int) -> Data:
    """Images that are all one number, their own; 0 is the first of the training part."""
    images = torch.arange(n, dtype=torch.uint8)[:, None, None, None].expand(n, 3, 32, 32).contiguous()
    attributes = torch.arange(n)[:, None] % 3 == 0
    train = Split(images, attributes, torch.arange(n))
    return Data(train, Split(images[:5] + 200, attributes[:5]), ("Third",), digest="numbered")


def numbers_of(x_BCHW: Tensor) -> list[int]:
    return x_BCHW[:, 0, 0, 0].add(1).mul(127.5).round().int().tolist()


def test_no_batch_is_partial_and_none_is_seen_twice_within_an_epoch() -> None:
    batches = Batches(Blobs(), numbered(21).train, 6, seed=4, device=CPU)
    epochs = [[numbers_of(batches.at(3 * epoch + i)) for i in range(3)] for epoch in range(3)]
    for epoch in epochs:
        assert [len(batch) for batch in epoch] == [6, 6, 6]
        assert len({number for batch in epoch for number in batch}) == 18
    assert epochs[0] != epochs[1]
    left_out = [set(range(21)) - {number for batch in epoch for number in batch} for epoch in epochs]
    assert left_out[0] != left_out[1]  # not the same images for ever


def test_images_are_not_copied_and_batches_are_in_the_layout_of_the_networks() -> None:
    train = blobs().train
    batches = Batches(Blobs(), train, 4, seed=0, device=CPU)
    assert batches.images_NCHW.data_ptr() == train.images_NCHW.data_ptr()
    assert batches.at(0).is_contiguous(memory_format=torch.channels_last)


def test_attributes_belong_to_the_images_of_their_step() -> None:
    batches = Batches(Blobs(), numbered(21).train, 6, seed=4, device=CPU)
    for step in (0, 2, 3, 7, 1):  # in any order, over several epochs
        has = batches.attributes_at(step)[:, 0].tolist()
        assert has == [1.0 if number % 3 == 0 else -1.0 for number in numbers_of(batches.at(step))]


def test_a_batch_larger_than_the_training_part_is_refused() -> None:
    with pytest.raises(StudyError, match="batch is 22, and there are only 21"):
        Batches(Blobs(), numbered(21).train, 22, seed=0, device=CPU)


@dataclass(frozen=True, kw_only=True)
class Noisy(Blobs):
    """Hands out its noise in place of the images."""

    name = "noisy"

    def augment(self, x_BCHW: Tensor, noise: torch.Generator) -> Tensor:
        return torch.rand(x_BCHW.shape, generator=noise)


def test_every_step_has_augmentation_noise_of_its_own_and_the_same_again() -> None:
    batches = Batches(Noisy(), blobs().train, 4, seed=0, device=CPU)
    drawn = [batches.at(step) for step in (0, 1, 18, 19)]  # 18 steps are an epoch
    for i, first in enumerate(drawn):
        assert all(not torch.equal(first, other) for other in drawn[:i])
    assert torch.equal(batches.at(1), drawn[1])
    other_seed = Batches(Noisy(), blobs().train, 4, seed=1, device=CPU)
    assert not torch.equal(other_seed.at(0), drawn[0])


def test_validation_images_are_the_last_tenth_of_the_training_part_and_no_training_sees_them() -> None:
    data = numbered(47)
    held = hold_out(data)
    train, validation = (split.images_NCHW[:, 0, 0, 0].tolist() for split in (held.train, held.test))
    assert (train, validation) == ([*range(43)], [43, 44, 45, 46])
    assert held.test.attributes_NA[:, 0].tolist() == [False, False, True, False]
    assert held.test.labels_N is not None
    assert held.test.labels_N.tolist() == [43, 44, 45, 46]
    assert held.digest != data.digest  # runs on it are other runs
    batches = Batches(Blobs(), held.train, 4, seed=0, device=CPU)
    seen = {number for step in range(30) for number in numbers_of(batches.at(step))}
    assert seen == set(range(43))


@dataclass(frozen=True, kw_only=True)
class OneTestImage(Blobs):
    """Holds a single image out."""

    name = "one-test-image"

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        data = super().load(size, cache, progress)
        return replace(data, test=data.test[:1])


def test_a_test_part_of_one_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"one-test-image.* has 72 training and 1 test images: at least two"):
        LoadedData(tmp_path).get(small_run(Slide(), dataset=OneTestImage()))


def test_a_validation_part_of_one_image_is_refused() -> None:
    with pytest.raises(StudyError, match="A tenth of 19 training"):
        hold_out(numbered(19))
