"""Tables to paste into a paper: whatever names are made of, what is shown is what was measured."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest
from comparisons import diverged, eight_seeds, frame, row, run
from shell import bench
from stored_study import declared, store_study

from vaegan_bench.report import tables
from vaegan_bench.report.tables.latex import SIGNS, escape
from vaegan_bench.report.tables.typeset import typeset

NASTY = r"vae[path=C:\data_1\50%,x={a}&b#c$d~e^f|<g>--'`h`']"


def led(rows: pd.DataFrame, *numbers: str) -> pd.DataFrame:
    return rows.assign(headline=rows["metric"].isin(numbers))


def shown_by_latex(text: str) -> str:
    """What LaTeX sets: commands as the signs that they stand for. Raises for a sign that LaTeX would not set."""
    commands = sorted({*SIGNS.values(), "{}"}, key=len, reverse=True)
    back = {command: sign for sign, command in SIGNS.items()} | {"{}": ""}
    pattern = re.compile("|".join(map(re.escape, commands)))
    assert not re.search(r"[\\{}$&#^_~%<>|`'\"]|--", pattern.sub(" ", text)), text
    return pattern.sub(lambda found: back[found[0]], text)


@pytest.mark.parametrize(
    "name",
    [NASTY, "a_b", "100 % & more", "\\", "x^2 ~ {y}", "psnr ↑ (dB) †", "1 ± 2 × 3", "--a--", "a---b", "a — b", "-—-"],
)
def test_every_name_is_set_as_it_is(name: str) -> None:
    assert shown_by_latex(escape(name)) == name


def test_a_dash_is_one_dash() -> None:
    assert escape("a — b") == "a --- b"
    assert escape("a--b") == "a-{}-b"


def test_a_line_break_in_a_name_is_none_in_a_table() -> None:
    rows = frame(run("vae", 0, 30.0, dataset="two\nlines"))
    assert "two lines:" in tables.to_latex(rows, headlines=True)
    assert "\ntwo lines: " in tables.to_paste(rows, headlines=True)


def test_markdown_has_models_down_headlines_across_and_a_caption() -> None:
    rows = led(eight_seeds(), "psnr", "frechet[efflite0]")
    assert tables.to_paste(rows, headlines=True).splitlines() == [
        "| model | `frechet[efflite0]` ↓ | psnr ↑ (dB) |",
        "| --- | ---: | ---: |",
        "| `vae` | 33.5 ± 2.0 | **24.5 ± 2.0** |",
        "| `vaegan` | **32.5 ± 2.0** | 23.5 ± 2.0 |",
        "| `gan` | 43.5 ± 2.0 |  |",
        "",
        "avatars: Means over 8 seeds; ± is the 95 % Student t-interval over seeds. Bold: better than every other model "
        "by a paired sign-flip test (5 %, Holm over all pairs). Empty: the model has no such output, was not measured "
        "so, or has no finished run.",
    ]


def test_nothing_is_bold_without_a_verdict_and_nothing_leads_that_is_not_said_to() -> None:
    rows = led(eight_seeds().query("seed < 3"), "psnr")
    page = tables.to_paste(rows, headlines=True)
    assert "**" not in page
    assert "No verdict is possible over 1 pair of models at 3 common seeds: 6 are needed." in page
    assert "frechet" not in page
    assert "textbf" not in tables.to_latex(rows, headlines=True)


def test_all_numbers_are_a_table_for_each_family() -> None:
    rows = led(frame(run("gan", 0, 25.0), run("vae", 0, 30.0, 21.0)), "psnr")
    titles = [table.title for table in typeset(rows, headlines=False)]
    assert titles == ["avatars, sample quality", "avatars, reconstruction", "avatars, training"]
    assert [table.title for table in typeset(rows, headlines=True)] == ["avatars"]
    assert "| `vae` | 2,000 | 3,456,789 |" in tables.to_paste(rows, headlines=False)


def test_latex_of_a_study_with_a_nasty_model() -> None:
    rows = led(eight_seeds().replace({"vaegan": NASTY}), "frechet[efflite0]")
    lines = [line.strip() for line in tables.to_latex(rows, headlines=True).splitlines()]
    assert r"model & frechet[efflite0] $\downarrow$ \\" in lines
    assert rf"\texttt{{{escape(NASTY)}}} & \textbf{{32.5 $\pm$ 2.0}} \\" in lines
    assert [line for line in lines if "rule" in line] == [r"\toprule", r"\midrule", r"\bottomrule"]
    assert any(r"the 95 \% Student t-interval" in line for line in lines)


def test_small_and_negative_numbers_have_powers_and_minus_signs_in_latex() -> None:
    values = {0: -1e-9, 1: -2e-9, 2: -6e-9}
    rows = frame([row("vae", seed, "psnr", value) for seed, value in values.items()], [row("gan", 0, "psnr", -3.5)])
    page = tables.to_latex(rows, headlines=True)
    assert r"($-$3.0 $\pm$ 6.6) $\times 10^{-9}$" in page
    assert "$-$3.500" in page
    missing = tables.to_latex(pd.concat([rows, frame(run("vae", 3, 30.0))]), headlines=True)
    assert r"($-$3.0 $\pm$ 6.6) $\times 10^{-9}$ (n = 3)" in missing


def test_a_model_whose_runs_all_diverged_keeps_its_line() -> None:
    rows = led(frame(run("vae", 0, 30.0, 21.0), diverged("gan", 0)), "psnr")
    assert "| `gan` |  |" in tables.to_paste(rows, headlines=True)


def test_columns_of_an_extractor_that_is_not_usable_are_marked_and_explained() -> None:
    lost = "not usable here: after noise of 4 precision is 0.10, not 0.90"
    rows = frame(run("vae", 0, 30.0, 21.0))
    rows["instrument"] = [lost if metric.startswith("frechet") else "" for metric in rows["metric"]]
    assert "| `frechet[efflite0]` ↓ † |" in tables.to_paste(rows, headlines=True)
    latex = tables.to_latex(rows, headlines=True)
    assert r"frechet[efflite0] $\downarrow$ $\dagger$ &" in latex
    assert r"$\dagger$ efflite0 on avatars: not usable here" in latex
    assert tables.tidy(rows).set_index("metric")["usable"].to_dict()["frechet[efflite0]"] is False


def test_csv_says_of_each_number_what_a_paper_needs() -> None:
    found = tables.tidy(eight_seeds()).set_index(["model", "metric"])
    best = found[found["best"]].index.tolist()
    assert sorted(best) == [("vae", "psnr"), ("vaegan", "frechet[efflite0]")]
    psnr = found.loc[("vaegan", "psnr")]
    assert psnr[["mean", "seeds", "units", "direction"]].tolist() == [23.5, 8, "dB", "higher"]
    assert psnr["half_width"] == pytest.approx(2.364624 * 2.449490 / 8**0.5, rel=1e-6)  # t(0.975; 7), s of 0 … 7


def test_the_command_prints_each_format_and_nothing_else(tmp_path: Path) -> None:
    study = store_study(tmp_path / "my study")
    declared(study, "psnr")
    csv = bench("table", study.path, "--format", "csv").stdout
    assert set(pd.read_csv(io.StringIO(csv))["metric"]) == {"psnr"}
    everything = bench("table", study.path, "--format", "csv", "--all").stdout
    assert {"psnr", "mse", "steps"} < set(pd.read_csv(io.StringIO(everything))["metric"])
    assert bench("table", study.path, "--format", "latex").stdout.startswith("% In the preamble")
    shown = bench("table", study.path).stdout
    assert "mse" not in shown
    assert f"1 of 6 numbers: `vaegan-bench table '{study.path}' --all` prints the other 5, too." in shown
    whole = bench("table", study.path, "--all").stdout
    assert "mse" in whole
    assert "--all" not in whole
    wrong = bench("table", study.path, "--format", "word")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)
    assert "'table', 'markdown', 'latex', 'csv'" in wrong.stderr
