"""Write a new plugin as a starting point: one working file and its test, or an installable package."""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from vaegan_bench import __version__
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.system.errors import StoreError, StudyError, UnknownNameError
from vaegan_bench.system.files import make_folder, replace_file
from vaegan_bench.system.paths import user_path

KINDS = ("loss", "model", "networks", "metric", "dataset", "extractor")
"""Kinds of plugin that can be written; a loss is a reconstruction loss."""
TEST = '''"""my_plugin keeps the contract of vaegan-bench."""

from pathlib import Path

import pytest

from vaegan_bench.testing import Case, cases

PLUGIN = TARGET


@pytest.mark.parametrize("case", cases(PLUGIN), ids=str)
def test_the_contract_is_kept(case: Case) -> None:
    case()
'''
BESIDE = 'Path(__file__).with_name("my_plugin.py")'
PYPROJECT = """[build-system]
requires = ["hatchling>=1.25"]
build-backend = "hatchling.build"

[project]
name = "my-plugin"
version = "0.1.0"
description = "A plugin of vaegan-bench"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["vaegan-bench>=VERSION"]

[project.entry-points.vaegan_bench]
my-plugin = "my_plugin"

[tool.pytest.ini_options]
pythonpath = ["."]
"""
README = """# my-plugin

A plugin of [vaegan-bench](https://pypi.org/project/vaegan-bench/).

```sh
pip install .
vaegan-bench plugins             # it is there
vaegan-bench check my-plugin     # it keeps the contract
```
"""


def write_plugin(kind: str, name: str, folder: Path, *, package: bool) -> list[Path]:
    """Write the files of a new plugin into `folder`, and return their paths.

    `name` is the module's name: lower case, with single underscores. Raises `BenchError` for an unknown kind, for a
    name that is invalid or taken, and for files that are there already.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind of plugin", kind, KINDS)
    _check_name(kind, name)
    written = _package(kind, name) if package else _single_file(kind, name)
    paths = {user_path(folder / path): text for path, text in written.items()}
    if existing := [path for path in paths if path.exists()]:
        raise StoreError(f"{existing[0]} is there already: choose another name, or remove it.")
    if find_spec(name) is not None:
        raise StudyError(f"There is a Python module {name} already, which yours would hide: choose another name.")
    if (taken := name.replace("_", "-")) in {known for _, known in Registry().entries}:
        raise StudyError(f"There is a plugin {taken} already: choose another name.")
    for path, text in paths.items():
        _write(path, text)
    return list(paths)


def _check_name(kind: str, name: str) -> None:
    """Refuse a name of which no module, no plugin or no class beside the others of the template can be made."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise StudyError(f"'{name}' cannot be a module's name: use lower case and single underscores, as in my_{kind}.")
    tokens = tokenize.generate_tokens(io.StringIO(_template(kind)).readline)
    taken = {token.string for token in tokens if token.type == tokenize.NAME} - {"MyPlugin"}
    if _class_name(name) in taken.union(keyword.kwlist):
        raise StudyError(f"A class {_class_name(name)} would hide another of this name: choose a name like my_{name}.")


def _single_file(kind: str, name: str) -> dict[str, str]:
    return {f"{name}.py": _plugin(kind, name), f"test_{name}.py": _named(TEST.replace("TARGET", BESIDE), name)}


def _package(kind: str, name: str) -> dict[str, str]:
    root = name.replace("_", "-")
    test = TEST.replace("TARGET", '"my_plugin"').replace("from pathlib import Path\n\n", "")
    return {
        f"{root}/pyproject.toml": _named(PYPROJECT.replace("VERSION", __version__), name),
        f"{root}/README.md": _named(README, name),
        f"{root}/{name}/__init__.py": _plugin(kind, name),
        f"{root}/tests/test_{name}.py": _named(test, name),
    }


def _plugin(kind: str, name: str) -> str:
    return _named(_template(kind), name)


def _template(kind: str) -> str:
    return (files("vaegan_bench.testing") / "templates" / f"{kind}.py").read_text("utf-8")


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _named(text: str, name: str) -> str:
    """The text with the author's name instead of the template's."""
    dashed = text.replace("my-plugin", name.replace("_", "-"))
    return dashed.replace("my_plugin", name).replace("MyPlugin", _class_name(name))


def _write(path: Path, text: str) -> None:
    make_folder(path.parent)
    with replace_file(path) as partial:
        partial.write_text(text, "utf-8")
