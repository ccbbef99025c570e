"""The game: what a model may see in one step, and what it states in return."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from vaegan_bench.api.data import ImageShape
from vaegan_bench.api.plugin import Plugin
from vaegan_bench.system.errors import PluginError

LOG_VARIANCE_BOUND = 10.0
"""Posterior log-variances are kept in ±10: without a bound one bad batch overflows exp and ends in NaN."""
LOG_SIGMA_BOUND = 5.0
"""Predicted and learned log σ of a likelihood are kept in ±5, for the same reason."""


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
    """What the discriminator says of one batch, float32."""

    logits_B: Tensor
    """(B,), the evidence for 'real' before any squashing."""
    features_BF: Tensor
    """(B, F), Dis_l(x): the activations of the layer that the networks tap."""


class Modules(dict[str, nn.Module]):
    """The built networks of one model by role, with the operations that models need."""

    attributes_BA: Tensor | None = None
    """The attributes that the networks of a conditional model take with every batch; None for all others."""

    def condition_on(self, attributes_BA: Tensor | None) -> Modules:
        """The same networks, which take these attributes with each batch of images or codes."""
        view = Modules(self)
        view.attributes_BA = attributes_BA
        return view

    def _apply(self, role: str, batches: tuple[Tensor, ...]) -> Any:
        """Apply a network to several batches as one joint batch."""
        joint = torch.cat(batches)
        if self.attributes_BA is None:
            return self[role](joint)
        return self[role](joint, self.attributes_BA.repeat(len(batches), 1))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
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
        mu, logvar = self._apply("encoder", (x_BCHW,))
        return Posterior(mu.float(), logvar.float().clamp(-LOG_VARIANCE_BOUND, LOG_VARIANCE_BOUND))

    def decode(self, *codes_BZ: Tensor) -> list[Prediction]:
        """p(x|z) of several batches of codes, decoded as one joint batch."""
        raw = self._apply("decoder", codes_BZ).float()
        sizes = [len(z) for z in codes_BZ]
        return [_pixels(part, self.log_sigma) for part in raw.split(sizes)]

    def judge(self, *images_BCHW: Tensor) -> list[Judgement]:
        """The discriminator's view of several batches, seen as one joint batch (real and fake share batch norm)."""
        logits, features = self._apply("discriminator", images_BCHW)
        sizes = [len(x) for x in images_BCHW]
        parts = zip(logits.float().split(sizes), features.float().flatten(1).split(sizes), strict=True)
        return [Judgement(*part) for part in parts]

    def critic(self, x_BCHW: Tensor) -> Tensor:
        """The discriminator's logits of one batch alone; (B,)."""
        return self.judge(x_BCHW)[0].logits_B


def _bound(log_sigma: Tensor) -> Tensor:
    """Keep log σ within its bound, softly: a hard clamp has no gradient that would lead back."""
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


@dataclass(frozen=True, eq=False)
class Play:
    """One step as a model sees it."""

    modules: Modules
    x_BCHW: Tensor
    """Training images in [-1, 1]."""
    noise: torch.Generator
    """The only source of randomness that a model may use."""
    step: int
    """How many steps were taken before this one."""
    latent: int
    """The number of latent dimensions Z."""
    attributes_BA: Tensor | None = None
    """The attributes of the images, float32; a conditional model's `modules` are conditioned on them already."""


