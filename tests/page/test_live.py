"""The section "Live models", used as a reader uses it: its images are those that torch decodes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from live_page import Live, as_png, small_live
from torch import Tensor

from vaegan_bench.api import to_signed, to_uint8

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

VAE, TWO_HEADS, GAN, CVAE = range(4)
READ = """([list, index, place, across]) => {
  const canvas = document.querySelectorAll(`${list} canvas`)[index], size = canvas.width / across;
  const copy = new OffscreenCanvas(size, size), context = copy.getContext('2d', { willReadFrequently: true });
  context.drawImage(canvas, -size * (place % across), -size * Math.floor(place / across));
  return Array.from(context.getImageData(0, 0, size, size).data);
}"""


@pytest.fixture(scope="module")
def live() -> Live:
    with torch.random.fork_rng():
        return small_live()


@pytest.fixture
def shown(page: Page, live: Live, tmp_path: Path) -> Page:
    """The section in a page, with its first images drawn."""
    return open_page(page, live, tmp_path)


def open_page(
    page: Page, live: Live, folder: Path, scheme: str = "light", begins_with: str = "held-out face 1"
) -> Page:
    (folder / "live.html").write_text(live.html(scheme), "utf-8")
    page.goto(f"file://{folder}/live.html")
    settle(page, begins_with)
    return page


def settle(page: Page, words: str) -> None:
    """Wait until every image that the page can draw is the one that these words describe, the original apart."""
    labels = "[...document.querySelectorAll('.live-stage canvas')].slice(1, 5).map(c => c.getAttribute('aria-label'))"
    page.wait_for_function(f"words => {labels}.every(label => label.endsWith(`: ${{words}}`))", arg=words)


def image(page: Page, model: int, channels: int = 3) -> Tensor:
    """What a model's canvas shows, or for −1 that of the original; uint8."""
    return of_pixels(page.evaluate(READ, [".live-stage", model + 1, 0, 1]), channels)


def sample(page: Page, model: int, place: int) -> Tensor:
    """One of the sixteen samples of a model."""
    return of_pixels(page.evaluate(READ, [".live-samples", model, place, 4]), 3)


def of_pixels(pixels: list[int], channels: int) -> Tensor:
    return torch.tensor(pixels, dtype=torch.uint8).view(16, 16, 4).permute(2, 0, 1)[:channels]


def decoded(live: Live, model: int, code: Tensor, conditions: Tensor | None = None) -> Tensor:
    """The image of a code by torch, as a viewer sees it."""
    decoder, given = live.models[model].decoder, [] if conditions is None else [conditions[None]]
    assert decoder is not None
    with torch.no_grad():
        raw = decoder(code[None], *given)
    return to_uint8(raw[0, : live.shape.channels].tanh())


def encoded(live: Live, model: int, face: Tensor, conditions: Tensor | None = None) -> Tensor:
    encoder, given = live.models[model].encoder, [] if conditions is None else [conditions[None]]
    assert encoder is not None
    with torch.no_grad():
        mu: Tensor = encoder(to_signed(face[None]), *given)[0]
    return mu[0]


def alike(left: Tensor, right: Tensor) -> bool:
    """Whether images differ by no more than one level, with enough in them that others would differ by more."""
    assert right.float().std() > 5
    return int((left.int() - right.int()).abs().max()) <= 1


def slider_of(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name, exact=True)


def move(page: Page, slider: str, value: float) -> None:
    slider_of(page, slider).fill(str(value))


def choose(page: Page, picker: str, name: str) -> None:
    page.get_by_role("group", name=picker).get_by_role("radio", name=name, exact=True).check()


