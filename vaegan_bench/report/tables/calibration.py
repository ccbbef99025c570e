"""Rulers as tables: every mark, and the verdict on each extractor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from vaegan_bench.report.tables.markdown_table import markdown_table
from vaegan_bench.report.tables.words import as_code, in_markdown, number
from vaegan_bench.results.readings import CLEAR, mildest_seen, sees, verdict
from vaegan_bench.results.rulers import Mark, Ruler, Scale

PLAIN = "none"
"""The name that undistorted training images have among the distortions."""
COLUMNS = ("distortion", "level", "Fréchet distance", "KID", "precision", "recall")
NUMBERS = ("frechet", "kid", "precision", "recall")
MEANING = (
    "Training images, plain and distorted, beside held-out images, as the metrics on samples see them. A distortion is "
    f"seen at a level whose Fréchet distance is at least {CLEAR:g} times that of plain images."
)


def calibration(rulers: Sequence[Ruler]) -> pd.DataFrame:
    """One row per ruler, distortion and level, with its numbers and whether the distance is clearly above the floor.

    Columns: dataset, extractor, distortion, unit, level, frechet, kid, precision, recall, seen, n_real, n_fake. The
    distortion 'none' is the floor.
    """
    return pd.DataFrame([row for ruler in rulers for row in _rows(ruler)])


def _rows(ruler: Ruler) -> Iterator[dict[str, object]]:
    shared = {"dataset": ruler.dataset, "extractor": ruler.extractor}
    counts = {name: ruler.protocol[name] for name in ("n_real", "n_fake")}
    marks = [(PLAIN, "", ruler.floor), *((s.name, s.unit, mark) for s in ruler.scales for mark in s.marks)]
    for name, unit, mark in marks:
        numbers = {each: getattr(mark, each) for each in NUMBERS}
        seen = name != PLAIN and sees(ruler, mark)
        yield {**shared, "distortion": name, "unit": unit, "level": mark.level, **numbers, "seen": seen, **counts}


def calibration_lines(ruler: Ruler) -> list[list[str]]:
    """A ruler as lines of text: distortion, level, and the four numbers, for a terminal or a page."""
    lines = [[PLAIN, "", *_cells(ruler.floor)]]
    for scale in ruler.scales:
        lines += [[_name(scale), f"{mark.level:g}", *_cells(mark)] for mark in scale.marks]
    return lines


def calibration_to_markdown(rulers: Sequence[Ruler]) -> str:
    """A page with a section per ruler: the verdict, from which level each distortion is seen, and every number."""
    return "\n\n".join(["# Calibration", MEANING, *(part for ruler in rulers for part in _section(ruler))]) + "\n"


def _section(ruler: Ruler) -> Iterator[str]:
    counts = f"{ruler.protocol['n_fake']:,} training images beside {ruler.protocol['n_real']:,} held-out ones"
    yield f"## {as_code(ruler.extractor)} on {in_markdown(ruler.dataset)}"
    yield f"{sentence(ruler)} {counts}."
    yield markdown_table(COLUMNS, calibration_lines(ruler))


def sentence(ruler: Ruler) -> str:
    """The verdict, and from which level each distortion is seen."""
    levels = {scale.name: mildest_seen(ruler, scale) for scale in ruler.scales}
    seen = ", ".join(f"{name} from {level:g}" for name, level in levels.items() if not math.isnan(level))
    said = str(verdict(ruler))
    return f"{said[0].upper()}{said[1:]}. Seen: {seen or 'nothing'}."


def _name(scale: Scale) -> str:
    return f"{scale.name} ({scale.unit})"


def _cells(mark: Mark) -> list[str]:
    return [number(mark.frechet), number(mark.kid), f"{mark.precision:.3f}", f"{mark.recall:.3f}"]