@dataclass(frozen=True, eq=False)
class Objectives:
    """What each player minimises, as coefficients on named terms.

    A player left out of `minimise` keeps its weights in this step: that one rule expresses n-critic,
    lazy regularisation, warm-up and gates.
    """

    terms: Mapping[str, Tensor]
    """Each (B,) per example, averaged by the harness, or a scalar."""
    minimise: Mapping[str, Mapping[str, float]]
    """player → term → coefficient."""
    log: Mapping[str, Tensor] = field(default_factory=dict)
    """More to record; never minimised."""

    def of(self, player: str) -> Tensor:
        """The scalar that `player` minimises."""
        parts = [c * self.terms[term].mean() for term, c in self.minimise[player].items() if c != 0]
        return torch.stack(parts).sum()

    def coefficients(self) -> dict[str, float]:
        """'player.term' → coefficient."""
        return {f"{player}.{term}": c for player, terms in self.minimise.items() for term, c in terms.items()}

    def plus(self, term: str, value: Tensor, player: str, coefficient: float = 1.0) -> Objectives:
        """The same game with one more term for one player."""
        more = {**self.minimise[player], term: coefficient}
        return replace(self, terms={**self.terms, term: value}, minimise={**self.minimise, player: more})

    def weigh(self, factors: Mapping[tuple[str, str], float]) -> Objectives:
        """The same game with the coefficient of each (player, term) multiplied by its factor, where it has one.

        A player whose coefficients are all zero keeps its weights in this step.
        """
        weighted = {
            player: {term: c * factors.get((player, term), 1.0) for term, c in terms.items()}
            for player, terms in self.minimise.items()
        }
        return replace(self, minimise={p: terms for p, terms in weighted.items() if any(terms.values())})

    def without(self, players: Collection[str]) -> Objectives:
        """The same game in which `players` keep their weights in this step."""
        return replace(self, minimise={p: terms for p, terms in self.minimise.items() if p not in players})


class Lender(NamedTuple):
    """Where a model's borrowed network comes from."""

    model: Model
    role: str
    """The lender's own name of the role."""


class Model(Plugin):
    """A game: its players, what each owns, what each minimises."""

    kind: ClassVar[str] = "model"
    players: ClassVar[Mapping[str, tuple[str, ...]]]
    """player → the roles that it owns, each role by one player. Roles are built by `build`, except 'scale': the
    learned log σ, which exists only where a reconstruction loss asks for it."""
    conditional: bool = False
    """Whether all networks see the attributes of each image; models that can be so have a field of this name."""

    @abstractmethod
    def objectives(self, play: Play) -> Objectives:
        """State the game for one batch; never step, detach, toggle or write files."""

    def build(self, role: str, networks: Networks, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """Build the network of one role: the study's, unless the model has a role of its own or changes a network.

        A network that all models share must be built by `networks`, so that all start from the same weights. `heads`
        is 2 for the decoder of a likelihood that predicts σ. `conditions` is the number of attributes that encoder,
        decoder and discriminator of a conditional model take as a second argument; it is 0 for every other model.
        """
        return networks.build(role, shape, heads, conditions)

    def borrows(self) -> Mapping[str, Lender]:
        """Roles whose networks another model has trained: they are lent frozen and in evaluation mode.

        The lender is trained first, in the same setting and with the same seed. No player may own such a role.
        """
        return {}

    def sample_prior(self, n: int, latent: int, noise: torch.Generator) -> Tensor:
        """Draw n codes from p(z) on the generator's device: standard normal unless a model says otherwise; (n, Z)."""
        return torch.randn(n, latent, generator=noise, device=noise.device)


class Networks(Plugin):
    """An architecture, shared by all models of a study so that the comparison is fair."""

    kind: ClassVar[str] = "networks"
    latent: int
    """The number of latent dimensions Z."""

    @abstractmethod
    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """Build the freshly initialised network for one role.

        encoder:        x (B, C, H, W) → (mu, logvar), each (B, Z)
        decoder:        z (B, Z) → (B, heads·C, H, W), before the tanh; with two heads the second is log σ
        discriminator:  x (B, C, H, W) → (logits (B,), features (B, …)): the features are Dis_l(x)

        With `conditions` above 0 each network takes that many attributes as its second argument, (B, A). An
        architecture without such networks calls `refuse_conditions` first.

        Raises `PluginError` for a role, a shape or conditions that this architecture does not have.
        """


def refuse_conditions(networks: Networks, conditions: int) -> None:
    """Refuse a conditional model: for the `build` of architectures whose networks take no attributes.

    Raises `PluginError` for `conditions` above 0.
    """
    if conditions:
        raise PluginError(
            f"Networks '{networks.name}' take no attributes, which conditional models need: choose others with "
            "--networks."
        )
