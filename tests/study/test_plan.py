"""Plans: every value of a study reaches its runs, lenders come first, and what cannot be is skipped with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from torch import nn

from vaegan_bench.api import (
    BenchError,
    ImageShape,
    Model,
    Networks,
    Objectives,
    Play,
    PluginError,
    StudyError,
    UnknownNameError,
)
from vaegan_bench.datasets.avatars.dataset import Avatars
from vaegan_bench.models.vae import VAE
from vaegan_bench.networks.compact import Compact
from vaegan_bench.registry.plugins import Entry, Registry
from vaegan_bench.study.plan import Plan, make_plan
from vaegan_bench.study.study import Study
from vaegan_bench.training.schedules.cosine import Cosine

ALL = len(Registry().of_kind("model"))
SMALL = "compact[latent=3,width=4,decoder_width=4]"


def planned(**values: Any) -> Plan:
    return make_plan(Study().with_values({"device": "cpu", "networks": SMALL, **values}, "a test"), Registry())


def test_every_value_of_a_study_reaches_its_runs() -> None:
    plan = planned(
        models=["vae"],
        datasets=["avatars", "mnist"],
        seeds=[9, 2],
        size=64,
        split="validation",
        steps=7,
        batch=12,
        ema=0.25,
        threads=3,
        precision="bfloat16",
        optimizer="adam[lr=0.5,weight_decay=0.1,schedule=cosine[end=0.2]]",
    )
    assert [(run.dataset.name, run.seed) for run in plan.runs] == [
        ("avatars", 9),
        ("avatars", 2),
        ("mnist", 9),
        ("mnist", 2),
    ]
    for run in plan.runs:
        assert (run.size, run.split, run.steps, run.batch, run.ema) == (64, "validation", 7, 12, 0.25)
        assert (run.precision, run.device, run.threads) == ("bfloat16", "cpu", 3)
        assert (run.networks.latent, run.networks.width) == (3, 4)  # type: ignore[attr-defined]
        assert (run.optimizer.lr, run.optimizer.weight_decay) == (0.5, 0.1)
        assert run.optimizer.schedule == Cosine(end=0.2)
        assert run.term_weights == ()


def test_precision_is_chosen_for_the_device_where_a_study_leaves_it_open() -> None:
    from vaegan_bench.system.device import choose_device, choose_precision

    (run,) = planned(models=["vae"]).runs
    assert run.precision == choose_precision("auto", choose_device("cpu"))
    assert planned(models=["vae"], precision="float32").runs[0].precision == "float32"


def test_seeds_keep_their_order_and_count_once() -> None:
    assert [run.seed for run in planned(models=["vae"], seeds=[5, 0, 5, 3]).runs] == [5, 0, 3]


def test_labels_of_one_run_are_refused_and_of_different_runs_are_not() -> None:
    with pytest.raises(BenchError, match=r"'vaegan' and 'vaegan\[gamma=1e-5\]' mean the same run"):
        planned(models=["vaegan", "vaegan[gamma=1e-5]"])
    assert len(planned(models=["vaegan", "vaegan[gamma=1e-4]"]).runs) == 2
    assert len(planned(models=["vae", "vae"], datasets=["shapes", "shapes"]).runs) == 1
    with pytest.raises(BenchError, match="Two data sets mean 'avatars': leave one of them out"):
        planned(models=["vae"], datasets=["avatars", f"avatars[faces={Avatars().faces}]"])


def test_several_losses_are_crossed_in_full() -> None:
    losses = {"similarity": ["gaussian", "laplace"], "adversarial": ["hinge", "wgan", "lsgan"]}
    labels = [run.label for run in planned(models=["vaegan"], losses=losses).runs]
    assert labels == [
        f"vaegan[similarity={s},adversarial={a}]" for s in losses["similarity"] for a in losses["adversarial"]
    ]


def test_lenders_have_the_borrowers_seed_and_setting_and_no_weights_of_theirs() -> None:
    plan = planned(models=["vae-disl[prior.weight=0.5]"], seeds=[4, 1])
    assert [(run.model.name, run.seed) for run in plan.runs] == [
        ("gan", 4),
        ("vae-disl", 4),
        ("gan", 1),
        ("vae-disl", 1),
    ]
    for lender, borrower in (plan.runs[:2], plan.runs[2:]):
        assert plan.lenders[borrower.id] == {"discriminator": lender}
        assert plan.lenders[lender.id] == {}
        assert lender.term_weights == ()
        assert lender.setting == borrower.setting


def test_a_model_of_the_study_lends_under_its_own_label_and_is_trained_once() -> None:
    plan = planned(models=["vae-disl", "gan[adversarial=minimax]", "vae"])
    assert [run.label for run in plan.runs] == ["gan[adversarial=minimax]", "vae-disl", "vae"]
    weighed = planned(models=["vae-disl", "gan[generator.weight=2]"])
    assert [run.label for run in weighed.runs] == ["gan", "vae-disl", "gan[generator.weight=2]"]


def test_a_lender_plays_its_game_with_the_weights_that_the_study_gives_its_model() -> None:
    plan = planned(models=["vae-disl", "gan"], fields={"gan": {"discriminator.weight": 0.5}}, seeds=[3])
    gan, borrower = plan.runs
    assert (gan.label, borrower.label) == ("gan", "vae-disl")
    assert [(weight.target, weight.factor) for weight in gan.term_weights] == [("discriminator", 0.5)]
    assert plan.lenders[borrower.id] == {"discriminator": gan}
    assert borrower.definition["lender_weights"] == {"discriminator": {"discriminator": 0.5}}
    assert borrower.id != planned(models=["vae-disl"], seeds=[3]).runs[1].id
    (alone,) = planned(models=["vae"], fields={"gan": {"discriminator.weight": 0.5}}).runs
    assert alone.id == planned(models=["vae"]).runs[0].id


def test_two_games_of_one_name_are_refused() -> None:
    models = ["gan", "vae-disl[gan=gan[adversarial=minimax]]"]
    with pytest.raises(BenchError, match=r"are called 'gan', .* \('gan\[adversarial=hinge\]' and 'gan'\)"):
        planned(models=models, fields={"gan": {"adversarial": "hinge"}})
    assert len(planned(models=["gan[adversarial=hinge]", models[1]]).runs) == 3


@pytest.mark.parametrize(
    ("values", "runs"),
    [({"models": ["vae"], "ablate": True}, 12), ({"models": ["vae-disl", "vae"]}, 12), ({"models": ["all"]}, 4 * ALL)],
)
def test_runs_are_counted_with_all_that_a_study_asks_for(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], runs: int
) -> None:
    monkeypatch.setattr("vaegan_bench.study.plan.MOST_RUNS", runs)
    assert planned(seeds=4, **values).runs
    monkeypatch.setattr("vaegan_bench.study.plan.MOST_RUNS", runs - 1)
    with pytest.raises(BenchError, match=f"This study has {runs} runs, and one study may have {runs - 1}. Split it"):
        planned(seeds=4, **values)


def test_too_many_games_are_refused_before_their_runs_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaegan_bench.study.plan.MOST_RUNS", 3)
    monkeypatch.setattr("vaegan_bench.study.resolver.Resolver.runs", None)
    with pytest.raises(BenchError, match="This study has 4 runs"):
        planned(models=["vae"], seeds=4)


@dataclass(frozen=True, kw_only=True)
class Wide(Networks):
    """Fully connected networks for images of 64 pixels alone."""

    name = "wide"
    latent: int = 2

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        if shape.height != 64:
            raise PluginError("Networks 'wide' are for 64 pixels.")
        return Compact(latent=2, width=2, decoder_width=2).build(role, shape, heads, conditions)


def test_terms_are_found_at_the_size_of_the_study() -> None:
    registry = Registry()
    registry.entries["networks", "wide"] = Entry(Wide, "a test")
    values = {"device": "cpu", "models": ["vae"], "networks": "wide", "size": 64, "ablate": True}
    plan = make_plan(Study().with_values(values, "a test"), registry)
    assert [run.label for run in plan.runs] == ["vae", "vae[prior.weight=0]", "vae[reconstruction.weight=0]"]
    assert plan.skips == ()


def test_penalties_of_a_share_are_planned_on_a_discriminator_with_batch_norm() -> None:
    model = "vaegan[regulariser=r1-r2[share=0.125]]"
    plan = planned(models=(model,), networks="larsen", term_weights={"prior": (2,)})
    assert [(str(weight), weight.target) for run in plan.runs for weight in run.term_weights] == [("2", "prior")]


def test_what_the_networks_cannot_build_is_skipped_with_the_reason_unless_nothing_is_left() -> None:
    with pytest.raises(BenchError, match="Nothing to run: Networks 'larsen' are defined at 32×32 and 64×64"):
        planned(models=["vae"], networks="larsen", size=16)


@dataclass(frozen=True, kw_only=True)
class Careless(Model):
    """Looks up what is not there, while it is built or while it states its game."""

    name = "careless"
    players: ClassVar = VAE.players
    builds: bool = True

    def build(self, role: str, networks: Networks, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        return networks.build(role, shape, heads) if self.builds else {}[role]  # type: ignore[no-any-return]

    def objectives(self, play: Play) -> Objectives:
        return {}["x"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("model", ["careless[builds=false]", "careless[reconstruction.weight=2]"])
def test_an_error_of_a_model_names_the_model_and_its_place(model: str) -> None:
    registry = Registry()
    registry.entries["model", "careless"] = Entry(Careless, "a test")
    study = Study().with_values({"device": "cpu", "models": [model], "networks": SMALL}, "a test")
    with pytest.raises(StudyError) as error:
        make_plan(study, registry)
    assert f"Model '{model}' cannot be set up on networks '{SMALL}': KeyError: " in str(error.value)
    assert "(test_plan.py:" in str(error.value)


@pytest.mark.parametrize(
    ("model", "term"),
    [
        ("vae[similarity.weight=2]", "similarity"),
        ("gan[encoder.generator.weight=2]", "encoder.generator"),
        ("vaegan[decoder.prior.weight=2]", "decoder.prior"),
        ("vaegan[regulariser.weight=2]", "regulariser"),
    ],
)
def test_a_weight_of_what_nobody_minimises_is_refused(model: str, term: str) -> None:
    with pytest.raises(UnknownNameError, match=f"Unknown term of model '{model.partition('[')[0]}': '{term}'"):
        planned(models=[model])
    (run,) = planned(models=["vaegan[regulariser=r1,regulariser.weight=2]"]).runs
    assert run.term_weights[0].target == "regulariser"


def test_crossed_weights_meet_the_models_that_have_the_term_and_ablation_leaves_out_each() -> None:
    plan = planned(models=["gan", "vae"], term_weights={"autoencoder.prior": ["0.5", "2"]}, ablate=True)
    assert [run.label for run in plan.runs] == [
        "gan",
        "gan[generator.weight=0]",
        "gan[discriminator.weight=0]",
        "vae[autoencoder.prior.weight=0.5]",
        "vae[autoencoder.prior.weight=2]",
        "vae[autoencoder.prior.weight=0.5,prior.weight=0]",
        "vae[autoencoder.prior.weight=0.5,reconstruction.weight=0]",
        "vae[autoencoder.prior.weight=2,prior.weight=0]",
        "vae[autoencoder.prior.weight=2,reconstruction.weight=0]",
    ]


def test_weights_to_cross_are_numbers_or_text() -> None:
    runs = planned(models=["vae"], term_weights={"prior": [0.5, 2, "linear"]}).runs
    assert [str(run.term_weights[0]) for run in runs] == ["0.5", "2", "linear"]


def test_another_seed_is_the_run_that_is_planned_alone_with_that_seed() -> None:
    together = planned(models=["vae-disl", "vae"], seeds=[4, 7]).runs
    alone = planned(models=["vae-disl", "vae"], seeds=[7]).runs
    assert [run.id for run in together if run.seed == 7] == [run.id for run in alone]
    assert len({run.id for run in together}) == 2 * len(alone) == 6
    for run in together:
        assert [lender.seed for lender in run.lenders.values()] == [run.seed] * len(run.lenders)


def test_networks_are_tried_once_for_all_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[str, int]] = []
    monkeypatch.setattr("vaegan_bench.study.dry_build._build", lambda run: tried.append((run.label, run.seed)))
    plan = planned(models=["vae", "vae[prior.weight=2]"], seeds=[3, 5, 8])
    assert tried == [("vae", 3), ("vae[prior.weight=2]", 3)]
    assert len(plan.runs) == 6
