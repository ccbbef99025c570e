"""What the oracle and the regressor learn from, and what they never see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import Data, Extractor, Split
from vaegan_bench.metrics.extractors.attribute_network import shift
from vaegan_bench.metrics.extractors.frozen_network import FrozenNetwork
from vaegan_bench.metrics.extractors.oracle import Oracle
from vaegan_bench.metrics.extractors.regressor import Regressor

CPU = torch.device("cpu")
N = 60
ORACLE = Oracle(width=4, images=160, batch=32)
REGRESSOR = Regressor(width=4, images=160, batch=32)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def halves(n: int, seed: int) -> Split:
    """Noise, of which the left half is dark where the attribute holds."""
    noise = torch.Generator().manual_seed(seed)
    images = torch.randint(60, 256, (n, 3, 32, 32), generator=noise, dtype=torch.uint8)
    on = torch.rand(n, 1, generator=noise) < 0.4
    images[on[:, 0], :, :, :16] //= 4
    return Split(images, on)


def data(train: Split | None = None, test: Split | None = None) -> Data:
    # The digest names the content, so that none of these is read from another's file.
    train, test = train or halves(N, 0), test or halves(12, 1)
    digest = str(hash((train.images_NCHW.numpy().tobytes(), test.images_NCHW.numpy().tobytes())))
    return Data(train, test, ("Dark",), digest=digest)


def opened(extractor: Extractor, data: Data, cache: Path) -> FrozenNetwork:
    network = extractor.open(data, cache, CPU)
    assert isinstance(network, FrozenNetwork)
    return network


def changed(split: Split, rows: Tensor) -> Split:
    """Other images, and the opposite attributes, in some rows."""
    images, on = split.images_NCHW.clone(), split.attributes_NA.clone()
    images[rows], on[rows] = halves(len(rows), 7).images_NCHW, ~on[rows]
    return replace(split, images_NCHW=images, attributes_NA=on)


def test_the_tenth_on_which_the_oracle_is_scored_has_no_part_in_its_training(tmp_path: Path) -> None:
    held_out = torch.randperm(N, generator=torch.Generator().manual_seed(ORACLE.seed))[: N // 10]
    before = opened(ORACLE, data(), tmp_path)
    after = opened(ORACLE, data(changed(halves(N, 0), held_out)), tmp_path)
    assert after.digest == before.digest  # the same weights, bit by bit
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2  # and trained twice
    others = torch.randperm(N, generator=torch.Generator().manual_seed(ORACLE.seed))[N // 10 :]
    assert opened(ORACLE, data(changed(halves(N, 0), others[:6])), tmp_path).digest != before.digest


def test_the_oracle_is_scored_on_the_images_that_it_did_not_see(tmp_path: Path) -> None:
    held_out = torch.randperm(200, generator=torch.Generator().manual_seed(ORACLE.seed))[:20]
    whole = halves(200, 0)
    turned = whole.attributes_NA.clone()
    turned[held_out] ^= True
    sure = replace(ORACLE, images=1600)
    honest = opened(sure, data(whole), tmp_path / "honest")
    fooled = opened(sure, data(replace(whole, attributes_NA=turned)), tmp_path / "fooled")
    assert honest.held_out_auc["Dark"] > 0.95
    assert fooled.held_out_auc["Dark"] == pytest.approx(1 - honest.held_out_auc["Dark"])


@pytest.mark.parametrize("extractor", [ORACLE, REGRESSOR], ids=str)
def test_held_out_images_of_the_data_have_no_part_in_training(extractor: Extractor, tmp_path: Path) -> None:
    before, after = (opened(extractor, data(test=halves(12, seed)), tmp_path) for seed in (1, 2))
    assert before.digest == after.digest
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2


def test_other_scores_of_the_same_attributes_are_learned_anew(tmp_path: Path) -> None:
    plain = data()
    scored = replace(plain, train=replace(plain.train, scores_NA=torch.where(plain.train.attributes_NA, 5.0, -2.0)))
    assert opened(REGRESSOR, plain, tmp_path).digest != opened(REGRESSOR, scored, tmp_path).digest


def test_every_training_image_counts_for_the_regressor(tmp_path: Path) -> None:
    digests = {opened(REGRESSOR, data(), tmp_path).digest}
    for row in range(0, N, 20):
        digests.add(opened(REGRESSOR, data(changed(halves(N, 0), torch.tensor([row]))), tmp_path).digest)
    assert len(digests) == 4


def test_the_regressor_predicts_each_attribute_in_the_units_of_its_scores(tmp_path: Path) -> None:
    train, test = halves(400, 0), halves(40, 1)
    on = train.attributes_NA
    scores = torch.cat([torch.where(on, 30.0, 10.0), torch.where(on, 3.05, 2.95)], 1)
    scored = replace(train, attributes_NA=on.expand(-1, 2), scores_NA=scores)
    both = replace(data(scored), attribute_names=("Dark", "Slightly"))
    network = opened(replace(REGRESSOR, images=6400), both, tmp_path)
    found, is_on = network(test.images_NCHW).logits_NK, test.attributes_NA[:, 0]
    assert found[is_on].mean(0).tolist() == [pytest.approx(30, abs=3), pytest.approx(3.05, abs=0.02)]
    assert found[~is_on].mean(0).tolist() == [pytest.approx(10, abs=3), pytest.approx(2.95, abs=0.02)]


def test_no_batch_is_smaller_than_the_others(tmp_path: Path) -> None:
    """One image that is left over would be a batch without a variance."""
    network = opened(replace(ORACLE, batch=33), data(halves(37, 0)), tmp_path)  # of which 34 are trained on
    assert network(halves(4, 1).images_NCHW).logits_NK.isfinite().all()


def test_shifts_repeat_the_border_and_move_down_and_across_on_their_own() -> None:
    images = torch.arange(32.0)[:, None] * 100 + torch.arange(32.0)
    moved = shift(images.expand(200, 1, 32, 32), torch.Generator().manual_seed(0))[:, 0]
    rows, columns = (moved[:, 16, 16] // 100 - 16).long(), (moved[:, 16, 16] % 100 - 16).long()
    assert set(rows.tolist()) == set(columns.tolist()) == {-2, -1, 0, 1, 2}
    assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == 25
    for one, row, column in zip(moved[:10], rows[:10], columns[:10], strict=True):
        down = (torch.arange(32) + row).clamp(0, 31)
        across = (torch.arange(32) + column).clamp(0, 31)
        assert torch.equal(one, images[down][:, across])
