from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vaegan_bench.api import Data, ExtractorError, Split, silent
from vaegan_bench.metrics.extractors.attribute_network import fresh_network, shift
from vaegan_bench.metrics.extractors.attribute_scores import area_under_roc
from vaegan_bench.metrics.extractors.frozen_network import FrozenNetwork
from vaegan_bench.metrics.extractors.oracle import Oracle

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
SMALL = Oracle(width=8, images=3000, batch=64)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Batches this small are slower on two threads, and far slower where the cores are shared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def boxes(n: int, size: int, seed: int) -> Split:
    """Noisy backgrounds of any colour with up to two boxes: a dark one on the left, a light one at the bottom."""
    noise = torch.Generator().manual_seed(seed)
    images = torch.randint(60, 200, (n, 3, 1, 1), generator=noise) + 20 * torch.randn(n, 3, size, size, generator=noise)
    on = torch.rand(n, 2, generator=noise) < torch.tensor([0.5, 0.2])
    third = size // 3
    images[on[:, 0], :, third : 2 * third, 2:third] = 20
    images[on[:, 1], :, -third:-2, third : 2 * third] = 240
    return Split(images.clamp(0, 255).to(torch.uint8), on)


def data(size: int = 32) -> Data:
    return Data(boxes(800, size, 0), boxes(200, size, 1), ("Dark_Left", "Light_Bottom"), digest=f"boxes {size}")


def opened(cache: Path, oracle: Oracle = SMALL, size: int = 32) -> FrozenNetwork:
    network = oracle.open(data(size), cache, CPU)
    assert isinstance(network, FrozenNetwork)
    return network


@pytest.mark.parametrize("size", [32, 64])
def test_it_learns_what_can_be_seen(tmp_path: Path, size: int) -> None:
    network, test = opened(tmp_path, size=size), data(size).test
    found = network(test.images_NCHW)
    assert network.columns == ("Dark_Left", "Light_Bottom")
    assert found.features_NF.shape == (200, 128)
    assert (area_under_roc(found.logits_NK, test.attributes_NA) > 0.98).all()
    assert min(network.held_out_auc.values()) > 0.98


def test_training_repeats_and_leaves_the_global_generator_alone(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    first = opened(tmp_path / "first")
    assert torch.equal(before, torch.get_rng_state())
    assert opened(tmp_path / "second").digest == first.digest
    assert opened(tmp_path / "third", replace(SMALL, seed=1)).digest != first.digest


def test_the_cache_is_used_and_mended(tmp_path: Path) -> None:
    trained = opened(tmp_path)
    (path,) = tmp_path.rglob("*.safetensors")
    seen: list[str] = []
    again = SMALL.open(data(), tmp_path, CPU, lambda description, done, total: seen.append(description))
    assert seen == []
    assert again.digest == trained.digest
    for damage in (path.read_bytes()[:-100], b"", path.read_bytes()[:-4] + b"\0\0\0\0"):
        path.write_bytes(damage)
        assert opened(tmp_path).digest == trained.digest
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]


def test_progress_counts_steps_and_images(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    network = SMALL.open(data(), tmp_path, CPU, lambda *report, **named: seen.append(report or tuple(named.values())))
    assert seen[-1] == ("oracle training", 46, 46)
    network(data().test.images_NCHW, lambda *report, **named: seen.append(report or tuple(named.values())))
    assert seen[-1] == (f"{SMALL} features", 200, 200)


def test_images_of_another_size_or_in_grey_are_taken(tmp_path: Path) -> None:
    network = opened(tmp_path)
    images = data().test.images_NCHW
    assert network(images[:, :1]).logits_NK.shape == (200, 2)
    large = images.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(network(large).logits_NK, network(images).logits_NK, rtol=0.2, atol=1.0)


def test_data_it_cannot_learn_from_are_named(tmp_path: Path) -> None:
    plain = replace(data(), attribute_names=())
    with pytest.raises(ExtractorError, match="have none"):
        SMALL.open(plain, tmp_path, CPU)
    few = replace(data(), train=data().train[:19])
    with pytest.raises(ExtractorError, match="at least 20"):
        SMALL.open(few, tmp_path, CPU)


@pytest.mark.parametrize("constant", [True, False])
def test_an_attribute_that_cannot_be_learned_costs_the_others_nothing(constant: bool, tmp_path: Path) -> None:
    """It never varies in training, so it has no AUC, and the cache keeps that."""
    one = torch.full((800, 1), constant)
    train = Split(data().train.images_NCHW, torch.cat([data().train.attributes_NA, one], 1))
    test = Split(data().test.images_NCHW, torch.cat([data().test.attributes_NA, torch.arange(200)[:, None] < 100], 1))
    three = Data(train, test, ("Dark_Left", "Light_Bottom", "Constant"), digest=f"boxes and {constant}")
    for _ in range(2):
        network = SMALL.open(three, tmp_path, CPU)
        assert isinstance(network, FrozenNetwork)
        logits = network(test.images_NCHW).logits_NK
        assert logits.isfinite().all()
        assert (area_under_roc(logits, test.attributes_NA)[:2] > 0.98).all()
        assert network.held_out_auc["Constant"] != network.held_out_auc["Constant"]
        assert network.held_out_auc["Dark_Left"] > 0.98


def test_twenty_images_are_enough_to_open_it(tmp_path: Path) -> None:
    few = replace(data(), train=data().train[:20], digest="twenty boxes")
    network = Oracle(width=8, images=400).open(few, tmp_path, CPU)
    assert network(few.test.images_NCHW).logits_NK.isfinite().all()


def test_held_out_images_are_scored_as_exactly_as_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaegan_bench.metrics.extractors.oracle.train_network", lambda *_: None)
    network, rounds = fresh_network(data().shape, 2, SMALL.recipe), list[bool]()
    network.register_forward_hook(lambda *_: rounds.append(torch.backends.cudnn.allow_tf32))
    SMALL.train(network, data(), silent)
    assert rounds == [False]


def test_shifts_move_whole_images_by_a_sixteenth_at_most() -> None:
    marked = torch.zeros(50, 1, 32, 32)
    marked[:, :, 16, 16] = 1
    where = shift(marked, torch.Generator().manual_seed(0)).nonzero()
    assert len(where) == 50
    moved = where[:, 2:] - 16
    assert moved.abs().max() == 2
    assert len(moved.unique(dim=0)) > 10
