"""Studies and plans: strict keys, crossing, identity, skips."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import Any

import pytest

from vaegan_bench.api import BenchError, SelectorError
from vaegan_bench.losses.prior.kl import KL
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.models.vae import VAE
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.plan import Plan, make_plan
from vaegan_bench.study.study import Study
from vaegan_bench.study.study_file import load_study, packaged_studies, to_toml


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
        ("models = 'vae'", "models must be a list of text, not 'vae'"),
        ("models = [1]", "models must be a list of text, not [1]"),
        ("[term_weights]\nprior = 0.5", "term_weights must be a table of lists of numbers or selectors, not"),
        ("[losses]\nprior = [1]", "losses must be a table of lists of selectors, not"),
        ("split = 'train'", "split must be 'test' or 'validation', not 'train'"),
        ("steps = ", "is not valid TOML"),
        ("batch = 1", "batch must be at least 2"),
        ("models = []", "at least one model"),
        ("samples = 1", "samples must be at least 2"),
        ("threads = 0", "threads must be at least 1, not 0"),
        ("threads = 1025", "threads must be at most 1,024"),
        ("seeds = [-1]", "seeds must be between 0 and"),
        ("seeds = 1001", "seeds 1001 means 1,001 seeds, and a study may have 1,000. For the single seed 1001, write"),
        ("seeds = 20240101", "or seeds = [20240101] in a file"),
        ("steps = " + "9" * 5000, "{file} is not valid TOML"),
        ("steps = 0x" + "f" * 5000, "{file}: steps is a number of more than 64 bits"),
        ("seeds = [1, 0x" + "f" * 5000 + "]", "{file}: seeds: 2 is a number of more than 64 bits"),
        ("steps = 1_000_000_001", "steps must be at most 1,000,000,000"),
        ("size = 4097", "size must be at most 4,096"),
        ("samples = 10_000_001", "samples must be at most 10,000,000"),
        ("draws = 1001", "draws must be at most 1,000"),
        ("batch = 1_000_000\nsize = 4096", "batch 1,000,000 × 4,096×4,096 pixels × 12 bytes are 187,500 GiB"),
        ("samples = 100_000\nsize = 4096", "samples 100,000 × 4,096×4,096 pixels"),
        ("models = " + "[" * 30_000, "{file} holds"),
        ("a" + ".b" * 500 + " = 1", "{file} holds tables or lists nested more than 5 deep"),
        ("steps = 2024-01-01", "steps must be a whole number, not datetime.date(2024, 1, 1)"),
        ("ema = nan", "ema must be in [0, 1), not nan"),
        ("ema = inf", "ema must be in [0, 1), not inf"),
        ("steps = 3\0", "is not valid TOML"),
        ("[fields.vaegan]\ngamma = [1]", "fields must be a table of tables of plain values"),
        ("'a\u2028b' = 1", r"Unknown key in {file}: 'a\u2028b'"),
        ("#" * 65_537, "holds more than 65,536 bytes"),
        ("description = '\udcff'", "Cannot read the study file {file}"),
    ],
)
def test_a_study_file_is_read_strictly(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, "utf-8", "surrogateescape")
    with pytest.raises(BenchError) as raised:
        load_study(str(file))
    assert message.format(file=file) in str(raised.value)


def test_a_study_is_written_as_the_file_that_it_is_read_from(tmp_path: Path) -> None:
    values = {"name": "mine", "description": 'What "is" \\ it?\x7f', "models": ["vae", "gan[gate=margin[margin=0.2]]"]}
    many = {"seeds": [7, 3, 11, 2, 5, 13], "losses": {"adversarial": ["hinge"]}, "optimizers": {"decoder": "rmsprop"}}
    fields = {"fields": {"vae": {"prior.weight": 10, "reconstruction": "laplace"}, "avatars": {"faces": 300}}}
    study = Study().with_values({**values, **many, **fields, "ema": 0.5, "calibrate": False}, "the test")
    path = tmp_path / "any.toml"
    path.write_text(to_toml(study), "utf-8")
    assert load_study(str(path)) == study
    assert "steps" not in path.read_text("utf-8")


def test_a_byte_order_mark_is_no_part_of_a_study(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xef\xbb\xbfsteps = 3\n")
    assert load_study(str(tmp_path / "mine.toml")).steps == 3


def test_as_much_as_can_be_is_no_more_than_that() -> None:
    assert len(Study().with_values({"seeds": 1000}, "a test").seeds) == 1000
    assert Study(seeds=(20240101,)).seeds == (20240101,)
    whole = {"models": ["vae"] * 5, "seeds": 1000, "datasets": ["avatars", "mnist"]}
    assert Study().with_values(whole, "a test").seeds[-1] == 999
    with pytest.raises(BenchError, match="6 models × 2 data sets × 1,000 seeds are 12,000 runs"):
        Study().with_values({**whole, "models": ["vae"] * 6}, "a test")
    assert len(Study().with_values({**whole, "seeds": [7] * 5000}, "a test").seeds) == 5000  # one seed, many times
    losses = {"losses": {"prior": ["kl"] * 40, "adversarial": ["hinge"] * 40}, "term_weights": {"prior": ["1"] * 40}}
    with pytest.raises(BenchError, match="40 prior losses × 40 adversarial losses × 40 weights of prior are 256,000"):
        Study().with_values(losses, "a test")


@pytest.mark.parametrize(
    "name",
    ["a\tb", "a\nb", "a|b", "x" * 61, "con", "COM1.txt", "nul", "\x1b[31mred", "a/b", "a\\b", "", " a", "a ", "a.",
     ".a", "..", "a\0b", "\udcff", "a\u202eb", "a:b", "a*"],
)  # fmt: skip
def test_a_name_that_some_file_system_refuses_is_refused(name: str) -> None:
    with pytest.raises(BenchError, match="name must be the plain name of a folder") as raised:
        Study(name=name)
    assert "\n" not in str(raised.value)
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("name", ["a$b$", "x" * 60, "my study", "日本語", "a_b-c.d", "console", "é" * 60])
def test_other_names_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    assert Study(name=name).name == name
    (tmp_path / name).mkdir()


PIECES = ["steps", "=", "[", "]", "{", "}", "seeds", "1", "-", "9" * 30, "0x", "nan", "inf", "'", '"', '\"\"\"', "\n",
          ".", ",", "models", "vae", "[fields.kl]", "free_bits", "2024-01-01", "true", "\\u0000", "\0", "é", "#", " ",
          "1e999", "losses", "term_weights", "name", "metrics", "ema", "\x1b", "[" * 500]  # fmt: skip


def test_only_our_own_error_leaves_the_reader_of_studies(tmp_path: Path) -> None:
    chance, told = random.Random(13), list[str]()
    file = tmp_path / "mine.toml"
    known = "steps = 3\nseeds = [1, 2]\nmodels = ['vae']\n[fields.kl]\nfree_bits = 1.5\n"
    for trial in range(500):
        text = "".join(chance.choices(PIECES, k=chance.randrange(1, 12)))
        if trial % 2:
            at = chance.randrange(len(known))
            text = known[:at] + text + known[at + chance.randrange(6) :]
        file.write_bytes(text.encode() if trial % 7 else bytes(chance.choices(range(256), k=60)))
        try:
            load_study(str(file))
        except BenchError as error:
            told.append(str(error))
    assert len(told) > 100
    assert not [line for line in told if "\n" in line]


def test_a_study_file_is_named_after_itself_and_counts_seeds(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("seeds = 3\nema = 0\n[fields.vaegan]\ngamma = 0.5\n")
    study = load_study(str(file))
    assert (study.name, study.seeds, study.ema) == ("mine", (0, 1, 2), 0.0)


def test_a_study_file_may_begin_from_a_named_study(tmp_path: Path) -> None:
    base, child, file = (tmp_path / name for name in ("base.toml", "child.toml", "mine.toml"))
    base.write_text(
        'description = "old"\nsteps = 7\nbatch = 32\nmodels = ["vae"]\n'
        'optimizers = {decoder = "sgd", encoder = "adam"}\n'
        '[fields.vae]\nreconstruction = "bernoulli"\n"prior.weight" = 4\n[fields.kl]\nfree_bits = 0.5\n'
    )
    child.write_text('study = "base"\nsteps = 8\n')
    file.write_text(
        'study = "child"\nbatch = 16\noptimizers = {decoder = "adamw"}\n'
        '[fields.vae]\nreconstruction = "laplace"\n[fields.gan]\nadversarial = "hinge"\n'
    )
    study = load_study(str(file), {"base": base, "child": child})
    assert (study.name, study.description, study.models) == ("mine", "", ("vae",))
    assert (study.steps, study.batch) == (8, 16)
    assert study.optimizers == {"decoder": "adamw", "encoder": "adam"}
    assert study.fields == {
        "vae": {"reconstruction": "laplace", "prior.weight": 4},
        "kl": {"free_bits": 0.5},
        "gan": {"adversarial": "hinge"},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('study = "quik"', "Unknown study to begin from, in .*mine.toml: 'quik'. Did you mean 'quick'?"),
        ("study = 3", "Unknown study to begin from, in .*mine.toml: '3'"),
        ('study = "circle"', "Unknown study to begin from, in study 'circle': 'circle'"),
        ('study = "quick"\nfields = 3', "fields"),
    ],
)
def test_a_study_to_begin_from_must_be_another_named_one(tmp_path: Path, text: str, message: str) -> None:
    file, circle = tmp_path / "mine.toml", tmp_path / "circle.toml"
    file.write_text(text)
    circle.write_text('study = "circle"')
    with pytest.raises(BenchError, match=message):
        load_study(str(file), {**packaged_studies(), "circle": circle})


def test_models_losses_and_seeds_are_crossed() -> None:
    plan = planned(models=["vae", "gan"], losses={"adversarial": ["minimax", "hinge"]}, seeds=2)
    assert [(run.label, run.seed) for run in plan.runs] == [
        *(("vae", 0), ("vae", 1)),
        *(("gan[adversarial=minimax]", 0), ("gan[adversarial=minimax]", 1)),
        *(("gan[adversarial=hinge]", 0), ("gan[adversarial=hinge]", 1)),
    ]


def test_all_means_every_registered_model() -> None:
    assert [run.label for run in planned(models=["all"]).runs] == ["vae", "gan", "vae-disl", "vaegan", "vaegan-pixel"]


def test_fields_of_a_study_lie_below_selectors() -> None:
    plan = planned(models=["vaegan", "vaegan[gamma=3]"], fields={"vaegan": {"gamma": 2.0}})
    assert [run.model.gamma for run in plan.runs] == [2.0, 3.0]  # type: ignore[attr-defined]


def test_what_cannot_be_built_is_refused_before_anything_trains() -> None:
    with pytest.raises(BenchError, match="defined at 32×32 and 64×64, not at 48×48"):
        planned(networks="larsen", size=48)
    with pytest.raises(BenchError, match=r"Unknown field to cross, of the chosen models: .adversarial."):
        planned(models=["vae"], losses={"adversarial": ["hinge"]})


def test_an_id_depends_on_what_decides_the_outcome_and_on_nothing_else() -> None:
    (run,) = planned(models=["vae"], precision="float32").runs
    assert run.id == planned(models=["vae"], precision="float32").runs[0].id
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


def test_fields_reach_samplers_and_the_weights_of_terms() -> None:
    fields = {"mixture": {"components": 3}, "linear": {"over": 7}, "adaptive": {"most": 0.5}}
    weights = {"prior": ("linear",), "decoder.generator": ("adaptive",)}
    plan = planned(models=["vaegan-pixel"], sampler="mixture", term_weights=weights, fields=fields)
    assert str(plan.sampler) == "mixture[components=3]"
    assert [str(weight) for weight in plan.runs[0].term_weights] == ["linear[over=7]", "adaptive[most=0.5]"]
    with pytest.raises(SelectorError, match="'processes' is an engine: write its fields where you choose it"):
        planned(fields={"processes": {"workers": 7}})


def test_fields_belong_to_those_of_a_name_that_have_them() -> None:
    plan = planned(models=["vae"], sampler="gaussian", fields={"gaussian": {"sigma": 0.5}})
    assert plan.runs[0].model.reconstruction == Gaussian(sigma=0.5)  # type: ignore[attr-defined]
    assert str(plan.sampler) == "gaussian"


def test_two_labels_of_one_run_are_refused() -> None:
    with pytest.raises(BenchError, match="'vae' and 'vae\\[prior=kl\\]' mean the same run"):
        planned(models=["vae", "vae[prior=kl]"])
    assert len(planned(models=["vae"], seeds=[3, 3]).runs) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"optimizer": "adam[lr=-1]"}, "Optimizer 'adam.lr=-1.0.' cannot be used"),
        ({"optimizer": "rmsprop[schedule=power[every=0]]"}, "every must be at least 1, not 0"),
        ({"networks": "compact[width=-3]"}, "width must be at least 1, not -3"),
        ({"models": ["vae[prior=kl[free_bits=-5]]"]}, "free_bits must be at least 0, not -5"),
        ({"metrics": ["fid"]}, "'fid' is a number of a metric: use frechet\\[extractor=inception\\]"),
        ({"name": "../elsewhere"}, "plain name of a folder"),
        ({"losses": {"reconstruction": []}}, "losses: 'reconstruction' needs at least one value to cross"),
        ({"term_weights": {"prior": []}}, "term_weights: 'prior' needs at least one value to cross"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_the_plan(values: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=message) as raised:
        planned(**{"models": ["vae"], **values})
    assert "\n" not in str(raised.value)


def test_an_optimizer_in_brackets_keeps_what_the_study_sets() -> None:
    optimizers = {
        "optimizer": "adam[schedule=cosine]",
        "optimizers": {"discriminator": "adam[lr=0.5]"},
        "device": "cpu",
    }
    for run in make_plan(load_study("quick").with_values(optimizers, "the test"), Registry()).runs:
        assert str(run.optimizer_of("discriminator")) == "adam[lr=0.5,beta1=0.0,beta2=0.99]"
        assert str(run.optimizer_of("encoder")) == "adam[lr=0.002,beta1=0.0,beta2=0.99,schedule=cosine]"
