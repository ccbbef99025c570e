"""Figures of blocks by DiceBear."""

from __future__ import annotations

from vaegan_bench.datasets.drawn import attribute
from vaegan_bench_dicebear.style import DARK_SKIN, NONE, PALE_SKIN, PASTELS, SKINS, Style, variants

BLACK, BROWN, BLOND, RED = "#2c222b", "#7b4a2d", "#d9b380", "#b55239"
SMILES = "smile, bigSmile, laugh, wideSmile, grin"
LONG = "shoulderLength, longStraight, longWavy, partedLong, twinTails"

VOXEL_ART = Style(
    centre=(0.48, 0.41),
    window=0.78,
    colours={
        "background": PASTELS,
        "skin": SKINS,
        "hair": (BLACK, BROWN, BLOND, RED, "#6d5acf"),
        "shirt": ("#e64980", "#fab005", "#40c057", "#228be6", "#7950f2"),
    },
    presence={"beard": 0.3, "glasses": 0.3},
    left_out={
        "glasses": variants("shades, visor"),  # over the eyes
        "outfit": variants("coat, dress, suit"),  # over the shirt
    },
    fixed={
        "animation": NONE,
        "cheeks": NONE,  # hardly seen, and not beside long hair
        "hatColor": "#8d95d6",
        "jacketColor": "#3b5b8c",
        "pantsColor": "#2f4160",
        "shoesColor": "#343a40",
    },
    attributes=(
        attribute("Eyeglasses", "wears glasses", "glasses", "round, square, cat"),
        attribute("Beard", "hair on the chin", "beard", "full, goatee, stubble"),
        attribute("Mustache", "hair on the upper lip alone", "beard", "mustache"),
        attribute("Smiling", "the corners of the mouth point up, or teeth show", "mouth", SMILES),
        attribute("Frowning", "the corners of the mouth point down", "mouth", "frown"),
        attribute("Eyes_Closed", "both eyes are shut", "eyes", "happy, closed"),
        attribute("Angry_Eyebrows", "drawn together and down", "eyebrows", "angry"),
        attribute("Wearing_Hat", "a cap or a hood, which hides the hair", "top", "cap, beanie, animalEars, bunnyEars"),
        attribute("Long_Hair", "hair falls to the shoulders", "top", LONG),
        attribute("Black_Hair", "hair and eyebrows of that colour", "hairColor", BLACK),
        attribute("Brown_Hair", "hair and eyebrows of that colour", "hairColor", BROWN),
        attribute("Blond_Hair", "hair and eyebrows of that colour", "hairColor", BLOND),
        attribute("Red_Hair", "hair and eyebrows of that colour", "hairColor", RED),
        attribute("Pale_Skin", "the lightest of five skin colours", "skinColor", PALE_SKIN),
        attribute("Dark_Skin", "the darkest two of five skin colours", "skinColor", DARK_SKIN),
    ),
)
