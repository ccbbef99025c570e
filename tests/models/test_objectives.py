"""The statement of a game: what a player minimises, what is added, weighted_game and left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import Model, Objectives, Play, SelectorError, UnknownNameError
from vaegan_bench.losses.gates.margin import Margin
from vaegan_bench.losses.regulariser.r1 import R1
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.assembly import stated_game
from vaegan_bench.study.term_weights import TermWeight, apply_term_weights, check_targets, read_term_weight
from vaegan_bench.testing import NETWORKS, blobs, small_run
from vaegan_bench.training.loop import train
from vaegan_bench.training.schedules.constant import Constant
from vaegan_bench.training.schedules.linear import Linear

GAME = Objectives(
    terms={
        "prior": torch.tensor([1.0, 4.0, 7.0]),  # mean 4
        "similarity": torch.tensor([10.0, 0.0, 5.0]),  # mean 5
        "generator": torch.tensor(-2.0),
        "discriminator": torch.tensor([3.0, 3.0, 6.0]),  # mean 4
    },
    minimise={
        "encoder": {"prior": 1.0, "similarity": 2.0},
        "decoder": {"similarity": 0.1, "generator": 3.0},
        "discriminator": {"discriminator": 1.0},
    },
    log={"auc": torch.tensor(0.7)},
)


def scalars(game: Objectives) -> dict[str, float]:
    return {player: game.of(player).item() for player in game.minimise}


def test_a_player_minimises_its_coefficients_times_the_means_of_terms() -> None:
    assert scalars(GAME) == pytest.approx({"encoder": 14.0, "decoder": -5.5, "discriminator": 4.0})


def test_nothing_is_multiplied_by_one_and_one_part_is_not_summed() -> None:
    value = torch.tensor([1.0, 4.0], requires_grad=True)
    game = Objectives({"a": value, "b": value}, {"one": {"a": 1.0}, "both": {"a": 1.0, "b": 2.0}})
    assert type(game.of("one").grad_fn).__name__ == "MeanBackward0"
    parts = [type(part).__name__ for part, _ in game.of("both").grad_fn.next_functions[0][0].next_functions]  # type: ignore[union-attr]
    assert parts == ["MeanBackward0", "MulBackward0"]


def test_a_term_with_the_coefficient_zero_counts_for_nothing_even_if_it_is_not_a_number() -> None:
    ruined = Objectives(
        terms={"a": torch.tensor([float("nan")]), "b": torch.tensor([2.0, 4.0])}, minimise={"one": {"a": 0.0, "b": 2.0}}
    )
    assert scalars(ruined) == {"one": 6.0}


def test_coefficients_are_named_by_player_and_term() -> None:
    assert GAME.coefficients() == {
        "encoder.prior": 1.0,
        "encoder.similarity": 2.0,
        "decoder.similarity": 0.1,
        "decoder.generator": 3.0,
        "discriminator.discriminator": 1.0,
    }


def test_one_more_term_is_one_player_s_alone() -> None:
    more = GAME.plus("penalty", torch.tensor([1.0, 2.0, 6.0]), player="discriminator")
    assert scalars(more) == pytest.approx({"encoder": 14.0, "decoder": -5.5, "discriminator": 7.0})
    assert GAME.plus("penalty", torch.tensor(2.0), player="decoder").of("decoder").item() == pytest.approx(-3.5)
    assert "penalty" not in GAME.terms
    assert more.log == GAME.log


def test_factors_multiply_the_coefficient_of_one_term_of_one_player() -> None:
    weighted_game = GAME.weigh({("decoder", "similarity"): 30.0, ("encoder", "prior"): 0.5})
    assert scalars(weighted_game) == pytest.approx({"encoder": 12.0, "decoder": 9.0, "discriminator": 4.0})
    assert weighted_game.coefficients()["encoder.similarity"] == 2.0


def test_a_player_left_with_zeros_sits_out_and_others_stay() -> None:
    weighted_game = GAME.weigh(
        {("decoder", "similarity"): 0.0, ("decoder", "generator"): 0.0, ("encoder", "prior"): 0.0}
    )
    assert set(weighted_game.minimise) == {"encoder", "discriminator"}
    assert weighted_game.minimise["encoder"] == {"prior": 0.0, "similarity": 2.0}


def test_players_that_sit_out_are_left_out_with_all_their_terms() -> None:
    resting = GAME.without({"decoder", "nobody"})
    assert set(resting.minimise) == {"encoder", "discriminator"}
    assert resting.minimise["encoder"] == GAME.minimise["encoder"]
    assert resting.terms is GAME.terms


def test_weights_are_about_a_term_of_all_players_or_of_one_and_all_of_them_count() -> None:
    weights = [
        TermWeight("similarity", Constant(value=3.0)),
        TermWeight("decoder.similarity", Constant(value=0.5)),
        TermWeight("discriminator", Linear(start=1.0, end=0.0, over=10)),
    ]
    at_four = apply_term_weights(GAME, weights, 4, 100)
    assert at_four.minimise == {
        "encoder": {"prior": 1.0, "similarity": 6.0},
        "decoder": {"similarity": pytest.approx(0.15), "generator": 3.0},
        "discriminator": {"discriminator": pytest.approx(0.6)},
    }
    assert "discriminator" not in apply_term_weights(GAME, weights, 10, 100).minimise
    assert apply_term_weights(GAME, [], 4, 100).minimise == GAME.minimise


@pytest.mark.parametrize("model", [VAEGAN(gamma=0.0, adversarial_weight=0.0), VAEGAN(gamma=0.0)], ids=str)
def test_a_model_whose_own_fields_leave_a_player_nothing_trains_without_it(model: VAEGAN) -> None:
    trained = train(small_run(model, steps=2), blobs(), torch.device("cpu"))
    assert trained.status == "ok"
    assert trained.history[-1]["moves of decoder"] == float(model.adversarial_weight != 0)
    assert trained.history[-1]["moves of encoder"] == 1.0


def test_a_player_s_name_is_no_term() -> None:
    """'discriminator' is a term and a player; of the player only 'discriminator.term' is meant."""
    weight = TermWeight("discriminator", Constant(value=2.0))
    assert weight.applies_to("discriminator", "discriminator")
    assert not weight.applies_to("discriminator", "regulariser")
    assert not TermWeight("decoder.generator", Constant(value=2.0)).applies_to("encoder", "generator")


def test_weights_are_read_as_numbers_or_schedules_and_written_as_they_were() -> None:
    registry = Registry()
    assert read_term_weight("prior", "0.25", registry) == TermWeight("prior", 0.25)
    assert read_term_weight("prior", "-1e-3", registry).at(0, 10) == pytest.approx(-1e-3)
    rising = read_term_weight("decoder.prior", "linear[over=5]", registry)
    assert rising == TermWeight("decoder.prior", Linear(over=5))
    for text in ("0.25", "linear[over=5]"):
        assert str(read_term_weight("prior", text, registry)) == text


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_a_weight_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(
        SelectorError, match=f"prior.weight takes a finite number, a schedule or an adaptive weight, not '{text}'"
    ):
        read_term_weight("prior", text, Registry())


@pytest.mark.parametrize("target", ["similarty", "encoder.generator", "decoder", "decoder.", "narrator.prior"])
def test_targets_that_nobody_minimises_are_refused_with_what_there_is(target: str) -> None:
    game = {player: set(terms) for player, terms in GAME.minimise.items()}
    with pytest.raises(UnknownNameError, match="vaegan"):
        check_targets([TermWeight("prior", Constant()), TermWeight(target, Constant())], game, "vaegan")
    check_targets([TermWeight("similarity", Constant()), TermWeight("decoder.similarity", Constant())], game, "vaegan")


@dataclass(frozen=True, kw_only=True)
class EveryThird(Model):
    """A game whose decoder moves at every third step only, and with a coefficient that changes."""

    name = "every-third"
    players: ClassVar = {"encoder": ("encoder",), "decoder": ("decoder",)}

    def objectives(self, play: Play) -> Objectives:
        prior: Tensor = play.modules.encode(play.x_BCHW).mu_BZ.square().sum(1)
        (x_rec,) = play.modules.decode(torch.zeros(4, play.latent))
        game = Objectives(
            terms={"prior": prior, "size": x_rec.mean.flatten(1).sum(1)},
            minimise={"encoder": {"prior": 1.0}, "decoder": {"size": float(play.step)}},
        )
        return game if play.step % 3 == 2 else game.without({"decoder"})


@pytest.mark.parametrize(
    ("model", "stated"),
    [
        (VAE(), {"autoencoder": {"prior": 1.0, "reconstruction": 1.0}}),
        (
            GAN(regulariser=R1(), gate=Margin(equilibrium=0.0, margin=1e-9)),  # a gate that would rest somebody
            {"decoder": {"generator": 1.0}, "discriminator": {"discriminator": 1.0, "regulariser": 1.0}},
        ),
        (
            VAEGAN(gamma=0.3, adversarial_weight=0.7, conditional=True),
            {
                "encoder": {"prior": 1.0, "similarity": 1.0},
                "decoder": {"similarity": 0.3, "generator": 0.7},
                "discriminator": {"discriminator": 1.0},
            },
        ),
        (VAEDisl(), {"autoencoder": {"prior": 1.0, "similarity": 1.0}}),
        (EveryThird(), {"encoder": {"prior": 1.0}, "decoder": {"size": 2.0}}),  # of the first step in which it moves
    ],
    ids=str,
)
def test_the_stated_game_is_that_of_the_first_steps_with_gates_left_open(
    model: Model, stated: dict[str, dict[str, float]]
) -> None:
    found = stated_game(model, NETWORKS, 32)
    assert found == stated
    assert list(found) == list(model.players)


@pytest.mark.parametrize("share", ["0", "-0.5", "1.5"])
def test_a_regulariser_sees_a_part_of_each_batch(share: str) -> None:
    with pytest.raises(SelectorError, match=r"share must be in \(0, 1\], not "):
        Registry().build(Model, f"gan[regulariser=r1-r2[share={share}]]")
