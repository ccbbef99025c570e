"""Adaptive weights: the balance of gradients at a last layer, from a study to its history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import vaegan_bench as vb
from vaegan_bench.api import Objectives, SelectorError, UnknownNameError
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.plan import Plan, make_plan
from vaegan_bench.study.study import Study
from vaegan_bench.study.term_weights import TermWeight, read_term_weight, restore_term_weight
from vaegan_bench.testing.small import small_run
from vaegan_bench.training.adaptation import adapt
from vaegan_bench.training.adaptive_weights.adaptive import Adaptive
from vaegan_bench.training.state import TrainingState

DECODER = "vaegan-pixel[decoder.generator.weight=adaptive]"


def planned(**values: Any) -> Plan:
    return make_plan(Study().with_values({"networks": "compact[width=4]", **values}, "the test"), Registry())


def test_it_is_the_ratio_of_norms_with_a_limit() -> None:
    assert Adaptive()(own=0.5, others=3.0) == pytest.approx(3 / 0.5001)
    assert Adaptive(epsilon=1.0)(own=0.5, others=3.0) == 2
    assert Adaptive(most=4.0)(own=0.5, others=3.0) == 4
    assert Adaptive()(own=0.0, others=1e9) == 1e8
    assert Adaptive()(own=2.0, others=0.0) == 0


def test_norms_are_those_at_the_last_layer_of_the_term_alone_and_of_all_others_as_weighed() -> None:
    weight = TermWeight("generator", Adaptive(epsilon=1e-9))
    run = small_run(VAEGANPixel(), term_weights=(weight,))
    state = TrainingState(run, run.dataset.load(32, Path()).shape, torch.device("cpu"))
    last, first = (state.modules["decoder"].get_parameter(name) for name in ("last.weight", "body.0.weight"))
    only = torch.zeros(last.shape)
    only.view(-1)[:2] = torch.tensor([3.0, 4.0])
    other = torch.zeros(last.shape)
    other.view(-1)[1:3] = torch.tensor([1.0, 2.0])
    noise = 100 * first.square().sum()  # what goes on in other layers has no part in it
    terms = {
        "generator": (only * last).sum() + noise,  # ‖(3, 4)‖ = 5
        "reconstruction": torch.stack([(other * last).sum(), 3 * (other * last).sum()]) + noise,  # in the mean ×2
        "prior": (only * last).sum(),
    }
    minimise = {
        "decoder": {"generator": 0.25, "reconstruction": 3.0, "prior": 0.0},
        "encoder": {"reconstruction": 7.0},
    }
    adapted = adapt(Objectives(terms, minimise), run, state)
    factor = 3 * 2 * 5**0.5 / 5
    assert adapted.minimise["decoder"] == pytest.approx({"generator": 0.25 * factor, "reconstruction": 3, "prior": 0})
    assert adapted.minimise["encoder"] == {"reconstruction": 7.0}
    adapted.of("decoder").backward()  # the graph is still there


class ScalarReads(TorchDispatchMode):
    """Counts the numbers that are read one by one, for each of which a GPU has to finish its work."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def test_both_norms_are_read_at_once() -> None:
    run = small_run(VAEGANPixel(), term_weights=(TermWeight("generator", Adaptive()),))
    state = TrainingState(run, run.dataset.load(32, Path()).shape, torch.device("cpu"))
    last = state.modules["decoder"].get_parameter("last.weight")
    terms = {"generator": last.sum(), "reconstruction": 2 * last.sum()}
    game = Objectives(terms, {"decoder": {"generator": 1.0, "reconstruction": 1.0}})
    with ScalarReads() as reads:
        assert adapt(game, run, state).minimise["decoder"]["generator"] == pytest.approx(2, rel=1e-3)
    assert reads.count == 0


def test_a_term_without_a_coefficient_keeps_it_whatever_its_gradient_is() -> None:
    run = small_run(VAEGANPixel(), term_weights=(TermWeight("generator", Adaptive()),))
    state = TrainingState(run, run.dataset.load(32, Path()).shape, torch.device("cpu"))
    last = state.modules["decoder"].get_parameter("last.weight")
    terms = {"generator": float("nan") * last.sum(), "reconstruction": last.flatten()[:3]}
    game = Objectives(terms, {"decoder": {"generator": 0.0, "reconstruction": 2.0}})
    assert adapt(game, run, state).minimise == game.minimise


def test_both_terms_pull_equally_in_a_run_and_its_history_says_how_much(tmp_path: Path) -> None:
    delayed = f"{DECODER[:-1]},generator.weight=stepwise[stages=0:0 50%:1]]"
    shared = {"steps": 100, "seeds": 1, "samples": 32, "metrics": ["reconstruction"], "calibrate": False}
    results = vb.run("smoke", models=[delayed], results=tmp_path, cache=tmp_path, **shared)
    history = results.history.set_index(["step", "term"])["value"]
    assert history[50, "weight of decoder.generator"] == 0
    assert history[100, "weight of decoder.generator"] > 0
    (run,) = (json.loads(path.read_text("utf-8")) for path in tmp_path.glob("smoke/*/run.json"))
    weights = run["definition"]["term_weights"]
    registry = Registry()
    restored = [restore_term_weight(target, factor, registry) for target, factor in weights.items()]
    assert restored[0] == TermWeight("decoder.generator", Adaptive())


def test_it_is_read_like_any_other_weight_and_is_part_of_a_run_s_identity() -> None:
    assert read_term_weight("generator", "adaptive[most=10]", Registry()).factor == Adaptive(most=10)
    plain, balanced, other = (
        planned(models=[model]).runs[0]
        for model in ("vaegan-pixel", DECODER, DECODER.replace("adaptive", "adaptive[most=5]"))
    )
    assert len({plain.id, balanced.id, other.id}) == 3
    assert plain.setting_id == balanced.setting_id
    crossed = planned(models=["vaegan-pixel"], term_weights={"generator": ["1", "adaptive"]})
    assert [run.label for run in crossed.runs] == [
        "vaegan-pixel[generator.weight=1]",
        "vaegan-pixel[generator.weight=adaptive]",
    ]


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("vaegan[discriminator.weight=adaptive]", "name none of player 'discriminator', which owns discriminator"),
        ("vaegan[similarity.weight=adaptive]", "name none of player 'encoder'"),
        ("gan[generator.weight=adaptive]", "'decoder' minimises 'generator' alone"),
    ],
)
def test_where_there_is_nothing_to_compare_it_is_refused_in_the_plan(model: str, says: str) -> None:
    plan = planned(models=["vae", model])
    assert [run.label for run in plan.runs] == ["vae"]
    (skip,) = plan.skips
    assert says in skip.reason


@pytest.mark.parametrize("text", ["adaptve", "adaptve[most=1]"])
def test_a_name_that_nothing_has_is_met_with_the_nearest(text: str) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'adaptive'"):
        planned(models=[f"vaegan[generator.weight={text}]"])


def test_limits_that_mean_nothing_are_refused() -> None:
    for fields in ("most=-1", "epsilon=0"):
        with pytest.raises(SelectorError, match=fields.partition("=")[0]):
            planned(models=[f"vaegan[generator.weight=adaptive[{fields}]]"])
