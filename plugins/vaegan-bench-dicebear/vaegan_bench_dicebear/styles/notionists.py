"""People by Zoish: ink drawings, here on paper of several colours."""

from __future__ import annotations

from vaegan_bench.datasets.drawn import attribute
from vaegan_bench_dicebear.style import NONE, PASTELS, SKINS, Style, numbered, variants

PAPERS = ("#ffffff", *SKINS[:4])
BEARDS, MUSTACHES = numbered("variant", (1, 2, 8, 11, 12)), numbered("variant", (3, 4, 5, 6, 7, 9, 10))
COVERS = "hat, " + numbered("variant", (14, 61, 62, 63))
LOOSE = numbered("variant", (2, 8, 10, 23, 28, 36, 37, 41, 45, 46, 58))

NOTIONISTS = Style(
    centre=(0.46, 0.42),
    window=0.58,
    colours={"background": PASTELS, "paper": PAPERS},
    presence={"beard": 0.4, "glasses": 0.3},
    left_out={"glasses": variants(numbered("variant", (1, 2, 4, 5, 6, 7, 9, 10)))},  # dark
    fixed={"head": "variant01", "clothesGraphic": NONE, "gesture": NONE},
    attributes=(
        attribute("Eyeglasses", "wears glasses", "glasses", numbered("variant", (3, 8, 11))),
        attribute("Beard", "hair on the chin", "beard", BEARDS),
        attribute("Mustache", "hair on the upper lip and none on the chin", "beard", MUSTACHES),
        attribute("Wearing_Hat", "a cap, a turban or a headscarf", "hair", COVERS),
        attribute("Long_Hair", "hair falls loose to the neck or below", "hair", LOOSE),
        attribute(
            "Pale_Skin", "skin and clothes have the lightest two of five colours", "paperColor", ", ".join(PAPERS[:2])
        ),
        attribute("Dark_Skin", "skin and clothes have the darkest of five colours", "paperColor", PAPERS[-1]),
    ),
)
