"""Finite scalars and learned vectors: values worked out by hand, and code books that learn without chance."""

from __future__ import annotations

import itertools
import math
from copy import deepcopy

import pytest
import torch
from torch import Tensor
from vaegan_bench_tokenizers.fsq import FSQ
from vaegan_bench_tokenizers.vq import VQ, LearnedVectors

from vaegan_bench.api import Codebook, LatentShape, PluginError, Quantised, Quantiser, SelectorError
from vaegan_bench.registry.plugins import Registry


def fsq(levels: str, places: int = 1, groups: int = 1) -> Codebook:
    return FSQ(levels=levels).build(LatentShape(groups * len(levels.split()), 1, places))


def on_a_line(levels: int) -> tuple[Tensor, Quantised]:
    """Codes of one channel from −5 to 5, and what becomes of them."""
    z = torch.linspace(-5, 5, 1001)[:, None]
    return z, Quantised(*fsq(str(levels))(z))


@pytest.mark.parametrize("levels", range(2, 10))
def test_a_channel_takes_exactly_its_levels_in_order_and_leaves_zero_where_it_is(levels: int) -> None:
    z, found = on_a_line(levels)
    half = levels // 2
    assert found.z_BZ.unique().tolist() == pytest.approx([(k - half) / half for k in range(levels)])
    assert torch.equal(found.index_BP, found.index_BP.sort(dim=0).values)
    assert found.index_BP.unique().tolist() == list(range(levels))
    assert found.z_BZ[len(z) // 2].item() == 0
    assert not found.cost_B.any()


def test_levels_change_where_the_listing_of_the_paper_rounds_up() -> None:
    # L = 5: tanh(z)·1.998 crosses −1.5, −0.5, 0.5 and 1.5.
    z, found = on_a_line(5)
    crossed = z[1:][found.z_BZ[1:] > found.z_BZ[:-1]]
    expected = torch.atanh(torch.tensor([-1.5, -0.5, 0.5, 1.5]) / 1.998)
    torch.testing.assert_close(crossed, expected, rtol=0, atol=0.011)
    # L = 4: tanh(z + tan(0.5/1.4985))·1.4985 − 0.5 crosses −1.5, −0.5 and 0.5.
    z, found = on_a_line(4)
    crossed = z[1:][found.z_BZ[1:] > found.z_BZ[:-1]]
    expected = torch.atanh(torch.tensor([-1.0, 0.0, 1.0]) / 1.4985) - math.tan(0.5 / 1.4985)
    torch.testing.assert_close(crossed, expected, rtol=0, atol=0.011)


def test_the_gradient_is_that_of_the_bounded_code() -> None:
    z = torch.tensor([[-1.3, 0.2, 0.9]], requires_grad=True)
    found, _, _ = fsq("5 8 3")(z)
    (gradient,) = torch.autograd.grad(found.sum(), z)
    half, offset = torch.tensor([4, 7, 2]) * 0.999 / 2, torch.tensor([0, 0.5, 0])
    slope = 1 - torch.tanh(z.detach() + torch.tan(offset / half)).square()
    torch.testing.assert_close(gradient, slope * half / torch.tensor([2, 4, 1]))


def test_every_combination_of_levels_has_an_index_of_its_own() -> None:
    book = fsq("4 3 5")
    members = torch.cartesian_prod(*(torch.arange(n) / (n // 2) - 1 for n in (4, 3, 5)))
    assert book.entries == len(members) == 60
    assert torch.equal(book.nearest(members), members)
    found = Quantised(*book(3 * torch.randn(4000, 3, generator=torch.Generator().manual_seed(0))))
    pairs = torch.cat([found.z_BZ, found.index_BP], dim=1).unique(dim=0)
    assert len(pairs) == len(pairs[:, :3].unique(dim=0)) == len(pairs[:, 3].unique()) == 60
    assert (int(found.index_BP.min()), int(found.index_BP.max())) == (0, 59)


def test_nearest_stops_at_the_outermost_levels() -> None:
    found = fsq("4 3").nearest(torch.tensor([[9.0, 9.0], [-9.0, -9.0], [0.26, 0.4]]))
    assert found.tolist() == [[0.5, 1.0], [-1.0, -1.0], [0.5, 0.0]]


def test_more_channels_are_quantised_in_groups_place_by_place() -> None:
    book = fsq("3 2", places=2, groups=2)
    z = torch.zeros(1, 4, 2)
    z[0, 2, 1] = 9.0  # the first channel of the second group, at the second place
    found = Quantised(*book(z.flatten(1)))
    nowhere, raised = 1 + 3 * 1, 2 + 3 * 1  # a zero is level 1 of 3 and level 1 of 2
    assert found.index_BP.tolist() == [[nowhere, nowhere, nowhere, raised]]
    assert found.z_BZ.unflatten(1, (4, 2))[0, 2].tolist() == [0.0, 1.0]


def test_channels_that_do_not_come_out_even_are_refused() -> None:
    with pytest.raises(PluginError, match="takes 4 channels, or a multiple of them, and the networks have 6"):
        FSQ().build(LatentShape(6, 2, 2))


@pytest.mark.parametrize(
    "selector",
    ["fsq[levels=8 1]", "fsq[levels=]", "fsq[levels=8 x]", "vq[entries=1]", "vq[decay=1]", "vq[least_use=0]",
     "vq[commitment=-1]"],
)  # fmt: skip
def test_what_means_nothing_is_refused(selector: str) -> None:
    with pytest.raises(SelectorError):
        Registry(["vaegan_bench_tokenizers"]).build(Quantiser, selector)


def vq(vectors: list[list[float]], count: float = 2.0, **fields: float) -> LearnedVectors:
    """A code book of known entries, of codes at two places."""
    book = VQ(entries=len(vectors), **fields).build(LatentShape(len(vectors[0]), 1, 2))  # type: ignore[arg-type]
    book.vector_KC.copy_(torch.tensor(vectors))
    book.count_K.fill_(count)
    return book


def codes(*images: list[list[float]]) -> Tensor:
    """Codes from the vectors at the places of each image."""
    return torch.tensor(images).transpose(1, 2).flatten(1)


FAR = [[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]]
BATCH = codes([[1.0, 0.0], [9.0, 2.0]], [[0.0, 3.0], [10.0, -1.0]])


def test_each_place_takes_its_nearest_entry_and_costs_its_squared_distance() -> None:
    found = Quantised(*vq(FAR, commitment=0.5).eval()(BATCH))
    assert found.index_BP.tolist() == [[0, 1], [0, 1]]
    assert torch.equal(found.z_BZ, codes([[0.0, 0.0], [10.0, 0.0]], [[0.0, 0.0], [10.0, 0.0]]))
    assert found.cost_B.tolist() == [0.5 * (1 + 1 + 4), 0.5 * (9 + 1)]


def test_entries_are_moving_means_of_their_codes() -> None:
    book = vq(FAR, count=2.0, decay=0.75, least_use=0.5)
    book(BATCH)
    # N = ¾·2 + ¼·2 and m = ¾·2·e + ¼·Σz for those in use; the third keeps its place, and counts less.
    assert book.count_K.tolist() == [2.0, 2.0, 1.5]
    expected = [[0.25 * 1 / 2, 0.25 * 3 / 2], [(15 + 0.25 * 19) / 2, 0.25 * 1 / 2], [0.0, 10.0]]
    torch.testing.assert_close(book.vector_KC, torch.tensor(expected))


def test_the_batch_is_quantised_before_entries_move() -> None:
    book = vq(FAR, decay=0.0)
    found, _, cost = book(BATCH)
    assert torch.equal(found, codes([[0.0, 0.0], [10.0, 0.0]], [[0.0, 0.0], [10.0, 0.0]]))
    assert cost.tolist() == [0.25 * 6, 0.25 * 10]
    torch.testing.assert_close(book.vector_KC, torch.tensor([[0.5, 1.5], [9.5, 0.5], FAR[2]]))  # the last was not used


def test_only_what_was_quantised_learns_by_gradient() -> None:
    book, z = vq(FAR), BATCH.clone().requires_grad_()
    found, _, cost = book(z)
    assert not list(book.parameters())
    (through,) = torch.autograd.grad((found * torch.arange(8).view(2, 4)).sum(), z, retain_graph=True)
    assert torch.equal(through, torch.arange(8.0).view(2, 4))
    (pulled,) = torch.autograd.grad(cost.sum(), z)
    torch.testing.assert_close(pulled, 2 * 0.25 * (BATCH - found.detach()))


def test_it_starts_from_codes_of_the_first_batch() -> None:
    with torch.random.fork_rng():
        book = VQ(entries=40).build(LatentShape(3, 2, 2))
    z = torch.randn(30, 12, generator=torch.Generator().manual_seed(1))
    book._replace_unused(rows := book._places(z).flatten(0, 1))
    nearest = torch.cdist(book.vector_KC, rows)
    assert nearest.min(1).values.max() < 0.05
    assert len(nearest.argmin(1).unique()) == 40  # each from another code
    images, places = nearest.argmin(1) // 4, nearest.argmin(1) % 4
    assert len(images.unique()) >= 25  # of almost all images
    assert places.bincount().min() >= 8  # and of all places alike


def test_copies_of_one_code_are_moved_apart() -> None:
    with torch.random.fork_rng():
        book = VQ(entries=50).build(LatentShape(3, 1, 1))
    book(torch.randn(4, 3, generator=torch.Generator().manual_seed(1)))
    between = torch.pdist(book.vector_KC)
    assert 0 < between.min() < 0.05


def test_an_entry_that_goes_out_of_use_is_replaced_by_a_code_of_the_batch() -> None:
    book = vq([*FAR, [50.0, 50.0]], count=1.0, least_use=8.0)  # a batch has one code for each entry
    book(BATCH)
    assert book.count_K[2:].tolist() == pytest.approx([0.99, 0.99])
    assert book.vector_KC[3].tolist() == [50.0, 50.0]
    kept = book.vector_KC[:2].clone()
    later = codes([[1.0, 0.0], [9.0, 2.0]], [[-7.0, 3.0], [10.0, -1.0]])
    found, _, _ = book(later)
    rows = later.unflatten(1, (2, 2)).transpose(1, 2).flatten(0, 1)
    assert torch.cdist(book.vector_KC[2:], rows).min(1).values.max() < 0.1
    assert (book.vector_KC[:2] - kept).norm(dim=1).max() < 0.1  # those in use go on as before
    assert found.isfinite().all()


@pytest.mark.parametrize(("n", "least"), [(8, 0.125), (32, 0.5), (64, 1.0), (128, 1.0)])
def test_the_least_use_is_at_most_an_eighth_of_the_mean_use(n: int, least: float) -> None:
    assert vq([[float(k)] for k in range(8)])._least_use(n) == least


@pytest.mark.parametrize(("channels", "places"), [(8, 1), (4, 16)])
def test_training_sees_the_quantisation_error_of_evaluation_though_a_batch_has_few_codes(
    channels: int, places: int
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        book = VQ().build(LatentShape(channels, 1, places))
    noise = torch.Generator().manual_seed(1)
    errors = []
    for _ in range(200):
        z = torch.randn(64 // places, channels * places, generator=noise)
        errors.append(float((book(z)[0] - z).square().mean()))
    z = torch.randn(512, channels * places, generator=noise)
    evaluated = float((book.eval()(z)[0] - z).square().mean())
    assert sum(errors[-50:]) / 50 == pytest.approx(evaluated, rel=0.1)


def test_learning_needs_no_chance_and_goes_on_from_buffers() -> None:
    with torch.random.fork_rng():
        book = VQ(entries=16).build(LatentShape(2, 2, 2))
    noise = torch.Generator().manual_seed(5)
    batches = [torch.randn(6, 8, generator=noise) for _ in range(5)]
    before = torch.get_rng_state()
    for z in batches[:3]:
        book(z)
    other = deepcopy(book)
    first, second = ([b(z)[0] for z in batches[3:]] for b in (book, other))
    assert all(map(torch.equal, first, second))
    assert torch.equal(torch.get_rng_state(), before)


def test_distances_are_exact_under_bfloat16_autocast() -> None:
    book = vq([[100.0, 0.0], [100.1, 0.0]]).eval()
    z = codes([[100.02, 0.0], [100.09, 0.0]])
    with torch.autocast("cpu", torch.bfloat16):
        assert book(z)[1].tolist() == [[0, 1]]


@pytest.mark.parametrize("n", [1, 7, 36, 4096])
def test_entries_take_different_codes_as_long_as_there_are_any(n: int) -> None:
    with torch.random.fork_rng():
        book = VQ(entries=n).build(LatentShape(1, 1, 1)) if n > 1 else VQ(entries=2).build(LatentShape(1, 1, 1))
    book.apart_KC.zero_()
    book._replace_unused(torch.arange(float(n))[:, None])
    taken = book.vector_KC[:, 0].tolist()
    assert sorted(set(taken)) == [float(i) for i in range(n)]
    assert all(a != b for a, b in itertools.pairwise(taken)) or n == 1
