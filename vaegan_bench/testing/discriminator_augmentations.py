"""The conformance checks of discriminator augmentations."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from vaegan_bench.api import DiscriminatorAugmentation
from vaegan_bench.testing.values import gradient_is_of_the_value, gradient_reaches
from vaegan_bench.testing.verdicts import Checks, demand, seeded, unchanged, untouched_randomness

BATCH = 6


def batches(channels: int = 3, size: int = 32, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Three batches of images in [-1, 1]."""
    shape = (BATCH, channels, size, size)
    return [torch.rand(shape, generator=seeded(s), dtype=dtype) * 2 - 1 for s in (1, 2, 3)]


def keeps_the_shape(augmentation: DiscriminatorAugmentation) -> None:
    """It gives as many batches as it takes, of the same shapes and finite: 1 and 3 channels, 32 and 64 pixels."""
    for channels, size in ((1, 32), (3, 32), (3, 64)):
        x = batches(channels, size)
        for given in (x[:1], x, [y.sign() for y in x]):
            made = augmentation(given, seeded())
            shapes, wanted = ([tuple(y.shape) for y in images] for images in (made, given))
            demand(shapes == wanted, f"gives batches of the shapes {shapes} for {wanted}: keep number and shapes.")
            demand(all(bool(y.isfinite().all()) for y in made), "gives values that are not finite for ordinary images.")


def takes_the_noise_that_it_is_handed(augmentation: DiscriminatorAugmentation) -> None:
    """The same noise changes images the same way, other noise differently; inputs and global randomness stay."""
    given = batches()
    with untouched_randomness(), unchanged(**{f"number {i + 1}": x for i, x in enumerate(given)}):
        first, second, other = (augmentation(given, seeded(s)) for s in (7, 7, 8))
    same = all(torch.equal(x, y) for x, y in zip(first, second, strict=True))
    demand(same, "the same noise gives other images: draw from the generator it is handed.")
    demand(not torch.equal(first[0], other[0]), "other noise changes nothing: draw from the generator it is handed.")


def treats_all_batches_alike(augmentation: DiscriminatorAugmentation) -> None:
    """At each place of all batches the transformation is the same: a real image and its reconstruction stay a pair."""
    x, y, _ = batches()
    alone = augmentation([x], seeded())[0]
    made = augmentation([x, y, x], seeded())
    demand(
        torch.allclose(made[0], made[2]) and torch.allclose(made[0], alone),
        "changes equal images in two batches differently: draw once for each place, and apply that to all batches.",
    )


def leaves_images_at_strength_zero(augmentation: DiscriminatorAugmentation) -> None:
    """With `strength` 0 images stay as they are."""
    given = batches()
    made = replace(augmentation, strength=0.0)(given, seeded())  # type: ignore[type-var]  # a dataclass
    stays = all(torch.allclose(x, y, atol=1e-6) for x, y in zip(given, made, strict=True))
    demand(stays, "changes images at strength 0: multiply what it does by its strength.")


def has_its_gradient(augmentation: DiscriminatorAugmentation) -> None:
    """gradcheck in float64, for every batch: generators learn through it."""
    first, second, _ = batches(size=16, dtype=torch.float64)
    for demanded in (gradient_reaches, gradient_is_of_the_value):
        demanded(lambda x: augmentation([x, second], seeded())[0], {"the first batch": first})
        demanded(lambda x: augmentation([first, x], seeded())[1], {"the second batch": second})


CHECKS: Checks = {
    DiscriminatorAugmentation: (
        keeps_the_shape,
        takes_the_noise_that_it_is_handed,
        treats_all_batches_alike,
        leaves_images_at_strength_zero,
        has_its_gradient,
    ),
}