def test_a_held_out_face_is_encoded_and_decoded_by_every_model_with_an_encoder(shown: Page, live: Live) -> None:
    for model in (VAE, TWO_HEADS):
        assert alike(image(shown, model), decoded(live, model, encoded(live, model, live.faces_NCHW[0])))
    assert live.conditions_NA is not None
    known = live.conditions_NA[0]
    code = encoded(live, CVAE, live.faces_NCHW[0], known)
    assert alike(image(shown, CVAE), decoded(live, CVAE, code, known))
    assert torch.equal(image(shown, -1), live.faces_NCHW[0])


def test_models_that_cannot_take_part_say_why(shown: Page) -> None:
    cards = shown.locator(".live-stage .live-card")
    assert shown.locator(".live-stage canvas").nth(1 + GAN).is_hidden()
    assert "has no encoder: it takes part with random codes" in cards.nth(1 + GAN).inner_text()
    assert "aten.bmm, which the page cannot run" in cards.nth(5).inner_text()
    assert "no vector for Wearing_Hat" in cards.nth(1 + TWO_HEADS).inner_text()
    assert shown.locator(".live-samples .live-card").count() == 4


def test_models_whose_encoders_find_no_room_begin_with_a_random_code(page: Page, live: Live, tmp_path: Path) -> None:
    words = "Its encoder takes 46 MB, and a page holds 64 MB in all."
    models = [replace(m, encoder=None, why_not=words if m.encoder else m.why_not) for m in live.models]
    open_page(page, replace(live, models=models), tmp_path, begins_with="random code 1")
    choose(page, "Start from", "held-out face 1")
    settle(page, "held-out face 1")
    cards = page.locator(".live-stage .live-card")
    assert words in cards.nth(1 + VAE).inner_text()
    assert "has no encoder: it takes part with random codes" in cards.nth(1 + GAN).inner_text()


def test_names_are_text_and_nothing_else(shown: Page) -> None:
    assert shown.locator("#live i, #live b").count() == 0
    assert shown.get_by_text("<i>cvae</i>", exact=True).count() == 2
    assert shown.get_by_label("<b>Bald</b>").count() == 1


def test_a_slider_moves_all_models_along_their_own_vectors(shown: Page, live: Live) -> None:
    choose(shown, "Start from", "random code")
    settle(shown, "random code 1")
    before = [image(shown, model) for model in range(4)]
    move(shown, "Eyeglasses", 1.5)
    move(shown, "<b>Bald</b>", -0.7)
    settle(shown, "random code 1, Eyeglasses +1.5, <b>Bald</b> −0.7")
    for model in (VAE, TWO_HEADS, GAN):
        vectors = live.models[model].vectors
        code = live.codes_NZ[0] + 1.5 * vectors["Eyeglasses"] - 0.7 * vectors["<b>Bald</b>"]
        assert alike(image(shown, model), decoded(live, model, code))
    assert not any(alike(image(shown, model), before[model]) for model in range(4))
    shown.get_by_role("button", name="Reset attributes").click()
    settle(shown, "random code 1")
    assert all(torch.equal(image(shown, model), before[model]) for model in range(4))


def test_sliders_set_the_conditions_of_a_conditional_model(shown: Page, live: Live) -> None:
    assert live.conditions_NA is not None
    own = live.conditions_NA[0]
    move(shown, "Eyeglasses", 3)
    move(shown, "Wearing Hat", -1.5)
    settle(shown, "held-out face 1, Eyeglasses +3.0, Wearing_Hat −1.5")
    wanted = torch.tensor([1.0, (own[1].item() + 0.25) / 2, own[2].item()])
    assert alike(image(shown, CVAE), decoded(live, CVAE, encoded(live, CVAE, live.faces_NCHW[0], own), wanted))


def test_a_double_click_brings_a_slider_back(shown: Page) -> None:
    move(shown, "Eyeglasses", -2)
    settle(shown, "held-out face 1, Eyeglasses −2.0")
    slider = slider_of(shown, "Eyeglasses")
    slider.dblclick(position={"x": 5, "y": 5})
    settle(shown, "held-out face 1")
    assert slider.input_value() == "0"


