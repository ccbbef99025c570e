"""The command line within this process: what it prints and how it exits, without importing torch anew each time."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from vaegan_bench.cli import main


class Ran(NamedTuple):
    """A command that has come to its end."""

    returncode: int
    stdout: str
    stderr: str


def bench(*arguments: str | Path, cwd: Path | None = None, width: int = 160) -> Ran:
    """`vaegan-bench ARGUMENTS`, as a terminal so wide would show it; with one worker unless others are given."""
    if arguments and arguments[0] in ("run", "reproduce") and {"--workers", "--engine"}.isdisjoint(arguments):
        arguments = (*arguments, "--workers", "1")
    stdout, stderr = io.StringIO(), io.StringIO()
    environment = {"COLUMNS": str(width), "NO_COLOR": "1", "TERM": "dumb"}
    with (
        mock.patch.object(sys, "argv", ["vaegan-bench", *map(str, arguments)]),
        mock.patch.dict(os.environ, environment),
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    return Ran(code, stdout.getvalue(), stderr.getvalue())
