"""Faces moved along attribute vectors, and samples above what they may have been copied from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from vaegan_bench.report.plots.canvas import BAR, LINE, MARGIN, SPACE, Canvas, Images, enlarged, widest
from vaegan_bench.report.plots.sheets import GAP, grid
from vaegan_bench.report.plots.style import LABEL_WIDTH, MUTED, colours, nothing, styled
from vaegan_bench.report.tables import wrapped
from vaegan_bench.system.errors import one_line

FACES = 16
"""Pixels between the strips of two faces."""
HEAD = 2 * LINE + SPACE // 2
"""Pixels of a block's heading and of the line of alphas below it."""
ROWS = ("sample", "nearest in\ntraining")
"""What stands beside the two rows of a model in the nearest sheet."""
SMALL = 7
"""Points of the text that explains columns and rows."""
TALL = 6
"""Attributes below each other, at most; more stand in two columns."""


class Block(NamedTuple):
    """What is drawn of one attribute."""

    attribute: str
    sheets: dict[str, Images]
    """Each model's faces as one image, their strips side by side."""
    alphas: dict[int, float]
    """Pixels from the left side of the images to the middle of a column → how far its faces were moved."""


@styled
def attribute_strips(
    strips: Mapping[str, Mapping[str, Images]], alphas: Sequence[float], models: Sequence[str] = ()
) -> Figure:
    """A block per attribute, in it a line per model: faces side by side, each moved along the attribute's vector.

    Many blocks stand in two columns.

    `strips` is attribute → model → uint8 (F, S, H, W, C): F faces in S steps, one for each of `alphas`.
    `models` fixes the order of lines and colours; by default the order of first appearance.
    Raises `ValueError` where there are not as many steps as alphas.
    """
    order = list(dict.fromkeys([*models, *(model for by_model in strips.values() for model in by_model)]))
    blocks = [_block(attribute, by_model, alphas, order) for attribute, by_model in strips.items() if by_model]
    return _stacked(blocks, order) if blocks else nothing("No attribute vector was drawn.")


def _block(attribute: str, by_model: Mapping[str, Images], alphas: Sequence[float], order: Sequence[str]) -> Block:
    most = max(by_model.values(), key=len)
    middles = zip(_middles(most), [*alphas] * len(most), strict=True)
    return Block(
        attribute, {model: _side_by_side(by_model[model]) for model in order if model in by_model}, dict(middles)
    )


def _side_by_side(faces_FSHWC: Images) -> Images:
    strips = [grid(strip, len(strip)) for strip in enlarged(faces_FSHWC)]
    return grid(np.stack(strips), len(strips), gap=FACES)


def _middles(faces_FSHWC: Images) -> list[int]:
    """Where the middle of each image comes to lie in `_side_by_side`, in pixels from the left."""
    faces, steps, _, width, _ = enlarged(faces_FSHWC).shape
    strip = steps * (width + GAP) - GAP + FACES
    return [face * strip + step * (width + GAP) + width // 2 for face in range(faces) for step in range(steps)]


def _stacked(blocks: Sequence[Block], order: Sequence[str]) -> Figure:
    """Blocks below each other, in one column or two."""
    labels = {model: wrapped(model, LABEL_WIDTH) for model in order if any(model in b.sheets for b in blocks)}
    before = MARGIN + widest(labels.values()) + SPACE
    width = before + BAR + SPACE + max(sheet.shape[1] for block in blocks for sheet in block.sheets.values())
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
    """The attribute, and below it the alphas, which are named once."""
    canvas.text(one_line(block.attribute), left, top, weight="bold")
    for i, (middle, alpha) in enumerate(block.alphas.items()):
        text = f"{alpha:g}".replace("-", "−")
        canvas.text(text if i else f"α = {text}", left + middle, top + LINE, ha="center", size=SMALL, colour=MUTED)


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
        canvas.marked(sheet, colour[model], left, top)
        top += len(sheet) + SPACE


@styled
def nearest_sheet(pairs: Mapping[str, Images], columns: int = 12, models: Sequence[str] = ()) -> Figure:
    """Samples of each model, and below each the nearest training image; model → uint8 (K, 2, H, W, C).

    At most `columns` pairs are shown. `models` fixes the order of lines and colours; by default that of `pairs`.
    """
    order = list(dict.fromkeys([*models, *pairs]))
    sheets = {model: _paired(pairs[model][:columns]) for model in order if model in pairs}
    if not sheets:
        return nothing("No samples.")
    labels = {model: wrapped(model, LABEL_WIDTH) for model in sheets}
    beside = MARGIN + widest(labels.values())
    left = beside + 2 * SPACE + widest(ROWS, SMALL) + SPACE
    height, width = np.max([sheet.shape[:2] for sheet in sheets.values()], axis=0).tolist()
    canvas = Canvas(left + BAR + SPACE + width + MARGIN, 2 * MARGIN + len(sheets) * (height + FACES) - FACES)
    for i, (model, sheet) in enumerate(sheets.items()):
        top = MARGIN + i * (height + FACES)
        canvas.text(labels[model], beside, top + height // 2, ha="right", va="center")
        _rows(canvas, left - SPACE, top, height)
        canvas.marked(sheet, colours(order)[model], left, top)
    return canvas.figure


def _paired(pairs_K2HWC: Images) -> Images:
    """The first of all pairs in one row, the second below."""
    return grid(np.concatenate(enlarged(pairs_K2HWC).swapaxes(0, 1)), len(pairs_K2HWC))


def _rows(canvas: Canvas, right: int, top: int, height: int) -> None:
    """What each of the two rows is, beside its middle."""
    for row, text in enumerate(ROWS):
        middle = top + (2 * row + 1) * height // 4
        canvas.text(text, right, middle, ha="right", va="center", size=SMALL, colour=MUTED)
