"""The command line as its users meet it; where a process of its own matters, in one."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from shell import bench
from small import QUITTER
from small_studies import MORTAL
from stored_study import edit

import vaegan_bench
from vaegan_bench.report.tables import number
from vaegan_bench.results.files import read_json
from vaegan_bench.results.run_folder import RunFolder

COMMAND = [sys.executable, "-c", "from vaegan_bench.cli import main; main()"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "160", "NO_COLOR": "1", "TERM": "dumb"}


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The folder of a finished smoke study."""
    results = tmp_path_factory.mktemp("results")
    line = [*COMMAND, "run", "smoke", "--workers", "1", "--results", str(results), "--cache-dir", str(cache)]
    done = subprocess.run(line, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return results / "smoke"


@pytest.fixture
def small(tmp_path: Path, cache: Path) -> Path:
    """The folder of a finished study of two models, whose report takes a few seconds."""
    line = ("run", "smoke", "--models", "vae,vaegan-pixel", "--metrics", "reconstruction", "--steps", "2")
    done = bench(*line, "--results", tmp_path, "--cache-dir", cache)
    assert done.returncode == 0, done.stderr
    return tmp_path / "smoke"


def test_a_study_leaves_what_the_readme_promises(smoke: Path) -> None:
    rows = pd.read_parquet(smoke / "results.parquet")
    from_text = pd.read_csv(smoke / "results.csv", dtype={"trained_on": str}).fillna(
        dict.fromkeys(("attribute", "code", "reading", "instrument", "trained_on"), "")
    )
    pd.testing.assert_frame_equal(rows, from_text, check_dtype=False)
    assert list(dict.fromkeys(rows["model"])) == ["vae", "gan", "vaegan", "vaegan-pixel"]
    assert {"frechet[oracle[images=640]]", "psnr", "ssim", "speed"} <= set(rows["metric"])
    assert not rows["value"].isna().any()
    assert "psnr" not in set(rows.loc[rows["model"] == "gan", "metric"])  # no encoder, no reconstruction
    for name in ("samples", "reconstructions", "metrics", "learning-curves", "nearest-training", "latent"):
        with Image.open(smoke / f"{name}.png") as image:
            assert image.width > 400
    runs = [path.parent for path in smoke.glob("*/run.json")]
    assert len(runs) == 4
    for run in runs:
        names = {path.name for path in run.iterdir()}
        assert {"run.json", "history.csv", "metrics.json", "weights.safetensors", "samples.png"} <= names
    assert "vaegan-pixel" in (smoke / "summary.md").read_text()
    assert "oracle-auc" in (smoke / "attributes.md").read_text()


@pytest.mark.usefixtures("tables_alone")
def test_a_second_run_skips_what_is_finished(smoke: Path, cache: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in smoke.glob("*/weights.safetensors")}
    again = bench("run", "smoke", "--results", smoke.parent, "--cache-dir", cache)
    assert "4 of them finished before" in again.stdout
    assert before == {path: path.stat().st_mtime_ns for path in smoke.glob("*/weights.safetensors")}


def test_tables_and_figures_are_made_again_without_training(small: Path) -> None:
    for name in ("summary.md", "metrics.png", "samples.png"):
        (small / name).unlink()
    shown = bench("table", small)
    assert shown.returncode == 0
    assert "vaegan-pixel" in shown.stdout
    assert not (small / "summary.md").exists()
    wrong = bench("report", small, "--plugin", "nosuch.py")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert not (small / "summary.md").exists()
    assert bench("report", small).returncode == 0
    assert all((small / name).is_file() for name in ("summary.md", "metrics.png", "samples.png"))


def test_compare_gives_no_verdict_from_one_seed(smoke: Path) -> None:
    done = bench("compare", "vaegan", "vae", "--study", smoke, "--fail-if-worse")
    assert done.returncode == 0, done.stderr
    assert "vaegan − vae, 1 common seed" in done.stdout
    assert "no verdict possible at 1 seed: 8 are needed" in " ".join(done.stdout.split())


def test_compare_sets_the_exit_code(smoke: Path, tmp_path: Path) -> None:
    trained = next(smoke.glob("vae-s0-*"))
    for seed in range(6):
        for label, lead in (("vae", 1.0), ("worse", 0.0)):
            copy = Path(shutil.copytree(trained, tmp_path / f"{label}-{seed}"))
            edit(copy / "run.json", id=copy.name, label=label, seed=seed)
            measured = read_json(copy / "metrics.json")["measurements"]
            for row in (row for each in measured for row in each["rows"]):
                row["value"] = seed + lead
            edit(copy / "metrics.json", measurements=measured)
    shutil.copy(smoke / "study.json", tmp_path)
    edit(tmp_path / "study.json", runs=[f"{label}-{seed}" for label in ("vae", "worse") for seed in range(6)])
    arguments = ("--study", tmp_path, "--metric", "psnr")
    assert bench("compare", "vae", "worse", *arguments, "--fail-if-worse").returncode == 0
    assert bench("compare", "worse", "vae", *arguments).returncode == 0
    failed = bench("compare", "worse", "vae", *arguments, "--fail-if-worse")
    assert failed.returncode == 1
    assert "psnr ↑ (dB)" in failed.stdout
    assert "0.031 worse" in " ".join(failed.stdout.split())
    plain = bench("compare", "vae", "worse", "--study", tmp_path, "--metric", "frechet")
    assert plain.stdout.count("frechet") == plain.stdout.count("frechet[oracle[images=640]]") == 1
    wrong = bench("compare", "vae", "worse", *arguments, "--metric", "psn")
    assert wrong.returncode == 2
    assert "Did you mean 'psnr'?" in wrong.stderr


def test_finished_runs_are_measured_again_without_training(smoke: Path, cache: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(next(smoke.glob("vae-s0-*")), tmp_path / "vae"))
    weights = (copy / "weights.safetensors").read_bytes()
    metrics = "latent-health,linear-probe[extractor=oracle[images=640]]"
    chosen = ("--metrics", metrics, "--samples", "20", "--cache-dir", cache)
    mistaken = bench("evaluate", copy, tmp_path / "nowhere", *chosen)
    assert (mistaken.returncode, mistaken.stdout) == (2, "")  # nothing is measured yet
    assert "nowhere holds no run: there is no run.json in it." in mistaken.stderr
    done = bench("evaluate", copy, *chosen)
    assert done.returncode == 0, done.stderr
    assert "active-units" in done.stdout
    assert "psnr" not in done.stdout
    rows = list(RunFolder(copy).rows())
    kl = {json.loads(row["protocol"])["n_real"]: row["value"] for row in rows if row["metric"] == "kl"}
    assert set(kl) == {20, 40}  # what was measured before is still there
    assert {"probe-auc", "psnr", "frechet[oracle[images=640]]"} <= {row["metric"] for row in rows}
    assert (copy / "weights.safetensors").read_bytes() == weights


def test_a_study_stands_for_all_of_its_runs(smoke: Path, cache: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(smoke, tmp_path / "smoke"))
    line = ("--metrics", "latent-health", "--samples", "20", "--out", tmp_path / "rows.csv", "--cache-dir", cache)
    done = bench("evaluate", copy, *line)
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert set(rows["run"]) == {path.parent.name for path in copy.glob("*/run.json")}


def test_every_run_of_a_study_is_measured_or_named(smoke: Path, cache: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(smoke, tmp_path / "smoke"))
    gan, pixel, vae, vaegan = (next(copy.glob(f"{name}-s0-*")) for name in ("gan", "vaegan-pixel", "vae", "vaegan"))
    (vae / "metrics.json").write_text("{}")
    (gan / "run.json").write_text("{}")
    (vaegan / "history.csv").write_text("")
    shutil.rmtree(pixel)
    line = ("evaluate", copy, "--metrics", "latent-health", "--samples", "20", "--cache-dir", cache)
    done = bench(*line, "--out", tmp_path / "rows.csv")
    assert done.returncode == 1
    assert set(pd.read_csv(tmp_path / "rows.csv")["run"]) == {vae.name}
    named = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(named) == 3, done.stderr
    assert all(str(run) in done.stderr for run in (gan, pixel, vaegan))
    assert f"{pixel} holds no run: there is no run.json in it." in done.stderr
    for run in (gan, vae, vaegan):
        shutil.rmtree(run)
    nothing = bench(*line)
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert "holds no finished run yet: train some with vaegan-bench run." in nothing.stderr


def test_folders_of_images_get_the_numbers_of_the_run_that_made_them(smoke: Path, cache: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(next(smoke.glob("vae-s0-*")), tmp_path / "vae"))
    again = ("--metrics", "frechet[extractor=efflite0]", "--samples", "40", "--cache-dir", cache)
    assert bench("evaluate", run, *again).returncode == 0  # one draw: the one whose images are kept
    kept = RunFolder(run).images()
    for name in ("originals", "samples"):
        (tmp_path / name).mkdir()
        for i, image in enumerate(kept[name]):
            Image.fromarray(image).save(tmp_path / name / f"{i:03}.png")
    folders = ("--real", tmp_path / "originals", "--fake", tmp_path / "samples")
    done = bench("evaluate", *folders, "--metrics", "frechet")  # without attributes, the same extractor
    assert done.returncode == 0, done.stderr
    of_samples = [row for row in RunFolder(run).rows() if row["metric"] == "frechet[efflite0]"]
    (frechet,) = (row["value"] for row in of_samples if json.loads(row["protocol"])["draws"] == 1)
    assert f"frechet[efflite0] ↓ {number(frechet)}" in " ".join(done.stdout.split())
    Image.fromarray(kept["samples"][0][:16]).save(tmp_path / "samples" / "zz.png")
    (tmp_path / "samples" / "damaged.png").write_bytes(b"no image")
    named = bench("evaluate", *folders)
    assert named.returncode == 2
    assert "1 of the first 42 images of" in named.stderr
    assert "damaged.png: it is not an image of a known format" in named.stderr
    (tmp_path / "samples" / "damaged.png").unlink()
    wrong = bench("evaluate", *folders)
    assert wrong.returncode == 2
    assert "zz.png has 32×16 pixels, and 000.png has 32×32: all images of a folder must have one size" in wrong.stderr


def test_sample_draws_a_grid_from_a_run(smoke: Path, tmp_path: Path) -> None:
    run = next(smoke.glob("vaegan-s0-*"))
    done = bench("sample", run, "--n", "10", "--columns", "5", "--out", tmp_path / "grid.png")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.size == (2 * (5 * 32 + 4 * 2), 2 * (2 * 32 + 2))
    large = bench("sample", run, "--n", "300", "--columns", "1", "--out", tmp_path / "grid.webp")
    assert (large.returncode, large.stderr.count("\n")) == (2, 1)
    assert f"Cannot write the image {tmp_path / 'grid.webp'}: " in large.stderr
    assert large.stderr.endswith("Choose a name that ends in .png.\n")
    wrong = bench("sample", run, "--given", "Smiling", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "--given Smiling: no effect on" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--models", "veagan"), "Unknown model 'veagan'. Did you mean 'vaegan'?"),
        (("run", "--models", "vaegan[gama=1]"), "Did you mean 'gamma'?"),
        (("run", "quik"), "Unknown study 'quik'. Did you mean 'quick'?"),
        (("run", "nowhere.toml"), "There is no study file nowhere.toml"),
        (
            ("run", "--models", "veagan", "--models", "vae", "--dry-run"),
            "Unknown model 'veagan'. Did you mean 'vaegan'?",
        ),
        (
            ("run", "--models", "vae", "--fields", "kl[free_bits=1]", "--fields", "r1[weight=2]"),
            "--fields r1[…]: no effect, because nothing here uses 'r1'. Leave it out.",
        ),
        (("run", "--fields", "vae", "--dry-run"), "No field of 'vae' is given: write vae[field=value]."),
        (
            ("run", "--dry-run", "--metrics", "reconstruction", "--metrics", "latent-health", "--extractor", "vgg16"),
            "--extractor vgg16: no effect on reconstruction, latent-health, which do not take it. Leave it out.",
        ),
        (
            ("run", "--dry-run", "--metrics", "kid[extractor=efflite0]", "--extractor", "oracle"),
            "--extractor oracle: no effect on kid[extractor=efflite0], which does not take it. Leave it out.",
        ),
        (("run", "--seeds", "few"), "--seeds takes a number"),
        (("run", "--losses", "adversarial"), "--losses takes field=loss"),
        (("run", "--device", "cuda:9"), "Device 'cuda:9' cannot be used here"),
        (("run", "--plugin", "nowhere.py"), "There is no plugin file nowhere.py"),
        (("run", "--metrics", "fid"), "use frechet[extractor=inception]"),
        (("run", "--metrics", "flip-rate"), "'flip-rate' is a number of a metric: use attribute-vectors."),
        (("run", "--models", "vae[beta=4]"), "coefficients of terms are written as prior.weight=4."),
        (("run", "--workers", "0"), "Engine 'processes': workers must be at least 1, or auto, not 0."),
        (("run", "--workers", "-1"), "Engine 'processes': workers must be at least 1, or auto, not -1."),
        (
            ("reproduce", "larsen2016", "--workers", "two"),
            "workers takes a whole number of at most 64 bits or 'auto', not 'two'.",
        ),
        (("reproduce", "larsen2016", "--seeds", "1001"), "'--seeds': Input should be less than or equal to 1000."),
        (("list", "model"), "Did you mean 'models'?"),
        (("run", "--extractor", "inception[weights=nowhere.pth]"), "are not at nowhere.pth: put"),
        (("run", "--fields", "inception[weights=nowhere.pth]", "--extractor", "inception"), "are not at nowhere.pth"),
        (("reproduce", "larsen2016", "--fields", "inceptoin[weights=w]"), "Did you mean 'inception'?"),
        (("run", "--extractor", "efflit0"), "Did you mean 'efflite0'?"),
        (("evaluate",), "Name the runs to evaluate, or two folders"),
        (("evaluate", "--real", "nowhere"), "Name the runs to evaluate, or two folders"),
        (("evaluate", "--real", "nowhere", "--fake", "."), "There is no folder nowhere"),
        (("evaluate", "nowhere"), "nowhere holds no run: there is no run.json in it."),
        (("show", "vaegn"), "Did you mean 'vaegan'?"),
        (("show", "gaussian[sigmma=1]"), "Did you mean 'sigma'?"),
        (("show", "kl[foo.weight=3]"), "'kl' has no terms, and so no foo.weight: only models have."),
        (("table", "nowhere"), "nowhere holds no study"),
        (("sample", "nowhere"), "nowhere holds no run: there is no run.json in it."),
        (("sample", "nowhere", "--out", "a.txt"), "Cannot write the image a.txt: choose a name that ends in .png."),
        (
            ("data", "info", "mnist5k", "--out", "a.txt"),
            "Cannot write the image a.txt: choose a name that ends in .png.",
        ),
        (("data", "info", "mnist5k", "--out", "no/a.png"), "Cannot write no/a.png: there is no folder no."),
        (("sample", "nowhere", "--out", "."), "Cannot write .: that is a folder."),
        (("evaluate", "nowhere", "--out", "."), "Cannot write .: that is a folder."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_are_one_line_and_exit_code_2(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = bench(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_named_as_a_data_set_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for command in (("run", "--datasets", "mine"), ("data", "info", "mine")):
        done = bench(*command, cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "There is a folder of this name: write folder[path=mine]." in done.stderr
    assert "There is a folder" not in bench("run", "--models", "mine", cwd=tmp_path).stderr


def test_a_results_folder_that_cannot_be_written_is_told_before_training(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "results").write_text("a file where a folder should be")
    done = bench("run", "smoke", "--results", tmp_path / "results", "--cache-dir", cache)
    assert done.returncode == 2
    assert "Cannot write results to" in done.stderr
    assert "--results" in done.stderr


def test_ctrl_c_says_what_is_kept_and_the_next_run_goes_on(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "mortal.py").write_text(MORTAL)
    line = ["run", "smoke", "--models", "gan,waiting", "--metrics", "reconstruction", "--steps", "20"]
    line += ["--workers", "1", "--plugin", "mortal.py", "--cache-dir", str(cache)]
    # Jobs in the background ignore SIGINT, and hand that on to their children; a handler is not handed on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [*COMMAND, *line], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=ENVIRONMENT
    )  # fmt: skip
    signal.signal(signal.SIGINT, before)
    while not list(tmp_path.glob("results/smoke/gan-*/metrics.json")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "1 of 2 runs are finished and kept in" in output
    assert not list(tmp_path.glob("results/smoke/.*.partial"))  # nothing half-written is left
    (tmp_path / "hurry").touch()
    again = bench(*line, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "1 of them finished before" in again.stdout


def test_a_dry_run_prints_the_plan_and_trains_nothing(tmp_path: Path) -> None:
    done = bench("run", "smoke", "--dry-run", "--seeds", "2", "--results", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "12 × 16" in done.stdout
    assert "Training all 8 runs from the start would take about" in done.stdout
    assert "workers" not in done.stdout
    assert "With 2 seeds there are no verdicts on all 4 models (from 8 seeds)." in done.stdout
    assert (
        "The images of avatars[faces=240] were not looked at: vaegan-bench data info 'avatars[faces=240]'"
        in done.stdout
    )
    chosen = ("--models", "vae", "--datasets", "avatars[faces=240],shapes", "--seeds", "2")
    three = bench("run", "smoke", "--dry-run", *chosen, "--workers", "3", cwd=tmp_path)
    assert " here with 3 workers, measured on a few steps each, one run alone; " in three.stdout
    (header,) = (line for line in three.stdout.splitlines() if "images/s" in line)
    (row,) = (line for line in three.stdout.splitlines() if "12 × 16" in line)
    assert re.findall(r"\w+", header)[:2] == ["model", "runs"]
    assert re.findall(r"\w+", row)[:2] == ["vae", "4"]
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_says_what_the_study_sets(tmp_path: Path) -> None:
    small = (
        "--networks",
        "compact[width=4]",
        "--optimizer",
        "decoder=adam[lr=0.5]",
        "--models",
        "gan[gate=margin],vae",
    )
    done = bench("run", "quick", "--dry-run", *small, "--seeds", "1", cwd=tmp_path, width=400)
    assert "vae here means vae[reconstruction=gaussian-learned,prior.weight=10], unless a label" in done.stdout
    assert "vaegan here means" not in done.stdout
    assert "Optimizer: adam[lr=0.002,beta1=0.0,beta2=0.99]; of player 'decoder': adam[lr=0.5,beta1=0.0," in done.stdout
    assert (
        "With 1 seed there are no intervals (from 2 seeds) and no verdicts on all 2 models (from 6 seeds)."
        in done.stdout
    )


@pytest.mark.usefixtures("tables_alone")
def test_a_run_says_what_the_tables_will_not_show(tmp_path: Path, cache: Path) -> None:
    line = ("run", "smoke", "--metrics", "reconstruction", "--steps", "1", "--cache-dir", cache, "--models")
    assert "not in this one" not in bench(*line, "vae,gan", cwd=tmp_path, width=300).stdout
    assert "not in this one" not in bench(*line, "vae,gan", cwd=tmp_path, width=300).stdout
    said = bench(*line, "vae", cwd=tmp_path, width=300).stdout
    assert "The finished run gan-s0-" in said
    assert "of the study that results/smoke holds is not in this one: its tables and figures will not show it." in said


@pytest.mark.usefixtures("tables_alone")
def test_one_run_is_not_called_runs(tmp_path: Path, cache: Path) -> None:
    line = ("run", "smoke", "--models", "vae", "--metrics", "reconstruction", "--cache-dir", cache)
    assert "Training 1 run from the start would take about" in bench(*line, "--dry-run", cwd=tmp_path).stdout
    assert "Study smoke: 1 run; 12 steps of 16" in bench(*line, cwd=tmp_path).stdout


def test_show_prints_the_game() -> None:
    shown = bench("show", "vaegan[gamma=0.25,prior.weight=linear[over=5]]").stdout
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in shown.splitlines() if "│" in line]
    assert ["prior", "1 × linear[over=5]", "", ""] in cells
    assert ["similarity", "1", "0.25", ""] in cells
    assert ["generator", "", "1", ""] in cells
    assert ["discriminator", "", "", "1"] in cells
    assert ["moves the weights of", "encoder", "decoder, scale", "discriminator, memory"] in cells
    assert "vaegan[prior.weight=4] multiplies the coefficient of 'prior' by 4" in shown


def test_show_prints_a_study_as_its_file_has_it() -> None:
    assert tomllib.loads(bench("show", "quick").stdout)["fields"]["adam"] == {"lr": 0.002, "beta1": 0, "beta2": 0.99}


def test_show_describes_the_plugins_that_have_the_given_fields() -> None:
    both = bench("show", "gaussian").stdout
    assert ("gaussian (sampler)" in both, "gaussian (reconstruction loss)" in both) == (True, True)
    one = bench("show", "gaussian[sigma=0.5]")
    assert one.returncode == 0, one.stderr
    assert ("gaussian (sampler)" in one.stdout, "sigma = 0.5" in one.stdout) == (False, True)


def test_list_shows_fields_defaults_and_origin() -> None:
    listed = bench("list", "losses").stdout
    for words in ("gaussian", "sigma=1.0", "free_bits=0.0", "hinge", "gradient-penalty", "r1", "built-in"):
        assert words in listed


def test_help_has_examples_and_does_not_load_torch() -> None:
    code = "import sys, vaegan_bench.cli.app as a; sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert "vaegan-bench run --models all" in bench("run", "--help").stdout


@pytest.mark.usefixtures("tables_alone")
def test_divergence_is_a_row_and_never_ends_the_study(tmp_path: Path, cache: Path) -> None:
    models = "vae,vae[reconstruction=gaussian[sigma=1e-30]]"
    line = ("run", "smoke", "--models", models, "--metrics", "reconstruction", "--results", tmp_path)
    done = bench(*line, "--cache-dir", cache)
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(tmp_path / "smoke" / "results.csv")
    assert set(rows["status"]) == {"ok", "diverged at step 1"}
    assert set(rows.loc[rows["status"] != "ok", "family"]) == {"training"}
    assert "diverged at step 1" in (tmp_path / "smoke" / "summary.md").read_text()
    out = tmp_path / "rows.csv"
    again = bench("evaluate", tmp_path / "smoke", "--metrics", "latent-health", "--cache-dir", cache, "--out", out)
    assert again.returncode == 0, again.stderr
    assert "diverged at step 1" in again.stdout
    assert set(pd.read_csv(out).query("family == 'latent'")["status"]) == {"ok"}
    (diverged,) = (tmp_path / "smoke").glob("*sigma*/")
    alone = bench("evaluate", diverged, "--metrics", "latent-health", "--cache-dir", cache)
    assert (alone.returncode, "diverged at step 1" in alone.stdout.replace("\n", " ")) == (0, True)


def test_a_study_in_which_every_run_diverges_still_reports(tmp_path: Path, cache: Path) -> None:
    model = "vae[reconstruction=gaussian[sigma=1e-30]]"
    done = bench("run", "smoke", "--models", model, "--results", tmp_path, "--cache-dir", cache)
    assert done.returncode == 0, done.stderr
    assert "diverged at step 1" in done.stdout
    assert (tmp_path / "smoke" / "learning-curves.png").is_file()


FRAGILE = '''
"""A metric that works only once a file is there."""
from dataclasses import dataclass
from pathlib import Path
from vaegan_bench.api import Measurement, Metric, hookimpl

@dataclass(frozen=True, kw_only=True)
class Fragile(Metric):
    """Reads its number from a file."""
    name = "fragile"
    family = "sample quality"

    def __call__(self, outputs):
        return [Measurement("fragile", float(Path("number.txt").read_text()), "higher", "1")]

@hookimpl
def vaegan_bench_plugins():
    return [Fragile]
'''


@pytest.mark.usefixtures("tables_alone")
def test_a_metric_that_fails_costs_nothing_else_and_is_tried_again(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "fragile.py").write_text(FRAGILE)
    line = ("run", "smoke", "--models", "vae", "--metrics", "fragile,reconstruction", "--plugin", "fragile.py")
    first = bench(*line, "--cache-dir", cache, cwd=tmp_path)
    assert first.returncode == 1
    assert "fragile: FileNotFoundError" in first.stderr
    summary = tmp_path / "results" / "smoke" / "summary.md"
    assert "## Not measured" in summary.read_text()
    assert "psnr" in summary.read_text()
    (tmp_path / "number.txt").write_text("7.5")
    assert bench(*line, "--cache-dir", cache, cwd=tmp_path).returncode == 0
    assert "## Not measured" not in summary.read_text()
    assert "7.5" in summary.read_text()


@pytest.mark.usefixtures("tables_alone")
def test_a_run_that_raises_does_not_cost_the_others(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "quitter.py").write_text(QUITTER)
    line = ("run", "smoke", "--models", "quitter,vae", "--metrics", "reconstruction", "--results", tmp_path)
    done = bench(*line, "--plugin", tmp_path / "quitter.py", "--cache-dir", cache)
    assert done.returncode == 1
    assert re.search(r"Error: quitter-s0-\w+: ValueError: no more \(quitter\.py:15\)", done.stderr)
    assert "Traceback" not in done.stderr
    assert set(pd.read_csv(tmp_path / "smoke" / "results.csv")["model"]) == {"vae"}


def test_the_version_is_told_without_a_command() -> None:
    done = bench("--version")
    assert (done.returncode, done.stdout) == (0, f"vaegan-bench {vaegan_bench.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check",), "Missing argument 'target'. See vaegan-bench check --help."),
        (("run", "--nosuch"), "No such option: --nosuch"),
        (("run", "--steps", "abc"), "Invalid value for '--steps'"),
        (("data", "info", "avatars", "--size", "4"), "Invalid value for '--size'"),
        (("nosuch",), "No such command 'nosuch'"),
    ],
)
def test_a_misuse_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = bench(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {message}")
    assert done.stderr.count("\n") == 1


def test_without_a_command_there_is_help() -> None:
    assert "reproduce" in bench().stdout + bench().stderr


def test_a_data_set_that_raises_is_told_with_its_place(tmp_path: Path) -> None:
    plugin = tmp_path / "lost.py"
    bench("new", "dataset", "lost", "--folder", tmp_path)
    code = plugin.read_text()
    plugin.write_text(code.replace("        noise =", '        raise FileNotFoundError("faces.npy")\n        noise ='))
    for command in (
        ("data", "info", "lost", "--plugin", str(plugin)),
        ("run", "smoke", "--datasets", "lost", "--plugin", str(plugin), "--results", str(tmp_path / "results")),
    ):
        done = bench(*command)
        assert "Dataset 'lost' cannot be loaded: FileNotFoundError: faces.npy (lost.py:" in done.stderr
        assert done.returncode in (1, 2)
