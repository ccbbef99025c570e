"""The study of the package: it can be planned, and its weights of terms do what its comments say."""

from __future__ import annotations

import pytest
import torch
from vaegan_bench_tokenizers.tokenizer import Tokenizer

from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.plan import Plan, make_plan
from vaegan_bench.study.run import Run
from vaegan_bench.study.study_file import load_study
from vaegan_bench.study.term_weights import apply_term_weights
from vaegan_bench.testing.small_game import SmallGame
from vaegan_bench.training.adaptation import adapt
from vaegan_bench.training.loop import take_step

STEPS = 5


@pytest.fixture(scope="module")
def plan() -> Plan:
    registry = Registry(["vaegan_bench_tokenizers"])
    return make_plan(load_study("tokenizers", registry.studies), registry)


def test_all_nine_models_can_be_built(plan: Plan) -> None:
    assert not plan.skips
    names = [run.model.name for run in plan.runs]
    assert names == ["vae", "kl-autoencoder", "vq-vae", "vqgan", "vq-vae", "vqgan", "vae", "vae", "vaegan"]
    assert {run.networks.latent for run in plan.runs} == {4 * 8 * 8}
    assert plan.study.sampler == "gaussian"


def in_small(run: Run) -> SmallGame:
    """A model of the study with its weights of terms, on small data and networks for five steps."""
    return SmallGame(run.model, networks=Tokenizer(width=4), steps=STEPS, term_weights=run.term_weights)


LATE = pytest.mark.parametrize(("place", "strength"), [(1, 0.5), (3, 0.8), (5, 0.8)])


@LATE
def test_the_discriminator_enters_after_two_fifths_of_a_run(plan: Plan, place: int, strength: float) -> None:
    small_game = in_small(plan.runs[place])
    games = [take_step(small_game.run, small_game.state, small_game.batches).objectives.minimise for _ in range(STEPS)]
    entered = [False, False, True, True, True]
    assert ["discriminator" in players for players in games] == entered
    assert [players["autoencoder"]["generator"] > 0 for players in games] == entered
    assert {players["autoencoder"]["reconstruction"] for players in games} == {1.0}


@LATE
def test_it_then_pulls_in_proportion_to_all_other_terms_together(plan: Plan, place: int, strength: float) -> None:
    small_game = in_small(plan.runs[place])
    stated = apply_term_weights(small_game.objectives(), small_game.run.term_weights, STEPS - 1, STEPS)
    game = adapt(stated, small_game.run, small_game.state)
    minimised = dict(game.minimise["autoencoder"])
    last = small_game.modules["decoder"].get_parameter("last.weight")

    def pull(terms: dict[str, float]) -> float:
        total = torch.stack([c * game.terms[term].mean() for term, c in terms.items()]).sum()
        return float(torch.autograd.grad(total, last, retain_graph=True)[0].norm())

    generator = {"generator": minimised.pop("generator")}
    assert pull(generator) == pytest.approx(strength * pull(minimised), rel=0.01)
