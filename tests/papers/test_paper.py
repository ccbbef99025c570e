"""Papers: the studies that they come to, value by value, and the page that puts ours beside theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from comparisons import frame, row, run

import vaegan_bench as vb
from vaegan_bench.api import Optimizer, StudyError, UnknownNameError
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.reproduction.claims import judge, plain_name
from vaegan_bench.report.reproduction.paper import (
    Claim,
    Comparison,
    Deviation,
    Paper,
    Published,
    load_paper,
    packaged_papers,
)
from vaegan_bench.report.reproduction.published import side_by_side
from vaegan_bench.report.reproduction.reproduction import Reproduction
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.resolver import Resolver, metrics_known_as

LARSEN = load_paper("larsen2016")
IMAGES, SIMILARITY = LARSEN.comparisons
REGISTRY = Registry()
EPOCH = 250


def model(comparison: Comparison, preset: str, name: str) -> object:
    study = LARSEN.study(comparison, preset)
    return Resolver(replace(study, device="cpu"), REGISTRY).game(name)[0]


@pytest.mark.parametrize(
    ("preset", "comparison", "epochs", "lr", "gamma", "real_weight", "fakes"),
    [
        ("arxiv", IMAGES, 150, 3.125e-4, 1e-5, 0.66, "both"),
        ("arxiv", SIMILARITY, 150, 3.125e-4, 1e-5, 0.66, "both"),
        ("last", IMAGES, 250, 0.025 / 64, 1e-6, 0.5, "samples"),
        ("last", SIMILARITY, 150, 0.01 / 64, 1e-6, 0.33, "samples"),
    ],
)
def test_presets_are_the_settings_of_the_two_versions_of_the_code(
    preset: str, comparison: Comparison, epochs: int, lr: float, gamma: float, real_weight: float, fakes: str
) -> None:
    study = LARSEN.study(comparison, preset)
    assert (study.size, study.batch, study.steps, study.networks) == (64, 64, epochs * EPOCH, "larsen")
    optimizer = REGISTRY.build(Optimizer, study.optimizer)
    # The code adds 2 · 1e-5 times the weights to sums of gradients over a batch, and the harness has means.
    assert (optimizer.lr, optimizer.weight_decay, optimizer.schedule.name) == (lr, 2 * 1e-5 / study.batch, "power")
    assert (optimizer.decay, optimizer.epsilon) == (0.9, 1e-8 / 64)  # type: ignore[attr-defined]
    vaegan = model(comparison, preset, "vaegan")
    assert (vaegan.gamma, vaegan.fakes) == (gamma, fakes)  # type: ignore[attr-defined]
    assert vaegan.adversarial_weight == pytest.approx(1 - gamma, abs=1e-12)  # type: ignore[attr-defined]
    for name in ("gan", "vaegan"):
        game = model(comparison, preset, name)
        assert (game.adversarial.epsilon, game.adversarial.real_weight) == (1e-3, real_weight)  # type: ignore[attr-defined]
        assert (game.gate.equilibrium, game.gate.margin) == (0.68, 0.35)  # type: ignore[attr-defined]
        assert game.conditional is (comparison is SIMILARITY)  # type: ignore[attr-defined]


def test_the_learning_rate_falls_as_the_authors_did() -> None:
    study = LARSEN.study(IMAGES, "arxiv")
    optimizer = REGISTRY.build(Optimizer, study.optimizer)
    published = {0: 3.125e-4, 37: 2.03e-4, 75: 1.27e-4, 112: 6.2e-5, 149: 1.7e-6}
    for epoch, rate in published.items():
        assert optimizer.schedule(optimizer.lr, epoch * EPOCH, study.steps) == pytest.approx(rate, rel=0.02)


def test_the_eighteen_attributes_are_those_of_the_paper() -> None:
    (vectors,) = [m for m in LARSEN.study(IMAGES, "arxiv").metrics if m.startswith("attribute-vectors")]
    shown = vectors.partition("shown=")[2].rstrip("]").split()
    assert len(shown) == 18
    assert {"Bald", "Eyeglasses", "Heavy_Makeup", "Smiling", "Young"} <= set(shown)


def test_the_gan_of_vae_disl_is_the_gan_of_the_study() -> None:
    assert model(IMAGES, "arxiv", "vae-disl").gan == model(IMAGES, "arxiv", "gan")  # type: ignore[attr-defined]


@pytest.mark.parametrize("preset", sorted(LARSEN.presets))
@pytest.mark.parametrize("comparison", LARSEN.comparisons, ids=lambda c: c.name)
def test_every_preset_can_be_planned(preset: str, comparison: Comparison) -> None:
    study = LARSEN.study(comparison, preset)
    plan = make_plan(replace(study, datasets=("avatars",), device="cpu"), REGISTRY)
    assert not plan.skips
    assert {claim.better for claim in LARSEN.claims if claim.comparison == comparison.name} <= set(study.models)


def test_what_nobody_has_is_told() -> None:
    assert list(packaged_papers()) == ["larsen2016"]
    with pytest.raises(UnknownNameError, match="Did you mean 'larsen2016'"):
        load_paper("larsen2015")
    with pytest.raises(UnknownNameError, match="Did you mean 'quick'"):
        LARSEN.study(IMAGES, "quik")


@pytest.mark.parametrize(
    ("better", "worse", "metric", "verdict"),
    [
        ("vae", "vaegan", "psnr", "holds"),
        ("vaegan", "vae", "psnr", "not reproduced at this budget"),
        ("vaegan", "vae", "frechet", "holds"),
        ("vae", "vaegan", "frechet", "not reproduced at this budget"),
    ],
)
def test_enough_seeds_decide_a_claim_whichever_way_its_metric_points(
    better: str, worse: str, metric: str, verdict: str
) -> None:
    rows = frame(
        *(run("vae", seed, 30 + 0.1 * seed**2, 21 + 0.1 * seed) for seed in range(7)),
        *(run("vaegan", seed, 25 + 0.1 * seed, 19) for seed in range(7)),
    )
    claim = Claim(says="so", comparison="one", metric=metric, better=better, worse=worse)
    name, difference, improvement, held = judge(claim, rows, {})
    assert name == {"psnr": "psnr ↑ (dB)", "frechet": "frechet[efflite0] ↓"}[metric]
    assert difference.startswith("-") == (better == "vaegan")
    assert (improvement, held) == ({"holds": "1.00", "not reproduced at this budget": "0.00"}[verdict], verdict)


@pytest.mark.parametrize(("better", "leaning"), [("vae", "agrees with"), ("vaegan", "contradicts")])
def test_too_few_seeds_lean(better: str, leaning: str) -> None:
    rows = frame(
        *(run("vae", seed, 20 + 0.1 * seed) for seed in range(2)), *(run("vaegan", seed, 25) for seed in range(2))
    )
    other = {"vae": "vaegan", "vaegan": "vae"}[better]
    told = judge(Claim(says="so", comparison="one", metric="frechet", better=better, worse=other), rows, {})
    assert told[-1].startswith("no verdict possible at 2 seeds")
    assert told[-1].endswith(f"the mean {leaning} the claim")


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_one_common_seed_gives_no_direction(seeds: tuple[int, ...]) -> None:
    rows = frame(*(run("vae", seed, 20) for seed in seeds), run("vaegan", 0, 25))
    _, _, improvement, said = judge(
        Claim(says="so", comparison="one", metric="frechet", better="vae", worse="vaegan"), rows, {}
    )
    assert (improvement, said) == ("", "no verdict possible at 1 seed: 6 are needed")


def test_real_images_have_a_row_of_ours_and_of_what_was_published() -> None:
    rows = frame([row("vae", 0, "psnr", 21.0, ceiling=30.5)])
    published = [Published(comparison="one", metric="psnr", values={"test set": "31", "gan": "19"}, note="read")]
    table = side_by_side(rows, ("psnr",), published, {})
    assert table.loc["test set"].tolist() == ["", "30.50", "31"]
    assert table.loc["vae"].tolist() == ["1", "21", ""]
    assert table.loc["gan"].tolist() == ["", "", "19"]


def test_what_a_paper_s_file_misspells_is_told() -> None:
    with pytest.raises(UnknownNameError, match="Unknown comparison in preset 'quick' of 'larsen2016': 'similarities'"):
        replace(LARSEN, presets={"quick": {"about": "fast", "similarities": {"steps": 3}}})
    with pytest.raises(StudyError, match="Preset 'quick' of 'larsen2016' does not say what it is `about`"):
        replace(LARSEN, presets={"quick": {}})
    listed = {"about": "fast", "images": {"fields": {"gan": {"gamma": [1, 2]}}}}
    with pytest.raises(StudyError, match="preset 'quick' of 'larsen2016': fields must be a table of tables"):
        replace(LARSEN, presets={"quick": listed}).study(IMAGES, "quick")
    claim = replace(LARSEN.claims[0], comparison="image")
    with pytest.raises(UnknownNameError, match="Did you mean 'images'"):
        replace(LARSEN, claims=(claim,))


def test_extractors_are_no_part_of_what_a_number_is_called() -> None:
    known_as = metrics_known_as(Registry())
    names = {"fid": "frechet", "fid-debiased": "fid-debiased", "frechet[efflite0]": "frechet", "is": "inception-score"}
    for name, metric in {**names, "psnr": "psnr"}.items():
        assert plain_name(name, known_as) == metric


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small paper on the study `smoke`, reproduced."""
    folder = tmp_path_factory.mktemp("paper")
    shared = {"datasets": ["avatars[faces=200]"], "metrics": ["reconstruction"], "steps": 2, "samples": 32}
    comparison = Comparison(name="one", title="Table 1", study="smoke", figures=("samples",), metrics=("psnr", "mse"))
    paper = Paper(
        name="small", title="A title", authors="Somebody", url="https://example.org",
        deviations=(
            Deviation(says="Nothing is as it was."),
            Deviation(says="They are drawn.", dataset="avatars", preset="quick"),
            Deviation(says="Nobody smiles.", dataset="lfw"),
            Deviation(says="All are mirrored.", dataset="avatars[flip=true]"),
            Deviation(says="It takes days.", preset="paper"),
        ),
        comparisons=(comparison,),
        presets={"paper": {"about": "as printed"}, "quick": {"about": "in a second", "one": shared}},
        published=(Published(comparison="one", metric="psnr", values={"vae": "21.5"}, note="read twice"),),
        claims=(
            Claim(says="VAE wins", comparison="one", metric="psnr", better="vae", worse="vaegan"),
            Claim(says="GAN wins", comparison="one", metric="psnr", better="gan", worse="vae"),
        ),
    )  # fmt: skip
    study = replace(paper.study(comparison, "quick"), models=("vae", "gan", "vaegan"))
    vb.run(study, results=folder, cache=folder / "cache", seeds=2)
    return Reproduction(paper, "quick", "vaegan-bench reproduce small", folder).write().read_text("utf-8")


