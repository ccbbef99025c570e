"""The study's figures as SVG elements of the page, with their text as text instead of outlines."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from vaegan_bench.report.exhibits import Drawing
from vaegan_bench.system.errors import FAILURES, reason_of


@dataclass(frozen=True)
class Drawn:
    """One figure, or the reason why it could not be drawn."""

    name: str
    svg: Markup
    problem: str


def drawn_figures(drawings: Mapping[str, Drawing]) -> Iterator[Drawn]:
    """Every figure; where one cannot be drawn, its reason, and the others are still drawn."""
    for name, draw in drawings.items():
        try:
            yield Drawn(name, as_svg(draw(), name), "")
        except FAILURES as error:
            yield Drawn(name, Markup(), reason_of(error))


def as_svg(figure: Figure, name: str) -> Markup:
    """The figure as an element of a page; its ids begin with `name`, so that no two figures share one."""
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    element = text[text.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r' id="image\w+"', "", element)  # equal images share an id, to which nothing refers
    element = re.sub(r'\bid="', f'id="{name}-', element)
    element = re.sub(r"url\(#", f"url(#{name}-", element)
    element = re.sub(r'href="#', f'href="#{name}-', element)
    label = f'<svg role="img" aria-label="figure: {name}" class="figure" '
    return Markup(element.replace("<svg ", label, 1))
