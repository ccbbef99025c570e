"""The page in a real browser: every section is there, its controls work, and nothing gets in or out."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from nasty_study import store_nasty_study
from stored_study import store_study

from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.page.page import write_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

SECTIONS = ["answer", "images", "live", "curves", "comparisons", "attributes", "cost", "figures", "provenance"]


NAMELESS = """() =>
  [...document.querySelectorAll("input, select, button, summary, [role=img], main img")]
    .filter((each) => !each.getAttribute("aria-label") && !each.alt && !each.labels?.length && !each.textContent.trim())
    .map((each) => each.outerHTML.slice(0, 80))"""
"""What a screen reader has no name for."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(store_nasty_study(tmp_path_factory.mktemp("page")), Registry())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1600])
def test_every_section_shows_and_nothing_is_wider_than_the_screen(
    report: Path, page: Page, width: int, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(report.as_uri())
    assert [section.get_attribute("id") for section in page.locator("main > section").all()] == SECTIONS
    for name in SECTIONS:
        section = page.locator(f"#{name}")
        assert section.locator("h2").is_visible()
        assert section.inner_text().count("\n") >= 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", ground)[:3]))
    assert brightness > 700 if scheme == "light" else brightness < 120


def test_nothing_that_stays_in_sight_is_covered_by_the_navigation(report: Path, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(report.as_uri())
    tall = "<div style='height: 3000px'></div>"
    page.evaluate(f"document.querySelector('main').innerHTML = `<div class=live-stage>images</div>{tall}`")
    page.evaluate("window.scrollTo({ top: 1500, behavior: 'instant' })")
    nav, stage = (page.locator(name).bounding_box() for name in ("nav", ".live-stage"))
    assert nav is not None
    assert stage is not None
    assert nav["y"] == 0
    assert stage["y"] == pytest.approx(nav["height"], abs=1)


def test_paper_gets_what_is_unfolded_and_no_controls(report: Path, page: Page) -> None:
    page.set_viewport_size({"width": 700, "height": 900})  # of A4, between its margins
    page.goto(report.as_uri())
    page.locator("#answer summary").first.click()
    page.emulate_media(media="print")
    printed = page.locator("details").evaluate_all("all => all.map((each) => [each.open, each.offsetHeight > 0])")
    assert {tuple(each) for each in printed} == {(True, True), (False, False)}
    for place in ("nav", "#live", ".controls input >> nth=0", ".seed-slider >> nth=0"):
        assert page.locator(place).is_hidden(), place
    names = page.locator("#curves .controls label").first  # what the colours of curves mean
    assert names.is_visible()
    assert page.locator("#answer table.numbers").first.evaluate("(table) => table.scrollWidth") <= 700
    page.emulate_media(media="screen")


def test_no_name_and_no_message_gets_out_of_its_place(report: Path, page: Page) -> None:
    page.goto(report.as_uri())
    page.locator("summary").evaluate_all("all => all.forEach((each) => each.click())")
    assert page.evaluate("window.broken") is None
    assert page.locator("img[src=x]").count() == 0
    assert "1337" not in page.inner_text("body")
    for place in (".question", "#provenance", "#curves", "#attributes", "#images"):
        assert "</script><script>window.broken = 1</script>" in page.locator(place).first.text_content()  # type: ignore[operator]


def test_a_script_that_is_not_the_page_s_own_does_not_run_there(report: Path, page: Page, browser: object) -> None:
    text = report.read_text("utf-8").replace("<main>", "<main><script>window.broken = 2</script>")
    planted = report.with_name("planted.html")
    planted.write_text(text, "utf-8")
    other = browser.new_page()  # type: ignore[attr-defined]
    other.goto(planted.as_uri())
    assert other.evaluate("window.broken") is None
    assert other.locator("#curves .panel").count() > 0  # the page's own scripts do
    other.close()


def test_a_table_sorts_by_a_click_and_by_the_keyboard(report: Path, page: Page) -> None:
    page.goto(report.as_uri())
    table = page.locator("#answer table.numbers").first

    def order() -> list[str]:
        return [text.strip() for text in table.locator("tbody th").all_inner_texts()]

    assert order() == ["vae", "gan", "vaegan[gamma=<b>]"]
    heading = table.locator("button.sort", has_text="psnr")
    cells = table.locator("tbody tr td:nth-child(2)").all()
    values = dict(zip(order(), (float(cell.get_attribute("data-value") or "nan") for cell in cells), strict=True))
    heading.click()
    assert order() == sorted(values, key=lambda name: -values[name])
    assert table.locator("th[aria-sort=descending]").count() == 1
    heading.press("Enter")
    assert order() == sorted(values, key=lambda name: values[name])


def test_a_heading_says_what_its_number_means_to_the_pointer_and_to_the_keyboard(report: Path, page: Page) -> None:
    page.goto(report.as_uri())
    heading = page.locator("#answer button.sort", has_text="psnr").first
    tip = page.locator(f"#{heading.get_attribute('aria-describedby')}")
    assert tip.is_hidden()
    heading.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert tip.is_visible()
    assert "Protocol: " in tip.inner_text()


def test_images_change_with_the_seed_and_with_what_is_shown(report: Path, page: Page) -> None:
    page.goto(report.as_uri())
    shown = page.locator("#images .pixels:visible")
    sources = [image.get_attribute("src") for image in shown.all()]
    assert len(set(sources)) == 3
    page.locator(".seed-slider").press("ArrowRight")
    assert page.locator(".seed-slider + output").inner_text() == "1"
    assert not set(sources) & {image.get_attribute("src") for image in shown.all()}
    page.get_by_label("reconstructions", exact=True).check()
    captions = page.locator("#images .seed:visible figcaption:visible").all_inner_texts()
    assert [text.strip() for text in captions] == ["originals", "vae", "vaegan[gamma=<b>]"]


def test_a_click_enlarges_an_image_and_escape_closes_it(report: Path, page: Page) -> None:
    page.goto(report.as_uri())
    button = page.locator("#images .enlarge:visible").first
    button.click()
    enlarged = page.locator("#enlarged img")
    assert enlarged.is_visible()
    assert enlarged.get_attribute("src") == button.locator("img").get_attribute("src")
    assert enlarged.bounding_box()["width"] > 2 * button.locator("img").bounding_box()["width"] - 1  # type: ignore[index]
    page.keyboard.press("Escape")
    assert enlarged.is_hidden()


def test_models_and_seeds_of_the_curves_switch_on_and_off(report: Path, page: Page) -> None:
    page.goto(report.as_uri())
    panel = page.locator("#curves .panel", has_text="prior").first
    assert panel.locator("polyline").count() == 3
    assert panel.locator("polygon").count() == 3
    page.locator("#curves").get_by_label("gan", exact=True).uncheck()
    assert panel.locator("polyline").count() == 2
    before = panel.locator("polyline").first.get_attribute("points")
    page.locator("#curves").get_by_label("1", exact=True).uncheck()
    assert panel.locator("polygon").count() == 0
    assert panel.locator("polyline").first.get_attribute("points") != before


def test_a_seed_that_ended_early_is_drawn_only_where_it_is_alone(tmp_path: Path, page: Page) -> None:
    folder = store_study(tmp_path)
    run, curves = folder.run("gan-1"), [{"step": step, "prior": 1e9 * step} for step in (10.0, 20.0)]
    with run.claim() as claim:
        run.training.write(claim, run.record(), curves, {"decoder.weight": torch.zeros(40)})
    page.goto(write_page(folder, Registry()).as_uri())
    panel = page.locator("#curves .panel", has_text="prior").first
    assert panel.locator("polyline").count() == 2
    assert panel.locator("polygon").count() == 1  # of the VAE, whose seeds both lasted
    assert "M" not in "".join(panel.locator("text").all_text_contents())
    page.locator("#curves").get_by_label("0", exact=True).uncheck()
    assert panel.locator("polyline").count() == 2
    assert "M" in "".join(panel.locator("text").all_text_contents())


def test_lines_and_their_keys_have_the_dashes_of_their_model(report: Path, page: Page, tmp_path: Path) -> None:
    dashed = tmp_path / "dashed.html"
    dashed.write_text(report.read_text("utf-8").replace("--dash-1: none", "--dash-1: 6 2"), "utf-8")
    page.goto(dashed.as_uri())
    dashes = "all => all.map((each) => getComputedStyle(each).strokeDasharray)"
    shown = page.locator("#curves .panel").first.locator("polyline").evaluate_all(dashes)
    assert shown == page.locator("#curves label line").evaluate_all(dashes) == ["none", "6px, 2px", "none"]


def test_a_pair_is_found_by_its_number(report: Path, page: Page) -> None:
    page.goto(report.as_uri())
    choice = page.locator("#comparisons .choice")
    assert [option.split(" ")[0] for option in choice.locator("option").all_inner_texts()] == ["psnr", "mse"]
    choice.select_option(index=1)
    assert page.locator("#comparisons h4:visible").inner_text().startswith("mse")


def test_a_choice_that_a_browser_restores_is_shown(report: Path, page: Page, tmp_path: Path) -> None:
    before, after = report.read_text("utf-8").split('<section id="comparisons">')
    copy = tmp_path / "restored.html"
    chosen = after.replace('<option value="1">', '<option value="1" selected>', 1)
    copy.write_text(f'{before}<section id="comparisons">{chosen}', "utf-8")
    page.goto(copy.as_uri())
    assert page.locator("#comparisons h4:visible").inner_text().startswith("mse")


def test_the_tables_can_be_saved(report: Path, page: Page, tmp_path: Path) -> None:
    page.goto(report.as_uri())
    with page.expect_download() as saved:
        page.locator(".download", has_text="results.csv").click()
    saved.value.save_as(tmp_path / "results.csv")
    lines = (tmp_path / "results.csv").read_text("utf-8").splitlines()
    assert "metric" in lines[0].split(",")
    assert sum("psnr" in line for line in lines) == 6


def test_every_image_has_a_text_and_every_control_a_name(report: Path, page: Page) -> None:
    page.goto(report.as_uri())
    nameless = page.evaluate(NAMELESS)
    assert nameless == []
    ids = page.locator("[id]").evaluate_all("all => all.map((each) => each.id)")
    assert len(ids) == len(set(ids))


def test_headings_go_down_one_level_at_a_time(report: Path, page: Page) -> None:
    page.goto(report.as_uri())
    levels = page.locator("h1, h2, h3, h4, h5").evaluate_all("all => all.map((each) => Number(each.tagName[1]))")
    assert levels[:3] == [1, 2, 3]
    assert max(levels) == 4
    assert [b for a, b in pairwise(levels) if b > a + 1] == []


def test_without_scripts_the_page_still_answers(report: Path, browser: object) -> None:
    context = browser.new_context(java_script_enabled=False)  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto(report.as_uri())
    assert "psnr" in page.inner_text("#answer")
    assert page.locator("#images .pixels:visible").count() > 3
    context.close()


def test_a_study_of_one_seed_without_figures_has_a_page(tmp_path: Path, page: Page) -> None:
    folder = store_study(tmp_path)
    page.goto(write_page(folder, Registry()).as_uri())
    assert "no verdict is possible at 2 seeds" in page.inner_text("#answer")
    assert page.inner_text("#answer").count("Means over 2 seeds; ± is the 95 %") == 1
    assert "cannot" in page.inner_text("#live") or "not" in page.inner_text("#live")
