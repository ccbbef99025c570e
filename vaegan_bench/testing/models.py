"""The conformance checks of models: they state a game whose gradients reach its players, and the harness steps."""

from __future__ import annotations

import itertools
from dataclasses import replace

import torch
from torch import Tensor

from vaegan_bench.api import Model, Objectives
from vaegan_bench.api.plugin import fields_of
from vaegan_bench.system.status import OK
from vaegan_bench.testing.interrupted import go_on
from vaegan_bench.testing.passes import ROLES, example_input, gain_of_attributes, passes_are_alike
from vaegan_bench.testing.scores import pulls
from vaegan_bench.testing.small import Blobs, small_run
from vaegan_bench.testing.small_game import CPU, SmallGame, data, gradients, named_parameters
from vaegan_bench.testing.verdicts import Checks, demand, same, unchanged, untouched_randomness
from vaegan_bench.training.loop import train
from vaegan_bench.training.trained_model import TrainedModel

OTHER_HISTORY = "from its checkpoint has another history: log nothing that depends on earlier steps."
STEPS = 6
"""Enough for five steps of a critic to one of its generator."""


def game_is_well_formed(model: Model) -> None:
    """Each role has one owner, coefficients belong to stated terms, and terms are one finite value per image."""
    owned = list(itertools.chain.from_iterable(model.players.values()))
    twice = sorted({role for role in owned if owned.count(role) > 1})
    demand(not twice, f"two players own {', '.join(twice)}: give each role one owner.")
    small_game = SmallGame(model)
    game = small_game.objectives()
    for player, terms in game.minimise.items():
        demand(player in model.players, f"minimise names '{player}', which is no player of this model.")
        missing = [term for term in terms if term not in game.terms]
        demand(not missing, f"player '{player}' minimises {', '.join(missing)}, which is not among the terms.")
    for name, term in game.terms.items():
        demand(
            term.shape in ((), (small_game.run.batch,)),
            f"the term '{name}' has the shape {tuple(term.shape)}: one value per image, (B,), or a scalar.",
        )
        demand(term.isfinite().all(), f"the term '{name}' is not finite at the first step.")


def what_it_logs_can_be_recorded(model: Model) -> None:
    """What it logs are float tensors."""
    for name, value in SmallGame(model).objectives().log.items():
        demand(
            isinstance(value, Tensor) and value.is_floating_point(),
            f"logs '{name}' as {getattr(value, 'dtype', type(value).__name__)}: log a float tensor on the images' "
            "device, as play.x_BCHW.new_tensor(value) makes one.",
        )


def gradients_reach_their_player(model: Model) -> None:
    """Every term that a player minimises reaches its weights, and each of its weights gets a finite gradient."""
    small_game = SmallGame(model)
    received: dict[tuple[str, str], bool] = {}
    for _ in range(STEPS):
        game = small_game.objectives()
        for player, terms in game.minimise.items():
            for term in (term for term, coefficient in terms.items() if coefficient):
                received[player, term] = received.get((player, term), False) or _reaches(small_game, game, player, term)
        for player in game.minimise:
            _all_weights_are_reached(small_game, game, player)
        small_game.step()
    for (player, term), ever in received.items():
        demand(
            ever,
            f"player '{player}' ({', '.join(model.players[player])}) never receives the gradient of '{term}', which it "
            "minimises: is something detached?",
        )


def _reaches(small_game: SmallGame, game: Objectives, player: str, term: str) -> bool:
    found = gradients(game.terms[term], small_game.state.parameters[player])
    return any(gradient is not None and bool(gradient.abs().max() > 0) for gradient in found)


def _all_weights_are_reached(small_game: SmallGame, game: Objectives, player: str) -> None:
    own = small_game.state.parameters[player]
    reached = gradients(game.of(player), own)
    blind = [weight for weight, gradient in zip(own, reached, strict=True) if gradient is None]
    demand(
        not blind,
        f"player '{player}' owns {', '.join(small_game.state.names_of(blind[:3]))}, and nothing that it minimises "
        "depends on that: is something detached, or owned by the wrong player?",
    )
    demand(all(bool(g.isfinite().all()) for g in reached if g is not None), f"a gradient of '{player}' is not finite.")


