"""Names are the users' own: in figures, tables and pages they stand as they are."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from stored_study import DRAWS, SAMPLES, add, edit, measurement, store_study

from vaegan_bench.api import Matrix, Strips
from vaegan_bench.report import plots, tables
from vaegan_bench.report.plots.dataset_sheet import dataset_sheet
from vaegan_bench.report.reproduction.paper import Comparison, load_paper
from vaegan_bench.report.reproduction.reproduction import Reproduction
from vaegan_bench.report.summary import summary_page
from vaegan_bench.report.tables.words import as_code, in_markdown
from vaegan_bench.results.files import read_json
from vaegan_bench.results.stored_files import RUN

ODD = ["$5 or $6", r"a$\frac$b$c", "x|y_z", "_em_ *bold* `code`", "a\x1b[31m\nb", "<b>"]
SHOWN = ["$5 or $6", r"a$\frac$b$c", "x|y_z", "_em_ *bold* `code`", r"a\x1b[31m b", "<b>"]


def rows() -> pd.DataFrame:
    plain = {"metric": "kept$1$", "direction": "higher", "units": "1", "family": "attributes", "protocol": "{}"}
    run = {"dataset": "d$x$", "setting": "s", "networks": "n", "status": "ok", "health": "ok", "noise": None}
    bounds = {"low": np.nan, "high": np.nan, "ceiling": 1.0, "floor": 0.0}
    return pd.DataFrame(
        {**plain, **run, **bounds, "run": f"{model}{seed}", "model": model, "seed": seed, "attribute": attribute,
         "value": 0.1 * seed + 0.01 * i}
        for model in ("vae[path=$a$]", "gan") for seed in range(2) for i, attribute in enumerate(ODD)
    )  # fmt: skip


def drawn(figure: Figure) -> list[Text]:
    """The texts of a figure, once it has been drawn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure.canvas.draw()
    return [text for text in figure.findobj(Text) if text.get_text()]  # type: ignore[misc]


def odd_matrix() -> Matrix:
    return Matrix(np.eye(len(ODD)), rows=tuple(ODD), columns=tuple(ODD), quantity="$q$", row="$r$", column="$c$")


def odd_strips() -> Strips:
    return Strips(np.zeros((len(ODD), 2, 8, 8, 3), np.uint8), titles=tuple(ODD), steps=(0.0, 1.0), symbol="$s$")


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (lambda: plots.matrices({"vae[path=$a$]": odd_matrix(), "gan": odd_matrix()}), SHOWN),
        (lambda: plots.attribute_dots(rows()), [*SHOWN, "kept$1$"]),
        (lambda: plots.metric_dots(rows().assign(attribute="")), ["vae[path=$a$]", "kept$1$"]),
        (lambda: dataset_sheet("folder[path=$a$]", "$1$", np.zeros((60, 8, 8, 3), np.uint8), np.ones((60, 6)) > 0, ODD),
         [*SHOWN, "folder[path=$a$]", "$1$"]),
        (lambda: plots.strips({"vae": odd_strips()}), SHOWN),
    ],
)  # fmt: skip
def test_no_name_is_a_formula_in_a_figure(figure: object, expected: list[str]) -> None:
    texts = drawn(figure())  # type: ignore[operator]
    assert set(expected) <= {text.get_text().strip() for text in texts}
    assert not [text.get_text() for text in texts if "$" in text.get_text() and text.get_parse_math()]


def test_names_keep_their_cell_in_markdown() -> None:
    page = tables.attributes_to_markdown(rows(), "a title\nwith two lines")
    assert page.startswith("# a title with two lines\n")
    lines = [line for line in page.splitlines() if line.startswith("|")]
    cells = [line.replace(r"\|", "").count("|") for line in lines]
    assert len(set(cells)) == 1
    assert len(lines) == 2 + len(ODD)
    for shown in ("`$5 or $6`", r"`x\|y_z`", "`` _em_ *bold* `code` ``", r"`a\x1b[31m b`", "`<b>`"):
        assert f"| {shown} |" in page


@pytest.mark.parametrize("name", ["Smiling", "Wearing_Hat", "5_o_Clock_Shadow", "avatars 32×32", "Größe"])
def test_plain_names_stay_plain(name: str) -> None:
    assert in_markdown(name) == name


def test_code_holds_any_name() -> None:
    assert as_code("a") == "`a`"
    for emphasis in ("a __b__", "_a_ b", "a _b_", "a_", "_"):
        assert in_markdown(emphasis) == f"`{emphasis}`"
    assert as_code("`a``b`") == "``` `a``b` ```"


def test_the_name_of_a_data_set_is_code_in_every_list_of_the_summary(tmp_path: Path) -> None:
    study, name = store_study(tmp_path / "stored"), 'grey[note=<b>|"q"]'
    for run in study.runs():
        edit(run.path / RUN, dataset=name)
    found = study.rows().assign(health="collapsed")
    page = summary_page(study, found, has_attributes=False)
    assert f"- `vae` on {as_code(name)}, seed 0: collapsed" in page
    assert f"- {as_code(name)}: 60 training images" in page
    assert page.count("<b>") == page.count(as_code(name))
    assert "- sampler: `prior`" in page


def test_the_summary_says_how_runs_were_computed_and_what_had_nothing_to_measure(tmp_path: Path) -> None:
    study = store_study(tmp_path / "stored")
    for run in study.runs():
        edit(run.path / RUN, definition={**read_json(run.path / RUN)["definition"], "precision": "bfloat16"})
    before = summary_page(study, study.rows(), has_attributes=False)
    assert "- precision: `auto`, here `bfloat16`" in before
    assert "reconstruction`: no numbers" not in before
    assert study.without_numbers() == []
    for run in study.runs():
        add(run, [(measurement({}, SAMPLES, DRAWS, problem="" if run.path.name == "vae-0" else "no images"), {})])
    assert study.without_numbers() == []  # most had a problem, which is named for each run
    for run in study.runs():
        add(run, [(measurement({}, SAMPLES, DRAWS), {})])
    assert study.without_numbers() == ["reconstruction"]
    page = summary_page(study, study.rows(), has_attributes=False)
    assert "- `reconstruction`: no numbers, as neither the data nor the models of this study have what it" in page


def test_the_name_of_a_data_set_is_code_on_the_page_of_a_paper(tmp_path: Path) -> None:
    comparison = Comparison(name="one", title="One", study="smoke", figures=(), metrics=("psnr",))
    presets = {"quick": {"about": "fast"}}
    paper = replace(load_paper("larsen2016"), comparisons=(comparison,), presets=presets, published=(), claims=())
    study = store_study(tmp_path / "one")
    for run in study.runs():
        edit(run.path / RUN, dataset="_odd_ data", remarks=["2 images are left out"])
    page = Reproduction(paper, "quick", "vaegan-bench reproduce small", tmp_path).write().read_text("utf-8")
    assert "\nOf `_odd_ data`, 2 images are left out.\n" in page
