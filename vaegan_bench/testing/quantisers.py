"""The conformance checks of quantisers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

import torch
from torch import Tensor

from vaegan_bench.api import Codebook, LatentShape, Quantised, Quantiser
from vaegan_bench.testing.verdicts import demand, same, seeded, unchanged, untouched_randomness

SHAPES = (LatentShape(4, 2, 3), LatentShape(4, 1, 1))
BATCH = 6
MANY = 400
"""A number of codes that is large enough for some to have the same indices."""


def codebook(quantiser: Quantiser, shape: LatentShape = SHAPES[0]) -> Codebook:
    """The network of a quantiser, from a fixed seed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return quantiser.build(shape)


def codes(shape: LatentShape = SHAPES[0], seed: int = 1, n: int = BATCH) -> Tensor:
    """Codes as an encoder might give them; (n, Z)."""
    return torch.randn(n, shape.channels * shape.height * shape.width, generator=seeded(seed))


def used(book: Codebook) -> Codebook:
    """The same codebook in evaluation mode, after one batch in training mode."""
    book(codes())
    return book.eval()


def has_a_member_for_each_place(quantiser: Quantiser) -> None:
    """Codes of the same shape, an index in [0, K) for each place, and a finite cost of at least 0 for each image."""
    for shape in SHAPES:
        book, z = codebook(quantiser, shape), codes(shape)
        found = Quantised(*book(z))
        places, index = shape.height * shape.width, found.index_BP
        demand(found.z_BZ.shape == z.shape, f"gives codes of {tuple(found.z_BZ.shape)} for {tuple(z.shape)}.")
        demand(
            index.shape[0] == BATCH and index.shape[1] % places == 0 and index.dtype == torch.int64,
            f"gives indices {tuple(index.shape)} ({index.dtype}) for {BATCH} codes of {places} places, not int64.",
        )
        demand(int(index.min()) >= 0 and int(index.max()) < book.entries, f"gives indices outside [0, {book.entries}).")
        demand(found.cost_B.shape == (BATCH,), f"gives a cost {tuple(found.cost_B.shape)}, not one for each image.")
        demand(bool(found.cost_B.isfinite().all() and (found.cost_B >= 0).all()), "gives a cost below 0, or none.")


def equal_indices_are_equal_codes(quantiser: Quantiser) -> None:
    """Where two codes have the same indices at all places they are the same code, and otherwise they are not."""
    alone = SHAPES[1]
    book = codebook(quantiser, alone)
    book(codes(alone))
    with torch.no_grad():
        found = Quantised(*book.eval()(3 * codes(alone, seed=3, n=MANY)))
    alike = (found.index_BP[:, None] == found.index_BP[None]).all(2)
    near = (found.z_BZ[:, None] - found.z_BZ[None]).abs().amax(2) < 1e-5
    demand(torch.equal(alike, near), "gives different codes for equal indices, or equal codes for different ones.")


def members_stay(quantiser: Quantiser) -> None:
    """In evaluation mode `nearest` leaves a quantised code as it is, and no use changes anything."""
    book = used(codebook(quantiser))
    before = deepcopy(book.state_dict())
    with torch.no_grad(), untouched_randomness(), unchanged(z_BZ=(z := codes(seed=2))):
        found = book(z)[0]
        demand(torch.equal(book(z)[0], found), "gives another code on repeat in evaluation mode.")
        again = book.nearest(found)
    demand(torch.allclose(again, found, atol=1e-6), "`nearest` moves a code that is a member of the set already.")
    changed = same(before, book.state_dict())
    demand(not changed, f"changes its {', '.join(changed[:3])} in evaluation mode: honour .eval().")


def nearest_is_next(quantiser: Quantiser) -> None:
    """`nearest` of a code a little beside a member is that member."""
    book = used(codebook(quantiser))
    with torch.no_grad():
        found = book(codes(seed=2))[0]
        beside = book.nearest(found + 1e-4 * codes(seed=3))
    demand(torch.allclose(beside, found, atol=1e-6), "`nearest` leaves the member that is next to a code for another.")


def gradient_passes_through(quantiser: Quantiser) -> None:
    """The gradient of the quantised code reaches what was quantised, at every place."""
    z = codes().requires_grad_()
    found, _, _ = codebook(quantiser)(z)
    demand(found.requires_grad, "stops the gradient: pass it straight through, as in z + (q − z).detach().")
    (gradient,) = torch.autograd.grad((found * codes(seed=7)).sum(), z)
    demand(bool(gradient.isfinite().all() and (gradient != 0).all()), "stops the gradient at some places of the code.")


def can_be_kept(quantiser: Quantiser) -> None:
    """Another network with its state_dict goes on with the same codes, in training too."""
    book, other = codebook(quantiser), codebook(quantiser)
    book(codes())
    other.load_state_dict(book.state_dict())
    for batch in (codes(seed=2), codes(seed=3)):
        first, second = book(batch)[0], other(batch)[0]
        demand(torch.equal(first, second), "goes on differently from its state_dict: keep all of its state there.")


def checks() -> Iterator[tuple[type, tuple[Callable[..., None], ...]]]:
    """Kind → its checks, in the order in which they run."""
    yield (
        Quantiser,
        (
            has_a_member_for_each_place,
            equal_indices_are_equal_codes,
            members_stay,
            nearest_is_next,
            gradient_passes_through,
            can_be_kept,
        ),
    )
