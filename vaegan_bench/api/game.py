"""The game: what a model receives in one step, and the objectives that it returns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from vaegan_bench.api.data import ImageShape
from vaegan_bench.api.extractors import Extractor
from vaegan_bench.api.losses import ReconstructionLoss
from vaegan_bench.api.modules import Modules
from vaegan_bench.api.plugin import Plugin
from vaegan_bench.api.quantisers import LatentShape
from vaegan_bench.system.errors import PluginError


@dataclass(frozen=True, eq=False)
class Play:
    """The inputs of a model in one training step."""

    modules: Modules
    x_BCHW: Tensor
    """Training images in [-1, 1]."""
    noise: torch.Generator
    """The only source of randomness that a model may use."""
    step: int
    """The number of steps taken before this one."""
    latent: int
    """The number of latent dimensions Z."""
    attributes_BA: Tensor | None = None
    """The attributes of the images, float32; a conditional model's `modules` are conditioned on them already."""


@dataclass(frozen=True, eq=False)
class Objectives:
    """What each player minimises, as coefficients on named terms.

    A player left out of `minimise` keeps its weights in this step: this rule is enough for n-critic,
    lazy regularisation and gates. Every player and every term occurs within the first six steps, or no check sees it;
    the weight of a term delays it.
    """

    terms: Mapping[str, Tensor]
    """term → its value: (B,), one number per example, which the harness averages; or a scalar."""
    minimise: Mapping[str, Mapping[str, float]]
    """player → term → coefficient."""
    log: Mapping[str, Tensor] = field(default_factory=dict)
    """Further values to record, float tensors on the images' device; never minimised."""

    def of(self, player: str) -> Tensor:
        """The scalar that `player` minimises."""
        # A factor of 1 and a sum of one part are left out: on a GPU, each operation takes its time to start.
        means = [(c, self.terms[term].mean()) for term, c in self.minimise[player].items() if c != 0]
        parts = [mean if c == 1 else c * mean for c, mean in means]
        return parts[0] if len(parts) == 1 else torch.stack(parts).sum()

    def coefficients(self) -> dict[str, float]:
        """'player.term' → coefficient."""
        return {f"{player}.{term}": c for player, terms in self.minimise.items() for term, c in terms.items()}

    def plus(self, term: str, value: Tensor, player: str) -> Objectives:
        """The same game with one more term for one player."""
        more = {**self.minimise[player], term: 1.0}
        return replace(self, terms={**self.terms, term: value}, minimise={**self.minimise, player: more})

    def weigh(self, factors: Mapping[tuple[str, str], float]) -> Objectives:
        """The same game, with the coefficient of each (player, term) in `factors` multiplied by its factor.

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
    """The role of this network in the lender."""


class Model(Plugin):
    """A game: its players, what each owns, what each minimises."""

    kind: ClassVar[str] = "model"
    players: ClassVar[Mapping[str, tuple[str, ...]]]
    """player → the roles that it owns; no role has two owners. `build` makes the networks of all roles but two, which
    exist only where a loss needs them: 'scale', the learned log σ of a reconstruction loss, and 'memory', the state
    that a regulariser keeps from step to step."""
    conditional: bool = False
    """Whether the networks are conditioned on attributes. Models that can be conditional declare it as a field."""
    joint: ClassVar[tuple[str, ...]] = ()
    """Roles whose networks must see all batches of a step as one joint batch because of a change that `build` makes,
    even if they are in `Networks.per_image`: spectral norm, for example, updates its estimate in every pass."""

    def owner(self, role: str) -> str:
        """The player that owns a role. Raises `PluginError` where none does."""
        for player, owned in self.players.items():
            if role in owned:
                return player
        raise PluginError(f"No player of model '{self.name}' owns the role '{role}'.")

    @abstractmethod
    def objectives(self, play: Play) -> Objectives:
        """State the game for one batch; never step, detach, toggle `requires_grad` or modes, or write files."""

    def build(self, role: str, networks: Networks, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """Build the network of one role: the study's, unless the model adds a role or changes a network.

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

    def likelihood(self) -> ReconstructionLoss | None:
        """The loss −log p(x|z) on pixels, from which the likelihood of images is computed.

        None unless the model has such a loss and its prior is N(0, I).
        """
        return None

    def sample_prior(self, n: int, latent: int, noise: torch.Generator) -> Tensor:
        """Draw n codes from p(z) on the generator's device: standard normal unless a model says otherwise; (n, Z)."""
        return torch.randn(n, latent, generator=noise, device=noise.device)


class Networks(Plugin):
    """An architecture, shared by all models of a study so that the comparison is fair."""

    kind: ClassVar[str] = "networks"
    latent: int
    """The number of latent dimensions Z."""
    per_image: ClassVar[tuple[str, ...]] = ()
    """Roles whose networks process each image independently, in training too: they have no batch norm or the like.
    They see the batches of a step one by one, which saves passes through images that a term does not depend on."""
    last_layers: ClassVar[Mapping[str, str]] = {}
    """Role → the name of the weight of its last layer, where adaptive weights compare the gradients of terms."""
    extractors: ClassVar[Mapping[str, Extractor]] = {}
    """Role → the frozen extractor through which its network sees images: numbers on the features of this extractor
    favour models that have the role, so that no verdict is drawn from them."""

    @property
    def latent_shape(self) -> LatentShape:
        """How the latent dimensions are arranged: for quantisers, which replace one place of a grid at a time."""
        return LatentShape(self.latent, 1, 1)

    @abstractmethod
    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """Build the freshly initialised network for one role.

        encoder:        x (B, C, H, W) → (mu, logvar), each (B, Z)
        decoder:        z (B, Z) → (B, heads·C, H, W), before the tanh; with two heads the second is log σ
        discriminator:  x (B, C, H, W) → (logits (B,), or (B, P) of P patches, features (B, …)): Dis_l(x)

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
