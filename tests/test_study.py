"""Studies and plans: strict keys, crossing, identity, skips."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from vaegan_bench.api import BenchError
from vaegan_bench.losses.prior.kl import KL
from vaegan_bench.models.vae import VAE
from vaegan_bench.plan import Plan, make_plan
from vaegan_bench.registry import Registry
from vaegan_bench.study import Study, load_study, packaged_studies


def planned(**values: Any) -> Plan:
    return make_plan(Study().with_values({"device": "cpu", **values}, "a test"), Registry())


@pytest.mark.parametrize("name", packaged_studies())
def test_packaged_studies_can_be_planned(name: str) -> None:
    plan = make_plan(dataclasses.replace(load_study(name), device="cpu"), Registry())
    assert plan.runs
    assert not plan.skips


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stepps = 3", "Unknown key in {file}: 'stepps'. Did you mean 'steps'?"),
        ("steps = 'many'", "{file}: steps must be a whole number, not 'many'"),
        ("steps = true", "steps must be a whole number"),
        ("models = 'vae'", "models must be a list, not 'vae'"),
        ("split = 'train'", "split must be 'test' or 'validation', not 'train'"),
        ("steps = ", "is not valid TOML"),
        ("batch = 1", "batch must be at least 2"),
        ("models = []", "at least one model"),
        ("samples = 1", "samples must be at least 2"),
        ("seeds = [-1]", "seeds must be between 0 and"),
        ("description = '\udcff'", "Cannot read the study file {file}"),
    ],
)
def test_a_study_file_is_read_strictly(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, "utf-8", "surrogateescape")
    with pytest.raises(BenchError) as raised:
        load_study(str(file))
    assert message.format(file=file) in str(raised.value)


def test_a_study_file_is_named_after_itself_and_counts_seeds(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("seeds = 3\nema = 0\n[fields.vaegan]\ngamma = 0.5\n")
    study = load_study(str(file))
    assert (study.name, study.seeds, study.ema) == ("mine", (0, 1, 2), 0.0)


def test_models_losses_and_seeds_are_crossed() -> None:
    plan = planned(models=["vae", "gan"], losses={"adversarial": ["minimax", "hinge"]}, seeds=2)
    assert [(run.label, run.seed) for run in plan.runs] == [
        *(("vae", 0), ("vae", 1)),
        *(("gan[adversarial=minimax]", 0), ("gan[adversarial=minimax]", 1)),
        *(("gan[adversarial=hinge]", 0), ("gan[adversarial=hinge]", 1)),
    ]


def test_all_means_every_registered_model() -> None:
    assert [run.label for run in planned(models=["all"]).runs] == ["vae", "gan", "vaegan", "vaegan-pixel", "vae-disl"]


def test_fields_of_a_study_lie_below_selectors() -> None:
    plan = planned(models=["vaegan", "vaegan[gamma=3]"], fields={"vaegan": {"gamma": 2.0}})
    assert [run.model.gamma for run in plan.runs] == [2.0, 3.0]  # type: ignore[attr-defined]


def test_what_cannot_be_built_is_refused_before_anything_trains() -> None:
    with pytest.raises(BenchError, match="defined at 32×32 and 64×64, not at 48×48"):
        planned(networks="larsen", size=48)
    with pytest.raises(BenchError, match=r"Unknown field to cross, of the chosen models: .adversarial."):
        planned(models=["vae"], losses={"adversarial": ["hinge"]})


def test_an_id_depends_on_what_decides_the_outcome_and_on_nothing_else() -> None:
    (run,) = planned(models=["vae"]).runs
    assert run.id == planned(models=["vae"]).runs[0].id
    assert run.id == dataclasses.replace(run).id
    changes: list[dict[str, Any]] = [
        {"seed": 1},
        {"steps": 9},
        {"size": 64},
        {"precision": "bfloat16"},
        {"model": VAE(prior=KL(free_bits=2.0))},
    ]
    ids = {dataclasses.replace(run, **change).id for change in changes}
    assert len(ids) == len(changes)
    assert run.id not in ids


def test_runs_that_may_be_compared_share_a_setting() -> None:
    first, second = planned(models=["vae", "gan"]).runs
    assert first.setting_id == second.setting_id
    assert dataclasses.replace(first, steps=9).setting_id != first.setting_id


def test_fields_reach_nested_plugins_and_must_be_known() -> None:
    (run,) = planned(models=["vae"], fields={"kl": {"free_bits": 400.0}}).runs
    assert run.model.prior.free_bits == 400.0  # type: ignore[attr-defined]
    with pytest.raises(BenchError, match=r"Unknown plugin in fields: 'veagan'.* 'vaegan'"):
        planned(fields={"veagan": {"gamma": 1.0}})
    with pytest.raises(BenchError, match=r"Unknown field of 'kl': 'free_bitz'.* 'free_bits'"):
        planned(fields={"kl": {"free_bitz": 1.0}})


def test_two_labels_of_one_run_are_refused() -> None:
    with pytest.raises(BenchError, match="'vae' and 'vae\\[prior=kl\\]' mean the same run"):
        planned(models=["vae", "vae[prior=kl]"])
    assert len(planned(models=["vae"], seeds=[3, 3]).runs) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"optimizer": "adam[lr=-1]"}, "Optimizer 'adam.lr=-1.0.' cannot be used"),
        ({"optimizer": "rmsprop[schedule=power[every=0]]"}, "cannot be used"),
        ({"networks": "compact[width=-3]"}, "width must be at least 1, not -3"),
        ({"models": ["vae[prior=kl[free_bits=-5]]"]}, "free_bits must be at least 0, not -5"),
        ({"metrics": ["fid"]}, "'fid' is a number of a metric: use frechet\\[extractor=inception\\]"),
        ({"name": "../elsewhere"}, "plain name of a folder"),
        ({"losses": {"reconstruction": []}}, "no loss to be crossed with"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_the_plan(values: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=message) as raised:
        planned(**{"models": ["vae"], **values})
    assert "\n" not in str(raised.value)
