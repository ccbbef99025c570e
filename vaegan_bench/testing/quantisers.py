"""The conformance checks of quantisers."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor

from vaegan_bench.api import Codebook, LatentShape, PluginError, Quantised, Quantiser
from vaegan_bench.testing.verdicts import (
    Checks,
    ConformanceError,
    demand,
    same,
    seeded,
    unchanged,
    untouched_randomness,
)

CHANNELS = (4, 1, 2, 3, 5, 6, 7, 8)
"""Numbers of channels that are tried, in this order."""
BATCH = 6
MANY = 400
"""A number of codes that is large enough for some to have the same indices."""


def grid(quantiser: Quantiser) -> LatentShape:
    """Codes of several places, with the first number of channels that a quantiser accepts. Raises where it has none."""
    reasons = []
    for shape in (LatentShape(channels, 2, 3) for channels in CHANNELS):
        try:
            with torch.device("meta"):
                quantiser.build(shape)
            return shape
        except PluginError as error:
            reasons.append(str(error))
    raise ConformanceError(f"takes no codes of {min(CHANNELS)} to {max(CHANNELS)} channels: {reasons[0]}")


def codebook(quantiser: Quantiser, shape: LatentShape) -> Codebook:
    """The network of a quantiser, from a fixed seed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return quantiser.build(shape)


def codes(shape: LatentShape, seed: int = 1, n: int = BATCH) -> Tensor:
    """Codes as an encoder might give them; (n, Z)."""
    return torch.randn(n, shape.channels * shape.height * shape.width, generator=seeded(seed))


def used(quantiser: Quantiser, shape: LatentShape) -> Codebook:
    """The network of a quantiser in evaluation mode, after one batch in training mode."""
    book = codebook(quantiser, shape)
    book(codes(shape))
    return book.eval()


def has_a_member_for_each_place(quantiser: Quantiser) -> None:
    """Codes of the same shape, an index in [0, K) for each place, and a finite cost of at least 0 for each image."""
    for shape in (grid(quantiser), grid(quantiser)._replace(height=1, width=1)):
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
    alone = grid(quantiser)._replace(height=1, width=1)
    with torch.no_grad():
        found = Quantised(*used(quantiser, alone)(3 * codes(alone, seed=3, n=MANY)))
    alike = (found.index_BP[:, None] == found.index_BP[None]).all(2)
    near = (found.z_BZ[:, None] - found.z_BZ[None]).abs().amax(2) < 1e-5
    demand(torch.equal(alike, near), "gives different codes for equal indices, or equal codes for different ones.")


def members_stay(quantiser: Quantiser) -> None:
    """In evaluation mode `nearest` leaves a quantised code as it is, and no use changes anything."""
    shape = grid(quantiser)
    book = used(quantiser, shape)
    before = deepcopy(book.state_dict())
    with torch.no_grad(), untouched_randomness(), unchanged(z_BZ=(z := codes(shape, seed=2))):
        found = book(z)[0]
        demand(torch.equal(book(z)[0], found), "gives another code on repeat in evaluation mode.")
        again = book.nearest(found)
    demand(torch.allclose(again, found, atol=1e-6), "`nearest` moves a code that is a member of the set already.")
    changed = same(before, book.state_dict())
    demand(not changed, f"changes its {', '.join(changed[:3])} in evaluation mode: honour .eval().")


def nearest_is_next(quantiser: Quantiser) -> None:
    """`nearest` of a code a little beside a member is that member."""
    shape = grid(quantiser)
    book = used(quantiser, shape)
    with torch.no_grad():
        found = book(codes(shape, seed=2))[0]
        beside = book.nearest(found + 1e-4 * codes(shape, seed=3))
    demand(torch.allclose(beside, found, atol=1e-6), "`nearest` leaves the member that is next to a code for another.")


def gradient_passes_through(quantiser: Quantiser) -> None:
    """The gradient of the quantised code reaches what was quantised, at every place."""
    shape = grid(quantiser)
    z = codes(shape).requires_grad_()
    found, _, _ = codebook(quantiser, shape)(z)
    demand(found.requires_grad, "stops the gradient: pass it straight through, as in z + (q − z).detach().")
    (gradient,) = torch.autograd.grad((found * codes(shape, seed=7)).sum(), z)
    demand(bool(gradient.isfinite().all() and (gradient != 0).all()), "stops the gradient at some places of the code.")


def can_be_kept(quantiser: Quantiser) -> None:
    """Another network with its state_dict goes on with the same codes, in training too."""
    shape = grid(quantiser)
    book, other = codebook(quantiser, shape), codebook(quantiser, shape)
    book(codes(shape))
    other.load_state_dict(book.state_dict())
    for batch in (codes(shape, seed=2), codes(shape, seed=3)):
        first, second = book(batch)[0], other(batch)[0]
        demand(torch.equal(first, second), "goes on differently from its state_dict: keep all of its state there.")


CHECKS: Checks = {
    Quantiser: (
        has_a_member_for_each_place,
        equal_indices_are_equal_codes,
        members_stay,
        nearest_is_next,
        gradient_passes_through,
        can_be_kept,
    ),
}
