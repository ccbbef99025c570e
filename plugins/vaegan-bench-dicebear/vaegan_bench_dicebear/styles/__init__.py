"""The styles that are drawn: a module each, named as DiceBear names them. All have the licence CC0 1.0."""

from __future__ import annotations

from collections.abc import Mapping

from vaegan_bench_dicebear.style import Style
from vaegan_bench_dicebear.styles.cutouts import CUTOUTS
from vaegan_bench_dicebear.styles.lorelei import LORELEI
from vaegan_bench_dicebear.styles.moods import MOODS
from vaegan_bench_dicebear.styles.notionists import NOTIONISTS
from vaegan_bench_dicebear.styles.open_peeps import OPEN_PEEPS
from vaegan_bench_dicebear.styles.pixel_art import PIXEL_ART
from vaegan_bench_dicebear.styles.voxel_art import VOXEL_ART

STYLES: Mapping[str, Style] = {
    "lorelei": LORELEI,
    "notionists": NOTIONISTS,
    "open-peeps": OPEN_PEEPS,
    "pixel-art": PIXEL_ART,
    "voxel-art": VOXEL_ART,
    "cutouts": CUTOUTS,
    "moods": MOODS,
}