def stating_the_game_changes_nothing(model: Model) -> None:
    """Objectives are stated, not executed: no weight moves, no gradient is left, nothing is frozen or toggled."""
    small_game = SmallGame(model)
    weights = {name: weight.detach().clone() for name, weight in named_parameters(small_game.modules)}
    modes = {role: module.training for role, module in small_game.modules.items()}
    wanted = {name: weight.requires_grad for name, weight in named_parameters(small_game.modules)}
    play = small_game.play()
    with unchanged(x_BCHW=play.x_BCHW), untouched_randomness():
        model.objectives(play)
    moved = same(weights, {name: weight.detach() for name, weight in named_parameters(small_game.modules)})
    demand(not moved, f"objectives() moves {', '.join(moved[:3])}: state the game, and let the harness step.")
    left = [name for name, weight in named_parameters(small_game.modules) if weight.grad is not None]
    demand(not left, f"objectives() leaves gradients in {', '.join(left[:3])}: never call backward().")
    toggled = [role for role, module in small_game.modules.items() if module.training != modes[role]]
    demand(not toggled, f"objectives() switches {', '.join(toggled)} between training and evaluation.")
    frozen = [name for name, weight in named_parameters(small_game.modules) if weight.requires_grad != wanted[name]]
    demand(
        not frozen, f"objectives() toggles requires_grad of {', '.join(frozen[:3])}: coefficients decide who learns."
    )


def the_seed_decides(model: Model) -> None:
    """The same noise gives the same terms: all randomness comes from `play.noise`."""
    first, second = (SmallGame(model).objectives().terms for _ in range(2))
    differing = same(first, second)
    demand(not differing, f"{', '.join(differing)} differ between equal seeds: take all noise from play.noise.")


def every_player_moves_its_own(model: Model) -> None:
    """After a few steps every player's weights have moved, and borrowed networks have not."""
    small_game = SmallGame(model)
    before = {
        role: {n: t.clone() for n, t in module.state_dict().items()} for role, module in small_game.modules.items()
    }
    small_game.step(STEPS)
    for player, roles in model.players.items():
        for role in (role for role in roles if role in small_game.modules):
            weights = {name: weight.detach() for name, weight in small_game.modules[role].named_parameters()}
            demand(
                not weights or same(weights, before[role]),
                f"player '{player}' never moved its {role} in {STEPS} steps: let it move within these, and delay it by "
                "the weight of its term, as in generator.weight=stepwise[stages=0:0 40%:1].",
            )
    for role in model.borrows():
        changed = same(before[role], small_game.modules[role].state_dict())
        demand(not changed, f"the borrowed {role} changed in training ({', '.join(changed[:3])}): it is frozen.")


def sides_pull_against_each_other(model: Model) -> None:
    """A player that owns the discriminator raises real and lowers fake scores; another that decodes raises fake ones.

    Directions are those in which the scores of a step move along each player's gradient, see `scores.pulls`.
    """
    small_game = SmallGame(model)
    if not {"decoder", "discriminator"} <= set(small_game.state.owned_modules()):
        return
    for _ in range(STEPS):
        for player, pull in pulls(small_game).items():
            if "discriminator" in model.players[player]:
                demand(pull.real >= 0, f"player '{player}' lowers the scores of real images: its sign is wrong.")
                demand(pull.fake <= 0, f"player '{player}' raises the scores of decoded images: its sign is wrong.")
            elif "decoder" in model.players[player]:
                demand(
                    pull.fake >= 0,
                    f"player '{player}' lowers the scores of the images that it decodes, which makes them easier to "
                    "tell from real ones: the sign of an adversarial term is wrong.",
                )
        small_game.step()


