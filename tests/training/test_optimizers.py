"""Update rules: equal to their formulas, element by element, however gradients and weights lie in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Model, Networks, Objectives, Optimizer, Play
from vaegan_bench.losses.regulariser.gradient_penalty import GradientPenalty
from vaegan_bench.losses.regulariser.r1 import R1
from vaegan_bench.losses.regulariser.r1_r2 import R1R2
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.networks.larsen import Larsen
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.run import Run
from vaegan_bench.study.term_weights import TermWeight
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.loop import take_step
from vaegan_bench.training.optimizers.adam import Adam
from vaegan_bench.training.optimizers.adamw import AdamW
from vaegan_bench.training.optimizers.rmsprop import RMSProp
from vaegan_bench.training.schedules.constant import Constant
from vaegan_bench.training.state import TrainingState

CPU = torch.device("cpu")
Formula = Callable[[Tensor, list[Tensor]], Tensor]
"""(weight at the start, gradients of all steps), float64 → the weight after them."""


def adam(weight: Tensor, gradients: list[Tensor]) -> Tensor:
    """Kingma & Ba (2015), algorithm 1, with an L2 penalty in the gradient."""
    first, second = torch.zeros_like(weight), torch.zeros_like(weight)
    for t, gradient in enumerate(gradients, 1):
        g = gradient + 0.01 * weight
        first = 0.8 * first + 0.2 * g
        second = 0.95 * second + 0.05 * g * g
        weight = weight - 0.003 * (first / (1 - 0.8**t)) / ((second / (1 - 0.95**t)).sqrt() + 1e-8)
    return weight


def clipped_adam(weight: Tensor, gradients: list[Tensor]) -> Tensor:
    """The same with gradients of a norm of at most 7.75, which only those of the first two steps exceed."""
    return adam(weight, [gradient * min(1.0, 7.75 / float(gradient.norm())) for gradient in gradients])


def adamw(weight: Tensor, gradients: list[Tensor]) -> Tensor:
    """Loshchilov & Hutter (2019), algorithm 2: the gradient does not contain the decay."""
    first, second = torch.zeros_like(weight), torch.zeros_like(weight)
    for t, gradient in enumerate(gradients, 1):
        first = 0.8 * first + 0.2 * gradient
        second = 0.95 * second + 0.05 * gradient * gradient
        direction = (first / (1 - 0.8**t)) / ((second / (1 - 0.95**t)).sqrt() + 1e-8)
        weight = weight - 0.003 * (direction + 0.6 * weight)
    return weight


def rmsprop(weight: Tensor, gradients: list[Tensor]) -> Tensor:
    """Divide by the root of a moving mean of squares, which starts at 0."""
    squares = torch.zeros_like(weight)
    for gradient in gradients:
        g = gradient + 0.01 * weight
        squares = 0.7 * squares + 0.3 * g * g
        weight = weight - 0.003 * g / (squares.sqrt() + 1e-5)
    return weight


RULES: list[tuple[Optimizer, Formula]] = [
    (Adam(lr=0.003, beta1=0.8, beta2=0.95, weight_decay=0.01), adam),
    (Adam(lr=0.003, beta1=0.8, beta2=0.95, weight_decay=0.01, clip=7.75), clipped_adam),
    (AdamW(lr=0.003, beta1=0.8, beta2=0.95, weight_decay=0.6), adamw),
    (RMSProp(lr=0.003, decay=0.7, epsilon=1e-5, weight_decay=0.01), rmsprop),
]


@pytest.mark.parametrize("decay", [-0.1, 1.0, 1.5])
def test_a_decay_that_forgets_nothing_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match="decay must be in"):
        RMSProp(decay=decay)


def test_every_built_in_optimizer_has_its_formula_here() -> None:
    assert {rule.name for rule, _ in RULES} == set(Registry().of_kind("optimizer"))


def plain(kernel: Tensor) -> Tensor:
    return kernel.contiguous()


def channels_last(kernel: Tensor) -> Tensor:
    return kernel.contiguous(memory_format=torch.channels_last)


def reversed_axes(kernel: Tensor) -> Tensor:
    return kernel.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)


Layout = Callable[[Tensor], Tensor]
LAYOUTS: list[Layout] = [plain, channels_last, reversed_axes]
BY_NAME = {layout.__name__: layout for layout in LAYOUTS}


class Kernel(nn.Module):
    """One kernel of unequal sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.arange(5 * 3 * 4 * 2.0).reshape(5, 3, 4, 2).sin())


@dataclass(frozen=True, kw_only=True)
class Kernels(Networks):
    """One kernel for every role."""

    name = "kernels"
    latent: int = 1

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        return Kernel()


class Given(torch.autograd.Function):
    """A linear function of a kernel whose gradient arrives in a layout of our choice."""

    @staticmethod
    def forward(ctx: Any, kernel: Tensor, slope: Tensor) -> Tensor:
        ctx.slope = slope
        return (kernel * slope).sum()

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None]:
        return ctx.slope * upstream[0], None  # keeps the strides of `slope`


def slope(step: int) -> Tensor:
    return ((torch.arange(5 * 3 * 4 * 2.0) + 7 * step) * 0.37).cos().reshape(5, 3, 4, 2)


