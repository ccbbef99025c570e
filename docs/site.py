"""What `make docs` does beyond MkDocs: pages from outside of docs/, the API reference, links to code, formulas.

MkDocs calls the functions whose names start with `on_`. Links in the Markdown files lead to files of the repository,
so that they work wherever the files are read. Here they become links of the site: to the page made from a file, or to
the entry of a module in the API reference. Where the site has neither, only the text of the link is left.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vaegan_bench"

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "plugins/README.md": "plugins/index.md",
    "results/README.md": "results/index.md",
    "results/*/README.md": "results/{folder}.md",
    "plugins/*/README.md": "plugins/{folder}.md",
}
"""Markdown files outside of docs/, by pattern, with their pages in the site."""

IMPORTED = {
    "python": ("vaegan_bench", "vaegan_bench", ["Results", "load", "load_model", "run"]),
    "trained": ("Trained models", "vaegan_bench.training.trained_model", ["TrainedModel"]),
    "api": ("vaegan_bench.api", "vaegan_bench.api", None),
    "testing": ("vaegan_bench.testing", "vaegan_bench.testing", None),
}
"""Pages of the API reference about what users import: title, module, and names where not all of them are meant."""

ROOMS = ("models", "losses", "networks", "optimizers", "schedules", "datasets", "metrics", "extractors")
"""Rooms of contestants: each has a page with an entry for each module that defines a plugin."""

DEFINES_A_PLUGIN = re.compile(
    r"^@dataclass\(frozen=True, kw_only=True\)\nclass .*?^    name = ", re.MULTILINE | re.DOTALL
)
CODE = r"^(?:```|~~~).*?^(?:```|~~~)$|``[^\n]*?``|`[^`\n]*`"
LINK = re.compile(
    rf"(?P<code>{CODE})|(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)", re.MULTILINE | re.DOTALL
)
MATHS = re.compile(
    rf"(?P<code>{CODE})|\$\$(?P<block>.+?)\$\$|(?<![\\$\w])\$(?P<inline>[^\s$](?:[^$\n]*[^\s$])?)\$(?!\w)",
    re.MULTILINE | re.DOTALL,
)
FUNCTION_WITHOUT_PARENTHESIS = re.compile(r"(<mi>(?:log|exp|tanh|max|min)</mi>)(?!<mo[^>]*>[(])")
FROM_THE_NETWORK = re.compile(
    r"<(?:script|link|img|iframe|source|video|audio)\b[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*"
)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#", re.IGNORECASE)
TOKEN = "formula{}of{}"

pages: dict[str, str] = {}
"""The site's page of each Markdown file and image of the repository."""

modules: dict[str, str] = {}
"""The name of each module of the API reference, by its file."""

formulas: dict[str, str] = {}
"""MathML by the token that stands for it while a page is still Markdown."""


def on_files(files: Files, config: Any) -> Files:
    """Add pages from outside of docs/, the images that they show, and the pages of the API reference."""
    pages.clear()
    pages.update({f"docs/{file.src_uri}": file.src_uri for file in files})
    for path, page in outside():
        pages[path] = page
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    for image in sorted(set(images()) - set(pages)):
        pages[image] = image
        files.append(File.generated(config, image, abs_src_path=str(ROOT / image)))
    for page, text in reference():
        files.append(File.generated(config, f"reference/{page}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to pages of the site, and set formulas aside."""
    sources = {uri: path for path, uri in pages.items()}
    source = sources.get(page.file.src_uri)
    if source is None:
        return markdown
    linked = LINK.sub(lambda found: link(found, source, page.file.src_uri), markdown)
    return MATHS.sub(lambda found: set_aside(found, page.file.src_uri), linked)


def on_page_content(html: str, **_: Any) -> str:
    """Put formulas in as MathML, which browsers draw without a script."""
    return re.sub(TOKEN.format(r"\d+", r"[0-9a-f]+"), lambda found: formulas[found[0]], html)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Refuse a page that loads anything from the network."""
    if loaded := FROM_THE_NETWORK.search(output):
        raise PluginError(f"{page.file.src_uri} loads something from the network: {loaded[0]}")
    return output


def outside() -> Iterator[tuple[str, str]]:
    """Files outside of docs/ that become pages."""
    for pattern, page in PAGES.items():
        for path in sorted(ROOT.glob(pattern)):
            yield path.relative_to(ROOT).as_posix(), page.format(folder=path.parent.name)


def images() -> Iterator[str]:
    """Images of the repository that pages show."""
    for path in [path for path in pages if path.endswith(".md")]:
        for found in LINK.finditer((ROOT / path).read_text("utf-8")):
            if found["image"] and not ELSEWHERE.match(found["target"]):
                yield posixpath.normpath(posixpath.join(posixpath.dirname(path), found["target"]))


def reference() -> Iterator[tuple[str, str]]:
    """Pages of the API reference, in the notation of mkdocstrings."""
    for page, (title, module, names) in IMPORTED.items():
        chosen = f"        members: [{', '.join(names)}]\n" if names else ""
        options = f"    options:\n        show_root_heading: false\n        show_root_toc_entry: false\n{chosen}"
        yield page, f"# {title}\n\n::: {module}\n{options}"
    for room in ROOMS:
        entries = [f"::: {name}\n    options:\n        show_root_full_path: true\n" for name in contestants(room)]
        yield room, "\n".join([f"# {room.capitalize()}", "", *entries])


def contestants(room: str) -> Iterator[str]:
    """Names of the modules of a room that define a plugin."""
    (folder,) = [path for path in PACKAGE.rglob(room) if path.is_dir()]
    for path in sorted(folder.rglob("*.py")):
        others = set(path.relative_to(folder).parts) & set(ROOMS)
        if not others and DEFINES_A_PLUGIN.search(path.read_text("utf-8")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            modules[path.relative_to(ROOT).as_posix()] = name
            yield name


def link(found: re.Match[str], source: str, page: str) -> str:
    """A link of the site instead of a link of the repository."""
    if found["code"] or ELSEWHERE.match(found["target"]):
        return found[0]
    target, _, anchor = found["target"].partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if path in pages:
        relative = posixpath.relpath(pages[path], posixpath.dirname(page) or ".")
        return f"{found['image']}[{found['text']}]({relative}{'#' if anchor else ''}{anchor})"
    if path in modules:
        return f"[{found['text']}][{modules[path]}]"
    if found["image"] or not (ROOT / path).exists():
        raise PluginError(f"{source} links to {path}, which is not there.")
    return found["text"]


def set_aside(found: re.Match[str], page: str) -> str:
    """A token instead of a formula, so that Markdown does not read its underscores and backslashes."""
    if found["code"]:
        return found[0]
    block = found["block"] is not None
    token = TOKEN.format(len(formulas), page.encode().hex())
    formulas[token] = mathml((found["block"] or found["inline"]).strip(), "block" if block else "inline")
    return token


def mathml(latex: str, display: str) -> str:
    """A formula as MathML, with a thin space after functions as in log x."""
    return FUNCTION_WITHOUT_PARENTHESIS.sub(r'\1<mspace width="0.17em"/>', convert(latex, display=display))
