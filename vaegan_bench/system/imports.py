"""What a source file imports, read from its syntax: nothing is run, and imports inside functions count."""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass

BY_NAME = ("import_module", "__import__")
"""Functions that import a module by a name given as an argument."""
UNFOLLOWED = (
    "exec", "eval", "run_path", "run_module", "spec_from_file_location", "SourceFileLoader", "CDLL", "load_library",
    "load_inline", "import_module", "__import__",
)  # fmt: skip
"""Functions that run code which the syntax does not name; those in `BY_NAME` count only if the name is computed."""


@dataclass(frozen=True)
class Imports:
    """What one source file imports."""

    modules: frozenset[str]
    """Absolute names; `from a import b` is 'a.b', whether b is a module or not."""
    unfollowed: tuple[str, ...]
    """Calls that run code which cannot be known without running the file: 'line 12: exec'."""


def imports_of(source: bytes, package: str) -> Imports:
    """The imports of a module in `package` ('' for a module of its own); none where the source is not Python."""
    try:
        tree = ast.parse(source)
        reader = _Reader(package)
        reader.visit(tree)
    except (SyntaxError, ValueError, RecursionError):
        return Imports(frozenset(), ())
    return Imports(frozenset(reader.modules), tuple(reader.unfollowed))


class _Reader(ast.NodeVisitor):
    def __init__(self, package: str) -> None:
        self.package = package
        self.modules: set[str] = set()
        self.unfollowed: list[str] = []
        self.renamed: dict[str, str] = {}
        """Name in this file → original name, for everything imported under another name with `as`."""

    def visit_Import(self, node: ast.Import) -> None:
        self.modules |= {alias.name for alias in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.renamed |= {alias.asname: alias.name for alias in node.names if alias.asname}
        whole = self._absolute("." * node.level + (node.module or ""))
        if whole:
            self.modules |= {whole if alias.name == "*" else f"{whole}.{alias.name}" for alias in node.names}

    def visit_If(self, node: ast.If) -> None:
        is_name = isinstance(node.test, ast.Name | ast.Attribute)
        if is_name and ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING":
            for branch in node.orelse:
                self.visit(branch)
        else:
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        name = self._callee(node.func)
        if name in BY_NAME and node.args and isinstance(node.args[0], ast.Constant):
            self.modules.add(self._absolute(str(node.args[0].value)))
        elif name in UNFOLLOWED:
            self.unfollowed.append(f"line {node.lineno}: {name}")

    def _callee(self, function: ast.expr) -> str:
        """The last part of a function's name; '' without a name, or for a method `exec` or `eval`, as networks have."""
        if isinstance(function, ast.Attribute):
            return "" if function.attr in ("exec", "eval") else function.attr
        return self.renamed.get(function.id, function.id) if isinstance(function, ast.Name) else ""

    def _absolute(self, name: str) -> str:
        try:
            return importlib.util.resolve_name(name, self.package)
        except ImportError:  # a relative import beyond the package, which would fail when it is run
            return ""
