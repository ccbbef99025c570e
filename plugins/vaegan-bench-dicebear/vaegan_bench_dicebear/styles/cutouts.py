"""Faces of cut paper by DiceBear."""

from __future__ import annotations

from vaegan_bench.datasets.drawn import attribute
from vaegan_bench_dicebear.style import PASTELS, Style

BLACK, BROWN = "#33312e", "#9c4a30"

CUTOUTS = Style(
    centre=(0.5, 0.48),
    window=0.94,
    colours={
        "background": PASTELS,
        "paperFace": ("#e2a63d", "#e07856", "#7fb3d5", "#93b98a", "#e8b4c0", "#ab96d1"),
        "paperHair": (BLACK, BROWN, "#2f4858", "#7b4b73", "#4a7a63"),
    },
    presence={"brows": 0.5, "cheeks": 0.5},  # hair always, so that its colour shows
    fixed={"paperBackColor": "#37718e", "paperMouthColor": "#b0413e"},
    attributes=(
        attribute("Eyebrows", "there are eyebrows", "brows", "strips, dashes, uneven, mono"),
        attribute("Unibrow", "one strip over both eyes", "brows", "mono"),
        attribute("Rosy_Cheeks", "two pink scraps", "cheeks", "torn"),
        attribute("Winking", "one eye is shut", "eyes", "sleepyOpen"),
        attribute("Smiling", "the corners of the mouth point up", "mouth", "smile, tornSmile"),
        attribute("Mouth_Slightly_Open", "the lips part", "mouth", "gasp, grin"),
        attribute("Long_Hair", "hair falls beside the face", "hair", "long"),
        attribute("Black_Hair", "hair of that colour", "paperHairColor", BLACK),
        attribute("Brown_Hair", "hair of that colour", "paperHairColor", BROWN),
    ),
)