def going_on_equals_never_stopping(model: Model) -> None:
    """A run that was interrupted goes on from its checkpoint to the same weights and the same history."""
    run = small_run(model, steps=STEPS, ema=0.9)
    whole, resumed = train(run, data(), CPU), go_on(run, data(), CPU, after=3)
    for role, module in whole.state.evaluated_modules().items():
        differing = same(module.state_dict(), resumed.state.evaluated_modules()[role].state_dict())
        demand(
            not differing,
            f"a run that goes on from its checkpoint ends with another {role} ({', '.join(differing[:2])}): keep no "
            "state outside of the networks' weights and persistent buffers, and use no noise but play.noise.",
        )
    demand(repr(resumed.history) == repr(whole.history), f"a run that goes on {OTHER_HISTORY}")


def evaluation_changes_nothing(model: Model) -> None:
    """Encoding, decoding and sampling change no weights, statistics or global randomness, and repeat exactly."""
    small_game = SmallGame(model)
    small_game.step(2)
    trained = TrainedModel(model, small_game.state.evaluated_modules(), small_game.run.networks.latent)
    attributes = small_game.play().attributes_BA
    before = {role: {n: t.clone() for n, t in module.state_dict().items()} for role, module in trained.modules.items()}
    with untouched_randomness():
        n = small_game.run.batch
        first, second = (trained.sample(n, seed=3, attributes_NA=attributes) for _ in range(2))
        if trained.has_encoder:
            trained.reconstruct(small_game.play().x_BCHW, attributes)
    demand(torch.equal(first, second), "two samples from the same codes differ: is something random at evaluation?")
    for role, module in trained.modules.items():
        changed = same(before[role], module.state_dict())
        demand(not changed, f"evaluation changes {role}.{', '.join(changed[:3])}: honour .eval().")
    shape = tuple(trained.codes(5).shape)
    wanted = (5, small_game.run.networks.latent)
    demand(shape == wanted, f"sample_prior gives codes of the shape {shape}, not {wanted}.")


def conditions_reach_the_networks(model: Model) -> None:
    """A model that can be conditional passes conditions on: encoder, decoder and discriminator take attributes."""
    if "conditional" not in {field.name for field in fields_of(model)}:
        return
    try:
        small_game = SmallGame(replace(model, conditional=True))  # type: ignore[type-var]  # a dataclass
    except ValueError:  # conditional=True needs another field to change as well
        return
    play, networks = small_game.play(), small_game.run.networks
    assert play.attributes_BA is not None
    for role in (role for role in ROLES if role in small_game.modules):
        x = example_input(networks, role, small_game.data.shape, len(play.attributes_BA))
        gain_of_attributes(small_game.modules[role].eval(), role, x, play.attributes_BA)


def images_are_by_themselves(model: Model) -> None:
    """Networks that see the batches of a step one by one give an image the same outputs alone and in a batch."""
    small_game = SmallGame(model)
    play = small_game.play()
    attributes = () if play.attributes_BA is None else (play.attributes_BA,)
    for role in small_game.modules.keys() & small_game.modules.per_image:
        x = example_input(small_game.run.networks, role, small_game.data.shape, small_game.run.batch)
        passes_are_alike(small_game.modules[role], f"the {role}", "name its role in `joint`", x, *attributes)


def trains_everywhere(model: Model) -> None:
    """Two steps stay finite with 1 and 3 channels, at 32 and 64 pixels, and under bfloat16 autocast."""
    settings = [(1, 32, "float32"), (3, 64, "float32"), (3, 32, "bfloat16")]
    for channels, size, precision in settings:
        run = small_run(model, dataset=Blobs(channels=channels), size=size, precision=precision, steps=2)
        status = train(run, data(size, channels), CPU, borrowed={}).status
        demand(status == OK, f"training {status} on {channels} channels at {size}×{size} in {precision}.")


CHECKS: Checks = {
    Model: (
        game_is_well_formed,
        what_it_logs_can_be_recorded,
        stating_the_game_changes_nothing,
        gradients_reach_their_player,
        the_seed_decides,
        every_player_moves_its_own,
        sides_pull_against_each_other,
        going_on_equals_never_stopping,
        evaluation_changes_nothing,
        conditions_reach_the_networks,
        images_are_by_themselves,
        trains_everywhere,
    ),
}
