"""report.html: everything that a study found, in one file that needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from vaegan_bench.report import plots, tables
from vaegan_bench.report.exhibits import Drawing
from vaegan_bench.report.figures import number_figures
from vaegan_bench.report.page.content import Content, content_of
from vaegan_bench.report.tables.attributes import MEANING
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.files import replace_file

if TYPE_CHECKING:
    from vaegan_bench.registry.plugins import Registry

HERE = Path(__file__).parent
PAGE = "report.html"
SCRIPTS = ("page.js", "curves.js", "live.js")
"""The scripts of the page, in the order in which they run."""
INTERPRETER = ("convolutions.js", "interpreter.js")
"""The scripts that run networks, in the order in which they run."""
WORKER = (*INTERPRETER, "live-worker.js")
"""The scripts of the page's worker, in the order in which they run."""
STYLES = ("page.css", "live.css")
LINE = 1.6
"""The width of a line, of which lengths of dashes are multiples."""


def write_page(folder: StudyFolder, registry: Registry, drawings: Mapping[str, Drawing] | None = None) -> Path:
    """Write the page of a study; `registry` knows the plugins of its runs, for models that run in the page.

    `drawings` are the study's figures of numbers, where they are known already. Raises `StoreError` where no run is
    finished.
    """
    path = folder.path / PAGE
    text = render(content_of(folder, registry, number_figures(folder) if drawings is None else drawings))
    with replace_file(path) as partial:
        partial.write_text(text, "utf-8")
    return path


def render(content: Content) -> str:
    """The page as text. All text from outside is escaped: by the templates, and by JSON in script elements."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "data": as_data,
        "number": tables.number,
        "breakable": breakable,
        "bound": bound,
        "coded": coded,
        "quoted": shlex.quote,
    }
    scripts = [static(name) for name in SCRIPTS]
    return environment.get_template("page.html").render(
        content=content,
        about_attributes=MEANING,
        lines=list(lines_of(content.models)),
        styles=Markup("\n".join(static(name) for name in STYLES)),
        scripts=[Markup(script) for script in scripts],
        worker=Markup("\n".join(static(name) for name in WORKER)),
        policy=policy(scripts),
    )


def lines_of(models: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The colour of each model, and its dashes for lines: once colours repeat, dashes tell models apart."""
    for colour, dash in zip(plots.colours(models).values(), plots.dashes(models).values(), strict=True):
        yield colour, " ".join(f"{LINE * part:g}" for part in dash) or "none"


def static(name: str) -> str:
    """The text of a file in the folder `static`."""
    return (HERE / "static" / name).read_text("utf-8")


def policy(scripts: Sequence[str]) -> str:
    """The content security policy: these scripts run and no others, and nothing is fetched from anywhere."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    rules = {
        "default-src": "'none'",
        "script-src": f"{allowed} blob:",
        "worker-src": "blob:",
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def breakable(label: str) -> Markup:
    """A model's label or a heading that may be wrapped after ',' and before '['."""
    text = str(escape(label))
    return Markup(text.replace(",", ",<wbr>").replace("[", "<wbr>["))


def coded(text: str) -> Markup:
    """A line of Markdown whose names between backticks are code."""
    return Markup(re.sub(r"(`+) ?(.*?) ?\1", r"<code>\2</code>", str(escape(text))))


def bound(heading: str) -> str:
    """A heading that is not wrapped before its arrow."""
    return re.sub(r" (?=[↑↓])", "\u00a0", heading)


def as_data(value: object) -> Markup:
    """JSON for a script element, in which no text can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))
