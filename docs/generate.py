"""Write the parts of docs/metrics.md that are made from the code: `python docs/generate.py`.

Every registered metric is measured on small worlds with known answers, those of its tests, so that names, directions
and units are those that users see. A test holds the page to it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from vaegan_bench.api import Measurement, Metric, Posterior
from vaegan_bench.api.plugin import default_of, fields_of, written
from vaegan_bench.registry import Registry, summary_line

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

from worlds import Signs, StandInNetwork, data_of  # noqa: E402  # where tests keep them

PAGE = ROOT / "docs" / "metrics.md"


def generated(page: str) -> str:
    """The page with its generated parts as the code makes them now."""
    metrics = [entry.plugin for entry in Registry([]).of_kind(Metric.kind).values()]
    for name, lines in {"metrics": metric_table(metrics), "rows": row_table(metrics)}.items():
        begin, end = f"<!-- generated: {name} -->", "<!-- end -->"
        body = "\n".join([begin, "", *lines, "", end])
        page, found = re.subn(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _, body=body: body, page, flags=re.S)
        if found != 1:
            raise SystemExit(f"{PAGE} must have exactly one part '{begin}'.")
    return page


def metric_table(metrics: list[type[Metric]]) -> Iterator[str]:
    """What `--metrics` takes: names, first sentences, fields with defaults."""
    yield from head("metric", "what it is", "fields")
    for metric in metrics:
        fields = ", ".join(f"`{f.name}={written(default_of(f))}`" for f in fields_of(metric))
        yield line(f"`{metric.name}`", summary_line(metric), fields)


def row_table(metrics: list[type[Metric]]) -> Iterator[str]:
    """What comes out: one line per name of a number."""
    yield from head("number", "metric", "better", "units", "of each attribute", "ceiling, floor")
    for metric in metrics:
        rows = metric()(world_of(metric))
        for name in dict.fromkeys(row.metric for row in rows):
            same = [row for row in rows if row.metric == name]
            better = "—" if same[0].direction == "none" else same[0].direction
            yield line(f"`{name}`", f"`{metric.name}`", better, same[0].units, *marks(same))


def marks(rows: list[Measurement]) -> Iterator[str]:
    """What the rows of one name have beside their value."""
    yield "yes" if any(row.attribute for row in rows) else ""
    bounds = [bound for bound in ("ceiling", "floor") if any(getattr(row, bound) is not None for row in rows)]
    yield ", ".join(bounds)


def world_of(metric: type[Metric]) -> Any:
    """Outputs on which the metric has all of its rows: codes that are attributes, or noise that was blurred."""
    signs = Signs().outputs()
    if metric.family == "attributes":
        return signs
    if metric.family == "latent":
        return replace(signs, posterior=Posterior(signs.means, torch.zeros_like(signs.means)))
    noise = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (120, 1, 16, 16), generator=noise, dtype=torch.uint8)
    network = StandInNetwork(lambda x: x[:, 0, 0, :4], lambda x: x[:, 0, 0, :4], name="…")
    return replace(
        signs, data=data_of(images), real=images, samples=images.flip(3), reconstructions=images // 2, opened=network
    )


def head(*cells: str) -> list[str]:
    """The first two lines of a table."""
    return [line(*cells), f"|{' --- |' * len(cells)}"]


def line(*cells: str) -> str:
    """One line of a table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    PAGE.write_text(generated(PAGE.read_text("utf-8")), "utf-8")
