"""Write the parts of pages that are made from the code: `python docs/generate.py`.

These are docs/cli.md, docs/contestants.md and the tables of docs/metrics.md. Every registered metric is measured on
small worlds with known answers, those of its tests, so that names, directions and units are those that users see.
A test fails when a page differs from the code.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import typer

from vaegan_bench.api import Measurement, Metric, Plugin, Posterior, Tokens
from vaegan_bench.api.plugin import default_of, fields_of, selector_text
from vaegan_bench.cli.app import app
from vaegan_bench.cli.list import GROUPS
from vaegan_bench.metrics.attributes.similarity import AttributeSimilarity
from vaegan_bench.registry.discovery import summary_line
from vaegan_bench.registry.plugins import BUILT_IN, Registry
from vaegan_bench.study.study import Study, as_plain
from vaegan_bench.testing.worlds import Signs, StandInNetwork, data_of, gaussian_around

DOCS = Path(__file__).parent

WIDTH = 100
"""Characters in a line of prose."""

KINDS = {
    "Models": ("model",),
    "Losses": GROUPS["losses"],
    "Networks": ("networks",),
    "Optimizers, schedules and adaptive weights": ("optimizer", "schedule", "adaptive weight"),
    "Data sets": ("dataset",),
    "Metrics": ("metric",),
    "Extractors": ("extractor",),
    "Samplers": ("sampler",),
    "Engines": ("engine",),
}
"""The sections of docs/contestants.md, and the kinds of plugin in each."""

CITATION = re.compile(
    r" ?\((?P<cited>[^()\d]*[^()\W\d][^()\d]*,? \d{4}[^()]*)\)"
    r"|(?P<author>[A-Z]\S+(?: et al\.)?) \((?P<place>\d{4}[^()]*)\)"
)
"""A paper in a docstring: "(Kingma & Ba, 2015, algorithm 1)", or "Larsen et al. (2016, table 1)"."""


def generated(page: Path) -> str:
    """A page's text with its generated parts as the code makes them now."""
    text = page.read_text("utf-8")
    for name, lines in parts_of(page.name).items():
        begin, end = f"<!-- generated: {name} -->", "<!-- end -->"
        body = "\n".join([begin, "", *lines, "", end])
        text, found = re.subn(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _, body=body: body, text, flags=re.S)
        if found != 1:
            raise SystemExit(f"{page} must have exactly one part '{begin}'.")
    return text


def parts_of(page: str) -> Mapping[str, Iterator[str]]:
    """The parts of a page that are made from the code, by name."""
    metrics = built_in(Metric.kind)
    return {
        "metrics.md": {"metrics": metric_table(metrics), "rows": row_table(metrics)},
        "cli.md": {"keys": study_keys(), "commands": commands()},
        "contestants.md": {"contestants": contestants()},
    }[page]


PAGES = ("metrics.md", "cli.md", "contestants.md")


def built_in(kind: str) -> list[Any]:
    """The plugins of a kind that come with vaegan-bench."""
    return [entry.plugin for entry in Registry([]).of_kind(kind).values() if entry.origin == BUILT_IN]


def contestants() -> Iterator[str]:
    """Every built-in plugin by kind: name with a link to its file, first sentence, paper, fields with defaults."""
    for section, kinds in KINDS.items():
        yield from (f"## {section}", "")
        for kind in kinds:
            if len(kinds) > 1:
                yield from (f"### {kind.capitalize()}", "")
            yield from head("name", "what it is", "paper", "fields and defaults")
            yield from map(contestant, built_in(kind))
            yield ""


def contestant(plugin: type[Plugin]) -> str:
    """One line about a plugin."""
    papers = dict.fromkeys(map(cited, CITATION.finditer(" ".join((plugin.__doc__ or "").split()))))
    about = CITATION.sub(lambda found: "" if found["cited"] else found[0], summary_line(plugin))
    name = f"[`{plugin.name}`](../{plugin.__module__.replace('.', '/')}.py)"
    return line(name, about, "; ".join(papers), fields(plugin))


def cited(found: re.Match[str]) -> str:
    """A paper that a docstring cites, by its authors and its year."""
    return found["cited"] or f"{found['author']}, {found['place']}"


def fields(plugin: type[Plugin]) -> str:
    """A plugin's fields with their defaults, as selectors write them."""
    return ", ".join(f"`{field.name}={selector_text(default_of(field))}`" for field in fields_of(plugin))


def commands() -> Iterator[str]:
    """Every command: what it does, its arguments and options with their defaults, its examples."""
    for name, command in flattened(typer.main.get_command(app)):
        about, _, examples = inspect.cleandoc(command.help or "").partition("\n\n")
        yield f"## {name}"
        yield ""
        for paragraph in [about, *f"{examples}\n\n{inspect.cleandoc(command.epilog or '')}".split("\n\n")]:
            yield from wrap(paragraph)
        yield from head("argument or option", "what it is", "default")
        yield from map(parameter, command.params)
        yield ""


