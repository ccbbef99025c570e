"""Busts by DiceBear, of 16 × 16 squares."""

from __future__ import annotations

from vaegan_bench.datasets.drawn import attribute
from vaegan_bench_dicebear.style import DARK_SKIN, NONE, PALE_SKIN, PASTELS, SKINS, Style, numbered, variants

BLACK, BROWN, BLOND, RED = "#28150a", "#603a14", "#cab188", "#bd1700"
GLASSES = f"{numbered('dark', range(1, 8))}, {numbered('light', range(1, 8))}"
HAPPY = numbered("happy", range(1, 14))
LONG = numbered("long", (1, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21))

PIXEL_ART = Style(
    centre=(0.5, 0.47),
    window=0.9,
    colours={
        "background": PASTELS,
        "skin": SKINS,
        "hair": (BLACK, BROWN, "#a78961", BLOND, RED),
        "clothing": ("#5bc0de", "#03396c", "#00b159", "#d11141", "#ffeead", "#ffc425"),
    },
    presence={"accessories": 0.3, "glasses": 0.3},
    left_out={
        "accessories": variants("variant03, variant04"),  # lower earrings, which long hair covers
        "clothes": variants("variant15, variant20"),  # white
        "hair": variants("long02, long03, long08, long13"),  # over an eye or the ears
    },
    fixed={
        "beard": NONE,  # a shade that many skins do not show
        "hat": NONE,  # it hides the hair
        "accessoriesColor": "#ffd700",
        "eyesColor": "#588387",
        "glassesColor": "#323232",
        "mouthColor": "#c98276",
    },
    attributes=(
        attribute("Eyeglasses", "wears glasses", "glasses", GLASSES),
        attribute("Wearing_Earrings", "gold on both ears", "accessories", numbered("variant", (1, 2))),
        attribute("Smiling", "the mouth is one of those that the artist calls happy", "mouth", HAPPY),
        attribute("Long_Hair", "the hair is one of those that the artist calls long", "hair", LONG),
        attribute("Black_Hair", "hair of that colour", "hairColor", BLACK),
        attribute("Brown_Hair", "hair of that colour", "hairColor", BROWN),
        attribute("Blond_Hair", "hair of that colour", "hairColor", BLOND),
        attribute("Red_Hair", "hair of that colour", "hairColor", RED),
        attribute("Pale_Skin", "the lightest of five skin colours", "skinColor", PALE_SKIN),
        attribute("Dark_Skin", "the darkest two of five skin colours", "skinColor", DARK_SKIN),
    ),
)
