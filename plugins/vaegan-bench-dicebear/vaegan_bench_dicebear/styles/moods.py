"""Plain shapes with faces by DiceBear."""

from __future__ import annotations

from vaegan_bench.datasets.drawn import attribute
from vaegan_bench_dicebear.style import NONE, Style

SMILES = "smile, wide, bigSmile, smileOpen, grin, cat, smirk, tongue, laugh"
OPEN = "bigSmile, smileOpen, grin, open, gasp, laugh, teeth"

MOODS = Style(
    centre=(0.5, 0.5),
    window=1.0,
    colours={
        "background": ("#0369a1", "#4338ca", "#a21caf", "#be123c", "#b45309", "#047857", "#1e293b"),
        "face": ("#7dd3fc", "#c4b5fd", "#f0abfc", "#fca5a5", "#fcd34d", "#bef264"),  # cheeks do not show on grey
    },
    presence={"cheeks": 0.5},
    fixed={"animation": NONE},
    attributes=(
        attribute("Rosy_Cheeks", "two pale patches", "cheeks", "blush"),
        attribute("Square_Face", "the shape has corners", "face", "squircle, softSquare"),
        attribute("Eyes_Closed", "both eyes are shut", "eyes", "happy, closed, squint"),
        attribute("Winking", "one eye is shut", "eyes", "wink"),
        attribute("Angry_Eyebrows", "brows over the eyes, drawn together and down", "eyes", "angry"),
        attribute("Smiling", "the corners of the mouth point up", "mouth", SMILES),
        attribute("Frowning", "the corners of the mouth point down", "mouth", "frown"),
        attribute("Mouth_Slightly_Open", "the lips part", "mouth", OPEN),
        attribute("Dark_Background", "the background is nearly black", "backgroundColor", "#1e293b"),
    ),
)