def wrap(paragraph: str) -> Iterator[str]:
    """A paragraph filled to the width of the pages, and an empty line; indented lines are code and stay as they are."""
    if paragraph.startswith("    "):
        yield from (*paragraph.splitlines(), "")
    elif paragraph:
        whole = re.sub(r"`[^`]*`", lambda code: code[0].replace(" ", "\0"), paragraph)
        filled = textwrap.wrap(whole, WIDTH, break_on_hyphens=False, break_long_words=False)
        yield from (*(line.replace("\0", " ") for line in filled), "")


def flattened(group: Any) -> Iterator[tuple[str, Any]]:
    """Commands with their full names: 'run', 'data prepare'."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from ((f"{name} {inner}", found) for inner, found in flattened(command))
        else:
            yield name, command


def parameter(declared: Any) -> str:
    """One argument or option."""
    names = declared.opts if declared.param_type_name == "option" else [str(declared.name).upper()]
    is_plain = declared.default is None or declared.default is False or declared.default == ()
    default = "" if is_plain or callable(declared.default) else f"`{declared.default}`"
    required = "required" if declared.required else default
    return line(" ".join(f"`{name}`" for name in names), getattr(declared, "help", None) or "", required)


def metric_table(metrics: Iterable[type[Metric]]) -> Iterator[str]:
    """What `--metrics` takes: names, first sentences, fields with defaults."""
    yield from head("metric", "what it is", "fields")
    for metric in metrics:
        yield line(f"`{metric.name}`", summary_line(metric), fields(metric))


def row_table(metrics: Iterable[type[Metric]]) -> Iterator[str]:
    """What comes out: one line per name of a number."""
    yield from head("number", "metric", "better", "units", "headline", "of each attribute", "ceiling, floor")
    for metric in metrics:
        rows = metric()(world_of(metric))
        if not rows:
            raise ValueError(f"{metric.name} has no numbers in its world: give the world what it measures")
        for name in dict.fromkeys(row.metric for row in rows):
            same = [row for row in rows if row.metric == name]
            better = "—" if same[0].direction == "none" else same[0].direction
            yield line(f"`{name}`", f"`{metric.name}`", better, same[0].units, leads(metric, name), *marks(same))


def leads(metric: type[Metric], name: str) -> str:
    """What a number that is printed first measures, in the words of a reader."""
    return metric.headline.get(name.partition("[")[0], "")


def marks(rows: list[Measurement]) -> Iterator[str]:
    """What the rows of one name have beside their value."""
    yield "yes" if any(row.attribute for row in rows) else ""
    bounds = [bound for bound in ("ceiling", "floor") if any(getattr(row, bound) is not None for row in rows)]
    yield ", ".join(bounds)


def world_of(metric: type[Metric]) -> Any:
    """Outputs on which the metric has all of its rows: codes that are attributes, or noise that was blurred."""
    signs = Signs().outputs()
    if metric.family == "attributes":
        return replace(signs, conditional=metric is AttributeSimilarity)
    if metric.family == "latent":
        posterior = Posterior(signs.means, torch.zeros_like(signs.means))
        named = replace(signs.opened, name="…")
        tokens = Tokens(torch.tensor([[0, 1], [1, 3]]), 4)
        return replace(
            signs, posterior=posterior, likelihood=gaussian_around(signs.decode), opened=named, tokens=tokens
        )
    noise = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (120, 1, 16, 16), generator=noise, dtype=torch.uint8)
    network = StandInNetwork(lambda x: x[:, 0, 0, :4], lambda x: x[:, 0, 0, :4], name="…")
    return replace(
        signs, data=data_of(images), real=images, samples=images.flip(3), reconstructions=images // 2, opened=network,
        train_posterior=Posterior(signs.train_means, torch.zeros_like(signs.train_means)),
    )  # fmt: skip


def study_keys() -> Iterator[str]:
    """The keys of a study, with their defaults and their docstrings."""
    yield from head("key", "what it is", "default")
    (written,) = ast.parse(inspect.getsource(Study)).body
    assert isinstance(written, ast.ClassDef)
    documented = {
        field.target.id: " ".join(about.value.value.split())
        for field, about in pairwise(written.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        and isinstance(about, ast.Expr) and isinstance(about.value, ast.Constant)
    }  # fmt: skip
    for key, value in as_plain(Study()).items():
        yield line(f"`{key}`", documented[key], f"`{json.dumps(value, ensure_ascii=False)}`")


def head(*cells: str) -> list[str]:
    """The first two lines of a table."""
    return [line(*cells), f"|{' --- |' * len(cells)}"]


def line(*cells: str) -> str:
    """One line of a table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    for page in PAGES:
        (DOCS / page).write_text(generated(DOCS / page), "utf-8")