@dataclass(frozen=True, kw_only=True)
class Sloped(Model):
    """One player on a slope."""

    name = "sloped"
    players: ClassVar = {"player": ("decoder",)}
    layout: str = "plain"

    def objectives(self, play: Play) -> Objectives:
        lay_out = BY_NAME[self.layout]
        term = Given.apply(play.modules["decoder"].kernel, lay_out(slope(play.step)))  # type: ignore[no-untyped-call]
        return Objectives(terms={"slope": term}, minimise={"player": {"slope": 1.0}})


@pytest.mark.parametrize("of_gradient", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("of_weight", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize(("optimizer", "formula"), RULES, ids=lambda value: getattr(value, "name", ""))
def test_steps_equal_the_formula_whatever_the_layout(
    optimizer: Optimizer,
    formula: Formula,
    of_weight: Callable[[Tensor], Tensor],
    of_gradient: Callable[[Tensor], Tensor],
) -> None:
    run = small_run(Sloped(layout=of_gradient.__name__), networks=Kernels(), optimizer=optimizer)
    state, batches = begun(run)
    kernel = state.modules["decoder"].kernel
    start = kernel.detach().double()
    kernel.data = of_weight(kernel.data)
    for steps in range(1, 4):
        take_step(run, state, batches)
        expected = formula(start, [slope(step).double() for step in range(steps)])
        torch.testing.assert_close(kernel.detach().double(), expected, rtol=0, atol=2e-7)


def begun(run: Run) -> tuple[TrainingState, Batches]:
    data = blobs()
    state = TrainingState(run, data.shape, CPU)
    if lenders := run.lenders:
        for role, lender in lenders.items():
            trained = TrainingState(lender, data.shape, CPU)
            state.lend(role, trained.modules[run.model.borrows()[role].role].state_dict())
    return state, Batches(run.dataset, data.train, run.batch, run.seed, CPU)


TINY = 1e-12
NO_PENALTY = TermWeight("regulariser", Constant(value=0))
"""Leaves the penalty out of the game; the noise that it draws is drawn all the same."""


@dataclass(frozen=True, kw_only=True)
class Curved(Model):
    """Any model with a second-order term for each player, so small that it changes nothing."""

    name = "curved"
    players: ClassVar = {}
    of: Model = dataclasses.field(default_factory=VAE)

    def __post_init__(self) -> None:
        object.__setattr__(self, "players", self.of.players)

    def borrows(self) -> Any:
        return self.of.borrows()

    def objectives(self, play: Play) -> Objectives:
        game = self.of.objectives(play)
        for player, owned in self.of.players.items():
            weights = [p for role in owned if role in play.modules for p in play.modules[role].parameters()]
            gradients = torch.autograd.grad(game.of(player), weights, create_graph=True, allow_unused=True)
            squares = torch.stack([g.square().sum() for g in gradients if g is not None])
            game = game.plus(f"curvature of {player}", TINY * squares.sum(), player)
        return game


MODELS: list[Model] = [VAE(), GAN(), VAEGAN(), VAEGANPixel(), VAEDisl()]
OPTIMIZERS: list[Optimizer] = [Adam(), RMSProp()]


def trained(model: Model, steps: int = 20, **changes: Any) -> dict[str, Tensor]:
    run = small_run(model, steps=steps, **{"batch": 4, **changes})
    state, batches = begun(run)
    for _ in range(run.steps):
        take_step(run, state, batches)
    return {f"{role}.{n}": p.detach() for role, m in state.owned_modules().items() for n, p in m.named_parameters()}


def assert_nearly_equal(first: dict[str, Tensor], second: dict[str, Tensor], lr: float) -> None:
    """Up to a hundredth of a single step: no element of a kernel may have followed another's gradient."""
    for name, weight in first.items():
        assert (weight - second[name]).abs().max() < 0.01 * lr, name


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer.name)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_tiny_second_order_term_leaves_a_training_as_it_was(model: Model, optimizer: Optimizer) -> None:
    with_term = trained(Curved(of=model), optimizer=optimizer)
    assert_nearly_equal(trained(model, optimizer=optimizer), with_term, optimizer.lr)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    "regulariser", [R1(weight=TINY), R1R2(weight=TINY), GradientPenalty(weight=TINY)], ids=lambda r: r.name
)
@pytest.mark.parametrize("model", [GAN(), VAEGAN(), VAEGANPixel()], ids=lambda model: model.name)
def test_a_tiny_penalty_leaves_a_training_as_it_was(model: Any, regulariser: Any) -> None:
    penalised = dataclasses.replace(model, regulariser=regulariser)
    assert_nearly_equal(trained(penalised, term_weights=(NO_PENALTY,)), trained(penalised), Adam().lr)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer.name)
def test_a_tiny_penalty_leaves_the_networks_of_the_paper_as_they_were(optimizer: Optimizer) -> None:
    penalised = GAN(regulariser=R1(weight=TINY))
    changes = {"networks": Larsen(latent=4), "optimizer": optimizer, "batch": 6, "steps": 3}
    without = trained(penalised, term_weights=(NO_PENALTY,), **changes)
    assert_nearly_equal(without, trained(penalised, **changes), optimizer.lr)