def test_random_codes_are_the_same_for_all_models_and_new_ones_differ(shown: Page, live: Live) -> None:
    choose(shown, "Start from", "random code")
    settle(shown, "random code 1")
    assert all(alike(image(shown, m), decoded(live, m, live.codes_NZ[0])) for m in (VAE, TWO_HEADS, GAN))
    assert "random code 1 has no original" in shown.locator(".live-stage .live-card").first.inner_text()
    shown.evaluate("Math.random = () => 0.83")
    shown.get_by_role("group", name="Start from").get_by_role("button", name="New random code").click()
    settle(shown, "random code 34")
    assert alike(image(shown, GAN), decoded(live, GAN, live.codes_NZ[33]))


def test_interpolation_is_a_straight_line_between_two_codes(shown: Page, live: Live) -> None:
    choose(shown, "Start from", "held-out face 3")
    choose(shown, "Interpolate towards", "held-out face 4")
    move(shown, "How far", 0.25)
    settle(shown, "held-out face 3, 25 % of the way to held-out face 4")
    start, end = (encoded(live, TWO_HEADS, live.faces_NCHW[i]) for i in (2, 3))
    assert alike(image(shown, TWO_HEADS), decoded(live, TWO_HEADS, start + 0.25 * (end - start)))
    assert live.conditions_NA is not None
    first, second = live.conditions_NA[2], live.conditions_NA[3]
    start, end = (encoded(live, CVAE, live.faces_NCHW[i], live.conditions_NA[i]) for i in (2, 3))
    code, known = start + 0.25 * (end - start), first + 0.25 * (second - first)
    assert alike(image(shown, CVAE), decoded(live, CVAE, code, known))


def test_another_16_are_the_next_codes_of_every_model(shown: Page, live: Live) -> None:
    for start in (0, 16, 32):
        shown.get_by_text(f"Random codes {start + 1} to {start + 16}, the same for all models.").wait_for()
        shown.locator(".live-sheets:not([aria-busy])").wait_for()
        for place in (0, 5, 15):
            code = live.codes_NZ[(start + place) % 40]
            for model in (VAE, TWO_HEADS, GAN):
                assert alike(sample(shown, model, place), decoded(live, model, code)), (start, place, model)
        shown.get_by_role("button", name="Another 16").click()


def test_everything_works_from_the_keyboard(shown: Page, live: Live) -> None:
    shown.get_by_role("radio", name="held-out face 1").first.focus()
    shown.keyboard.press("ArrowRight")
    settle(shown, "held-out face 2")
    slider_of(shown, "Eyeglasses").focus()
    for _ in range(3):
        shown.keyboard.press("ArrowRight")
    settle(shown, "held-out face 2, Eyeglasses +0.3")
    assert slider_of(shown, "Eyeglasses").get_attribute("aria-valuetext") == "+0.3"
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.labels[0].textContent") == "Wearing Hat"
    shown.get_by_role("button", name="Reset attributes").press("Enter")
    settle(shown, "held-out face 2")


def test_every_control_has_a_name(shown: Page) -> None:
    controls = shown.locator("#live input, #live button")
    named = (
        "c => (c.labels?.[0]?.textContent || c.labels?.[0]?.querySelector('img,canvas')?.alt || c.textContent).trim()"
    )
    assert all(control.evaluate(named) for control in controls.all())
    assert controls.count() == 2 * (4 + 1 + 1) + 1 + 1 + 3 + 1 + 1


def test_the_last_position_of_a_fast_slider_is_what_is_seen(shown: Page, live: Live) -> None:
    choose(shown, "Start from", "random code")
    slider_of(shown, "Eyeglasses").evaluate("""slider => {
      for (let i = 0; i <= 600; i++) { slider.value = -3 + i / 100; slider.dispatchEvent(new Event('input')); }
    }""")
    settle(shown, "random code 1, Eyeglasses +3.0")
    code = live.codes_NZ[0] + 3 * live.models[GAN].vectors["Eyeglasses"]
    assert alike(image(shown, GAN), decoded(live, GAN, code))
    shown.wait_for_function("/^About [0-9.]+ images per second/.test(document.querySelector('.live-rate').textContent)")


