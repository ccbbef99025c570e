"""`vaegan-bench reproduce` from the command line: its plans, its mistakes, and a whole small reproduction."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from shell import Ran, bench

import vaegan_bench.report.reproduction.paper as papers
from vaegan_bench.report.reproduction.paper import Comparison, Paper

SMALL = Paper(
    name="larsen2016",
    title="A title",
    authors="Somebody",
    url="https://example.org",
    deviations=(),
    presets={
        "arxiv": {"about": "as printed"},
        "quick": {
            "about": "fast",
            "one": {"metrics": ["reconstruction"], "models": ["vae"]},
            "two": {"metrics": ["reconstruction"], "models": ["vae"]},
        },
        "wild": {
            "about": "it diverges",
            "one": {"metrics": ["reconstruction"], "models": ["gan", "vae-disl"], "optimizer": "adam[lr=1e30]"},
            "two": {"metrics": ["reconstruction"], "models": ["vae"]},
        },
    },
    comparisons=tuple(
        Comparison(name=name, title=f"Table {name}", study="smoke", figures=("samples",), metrics=("psnr",))
        for name in ("one", "two")
    ),
    published=(),
    claims=(),
)


@pytest.fixture
def reproduce(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Reproduce the small paper on a data set into `tmp_path`."""
    monkeypatch.setattr(papers, "load_paper", lambda name: SMALL)

    def reproduced(dataset: str, *options: str) -> Ran:
        folders = "--results", tmp_path / "results", "--cache-dir", tmp_path
        return bench("reproduce", "larsen2016", "--dataset", dataset, *options, *folders)

    return reproduced


def page_of(folder: Path) -> str:
    return (folder / "results" / "larsen2016-avatars" / "README.md").read_text("utf-8")


def test_a_paper_is_reproduced_into_a_folder_of_its_own(tmp_path: Path, reproduce: Callable[..., Ran]) -> None:
    done = reproduce("avatars[faces=200]", "--preset", "quick", "--steps", "2")
    assert done.returncode == 0, done.stderr
    page = page_of(tmp_path)
    assert "vaegan-bench reproduce larsen2016 --dataset 'avatars[faces=200]' --preset quick --steps 2" in page
    assert "data set `avatars[faces=200]` instead of `avatars[faces=240]`" in page
    for name in ("one", "two"):
        assert (tmp_path / "results" / "larsen2016-avatars" / name / "samples.png").is_file()
    assert done.stdout.count(": done\n") == 2
    copied = re.findall(r"^vae-s0-\w+: copied from \S+/one/vae-s0-\w+, where it was trained$", done.stdout, re.M)
    assert len(copied) == 1
    assert "README.md" in done.stdout
    report = (tmp_path / "results" / "larsen2016-avatars" / "report.html").read_text("utf-8")
    assert "data set <code>avatars[faces=200]</code> instead of" in report.partition("Deviations from the paper")[2]
    assert report.count("<h3>Table two: avatars") > 3  # in every section


@pytest.mark.usefixtures("tables_alone")
def test_a_run_that_fails_costs_neither_the_other_comparison_nor_the_page(
    tmp_path: Path, reproduce: Callable[..., Ran]
) -> None:
    done = reproduce("two=avatars[faces=200]", "--preset", "wild", "--steps", "3")
    assert done.returncode == 1
    assert "borrows the discriminator of gan, which diverged" in done.stderr
    page = page_of(tmp_path)
    assert "| `gan` | 0 of 1 (1 diverged at step " in page
    assert re.search(r"Not included below are runs that failed or are left out: `vae-disl-s0-\w+`\.", page)
    assert "## Table two" in page
    assert "| `vae` | 1" in page
    # Each comparison can have a data set of its own.
    assert "- two: data set `avatars[faces=200]` instead of `avatars[faces=240]`." in page
    assert "- one: data set" not in page


def test_damaged_data_of_the_last_comparison_are_told_before_the_first_trains(
    tmp_path: Path, reproduce: Callable[..., Ran]
) -> None:
    (tmp_path / "faces").mkdir()
    done = reproduce(f"two=folder[path={tmp_path / 'faces'}]", "--preset", "quick")
    assert done.returncode == 2
    assert "holds no images" in done.stderr
    assert not (tmp_path / "results").exists()


def test_space_for_all_comparisons_is_asked_for_before_the_first_trains(
    tmp_path: Path, reproduce: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=15_000_000)  # enough for either of two
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    done = reproduce("avatars[faces=200]", "--preset", "quick", "--steps", "2")
    assert done.returncode == 2
    assert "The results of 2 comparisons can take up to" in done.stderr
    assert not (tmp_path / "results").exists()


def test_an_extractor_that_no_comparison_takes_is_refused(tmp_path: Path, reproduce: Callable[..., Ran]) -> None:
    done = reproduce("avatars[faces=200]", "--preset", "quick", "--extractor", "oracle")
    message = "--extractor oracle: no effect on reconstruction, which does not take it. Leave it out."
    assert (done.returncode, done.stderr) == (2, f"Error: {message}\n")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("larsen2015",), "Unknown paper 'larsen2015'. Did you mean 'larsen2016'?"),
        (("larsen2016", "--preset", "quik"), "Did you mean 'quick'?"),
        (("larsen2016", "--dataset", "avatar"), "Unknown dataset 'avatar'. Did you mean 'avatars'?"),
        (("larsen2016", "--dataset", "image=avatars"), "Unknown comparison 'image'. Did you mean 'images'?"),
    ],
)
def test_mistakes_are_one_line(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = bench("reproduce", *arguments, "--results", tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_without_the_files_it_says_which_to_fetch(tmp_path: Path) -> None:
    done = bench(
        "reproduce", "larsen2016", "--preset", "quick", "--data-dir", tmp_path, "--results", tmp_path / "results"
    )
    assert done.returncode == 2
    assert "list_attr_celeba.txt" in done.stderr
    assert "http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html" in done.stderr
    assert done.stderr.count("\n") == 1
