"""One number at each place along an axis, such as a frequency: a line per model beside a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vaegan_bench.report.plots.legend import legend_above
from vaegan_bench.report.plots.style import INK, blank, colours, dashes, in_order, nothing, styled
from vaegan_bench.system.exhibits import Profile

WIDTH, HEIGHT = 4.4, 2.4
"""Inches of the panel with its labels."""


@styled
def profiles(by_model: Mapping[str, Profile], models: Sequence[str] = ()) -> Figure:
    """The numbers of each model along the axis, one line per model, and a dotted line at the reference.

    `models` fixes the order of lines and colours; by default that of `by_model`. Raises `ValueError` unless all models
    have the same places and the same reference.
    """
    shown = in_order(by_model, models)
    if not shown:
        return nothing("No model has such a profile.")
    if len({(each.places, each.reference) for each in shown.values()}) > 1:
        raise ValueError("the profiles of the models do not have the same places and reference")
    about = next(iter(shown.values()))
    figure = blank(WIDTH, HEIGHT)
    ax = figure.subplots()
    reference = ax.axhline(about.reference, color=INK, linewidth=0.9, linestyle=":", label=about.reference_name)
    lines = [_line(ax, model, profile, [*models, *by_model]) for model, profile in shown.items()]
    ax.set(xlabel=about.axis, ylabel=f"{about.quantity} ({about.units})")
    ax.margins(x=0)
    legend_above(figure, [*lines, reference])
    return figure


def _line(ax: Axes, model: str, profile: Profile, models: Sequence[str]) -> Line2D:
    [line] = ax.plot(
        profile.places,
        profile.values_X,
        color=colours(models)[model],
        dashes=dashes(models)[model] or (None, None),
        linewidth=1.4,
        marker="o" if len(profile.places) == 1 else "",  # one point makes no line
        clip_on=False,
        label=model,
    )
    return line
