"""Results are read, and help is shown, in a process in which torch cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[2] / "results" / "reference-quick"
WITHOUT_TORCH = """
import sys

class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError(f"{name} was imported")

sys.meta_path.insert(0, Refusal())
"""
TABLE = """
import vaegan_bench as vb

table = vb.load(sys.argv[1]).table()
print(*table.index.get_level_values("model"))
"""
COMMAND = """
from vaegan_bench.cli import main

main()
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WITHOUT_TORCH + code, *arguments], capture_output=True, text=True)


def test_torch_cannot_be_imported_in_these_processes() -> None:
    assert "torch was imported" in run("import torch").stderr


def test_results_are_loaded() -> None:
    done = run(TABLE, str(REFERENCE))
    assert done.stdout.split() == ["vae", "gan", "vaegan", "vaegan-pixel"], done.stderr


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("table", str(REFERENCE)), "psnr"),
        (("compare", "vaegan", "vae", "--study", str(REFERENCE)), "verdict"),
        (("--help",), "reproduce"),
        (("run", "--help"), "--term-weights"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_commands_that_read_need_no_torch(arguments: tuple[str, ...], shown: str) -> None:
    done = run(COMMAND, *arguments)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
