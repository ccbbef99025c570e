"""Images that change step by step, such as faces moved along attribute vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from vaegan_bench.report.plots.canvas import BAR, LINE, MARGIN, SPACE, Canvas, Images, enlarge, widest
from vaegan_bench.report.plots.sheets import GAP, grid
from vaegan_bench.report.plots.style import LABEL_WIDTH, MUTED, colours, in_order, nothing, styled
from vaegan_bench.report.tables import wrap_label
from vaegan_bench.system.errors import one_line
from vaegan_bench.system.exhibits import Strips

BETWEEN = 16
"""Pixels between two strips."""
HEAD = 2 * LINE + SPACE // 2
"""Pixels of a block's title and of the line of steps below it."""
SMALL = 7
"""Points of the text that names steps."""
TALL = 6
"""Blocks below each other, at most; more stand in two columns."""


class Block(NamedTuple):
    """The strips and steps under one title."""

    title: str
    sheets: dict[str, Images]
    """Each model's strips as one image, side by side."""
    steps: dict[int, str]
    """Pixels from the left side of the images to the middle of a column → the name of its step."""


@styled
def strips(by_model: Mapping[str, Strips], models: Sequence[str] = ()) -> Figure:
    """A block per title, in it a line per model: images that change step by step, strips of one title side by side.

    Many blocks stand in two columns. `models` fixes the order of lines and colours; by default that of `by_model`.
    Raises `ValueError` unless all models have the same steps.
    """
    shown = in_order(by_model, models)
    if not shown:
        return nothing("No model has such strips of images.")
    if len({each.steps for each in shown.values()}) > 1:
        raise ValueError("the strips of the models do not have the same steps")
    titles = dict.fromkeys(title for each in shown.values() for title in each.titles)
    return _stack([_block(title, shown) for title in titles], [*models, *by_model])


def _block(title: str, by_model: Mapping[str, Strips]) -> Block:
    """The strips of one title, from all models that have it."""
    found = {model: _strips_of(each, title) for model, each in by_model.items() if title in each.titles}
    most, about = max(found.values(), key=len), next(iter(by_model.values()))
    first, *others = [f"{step:g}".replace("-", "−") for step in about.steps] * len(most)
    steps = dict(zip(_middles(most), [f"{one_line(about.symbol)} = {first}", *others], strict=True))
    return Block(title, {model: _side_by_side(strips_FSHWC) for model, strips_FSHWC in found.items()}, steps)


def _strips_of(each: Strips, title: str) -> Images:
    """The strips of one title; (F, S, H, W, C)."""
    images: Images = each.images_NSHWC[np.array(each.titles) == title]
    return images


def _side_by_side(strips_FSHWC: Images) -> Images:
    rows = [grid(strip, len(strip)) for strip in enlarge(strips_FSHWC)]
    return grid(np.stack(rows), len(rows), gap=BETWEEN)


def _middles(strips_FSHWC: Images) -> list[int]:
    """The middle of each image in the result of `_side_by_side`, in pixels from the left."""
    n, steps, _, width, _ = enlarge(strips_FSHWC).shape
    strip = steps * (width + GAP) - GAP + BETWEEN
    return [place * strip + step * (width + GAP) + width // 2 for place in range(n) for step in range(steps)]


def _stack(blocks: Sequence[Block], order: Sequence[str]) -> Figure:
    """Blocks below each other, in one column or two."""
    labels = {model: wrap_label(model, LABEL_WIDTH) for model in order if any(model in b.sheets for b in blocks)}
    before = MARGIN + widest(labels.values()) + SPACE
    wide = max(sheet.shape[1] for block in blocks for sheet in block.sheets.values())
    width = before + BAR + SPACE + max(wide, widest((one_line(block.title) for block in blocks), weight="bold"))
    columns = 1 if len(blocks) <= TALL else 2
    lines = [blocks[i : i + columns] for i in range(0, len(blocks), columns)]
    heights = [max(map(_height, line)) + SPACE for line in lines]
    canvas = Canvas(columns * width + MARGIN, 2 * MARGIN + sum(heights) - 2 * SPACE)
    tops = MARGIN + np.cumsum([0, *heights[:-1]])
    for line, top in zip(lines, tops.tolist(), strict=True):
        for column, block in enumerate(line):
            left = column * width + before
            _head(canvas, block, left + BAR + SPACE, top)
            _sheets(canvas, block.sheets, labels, colours(order), left, top + HEAD)
    return canvas.figure


def _height(block: Block) -> int:
    return HEAD + sum(len(sheet) + SPACE for sheet in block.sheets.values())


def _head(canvas: Canvas, block: Block, left: int, top: int) -> None:
    """The title, and below it the steps."""
    canvas.text(one_line(block.title), left, top, weight="bold")
    for middle, step in block.steps.items():
        canvas.text(step, left + middle, top + LINE, ha="center", size=SMALL, colour=MUTED)


def _sheets(
    canvas: Canvas,
    sheets: Mapping[str, Images],
    labels: Mapping[str, str],
    colour: Mapping[str, str],
    left: int,
    top: int,
) -> None:
    for model, sheet in sheets.items():
        canvas.text(labels[model], left - SPACE, top + len(sheet) // 2, ha="right", va="center")
        canvas.marked_image(sheet, colour[model], left, top)
        top += len(sheet) + SPACE
