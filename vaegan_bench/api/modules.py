"""The built networks of one model, with operations that return codes, images and logits in float32."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vaegan_bench.api.quantisers import Quantised

LOG_VARIANCE_BOUND = 10.0
"""Posterior log-variances are limited to ±10: without a bound, one bad batch overflows exp and gives NaN."""
LOG_SIGMA_BOUND = 5.0
"""Predicted and learned log σ of a likelihood are limited to ±5, for the same reason."""


class Posterior(NamedTuple):
    """A diagonal Gaussian q(z|x), float32."""

    mu_BZ: Tensor
    logvar_BZ: Tensor

    def sample(self, noise: torch.Generator | None) -> Tensor:
        """Draw z = μ + σ·ε (Kingma & Welling, 2014, eq. 10), differentiable in μ and σ; (B, Z)."""
        epsilon = torch.randn(self.mu_BZ.shape, generator=noise, device=self.mu_BZ.device)
        return self.mu_BZ + torch.exp(0.5 * self.logvar_BZ) * epsilon


class Prediction(NamedTuple):
    """The parameters of a likelihood p(target | z), float32."""

    mean: Tensor
    """(B, …), the expected target; images are in [-1, 1]."""
    log_sigma: Tensor | None = None
    """log σ, broadcastable to `mean`: a learned scalar, or predicted per dimension; None where σ is fixed."""
    logits: Tensor | None = None
    """(B, …), with mean = tanh(logits), for likelihoods of pixels that need them; None for features."""


class Judgement(NamedTuple):
    """The discriminator's output for one batch, float32."""

    verdicts_BP: Tensor
    """(B, P) logits, higher for real, before any sigmoid: P is 1, or the number of patches and scales of a
    discriminator that judges each of them (Isola et al., 2017)."""
    features_BF: Tensor
    """(B, F), Dis_l(x): the activations of the layer that the networks tap."""

    @property
    def verdicts_V(self) -> Tensor:  # noqa: N802  # named like a field
        """All verdicts in one dimension, for adversarial losses, whose costs are averaged instead; (B·P,)."""
        return self.verdicts_BP.flatten()

    @property
    def logits_B(self) -> Tensor:  # noqa: N802  # named like a field
        """One logit per image: the mean of its verdicts; (B,)."""
        return self.verdicts_BP.mean(1)


class Modules(dict[str, nn.Module]):
    """The built networks of one model by role, with the operations that models need."""

    attributes_BA: Tensor | None = None
    """The attributes that the networks of a conditional model take with every batch; None for all others."""
    per_image: frozenset[str] = frozenset()
    """Roles whose networks treat every image by itself, so that no batch has to be joined with another."""

    def condition_on(self, attributes_BA: Tensor | None) -> Modules:
        """The same networks, which take these attributes with each batch of images or codes."""
        view = Modules(self)
        view.per_image = self.per_image
        view.attributes_BA = attributes_BA
        return view

    def of_first(self, n: int) -> Modules:
        """The same networks for the first n images of the batch: only their attributes are kept, if there are any."""
        return self.condition_on(None if self.attributes_BA is None else self.attributes_BA[:n])

    def _apply(self, role: str, batches: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
        """The outputs of a network for each of several batches.

        They are processed as one joint batch, unless the network treats every image by itself: then no gradient goes
        through a batch that it does not depend on.
        """
        if role in self.per_image:
            return [self._apply_jointly(role, (batch,)) for batch in batches]
        sizes = [len(batch) for batch in batches]
        return list(zip(*(y.split(sizes) for y in self._apply_jointly(role, batches)), strict=True))

    def _apply_jointly(self, role: str, batches: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        attributes = () if self.attributes_BA is None else (self.attributes_BA.repeat(len(batches), 1),)
        outputs = self[role](torch.cat(batches), *attributes)
        return outputs if isinstance(outputs, tuple) else (outputs,)

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(p.device for module in self.values() for p in module.parameters())

    @property
    def log_sigma(self) -> Tensor | None:
        """The learned scalar log σ of the model's likelihood; None unless its loss learns one."""
        if "scale" not in self:
            return None
        log_sigma: Tensor = self["scale"]()
        return _bound(log_sigma)

    def encode(self, x_BCHW: Tensor) -> Posterior:
        """q(z|x) of images in [-1, 1]."""
        ((mu, logvar),) = self._apply("encoder", (x_BCHW,))
        return Posterior(mu.float(), logvar.float().clamp(-LOG_VARIANCE_BOUND, LOG_VARIANCE_BOUND))

    def quantise(self, z_BZ: Tensor) -> Quantised:
        """An encoder's codes, replaced by those of a finite set; for models with the role 'quantiser'."""
        z, index, cost = self["quantiser"](z_BZ.float())
        return Quantised(z, index, cost)

    def decode(self, *codes_BZ: Tensor) -> list[Prediction]:
        """p(x|z) of several batches of codes, decoded as one joint batch where the decoder has batch norm."""
        return [_pixels(raw.float(), self.log_sigma) for (raw,) in self._apply("decoder", codes_BZ)]

    def judge(self, *images_BCHW: Tensor) -> list[Judgement]:
        """The discriminator's output for several batches, one joint batch where the discriminator has batch norm."""
        judged = self._apply("discriminator", images_BCHW)
        return [
            Judgement(logits.float().reshape(len(logits), -1), features.float().flatten(1))
            for logits, features in judged
        ]

    def critic(self, x_BCHW: Tensor) -> Tensor:
        """The discriminator's logits of one batch alone; (B,)."""
        return self.judge(x_BCHW)[0].logits_B


def _bound(log_sigma: Tensor) -> Tensor:
    """Keep log σ within its bound with a tanh: beyond a hard clamp, no gradient would lead it back."""
    return LOG_SIGMA_BOUND * torch.tanh(log_sigma / LOG_SIGMA_BOUND)


def _pixels(raw_BCHW: Tensor, log_sigma: Tensor | None) -> Prediction:
    """Read a decoder's output: tanh(first half) is the mean, a second half of channels is log σ.

    Grey and colour images have an odd number of channels, so an even number means that σ is predicted.
    """
    channels = raw_BCHW.shape[1]
    if channels % 2 == 0:
        raw_BCHW, second = raw_BCHW.chunk(2, dim=1)
        log_sigma = _bound(second)
    return Prediction(raw_BCHW.tanh(), log_sigma, raw_BCHW)
