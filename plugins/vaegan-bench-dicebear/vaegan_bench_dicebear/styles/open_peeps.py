"""People by Pablo Stanley, who drew the parts of `avatars`, too."""

from __future__ import annotations

from vaegan_bench.datasets.drawn import attribute
from vaegan_bench_dicebear.style import DARK_SKIN, NONE, PALE_SKIN, PASTELS, SKINS, Style, variants

SMILES = "cheeky, eatingHappy, lovingGrin1, lovingGrin2, smile, smileBig, smileLOL, smileTeethGap"
OPEN = "concerned, concernedFear, explaining, hectic, lovingGrin1, lovingGrin2, rage, smileBig, smileLOL, smileTeethGap"
LOOSE = (
    "bangs, bangs2, cornrows, long, longAfro, longBangs, longCurly, medium3, mediumBangs2, mediumBangs3, mediumStraight"
)
BEARDS = "chin, full, full2, full3, full4, goatee1, goatee2"
MUSTACHES = ", ".join(f"moustache{number}" for number in range(1, 10))

OPEN_PEEPS = Style(
    centre=(0.51, 0.47),
    window=0.86,
    colours={"background": PASTELS, "skin": SKINS},
    presence={"accessories": 0.3, "facialHair": 0.4},
    left_out={
        "accessories": variants("eyepatch, sunglasses, sunglasses2"),
        "expression": variants("cyclops, monster"),
        "head": variants("bear"),
    },
    # Few heads show anything of clothes and of hair that is not black.
    fixed={"mask": NONE, "clothingColor": "#8fa7df", "headContrastColor": "#b58143"},
    attributes=(
        attribute("Eyeglasses", "wears glasses", "accessories", "glasses, glasses2, glasses3, glasses4, glasses5"),
        attribute("Beard", "hair on the chin", "facialHair", BEARDS),
        attribute("Mustache", "hair on the upper lip and none on the chin", "facialHair", MUSTACHES),
        attribute("Smiling", "the corners of the mouth point up", "expression", SMILES),
        attribute("Angry", "looks angry", "expression", "angryWithFang, driven, rage, veryAngry"),
        attribute("Mouth_Slightly_Open", "the lips part", "expression", OPEN),
        attribute("Bald", "no hair on the top of the head", "head", "noHair1, noHair2, noHair3"),
        attribute("Wearing_Hat", "a hat, a cap, a turban or a headscarf", "head", "hatBeanie, hatHip, hijab, turban"),
        attribute("Long_Hair", "hair falls loose to the neck or below", "head", LOOSE),
        attribute("Pale_Skin", "the lightest of five skin colours", "skinColor", PALE_SKIN),
        attribute("Dark_Skin", "the darkest two of five skin colours", "skinColor", DARK_SKIN),
    ),
)