def test_the_page_puts_ours_beside_what_was_published(page: str) -> None:
    assert "|  | runs | psnr ↑ (dB) | psnr ↑ (dB), published | mse ↓ |" in page
    (line,) = [line for line in page.splitlines() if line.startswith("| `vae` |")]
    assert "| 21.5 |" in line
    assert "±" in line
    assert "Published: read twice." in page
    assert "other data" not in page


def test_the_page_tests_the_claims(page: str) -> None:
    (holds,) = [line for line in page.splitlines() if line.startswith("| VAE wins |")]
    assert "no verdict possible at 2 seeds" in holds
    assert "the mean agrees with the claim" in holds or "the mean contradicts the claim" in holds
    assert "| GAN wins | psnr |  |  | not measured |" in page


@pytest.mark.usefixtures("tables_alone")
def test_the_page_says_which_runs_diverged(tmp_path: Path) -> None:
    shared = {"metrics": ["reconstruction"], "steps": 2, "samples": 32, "optimizer": "adam[lr=1e30]"}
    comparison = Comparison(name="one", title="Table 1", study="smoke", figures=(), metrics=("psnr",))
    paper = Paper(
        name="small", title="A title", authors="Somebody", url="https://example.org", deviations=(), published=(),
        comparisons=(comparison,), presets={"paper": {"about": "as printed", "one": shared}},
        claims=(Claim(says="VAE wins", comparison="one", metric="psnr", better="vae", worse="vaegan"),),
    )  # fmt: skip
    study = replace(paper.study(comparison, "paper"), models=("vae",))
    vb.run(study, results=tmp_path, cache=tmp_path / "cache")
    page = Reproduction(paper, "paper", "vaegan-bench reproduce small", tmp_path).write().read_text("utf-8")
    assert "| `vae` | 0 of 1 (1 diverged at step " in page
    assert "not measured; `vae`: 0 of 1 (1 diverged at step " in page


def test_another_extractor_replaces_the_paper_s() -> None:
    study = LARSEN.study(IMAGES, "arxiv")
    with_flag = {
        name: {**fields, "extractor": "efflite0"} for name, fields in study.fields.items() if name == "frechet"
    }
    plan = make_plan(
        replace(study, datasets=("avatars",), device="cpu", fields={**study.fields, **with_flag}), REGISTRY
    )
    extractors = {metric.name: str(metric.extractor) for metric in plan.metrics if hasattr(metric, "extractor")}
    assert (extractors["frechet"], extractors["inception-score"]) == ("efflite0", "inception")


def test_the_page_names_every_deviation_and_its_command(page: str) -> None:
    assert "- one: data set `avatars[faces=200]` instead of `avatars[faces=240]`." in page
    assert "- one: steps is `2` (paper: `12`)." in page
    assert "- Nothing is as it was." in page
    assert "- They are drawn." in page
    for elsewhere in ("Nobody smiles", "All are mirrored", "It takes days"):
        assert elsewhere not in page
    assert "```sh\nvaegan-bench reproduce small\n```" in page
    assert "](one/samples.png)" in page
