"""Pages of documentation as tests read them: their files, their commands, and what they show of the output."""

from __future__ import annotations

import inspect
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType

import pytest
from shell import bench

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
DECIMAL_NUMBER = re.compile(r"[-+]?\d[\d,]*\.\d+(?:e[-+]\d+)?")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file that it is saved as, and its text."""

    language: str
    file: str
    text: str


def text(page: str) -> str:
    """A page."""
    return (DOCS / page).read_text("utf-8")


def blocks(page: str) -> list[Block]:
    """All fenced blocks of a page, in order."""
    return [Block(*found) for found in BLOCK.findall(text(page))]


def section(page: str, heading: str) -> str:
    """What stands below a heading of the second level."""
    (found,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text(page), flags=re.MULTILINE | re.DOTALL)
    return str(found)


def column(markdown: str, number: int) -> list[str]:
    """One column of all tables in a piece of a page, without their heads."""
    rows = [line.strip("|").split(" | ") for line in markdown.splitlines() if line.startswith("|")]
    rules = [i for i, row in enumerate(rows) if set(row[0].strip()) == {"-"}]
    body = [row for i, row in enumerate(rows) if i not in rules and i + 1 not in rules]
    return [row[number].strip().replace("\\", "") for row in body]


@dataclass(frozen=True)
class Example:
    """Commands of one block, as the page has them, with what they did."""

    commands: tuple[str, ...]
    shown: str
    """The output in the page; '' where it shows none."""
    output: str
    code: int
    """The exit code of the last command."""

    def __str__(self) -> str:
        return self.commands[-1][:60]

    @property
    def expected_code(self) -> int:
        """What the page makes a reader expect: errors are 2, broken contracts 1."""
        return 2 if self.shown.startswith("Error:") else 1 if "breaks the contract" in self.shown else 0

    def missing(self) -> list[str]:
        """What the page shows and the commands did not print, in this order."""
        rest, missing = loosely(self.output), []
        for wanted in filter(None, map(loosely, re.split(r"…|\n", self.shown))):
            if wanted in rest:
                rest = rest.partition(wanted)[2]
            else:
                missing.append(wanted)
        return missing


def loosely(text: str) -> str:
    """Text without line breaks and spaces that depend on widths, and without decimal numbers and hashes."""
    plain = DECIMAL_NUMBER.sub("#", text)
    return " ".join(re.sub(r"s(\d+)-[0-9a-f]{8}", r"s\1-#", plain).split())


def carry_out(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Example]:
    """Save the page's files into a folder and run its commands there, from top to bottom."""
    found = blocks(page)
    for block, following in zip(found, [*found[1:], None], strict=True):
        if block.file:
            (folder / block.file).write_text(block.text, "utf-8")
        if block.language == "sh":
            commands = tuple(block.text.replace("\\\n", "").strip().splitlines())
            shown = following.text if following and following.language == "text" else ""
            done = [run(command, folder, monkeypatch) for command in commands]
            yield Example(commands, shown, "".join(output for _, output in done), done[-1][0])


def run(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit code and output of one command; our own runs in this process, which saves importing torch each time."""
    words = shlex.split(command)
    if words[0] == "vaegan-bench":
        ran = bench(*words[1:], cwd=folder, width=100)
        return ran.returncode, ran.stdout + ran.stderr
    if words[:2] == ["pip", "install"]:
        install(folder / words[2], folder / "site", monkeypatch)
        return 0, ""
    line = re.sub(r"^python ", f"{shlex.quote(sys.executable)} ", command)
    done = subprocess.run(line, shell=True, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def install(source: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a pure package on the path with its name, version and entry points, as pip would, without a network."""
    project = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))["project"]
    metadata = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (metadata / "METADATA").write_text(head, "utf-8")
    groups = project["entry-points"].items()
    lines = [line for group, points in groups for line in (f"[{group}]", *(f"{k} = {v}" for k, v in points.items()))]
    (metadata / "entry_points.txt").write_text("\n".join(lines), "utf-8")
    monkeypatch.syspath_prepend(str(source))
    monkeypatch.syspath_prepend(str(site))


def signature(function: FunctionType) -> str:
    """A function's signature as its source has it: annotations without quotes, functions by name."""
    text = f"{function.__name__}{inspect.signature(function)}"
    return re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", text).replace("'", "")
