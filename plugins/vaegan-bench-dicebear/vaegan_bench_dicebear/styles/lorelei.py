"""Heads by Lisa Wischofsky: ink drawings, here with colours of skin and hair."""

from __future__ import annotations

from vaegan_bench.datasets.drawn import attribute
from vaegan_bench_dicebear.style import DARK_SKIN, PALE_SKIN, PASTELS, SKINS, Style, numbered, variants

BLACK, BROWN, BLOND, GRAY, RED = "#261c1c", "#7a4a34", "#ddbb74", "#aba8a6", "#c2400f"
HAPPY = numbered("happy", range(1, 19))
LOOSE = numbered("variant", (10, 13, 16, 17, 18, 19, 20, 23, 24, 32, 35))
FRINGES = numbered("variant", (6, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 23, 30, 42, 43, 46, 48))

LORELEI = Style(
    centre=(0.51, 0.48),
    window=0.8,
    colours={"background": PASTELS, "skin": SKINS, "hair": (BLACK, BROWN, BLOND, GRAY, RED)},
    presence={"beard": 0.3, "earrings": 0.3, "freckles": 0.3, "glasses": 0.3, "hairAccessories": 0.3},
    left_out={
        "hair": variants(numbered("variant", (15, 21, 34, 40, 41, 45))),  # over an eye or the ear, or nearly none
        "glasses": variants("variant02"),  # dark
        "earrings": variants("variant02"),  # a dot
    },
    fixed={"earringsColor": "#ffc425"},
    attributes=(
        attribute("Eyeglasses", "wears glasses", "glasses", numbered("variant", (1, 3, 4, 5))),
        attribute("Beard", "hair on the chin", "beard", numbered("variant", (1, 2))),
        attribute("Wearing_Earrings", "an earring in the ear that shows", "earrings", numbered("variant", (1, 3))),
        attribute("Freckles", "dots on the cheeks", "freckles", "variant01"),
        attribute("Flowers", "wears flowers in the hair", "hairAccessories", "flowers"),
        attribute("Smiling", "the mouth is one of those that the artist calls happy", "mouth", HAPPY),
        attribute("Eyes_Closed", "both eyes are shut", "eyes", numbered("variant", (1, 19, 22))),
        attribute("Long_Hair", "hair falls loose to the neck or below", "hair", LOOSE),
        attribute("Bangs", "hair hangs over the forehead", "hair", FRINGES),
        attribute("Black_Hair", "hair of that colour", "hairColor", BLACK),
        attribute("Brown_Hair", "hair of that colour", "hairColor", BROWN),
        attribute("Blond_Hair", "hair of that colour", "hairColor", BLOND),
        attribute("Gray_Hair", "hair of that colour", "hairColor", GRAY),
        attribute("Red_Hair", "hair of that colour", "hairColor", RED),
        attribute("Pale_Skin", "the lightest of five skin colours", "skinColor", PALE_SKIN),
        attribute("Dark_Skin", "the darkest two of five skin colours", "skinColor", DARK_SKIN),
    ),
)