def test_a_readers_own_image_takes_part(shown: Page, live: Live, tmp_path: Path) -> None:
    face = live.faces_NCHW[1].flip(2)
    wide = torch.cat([torch.zeros(3, 16, 5, dtype=torch.uint8), face, torch.zeros(3, 16, 5, dtype=torch.uint8)], dim=2)
    (tmp_path / "mine.png").write_bytes(as_png(wide))
    shown.get_by_label("Open your own image").set_input_files(tmp_path / "mine.png")
    settle(shown, "your image")
    assert torch.equal(image(shown, -1), face)
    assert alike(image(shown, VAE), decoded(live, VAE, encoded(live, VAE, face)))
    middle = torch.tensor([(a + b) / 2 for a, b in live.ends])
    assert alike(image(shown, CVAE), decoded(live, CVAE, encoded(live, CVAE, face, middle), middle))
    choose(shown, "Start from", "random code")
    choose(shown, "Interpolate towards", "your image")
    move(shown, "How far", 1)
    settle(shown, "random code 1, 100 % of the way to your image")
    assert alike(image(shown, VAE), decoded(live, VAE, encoded(live, VAE, face)))


def test_a_file_that_is_no_image_is_named(shown: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    shown.get_by_label("Open your own image").set_input_files(tmp_path / "notes.txt")
    shown.get_by_text("notes.txt is not an image that this browser can read.").wait_for()


@pytest.mark.parametrize("width", [390, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows(page: Page, live: Live, tmp_path: Path, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    open_page(page, live, tmp_path, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("getComputedStyle(document.querySelector('.live-stage canvas')).imageRendering") == "pixelated"
    page.locator(".live-stage").scroll_into_view_if_needed()
    sizes = page.evaluate("[...document.querySelectorAll('.live-card')].map(c => c.getBoundingClientRect().width)")
    assert min(sizes) > 80


def test_grey_images_are_shown_grey(page: Page, tmp_path: Path) -> None:
    with torch.random.fork_rng():
        live = small_live(channels=1)
    open_page(page, live, tmp_path)
    shown = image(page, VAE)
    assert alike(shown[:1], decoded(live, VAE, encoded(live, VAE, live.faces_NCHW[0])))
    assert torch.equal(shown[0], shown[2])


def test_a_study_without_encoders_faces_or_attributes_draws_random_codes(
    page: Page, live: Live, tmp_path: Path
) -> None:
    alone = Live(
        networks=live.networks, shape=live.shape, faces_NCHW=live.faces_NCHW[:0], codes_NZ=live.codes_NZ,
        models=[live.models[GAN]],
    )  # fmt: skip
    (tmp_path / "live.html").write_text(alone.html(), "utf-8")
    page.goto(f"file://{tmp_path}/live.html")
    page.get_by_role("img", name="gan: random code 1", exact=True).wait_for()
    assert alike(image(page, 0), decoded(alone, 0, live.codes_NZ[0]))
    assert page.get_by_text("Attributes").count() == 0


def test_a_page_without_any_program_shows_the_reasons_alone(page: Page, live: Live, tmp_path: Path) -> None:
    alone = Live(
        networks=live.networks, shape=live.shape, faces_NCHW=live.faces_NCHW, codes_NZ=live.codes_NZ,
        models=[live.models[4]],
    )  # fmt: skip
    (tmp_path / "live.html").write_text(alone.html(), "utf-8")
    page.goto(f"file://{tmp_path}/live.html")
    page.get_by_text("aten.bmm, which the page cannot run").wait_for()
    assert page.locator("#live input, #live button").count() == 0
