"""Networks small enough to be followed by hand, and one step of a game with everything that happens in it."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from vaegan_bench.api import Modules, Play

B, LATENT, SHAPE = 5, 3, (1, 2, 3)
SEED = 11
SCALE = 0.4
"""The learned log σ before it is bounded."""
MIXED = 0.1
"""How much of a batch's mean the discriminator takes off: what it says of one image depends on the others."""


def uneven(*shape: int, seed: int) -> Tensor:
    """Numbers of which no two are equal, with rows of unequal size."""
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return numbers * torch.linspace(0.3, 1.2, shape[0]).reshape(-1, *[1] * (len(shape) - 1))


class Encoder(nn.Module):
    """x → (mu, logvar), each linear in the pixels, moved by the attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.mu, self.logvar = (nn.Parameter(uneven(6, LATENT, seed=seed)) for seed in (1, 2))

    def forward(self, x: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        moved = 0.0 if attributes is None else attributes.sum(1, keepdim=True)
        return x.flatten(1) @ self.mu + moved, 0.5 * (x.flatten(1) @ self.logvar) - moved


class Decoder(nn.Module):
    """z → an image before its tanh, linear in the code, moved by the attributes; with two heads a log σ as well."""

    def __init__(self, heads: int = 1) -> None:
        super().__init__()
        self.heads, self.weight = heads, nn.Parameter(0.5 * uneven(LATENT, 6 * heads, seed=3))

    def forward(self, z: Tensor, attributes: Tensor | None = None) -> Tensor:
        moved = 0.0 if attributes is None else 0.3 * attributes[:, :1]
        return (z @ self.weight + moved).reshape(-1, self.heads * SHAPE[0], *SHAPE[1:])


class Discriminator(nn.Module):
    """logits = w·x + ½v·x² less a part of the batch's mean; features = x², which have six dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.v = nn.Parameter(uneven(6, seed=4)), nn.Parameter(uneven(6, seed=5))

    def forward(self, x: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        flat = x.flatten(1)
        logits = flat @ self.w + 0.5 * flat.square() @ self.v
        if attributes is not None:
            logits = logits + attributes @ torch.tensor([1.0, -2.0])
        return logits - MIXED * logits.mean(), x.square()


class LogSigma(nn.Module):
    """One learned scalar."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(SCALE))

    def forward(self) -> Tensor:
        return self.value


def networks(heads: int = 1, scale: bool = False) -> Modules:
    """All roles of the built-in models."""
    built = {"encoder": Encoder(), "decoder": Decoder(heads), "discriminator": Discriminator()}
    return Modules({**built, **({"scale": LogSigma()} if scale else {})})


IMAGES = uneven(B, *SHAPE, seed=6).tanh()
ATTRIBUTES = torch.tensor([[1.0, -1.0], [-1.0, 0.5], [0.0, 2.0], [1.5, -0.5], [-2.0, 1.0]])


def play(modules: Modules, conditional: bool = False, step: int = 0) -> Play:
    """The first batch, with noise of one seed."""
    attributes = ATTRIBUTES if conditional else None
    noise = torch.Generator().manual_seed(SEED)
    return Play(modules.condition_on(attributes), IMAGES, noise, step, LATENT, attributes)


def see(modules: Modules, role: str, conditional: bool, *batches: Tensor) -> list[tuple[Tensor, ...]]:
    """What a network makes of several batches at once, each with all attributes in order; the parts of each batch."""
    given = [torch.cat([ATTRIBUTES] * len(batches))] if conditional else []
    made = modules[role](torch.cat(batches), *given)
    parts = [part.split(B) for part in (made if isinstance(made, tuple) else (made,))]
    return list(zip(*parts, strict=True))


def step_by_hand(modules: Modules, shown: str, conditional: bool = False, judged: bool = True) -> SimpleNamespace:
    """All that happens in one step, from the networks alone.

    `shown` are the batches that the discriminator is shown together, such as 'real rec prior'; what is not among them
    is not drawn either. Codes of the prior are drawn before the noise of the posterior.
    """
    noise = torch.Generator().manual_seed(SEED)
    codes: dict[str, Tensor] = {}
    found = SimpleNamespace()
    if "prior" in shown:
        codes["prior"] = torch.randn(B, LATENT, generator=noise)
    if "rec" in shown:
        ((mu, logvar),) = see(modules, "encoder", conditional, IMAGES)
        found.posterior = Normal(mu, (0.5 * logvar).exp())
        found.kl = kl_divergence(found.posterior, Normal(0.0, 1.0)).sum(1)
        codes["rec"] = mu + (0.5 * logvar).exp() * torch.randn(B, LATENT, generator=noise)
    order = [name for name in ("rec", "prior") if name in codes]
    found.raw = dict(
        zip(order, (raw for (raw,) in see(modules, "decoder", conditional, *map(codes.get, order))), strict=True)
    )
    images = {"real": IMAGES, **{name: raw.tanh() for name, raw in found.raw.items()}}
    found.images, found.mix = images, torch.rand(B, 1, 1, 1, generator=noise)
    if judged:
        said = see(modules, "discriminator", conditional, *(images[name] for name in shown.split()))
        found.logits = {name: logits for name, (logits, _) in zip(shown.split(), said, strict=True)}
        found.features = {name: features.flatten(1) for name, (_, features) in zip(shown.split(), said, strict=True)}
    return found


def critic_slope(modules: Modules, x: Tensor) -> Tensor:
    """The gradient of the summed logits of a batch that is judged alone, derived by hand; (B, 6)."""
    discriminator = modules["discriminator"]
    return (1 - MIXED) * (discriminator.w + discriminator.v * x.flatten(1))
